"""A bio page is edited, and visited on a phone."""

from playwright.sync_api import Locator, Page, expect

from shorty.accounts.service import Home
from tests.browser.conftest import OpenBrowser
from tests.browser.finding import find_notice
from tests.browser.looking import PHONE, look_at
from tests.browser.site import Site
from tests.browser.watch import Watch


def make_page(page: Page, elsewhere: str, slug: str) -> None:
    page.goto("/app/bio-pages")
    page.get_by_label("Name", exact=True).fill("Ann Example")
    page.get_by_label("Destination of the first button").fill(elsewhere)
    page.get_by_label("Slug", exact=True).fill(slug)
    page.get_by_role("button", name="Create bio page").click()
    expect(page.get_by_role("heading", name="Ann Example")).to_be_visible()


def add_block(page: Page, kind: str, field: str, text: str) -> None:
    page.locator("summary").filter(has_text=kind).last.click()
    adder = page.locator(".adders details[open]")
    adder.get_by_label(field, exact=True).fill(text)
    adder.get_by_role("button", name="Add").click()
    expect(find_block(page, text)).to_be_visible()


def find_block(page: Page, text: str) -> Locator:
    return page.locator(".blocks > li[data-id]").filter(has_text=text)


def test_a_page_is_built_and_visited_on_a_phone(
    page: Page,
    open_browser: OpenBrowser,
    site: Site,
    ann: Home,
    elsewhere: str,
    watch: Watch,
) -> None:
    watch.origins.add(elsewhere)
    make_page(page, elsewhere, "ann-example")
    add_block(page, "Heading", "Heading", "New this week")
    add_block(page, "Text", "Text", "Pots, cups <and> bowls")
    shop = site.make_link(ann, url=f"{elsewhere}/shop", customSlug="ann-shop", title="My shop")
    add_block(page, "Button", "Destination", f"{site.host}/ann-shop")
    look_at(page)
    page.get_by_role("button", name="Move “My shop” up").click()
    expect(page.locator("#toasts").get_by_text("position 2 of 3")).to_be_visible()
    expect(page.locator(".blocks > li[data-id]").nth(1)).to_contain_text("My shop")
    page.get_by_text("Dusk", exact=True).click()
    page.get_by_label("Bio", exact=True).fill("Ceramics from the coast")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(find_notice(page)).to_be_visible()
    preview = page.frame_locator("#preview")
    expect(preview.get_by_text("Ceramics from the coast")).to_be_visible()

    phone = open_browser(size=PHONE)
    phone.goto(f"http://{site.host}/ann-example")
    expect(phone.get_by_role("heading", name="Ann Example")).to_be_visible()
    expect(phone.get_by_text("Pots, cups <and> bowls")).to_be_visible()
    look_at(phone)
    phone.get_by_role("link", name="My shop").click()
    expect(phone).to_have_url(f"{elsewhere}/shop")
    phone.close()
    assert site.call(ann, "GET", f"/links/{shop['id']}")["link"]["url"] == f"{elsewhere}/shop"


def test_blocks_are_dragged_into_another_order(page: Page, elsewhere: str) -> None:
    make_page(page, elsewhere, "ann-dragged")
    for text in ("First", "Second", "Third"):
        add_block(page, "Heading", "Heading", text)
    blocks = page.locator(".blocks > li[data-id]")
    with page.expect_response(lambda answer: "blocks/order" in answer.url):
        find_block(page, "Third").locator(".grip").drag_to(
            blocks.first, target_position={"x": 40, "y": 6}
        )
    expect(blocks.first).to_contain_text("Third")
    page.reload()
    expect(blocks.first).to_contain_text("Third")
    find_block(page, "Third").locator("summary").focus()
    with page.expect_response(lambda answer: "blocks/order" in answer.url):
        page.keyboard.press("Alt+ArrowDown")
    expect(page.locator("#toasts").get_by_text("position 2 of 3")).to_be_visible()
    expect(find_block(page, "Third").locator("summary")).to_be_focused()
    page.reload()
    expect(blocks.nth(1)).to_contain_text("Third")


def test_a_button_saves_what_is_typed_elsewhere_and_moves_keep_the_focus(
    page: Page, elsewhere: str
) -> None:
    make_page(page, elsewhere, "ann-saved")
    for text in ("First", "Second"):
        add_block(page, "Heading", "Heading", text)
    up = page.get_by_role("button", name="Move “Second” up")
    up.focus()
    with page.expect_response(lambda answer: "blocks/order" in answer.url):
        page.keyboard.press("Enter")
    expect(page.locator("#toasts").get_by_text("“Second” moved to position 1")).to_be_visible()
    expect(up).to_be_focused()
    page.get_by_label("Bio", exact=True).fill("Kept meanwhile")
    page.get_by_role("button", name="Hide “First”").click()
    expect(find_notice(page)).to_contain_text("“First” is hidden now.")
    expect(page.get_by_label("Bio", exact=True)).to_have_value("Kept meanwhile")
