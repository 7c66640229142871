"""A new link: on the clipboard at once, offered again where there is one, and back to the list."""

import re

from playwright.sync_api import Page, expect

from shorty.accounts.service import Home
from tests.browser.conftest import OpenBrowser
from tests.browser.finding import find_notice, find_row
from tests.browser.looking import PHONE, look_at
from tests.browser.site import Site

LIST = "/app/links"
NO_CLIPBOARD = """
navigator.clipboard.writeText = () => Promise.reject(new DOMException("no", "NotAllowedError"));
document.execCommand = () => false;
"""


def shorten(page: Page, url: str) -> None:
    page.goto(LIST)
    page.get_by_label("Destination").fill(url)
    page.keyboard.press("Enter")


def test_a_new_link_is_on_the_clipboard(page: Page, site: Site, ann: Home) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    shorten(page, "example.com/clip")
    notice = find_notice(page)
    expect(notice).to_contain_text("Short link copied: ")
    link = site.call(ann, "GET", "/links")["links"][0]
    assert page.evaluate("navigator.clipboard.readText()") == link["shortUrl"]
    look_at(page)
    notice.get_by_role("link", name="Edit").click()
    expect(page.get_by_label("Destination")).to_have_value("https://example.com/clip")
    page.go_back()
    expect(find_notice(page)).to_have_count(0)


def test_copy_has_the_focus_where_the_clipboard_is_closed(
    page: Page, site: Site, ann: Home
) -> None:
    page.add_init_script(NO_CLIPBOARD)
    shorten(page, "example.com/no-clip")
    notice = find_notice(page)
    expect(notice).to_contain_text("Short link created: ")
    copy = notice.get_by_role("button", name="Copy")
    expect(copy).to_be_focused()
    page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    page.keyboard.press("Enter")
    expect(page.locator("#toast")).to_contain_text("Copied")
    assert page.evaluate("copied") == site.call(ann, "GET", "/links")["links"][0]["shortUrl"]
    notice.get_by_role("link", name="QR code").click()
    expect(page).to_have_url(re.compile("/app/qr-codes/"))


def test_an_existing_link_is_offered_while_its_destination_is_typed(
    page: Page, site: Site, ann: Home
) -> None:
    link = site.make_link(ann, url="https://example.com/twice", title="Once")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{LIST}/new")
    destination = page.get_by_label("Destination")
    destination.fill("example.com/twice")
    offer = page.locator("#same")
    expect(offer).to_contain_text(f"{site.host}/{link['shortCode']} already leads")
    expect(offer).to_contain_text("Once")
    look_at(page)
    offer.get_by_role("button", name="Copy").click()
    expect(page.locator("#toast")).to_contain_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == link["shortUrl"]
    page.get_by_text("UTM parameters").click()
    page.get_by_label("Source").fill("flyer")
    expect(offer).to_be_empty()
    page.get_by_label("Source").fill("")
    expect(offer).to_contain_text("Once")
    page.get_by_role("button", name="Create link").click()
    expect(find_notice(page)).to_contain_text("Short link copied")
    assert len(site.call(ann, "GET", "/links")["links"]) == 2


def test_an_existing_link_is_offered_without_scripts(
    open_browser: OpenBrowser, site: Site, ann: Home
) -> None:
    link = site.make_link(ann, url="https://example.com/twice")
    page = open_browser(ann, scripts=False, size=PHONE)
    shorten(page, "example.com/twice")
    expect(page.get_by_role("link", name=f"{site.host}/{link['shortCode']}")).to_be_visible()
    page.get_by_role("button", name="Create another link").click()
    expect(find_notice(page)).to_contain_text("Short link created")
    assert len(site.call(ann, "GET", "/links")["links"]) == 2


def test_saving_comes_back_to_the_same_place_in_the_list(page: Page, site: Site, ann: Home) -> None:
    slugs = [f"row-{number:02}-{ann.user.id}" for number in range(60)]
    for slug in slugs:
        site.make_link(ann, customSlug=slug, title="Many rows")
    page.goto(f"{LIST}?q=rows&sort=createdAt")
    page.get_by_role("link", name="Next page").click()
    row = find_row(page, slugs[58])
    row.get_by_label("More for").click()
    place = page.url
    row.get_by_role("link", name="Edit").click()
    page.get_by_label("Destination").fill("https://example.com/changed")
    page.get_by_role("button", name="Save").last.click()
    expect(find_notice(page)).to_contain_text("Changes saved")
    assert page.url.partition("#")[0] == place
    row = find_row(page, slugs[58])
    expect(row).to_be_in_viewport()
    expect(row).to_contain_text("/changed")
    others = find_row(page, slugs[57]).evaluate("(row) => getComputedStyle(row).backgroundColor")
    assert row.evaluate("(row) => getComputedStyle(row).backgroundColor") != others


def test_saving_comes_back_to_the_links_own_page(page: Page, site: Site, ann: Home) -> None:
    link = site.make_link(ann)
    place = f"{LIST}/{link['id']}?days=30"
    page.goto(place)
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Destination").fill("https://example.com/changed")
    page.get_by_role("button", name="Save").last.click()
    expect(find_notice(page)).to_contain_text("Changes saved")
    assert page.url == f"{site.url}{place}"
