"""The list of links and the link form, by keyboard, with and without JavaScript."""

import re

import pytest
from playwright.sync_api import Page, expect

from shorty.accounts.service import Home
from tests.browser.conftest import OpenBrowser
from tests.browser.looking import PHONE, SMALL_PHONE, WIDE, assert_width
from tests.browser.site import Site
from tests.browser.watch import Watch

LIST = "/app/links"
# Copied where the browser allows it.
CREATED = re.compile("Short link (created|copied)")


@pytest.fixture
def slugs(site: Site, ann: Home) -> list[str]:
    """Of three links, the newest first. Other tests create links on the same domain."""
    slugs = [f"{name}-{ann.user.id}" for name in ("apple", "pear", "plum")]
    for slug in slugs:
        site.make_link(ann, customSlug=slug, title=slug.partition("-")[0].title())
    return slugs[::-1]


def list_shown(page: Page) -> list[str]:
    return [text.partition("/")[2] for text in page.locator(".short").all_inner_texts()]


def agree(page: Page) -> None:
    page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()


def test_a_link_is_made_with_one_box_and_enter(page: Page, site: Site, ann: Home) -> None:
    page.goto(LIST)
    page.get_by_label("Destination").fill("example.com/long")
    page.keyboard.press("Enter")
    expect(page.get_by_text(CREATED)).to_be_visible()
    link = site.call(ann, "GET", "/links")["links"][0]
    assert link["url"] == "https://example.com/long"
    # The notice stays visible, and the new link is the current one for keys.
    expect(page.get_by_text(CREATED)).to_be_in_viewport()
    page.keyboard.press("e")
    expect(page.get_by_label("Destination")).to_have_value(link["url"])


def test_the_list_follows_what_is_typed(page: Page, slugs: list[str]) -> None:
    page.goto(LIST)
    page.keyboard.press("/")
    page.keyboard.type("PLU")
    expect(page.locator(".short")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"\?q=PLU$"))
    page.reload()
    assert list_shown(page) == slugs[:1]
    page.get_by_label("Search").fill("nothing like it")
    expect(page.get_by_role("heading", name="No matches")).to_be_visible()
    page.get_by_label("Search").fill("")
    expect(page.locator(".short")).to_have_count(3)
    page.get_by_label("Order").select_option("createdAt")
    expect(page.locator(".short").first).to_contain_text(slugs[2])


def test_keys_move_select_copy_and_edit(page: Page, slugs: list[str], site: Site) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(LIST)
    for key in "jjk":
        page.keyboard.press(key)
    page.keyboard.press("c")
    expect(page.get_by_text("Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"http://{site.host}/{slugs[0]}"
    page.keyboard.press("x")
    expect(page.get_by_text("1 selected")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("1 selected")).to_be_hidden()
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    expect(page.get_by_role("textbox", name="Short link")).to_have_value(slugs[0])
    page.goto(LIST)
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="New link")).to_be_visible()


def test_many_are_tagged_and_deleted_and_come_back(
    page: Page, slugs: list[str], site: Site, ann: Home
) -> None:
    page.goto(LIST)
    boxes = page.locator(".link > input")
    boxes.nth(0).click()
    boxes.nth(2).click(modifiers=["Shift"])
    expect(page.get_by_text("3 selected")).to_be_visible()
    page.get_by_label("Tag to add or remove").fill("Fruit")
    page.get_by_role("button", name="Add tag").click()
    expect(page.get_by_text("3 links tagged.")).to_be_visible()
    assert len(page.locator(".link .tag").all()) == 3
    page.get_by_label(f"More for {site.host}/{slugs[0]}").click()
    page.get_by_text("Delete", exact=True).locator("visible=true").click()
    agree(page)
    expect(page.get_by_text("1 link deleted.")).to_be_visible()
    assert list_shown(page) == slugs[1:]
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("1 link restored.")).to_be_visible()
    boxes.nth(1).click()
    page.get_by_role("button", name="Delete").click()
    agree(page)
    expect(page.get_by_text("1 link deleted.")).to_be_visible()
    assert site.visit(slugs[1]) == 404
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("1 link restored.")).to_be_visible()
    assert site.visit(slugs[1]) == 302
    assert list_shown(page) == slugs


def test_long_names_of_tags_widen_no_page(page: Page, site: Site, ann: Home) -> None:
    tag = site.call(ann, "POST", "/tags", {"name": "W" * 50})["tag"]
    link = site.make_link(ann, customSlug="widest", tagIds=[tag["id"]])
    for path in ("/app/links", f"/app/links/{link['id']}", f"/app/links/{link['id']}/edit"):
        page.goto(path)
        for size in (SMALL_PHONE, PHONE, WIDE):
            assert_width(page, size)


def test_a_link_is_judged_and_previewed_while_it_is_written(page: Page, slugs: list[str]) -> None:
    page.goto(f"{LIST}/new")
    page.get_by_role("textbox", name="Short link").fill(slugs[0])
    expect(page.get_by_text("already taken")).to_be_visible()
    page.get_by_role("textbox", name="Short link").fill(f"{slugs[0]}-2")
    expect(page.get_by_text("already taken")).to_be_hidden()
    page.get_by_label("Destination").fill("nonsense")
    page.get_by_role("textbox", name="Short link").focus()
    expect(page.get_by_text("Enter the full URL")).to_be_visible()
    page.get_by_label("Destination").fill("https://shop.example/a")
    expect(page.get_by_text("Enter the full URL")).to_be_hidden()
    page.get_by_text("Title and preview").click()
    page.get_by_label("Title", exact=True).fill("Mine")
    expect(page.locator("#preview")).to_contain_text("shop.example")
    expect(page.locator("#preview")).to_contain_text("Mine")


def enter_unnoticed(page: Page, text: str) -> None:
    """Without the events of typing, so that the field is checked only when it is left."""
    destination = page.get_by_label("Destination")
    destination.focus()
    destination.evaluate("(field, text) => { field.value = text; }", text)


def test_nothing_moves_between_press_and_release(page: Page) -> None:
    page.goto(f"{LIST}/new")
    enter_unnoticed(page, "nonsense")
    page.get_by_role("textbox", name="Short link").focus()
    expect(page.get_by_text("Enter the full URL")).to_be_visible()
    enter_unnoticed(page, "https://shop.example/still")
    limits = page.get_by_text("Limits")
    limits.hover()
    place = limits.bounding_box()
    with page.expect_response(lambda answer: "/links/check" in answer.url) as check:
        page.mouse.down()
    check.value.finished()
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    assert limits.bounding_box() == place
    page.mouse.up()
    expect(page.get_by_text("Enter the full URL")).to_be_hidden()
    expect(page.get_by_label("Maximum visits")).to_be_visible()


def test_a_faulty_field_is_opened_and_in_focus(
    page: Page, site: Site, ann: Home, watch: Watch
) -> None:
    watch.forgive("422")  # the form, shown again
    page.goto(f"{LIST}/new")
    page.get_by_label("Destination").fill("https://example.com/")
    page.get_by_text("Limits").click()
    page.get_by_label("Maximum visits").fill("many")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Maximum visits")).to_be_focused()
    expect(page.get_by_text("Must be a whole number, 1 or more")).to_be_visible()
    page.get_by_label("Maximum visits").fill("5")
    page.get_by_label("Expires").fill("2030-01-01T01:00")
    page.get_by_role("button", name="Create link").click()
    expect(page.get_by_text(CREATED)).to_be_visible()
    link = site.call(ann, "GET", "/links")["links"][0]
    # An hour after midnight in Berlin.
    assert (link["maxClicks"], link["expiresAt"]) == (5, "2030-01-01T00:00:00.000Z")


def test_everything_works_without_scripts_on_a_phone(
    open_browser: OpenBrowser, site: Site, ann: Home
) -> None:
    page = open_browser(ann, scripts=False, size=PHONE)
    page.goto(f"{LIST}/new")
    page.get_by_label("Destination").fill("example.com/plain")
    page.get_by_role("button", name="Create link").click()
    expect(page.get_by_text(CREATED)).to_be_visible()
    page.get_by_label("Search").fill("plain")
    page.get_by_role("button", name="Show").click()
    assert len(list_shown(page)) == 1
    page.locator(".link > input").check()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete this link").click()
    expect(page.get_by_text("1 link deleted.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("1 link restored.")).to_be_visible()
    assert len(list_shown(page)) == 1


def test_the_menu_of_a_row_at_the_end_of_the_window_opens_in_view(
    open_browser: OpenBrowser, site: Site, ann: Home
) -> None:
    site.make_link(ann)
    page = open_browser(ann, size=(320, 568))
    page.goto(LIST)
    row = page.locator("details.row-actions")
    row.locator("summary").click()
    for choice in (row.get_by_role("link", name="Edit"), row.get_by_role("link", name="Delete")):
        expect(choice).to_be_in_viewport(ratio=1)


def test_a_tag_is_recognised_however_it_is_typed(page: Page, site: Site, ann: Home) -> None:
    site.call(ann, "POST", "/tags", {"name": "Caf\N{LATIN SMALL LETTER E WITH ACUTE} Noir"})
    page.goto(f"{LIST}/new")
    button = page.locator("[data-tag]")
    expect(button).to_have_attribute("aria-pressed", "false")
    tags = page.get_by_label("Tags")
    tags.fill("Other, CAFE\N{COMBINING ACUTE ACCENT}  noir ")
    expect(button).to_have_attribute("aria-pressed", "true")
    button.click()
    expect(tags).to_have_value("Other")


COVERED = """
() => {
  const focused = document.activeElement;
  if (!focused.closest("#link-form")) return "outside";
  const bars = [...document.querySelectorAll(".bottom, .phone-bar, #notices")];
  const box = focused.getBoundingClientRect();
  return bars.filter((bar) => !bar.contains(focused)).map((bar) => bar.getBoundingClientRect())
    .some(({ top, bottom }) => bottom > top && box.top < bottom - 1 && box.bottom > top + 1)
    ? focused.outerHTML.slice(0, 120) : null;
}
"""


@pytest.mark.parametrize("size", [(320, 568), (375, 667), (1280, 600)])
@pytest.mark.parametrize("key", ["Tab", "Shift+Tab"])
def test_buttons_that_stay_in_view_cover_no_focused_field(
    open_browser: OpenBrowser, site: Site, ann: Home, size: tuple[int, int], key: str
) -> None:
    link = site.make_link(ann)
    page = open_browser(ann, size=size)
    page.goto(f"{LIST}/{link['id']}/edit")
    for group in page.locator("details.group > summary").all():
        group.click()
    page.evaluate("(down) => scrollTo(0, down ? 0 : 1e6)", key == "Tab")
    page.locator("#url" if key == "Tab" else ".bottom .primary").focus()
    seen = 0
    while (covered := page.evaluate(COVERED)) != "outside":
        assert covered is None
        seen += 1
        page.keyboard.press(key)
    assert seen > 25
    tops = page.locator(".bottom > *").evaluate_all(
        "(all) => all.map((each) => Math.round(each.getBoundingClientRect().top))"
    )
    assert max(tops) - min(tops) < 8  # one row
