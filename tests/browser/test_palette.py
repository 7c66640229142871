"""The command palette: found by keyboard, read out, cancelled, and on a phone."""

import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from shorty.accounts.service import Home
from tests.browser.conftest import OpenBrowser
from tests.browser.looking import PHONE, look_at
from tests.browser.site import Site
from tests.browser.watch import Watch


@pytest.fixture
def slug(site: Site, ann: Home) -> str:
    slug = f"harvest-{ann.user.id}"
    site.make_link(ann, customSlug=slug, title="The harvest festival")
    return slug


def open_palette(page: Page) -> Locator:
    page.wait_for_load_state()  # its script has run by then
    page.keyboard.press("Control+k")
    palette = page.get_by_role("dialog", name="Command palette")
    expect(palette.get_by_role("option").first).to_be_visible()
    return palette


def find_active(page: Page) -> Locator:
    """The option that the field says is active, which alone is selected."""
    field = page.get_by_role("combobox", name="Find links, pages and actions")
    chosen = page.locator("#palette [role=option][aria-selected=true]")
    expect(chosen).to_have_count(1)
    expect(field).to_have_attribute("aria-activedescendant", str(chosen.get_attribute("id")))
    return chosen


def test_a_link_is_opened_with_a_few_keys(page: Page, slug: str) -> None:
    page.goto("/app/tags")
    palette = open_palette(page)
    expect(page.get_by_role("combobox", name="Find links, pages and actions")).to_be_focused()
    look_at(page)
    page.keyboard.type("festi")
    expect(palette.get_by_role("status")).to_have_text("1 result")
    expect(find_active(page)).to_contain_text(slug)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/app/links/\d+$"))
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_arrows_go_around_and_home_stays_with_the_text(page: Page, slug: str) -> None:
    page.goto("/app/tags")
    palette = open_palette(page)
    options = palette.get_by_role("option")
    expect(find_active(page)).to_contain_text(slug)
    page.keyboard.press("ArrowDown")
    expect(find_active(page)).to_contain_text("Overview")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(find_active(page)).to_contain_text("Sign out")
    expect(find_active(page)).to_be_in_viewport()
    page.keyboard.press("ArrowDown")
    assert options.first.get_attribute("aria-selected") == "true"


def test_enter_waits_for_the_results_of_what_was_typed(page: Page, slug: str) -> None:
    page.goto("/app/tags")
    open_palette(page)
    page.keyboard.type("webho")
    page.keyboard.press("Enter")  # before anything of it can be found
    expect(page).to_have_url(re.compile("/app/webhooks$"))


def test_only_the_last_question_is_answered(page: Page, slug: str) -> None:
    page.goto("/app/tags")
    palette = open_palette(page)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(re.compile(r"/app/search\?q=festival"), hold)
    with page.expect_request(re.compile("q=festival$")) as first:
        page.keyboard.type("festival")
    page.get_by_role("combobox").fill("web")
    expect(palette.get_by_role("option").first).to_contain_text("Webhooks")
    # The browser gave the first request up, so that its answer cannot come late.
    assert first.value.failure
    assert "ERR_ABORTED" in first.value.failure


def test_nothing_found_and_a_failure_are_told(page: Page, watch: Watch, slug: str) -> None:
    page.goto("/app/tags")
    palette = open_palette(page)
    field = page.get_by_role("combobox")
    field.fill("zeppelin")
    expect(palette.get_by_role("status")).to_have_text("No results")
    expect(palette.get_by_text("Nothing matches “zeppelin”.")).to_be_visible()
    expect(field).to_have_attribute("aria-expanded", "false")
    assert field.get_attribute("aria-activedescendant") is None
    look_at(page)
    watch.forgive("ERR_FAILED")
    page.route(re.compile(r"/app/search"), lambda route: route.abort("failed"))
    field.fill("web")
    expect(palette.get_by_text("Search failed.").first).to_be_visible()
    page.unroute(re.compile(r"/app/search"))
    page.keyboard.press("Enter")  # asks again
    expect(page).to_have_url(re.compile("/app/webhooks$"))


def test_a_link_is_copied_or_opened_beside(page: Page, site: Site, slug: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/app/tags")
    open_palette(page)
    page.keyboard.type(slug)
    expect(find_active(page)).to_contain_text(slug)
    page.keyboard.press("Shift+Enter")
    expect(page.get_by_role("status").filter(has_text="Short link copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == f"http://{site.host}/{slug}"
    with page.context.expect_page() as opened:
        page.keyboard.press("Control+Enter")
    expect(opened.value).to_have_url(re.compile(r"/app/links/\d+$"))
    expect(page.get_by_role("dialog", name="Command palette")).to_be_visible()


def test_actions_are_done_from_it(page: Page, slug: str) -> None:
    page.goto("/app/tags")
    open_palette(page)
    page.keyboard.type("shortcuts")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Control+k")  # not on top of another dialog
    expect(page.get_by_role("dialog")).to_have_count(1)
    page.keyboard.press("Escape")
    open_palette(page)
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog")).to_have_count(0)
    open_palette(page)
    page.keyboard.type("https://shop.example/new?a=1")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Destination")).to_have_value("https://shop.example/new?a=1")
    page.get_by_label("Destination").focus()
    open_palette(page)  # also while typing in a field
    page.keyboard.type("sign out")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/app/sign-in$"))


def test_it_can_be_closed_and_opened_in_one_breath(page: Page, slug: str) -> None:
    page.goto("/app/tags")
    palette = open_palette(page)
    page.evaluate(
        """() => {
          const press = () => document.dispatchEvent(
            new KeyboardEvent("keydown", { key: "k", code: "KeyK", ctrlKey: true })
          );
          press();
          press();
        }"""
    )
    expect(palette.get_by_role("option").first).to_be_visible()


def test_a_page_without_a_search_of_its_own_opens_the_palette(page: Page, slug: str) -> None:
    page.goto("/app/tags")
    page.keyboard.press("/")
    expect(page.get_by_role("dialog", name="Command palette")).to_be_visible()


def test_it_opens_with_a_button_on_a_phone(open_browser: OpenBrowser, ann: Home, slug: str) -> None:
    page = open_browser(ann, size=PHONE)
    page.goto("/app/tags")
    page.get_by_role("link", name="Search").click()
    palette = page.get_by_role("dialog", name="Command palette")
    palette.get_by_role("option", name=slug).click()
    expect(page).to_have_url(re.compile(r"/app/links/\d+$"))
    page.get_by_role("link", name="Search").click()
    palette.get_by_role("button", name="Close").click()
    expect(palette).to_be_hidden()
    expect(page.get_by_role("link", name="Search")).to_be_focused()


def test_the_same_is_a_page_without_scripts(
    open_browser: OpenBrowser, ann: Home, slug: str
) -> None:
    page = open_browser(ann, scripts=False)
    page.goto("/app/tags")
    page.get_by_role("link", name="Search").click()
    page.get_by_role("searchbox", name="Search").fill("festival")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name=slug).click()
    expect(page).to_have_url(re.compile(r"/app/links/\d+$"))
