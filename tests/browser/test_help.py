"""The manual in the dashboard: found from a page, searched, and read on a phone."""

import re

import pytest
from playwright.sync_api import Page, expect

from shorty.accounts.service import Home
from shorty.web.manual import CHAPTERS
from tests.browser.axe import list_barriers, load_axe
from tests.browser.conftest import OpenBrowser
from tests.browser.looking import SCROLLS_SIDEWAYS, look_at

SMALLEST = (320, 640)
PARTS = 4  # run side by side


def test_help_opens_at_the_pages_part_and_is_searched(page: Page) -> None:
    page.goto("/app/utm")
    page.get_by_role("link", name="Help").click()
    expect(page).to_have_url(re.compile("/app/help/dashboard#utm-builder$"))
    expect(page.get_by_role("heading", name="UTM builder")).to_be_in_viewport()
    page.keyboard.press("/")
    page.keyboard.type("recovery codes")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("for “recovery codes”")
    look_at(page)
    page.get_by_role("link", name="Second factor").click()
    expect(page.get_by_role("heading", name="Second factor")).to_be_in_viewport()
    page.keyboard.press("g")
    page.keyboard.press("h")
    expect(page.get_by_role("heading", name="Help", level=1)).to_be_visible()


@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_of_the_manual_can_be_read_on_a_small_phone_in_the_dark(
    open_browser: OpenBrowser, ann: Home, part: int
) -> None:
    page = open_browser(ann, size=SMALLEST, scheme="dark", scripts=True)
    for name in CHAPTERS[part::PARTS]:
        page.goto(f"/app/help/{name}")
        assert not page.evaluate(SCROLLS_SIDEWAYS), name
        load_axe(page)
        assert list_barriers(page, ()) == [], name


def test_help_is_found_without_scripts(open_browser: OpenBrowser, ann: Home) -> None:
    page = open_browser(ann, size=SMALLEST, scripts=False)
    page.goto("/app/tags")
    page.get_by_role("link", name="Help").click()
    expect(page.get_by_role("heading", name="Tags", exact=True)).to_be_in_viewport()
    page.get_by_role("searchbox", name="Search the manual").fill("webhook secret")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("status")).to_contain_text("for “webhook secret”")
