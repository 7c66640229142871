"""Selecting links, acting on all that were found, and the bin, in a browser."""

import os
import zipfile
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from shorty.accounts.service import Home
from tests.browser.axe import load_axe
from tests.browser.conftest import OpenBrowser
from tests.browser.looking import WIDE, look_in_both_modes
from tests.browser.site import Site

LIST: Final = "/app/links"
NARROW: Final = (320, 640)


def fill_list(site: Site, home: Home, count: int) -> None:
    links = [
        {"url": f"https://example.com/{number}", "title": f"Batch {number}"}
        for number in range(count)
    ]
    site.call(home, "POST", "/links/bulk", {"domain": site.host, "links": links})


def test_all_on_the_page_and_all_found_are_selected_by_keyboard(
    page: Page, site: Site, ann: Home
) -> None:
    fill_list(site, ann, 53)
    page.goto(f"{LIST}?q=batch")
    page.get_by_label("Select all on this page").focus()
    page.keyboard.press("Space")
    expect(page.get_by_text("50 selected")).to_be_visible()
    page.get_by_label("All 53 links found").focus()
    page.keyboard.press("Space")
    expect(page.get_by_text("53 selected")).to_be_visible()
    page.get_by_role("checkbox", name="Select localhost").first.uncheck()
    expect(page.get_by_text("49 selected")).to_be_visible()
    page.get_by_label("All 53 links found").check()
    page.get_by_role("button", name="Disable", exact=True).locator("visible=true").click()
    expect(page.get_by_text("53 links disabled.")).to_be_visible()
    assert site.call(ann, "GET", "/links?state=disabled")["total"] == 53
    page.get_by_label("Select all on this page").check()
    page.keyboard.press("Escape")
    expect(page.get_by_text("50 selected")).to_be_hidden()


def test_codes_and_tables_of_selected_links_are_downloaded(
    page: Page, site: Site, ann: Home
) -> None:
    fill_list(site, ann, 3)
    page.goto(LIST)
    page.get_by_label("Select all on this page").check()
    page.locator(".more-actions > summary").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="SVG").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert len(archive.namelist()) == 3
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    assert len(download.value.path().read_text().splitlines()) == 4
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").click()
    assert len(download.value.path().read_text().splitlines()) == 4


def test_the_bin_restores_without_scripts_on_a_phone(
    open_browser: OpenBrowser, site: Site, ann: Home
) -> None:
    fill_list(site, ann, 2)
    for link in site.call(ann, "GET", "/links")["links"]:
        site.call(ann, "DELETE", f"/links/{link['id']}")
    page = open_browser(ann, scripts=False, size=NARROW)
    page.goto(LIST)
    page.get_by_label("State").select_option("deleted")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("button", name="Restore localhost").first.click()
    expect(page.get_by_text("1 link restored.")).to_be_visible()
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Restore", exact=True).click()
    expect(page.get_by_text("No deleted links")).to_be_visible()
    assert site.call(ann, "GET", "/links")["total"] == 2


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_the_bar_and_the_bin_are_accessible(
    open_browser: OpenBrowser,
    site: Site,
    ann: Home,
    size: tuple[int, int],
) -> None:
    fill_list(site, ann, 4)
    links = site.call(ann, "GET", "/links")["links"]
    for link in links[:2]:
        site.call(ann, "DELETE", f"/links/{link['id']}")
    site.make_link(ann, customSlug=links[0]["shortCode"])
    page = open_browser(ann, size=size)
    page.goto(f"{LIST}?state=deleted")
    expect(page.get_by_text("Slug taken")).to_be_visible()
    look(page, size, "bin")
    page.goto(LIST)
    page.get_by_label("Select all on this page").check()
    page.locator(".more-actions > summary").click()
    look(page, size, "bar")
    for link in links[2:]:  # so that what is selected fails
        site.call(ann, "DELETE", f"/links/{link['id']}")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Disable", exact=True).locator("visible=true").click()
    expect(page.get_by_role("heading", name="2 links failed")).to_be_visible()
    look(page, size, "job")


def look(page: Page, size: tuple[int, int], name: str) -> None:
    """Keeps pictures where the environment says that somebody wants to look at them."""
    load_axe(page)
    look_in_both_modes(page, size, set())
    if folder := os.environ.get("SHORTY_TEST_PICTURES"):
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=f"{folder}/{name}-{size[0]}-{scheme}.png")
