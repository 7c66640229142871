"""Filters of analytics: by the rows of breakdowns, by domain and by tag."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from shorty.accounts.service import Home
from tests.browser.conftest import OpenBrowser
from tests.browser.demo import Demo
from tests.browser.looking import look_at
from tests.browser.site import Site


@pytest.fixture
def page(reading: Page) -> Page:
    reading.goto("/app")
    return reading


def read_clicks(page: Page, row: str) -> str:
    return page.get_by_role("row", name=re.compile(f"^.*{row}")).locator("td").first.inner_text()


def test_a_row_filters_and_its_chip_removes_the_filter(page: Page) -> None:
    clicks = read_clicks(page, "Germany")
    page.get_by_role("link", name="Germany").click()
    expect(page).to_have_url(re.compile(r"/app\?country=DE$"))
    chip = page.get_by_role("list", name="Filters").get_by_role("listitem")
    expect(chip).to_have_text(re.compile("Country: Germany"))
    figure = page.locator("dl.figures .card").filter(has_text="Clicks").locator(".value")
    shown = figure.get_attribute("title") or figure.inner_text()
    assert shown == clicks
    expect(page.get_by_text("can't be combined with this filter")).to_be_visible()
    expect(page.get_by_role("heading", name="Top links")).to_have_count(0)
    expect(page.get_by_role("heading", name="Referrers")).to_have_count(0)
    look_at(page)
    # Another period and another value keep the rest.
    page.get_by_role("link", name="7 days").click()
    expect(page).to_have_url(re.compile(r"/app\?range=7d&country=DE$"))
    page.get_by_role("link", name="Remove filter Country: Germany").click()
    expect(page).to_have_url(re.compile(r"/app\?range=7d$"))
    expect(page.get_by_role("heading", name="Top links")).to_be_visible()


def test_a_chart_without_visitors_says_its_clicks(page: Page) -> None:
    page.get_by_role("link", name="Mobile").click()
    expect(page.locator(".legend")).not_to_contain_text("Visitors")
    page.get_by_role("slider", name="Values by day").focus()
    page.keyboard.press("ArrowLeft")
    lines = page.locator(".tip p")
    expect(lines).to_have_count(3)
    expect(lines.nth(1)).to_contain_text("Clicks")
    expect(lines.nth(2)).to_contain_text("Previous period")


def test_filters_by_tag_go_along_to_other_dates_and_work_without_scripts(
    open_browser: OpenBrowser, demo: Demo
) -> None:
    page = open_browser(demo.home, scripts=False)
    page.goto("/app?range=7d")
    page.get_by_label("Tag").select_option(index=1)
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("list", name="Filters")).to_contain_text("Tag:")
    assert urlsplit(page.url).query.startswith("range=7d&tag=")
    page.get_by_text("Custom range").click()
    page.get_by_role("button", name="Apply", exact=True).click()
    assert "range=custom" in page.url
    assert "tag=" in page.url
    top = page.locator("section[aria-labelledby=top-links] a[href^='/app/links/']").first
    assert "tag=" not in (top.get_attribute("href") or "")


def test_the_numbers_of_many_links_follow_their_page(
    open_browser: OpenBrowser, site: Site, ann: Home
) -> None:
    tag = site.call(ann, "POST", "/tags", {"name": "crowd"})["tag"]["id"]
    links = [{"url": "https://example.com/", "tagIds": [tag]}] * 501
    site.call(ann, "POST", "/links/bulk", {"domain": site.host, "links": links})
    page = open_browser(ann)
    page.goto(f"/app?tag={tag}")
    expect(page.locator("dl.figures")).to_be_visible()
    expect(page.get_by_text("takes a moment")).to_have_count(0)
    without = open_browser(ann, scripts=False)
    without.goto(f"/app?tag={tag}")
    expect(without.locator("dl.figures")).to_have_count(0)
    without.get_by_role("link", name="Show analytics").click()
    expect(without.locator("dl.figures")).to_be_visible()
