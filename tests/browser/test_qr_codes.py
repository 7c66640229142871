"""A code is designed with a live preview, saved, and downloaded in a form that cameras can read."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from shorty.accounts.service import Home
from tests.browser.conftest import OpenBrowser
from tests.browser.looking import look_at
from tests.browser.site import Site
from tests.qr.reading import RED_SQUARE, read_code


@pytest.fixture
def designer(page: Page, site: Site, ann: Home) -> Page:
    page.goto(f"/app/qr-codes/{make_poster(site, ann)}")
    return page


def make_poster(site: Site, home: Home) -> str:
    return site.make_link(home, title="Poster")["id"]


def expect_drawn(page: Page, *settings: str) -> None:
    """The image's URL contains these settings, in this order."""
    query = re.compile(".*".join(re.escape(each) for each in settings))
    expect(page.locator("#preview img")).to_have_attribute("src", query)


def test_the_picture_follows_what_one_chooses(designer: Page) -> None:
    designer.get_by_role("button", name="Berry").click()
    expect_drawn(designer, "pattern=dots", "corner=dot")
    designer.get_by_role("radio", name="Label").check()
    designer.get_by_label("Text", exact=True).fill("Menu")
    expect_drawn(designer, "frame=label", "text=Menu")
    designer.get_by_label("Code", exact=True).fill("#eeeeee")
    expect(designer.locator("#preview")).to_contain_text("too low to scan well")
    look_at(designer)


def test_a_code_with_a_logo_is_kept_and_its_download_is_read(
    designer: Page, downloads: Path
) -> None:
    designer.get_by_role("radio", name="Extra rounded").first.check()
    logo = downloads / "Acme.svg"
    logo.write_text(RED_SQUARE)
    designer.get_by_label("Upload a logo").set_input_files(logo)
    expect(designer.get_by_role("radio", name="Acme")).to_be_checked()
    expect_drawn(designer, "pattern=extra-rounded", "qrLogoId=")
    look_at(designer)
    with designer.expect_download() as download:
        designer.get_by_role("link", name="PNG").click()
    short = designer.get_by_role("link", name="localhost").first.inner_text()
    assert read_code(download.value.path().read_bytes()) == f"http://{short}?qr=1"
    designer.get_by_role("button", name="Save").first.click()
    expect(designer.get_by_text("QR code saved.")).to_be_visible()
    designer.goto("/app/qr-codes")
    expect(designer.get_by_role("listitem").filter(has_text="Poster")).to_be_visible()


def test_patterns_are_chosen_with_the_keyboard(designer: Page) -> None:
    designer.get_by_role("radio", name="Square").first.focus()
    designer.keyboard.press("ArrowRight")
    expect_drawn(designer, "pattern=dots")
    designer.keyboard.press("Enter")
    expect(designer.get_by_text("QR code saved.")).to_be_visible()


def test_a_code_is_designed_without_scripts(
    site: Site, ann: Home, open_browser: OpenBrowser
) -> None:
    page = open_browser(ann, scripts=False)
    page.goto(f"/app/qr-codes/{make_poster(site, ann)}")
    page.get_by_role("button", name="Ocean").click()
    page.get_by_role("radio", name="Card").check()
    page.get_by_role("button", name="Preview").click()
    expect_drawn(page, "color=%230369a1", "frame=card")
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_text("QR code saved.")).to_be_visible()
    expect_drawn(page, "color=%230369a1", "frame=card")
