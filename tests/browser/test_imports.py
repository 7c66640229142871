"""Links are imported from a table and exported again, in a browser, with and without JavaScript."""

import secrets
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from shorty.accounts.service import Home
from tests.browser.conftest import OpenBrowser
from tests.browser.looking import PHONE, look_at
from tests.browser.site import Site

TABLE = """\
url,slug,title,clicks
https://example.com/spring,{0}-a,Spring,12
https://example.com/summer,{0}-b,Summer,7
nonsense,{0}-c,,
https://example.com/,two parts,,
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "links.csv"
    path.write_text(TABLE.format(secrets.token_hex(4)))
    return path


def send(page: Page, table: Path) -> None:
    page.goto("/app/import")
    page.get_by_label("File", exact=True).set_input_files(table)
    page.get_by_role("button", name="Preview").click()


def test_a_table_is_tried_taken_in_and_repeated(page: Page, table: Path) -> None:
    send(page, table)
    expect(page.get_by_text("Nothing has been imported yet")).to_be_visible()
    expect(page.get_by_text("line 4")).to_be_visible()
    look_at(page)
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("Import finished.")).to_be_visible()
    look_at(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as CSV").click()
    assert "two parts" in download.value.path().read_text()
    page.get_by_role("link", name="View links").click()
    expect(page.locator(".links > li").filter(has_text="Spring")).to_contain_text("12")
    send(page, table)
    expect(page.locator(".figures .card").filter(has_text="Already imported")).to_contain_text("2")
    page.get_by_role("link", name="Import", exact=True).first.click()
    look_at(page)


def test_columns_are_named_in_the_preview(page: Page, table: Path) -> None:
    table.write_text(table.read_text().replace("url,slug", "url,printed"))
    send(page, table)
    expect(page.get_by_text("Its columns are: url, printed")).to_be_visible()
    expect(page.get_by_role("button", name="Import")).to_have_count(0)
    page.get_by_label("printed").select_option(label="Slug")
    look_at(page)
    page.get_by_role("button", name="Preview again").click()
    expect(page.get_by_text("Nothing has been imported yet")).to_be_visible()
    expect(page.get_by_label("printed")).to_have_value("slug")
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("Import finished.")).to_be_visible()


def test_links_move_in_without_scripts_on_a_phone(
    ann: Home, table: Path, open_browser: OpenBrowser
) -> None:
    page = open_browser(ann, size=PHONE, scripts=False)
    send(page, table)
    expect(page.get_by_text("Nothing has been imported yet")).to_be_visible()
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("Import finished.")).to_be_visible()


def test_everything_is_downloaded(site: Site, ann: Home, page: Page) -> None:
    site.make_link(ann, customSlug="taken-along", title="Taken along")
    page.goto("/app/export")
    look_at(page)
    page.get_by_label("Include individual clicks").check()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename.endswith(".ndjson")
    assert '"hasClicks":true' in download.value.path().read_text()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").click()
    assert "taken-along" in download.value.path().read_text()
