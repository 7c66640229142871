"""Links from the first paste to the deletion, by mouse, by keyboard, and without JavaScript."""

import pytest
from playwright.sync_api import Page, expect

from shorty.accounts.service import Home
from tests.browser.conftest import OpenBrowser
from tests.browser.finding import find_notice, find_row
from tests.browser.site import Site


def test_every_field_of_a_link_is_kept(page: Page, site: Site, elsewhere: str) -> None:
    page.goto("/app/links/new")
    page.get_by_label("Destination").fill(f"{elsewhere}/spring")
    page.get_by_label("Short link", exact=True).fill("spring-26")
    page.get_by_role("textbox", name="Tags").fill("Spring, Print")
    page.get_by_text("Title and preview").click()
    page.get_by_label("Title", exact=True).fill("Spring <b>sale</b>")
    page.get_by_text("UTM parameters").click()
    page.get_by_label("Source").fill("flyer")
    page.get_by_label("Campaign").fill("spring 26")
    page.get_by_text("Limits").click()
    page.get_by_label("Maximum visits").fill("250")
    page.get_by_role("button", name="Create link").click()
    row = find_row(page, "spring-26")
    expect(row).to_contain_text("Spring <b>sale</b>")
    expect(row).to_contain_text("Print")
    row.get_by_label("More for").click()
    row.get_by_role("link", name="Edit").click()
    expect(page.get_by_label("Destination")).to_have_value(f"{elsewhere}/spring")
    expect(page.get_by_label("Source")).to_have_value("flyer")
    expect(page.get_by_label("Maximum visits")).to_have_value("250")
    page.get_by_label("Destination").fill(f"{elsewhere}/summer")
    page.get_by_role("button", name="Save").last.click()
    expect(find_notice(page)).to_contain_text("Changes saved")
    expect(find_row(page, "spring-26")).to_contain_text("/summer")


def test_a_link_is_made_and_edited_with_the_keyboard_alone(page: Page, elsewhere: str) -> None:
    page.goto("/app/links")
    keyboard = page.keyboard
    keyboard.press("n")
    expect(page.get_by_label("Destination")).to_be_focused()
    keyboard.type(f"{elsewhere}/keys")
    keyboard.press("Tab")
    expect(page.get_by_label("Short link", exact=True)).to_be_focused()
    keyboard.type("by-keys")
    keyboard.press("Enter")
    expect(find_row(page, "by-keys")).to_have_count(1)
    keyboard.press("j")
    expect(page.locator(".links .short")).to_be_focused()
    keyboard.press("e")
    expect(page.get_by_role("heading", name="Edit link")).to_be_visible()
    page.get_by_label("Destination").focus()
    keyboard.press("Control+A")
    keyboard.type(f"{elsewhere}/more-keys")
    keyboard.press("Enter")
    expect(find_row(page, "by-keys")).to_contain_text("/more-keys")
    keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_links_are_made_edited_and_deleted_without_scripts(
    open_browser: OpenBrowser, site: Site, ann: Home, elsewhere: str
) -> None:
    page = open_browser(ann, scripts=False)
    page.goto("/app/links")
    page.get_by_label("Destination").fill(f"{elsewhere}/plain")
    page.get_by_role("button", name="Shorten").click()
    row = find_row(page, "/plain")
    expect(row).to_have_count(1)
    row.get_by_label("More for").click()
    row.get_by_role("link", name="Edit").click()
    page.get_by_label("Short link", exact=True).fill("plain-html")
    page.get_by_role("button", name="Save").last.click()
    row = find_row(page, "plain-html")
    row.get_by_label("More for").click()
    row.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete this link").click()
    expect(find_notice(page)).to_contain_text("1 link deleted")
    expect(page.get_by_role("heading", name="No links yet")).to_be_visible()
    assert site.visit("plain-html") == 404


@pytest.mark.parametrize("scripts", [True, False])
def test_a_viewer_is_shown_no_way_to_change_links(
    open_browser: OpenBrowser, site: Site, ann: Home, elsewhere: str, *, scripts: bool
) -> None:
    site.make_link(ann, url=elsewhere, title="Look, do not touch")
    page = open_browser(site.add_colleague(ann, "viewer"), scripts=scripts)
    page.goto("/app/links")
    expect(find_row(page, "do not touch")).to_have_count(1)
    expect(page.get_by_role("button", name="Shorten")).to_have_count(0)
    expect(page.get_by_role("link", name="New link")).to_have_count(0)
    page.locator(".link > input").first.check()  # to download them
    for name in ("Add tag", "Remove tag", "Enable", "Disable", "Set expiry", "Delete"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
