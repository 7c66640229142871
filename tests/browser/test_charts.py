"""A chart's values, by every way to them: pointing, tapping, the keyboard and the table."""

import re
from collections.abc import Callable
from itertools import pairwise

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from shorty.accounts.service import Home
from tests.browser.conftest import OpenBrowser
from tests.browser.demo import Demo
from tests.browser.finding import find_notice
from tests.browser.site import Site
from tests.browser.watch import Watch

LABELS_AND_SPOTS = """
figure => {
  const middle = (each) => {
    const { left, right } = each.getBoundingClientRect();
    return (left + right) / 2;
  };
  const rows = [...figure.querySelectorAll("tbody th")].map((each) => each.textContent);
  const spots = [...figure.querySelectorAll(".spot rect")].map(middle);
  return [...figure.querySelectorAll(".stage text")]
    .filter((each) => getComputedStyle(each).display !== "none")
    .map((each) => {
      const { left, right } = each.getBoundingClientRect();
      const near = spots.map((spot) => Math.abs(spot - middle(each)));
      const index = near.indexOf(Math.min(...near));
      return { text: each.textContent, title: rows[index], off: near[index], left, right };
    });
}
"""


@pytest.fixture
def page(reading: Page) -> Page:
    reading.goto("/app")  # tells the server the time zone
    return reading


def find_cursor(page: Page) -> Locator:
    return page.get_by_role("slider", name="Values by day")


def find_box(page: Page) -> Locator:
    return page.locator(".tip")


def read_row(page: Page, number: int) -> tuple[str, list[str]]:
    """The table's row, counted from the newest: its day, and its values."""
    row = page.locator("figure tbody tr").nth(-1 - number)
    return row.locator("th").inner_text(), row.locator("td").all_inner_texts()


def expect_shown(page: Page, number: int) -> None:
    page.locator("figure details").evaluate("each => { each.open = true; }")
    day, values = read_row(page, number)
    box = find_box(page)
    expect(box.locator("p").first).to_have_text(day)
    names = ("Clicks", "Visitors", "Previous period")
    expect(box.locator("p")).to_have_text(
        [day, *(f"{name}{value}" for name, value in zip(names, values, strict=True))]
    )
    clicks, visitors, before = values
    words = re.compile(
        rf"^{re.escape(day)}: {clicks} clicks?, {visitors} visitors?; "
        rf"previous period: {before} clicks?$"
    )
    expect(find_cursor(page)).to_have_attribute("aria-valuetext", words)


def test_the_arrow_keys_go_from_day_to_day_and_each_is_announced(page: Page) -> None:
    cursor = find_cursor(page)
    expect(cursor).to_have_attribute("aria-valuetext", re.compile(r"\(so far\): "))
    expect(find_box(page)).to_be_hidden()
    page.get_by_role("link", name="Include bots").focus()
    for _ in range(8):  # the filters come between
        page.keyboard.press("Tab")
        if cursor.evaluate("each => each === document.activeElement"):
            break
    expect(cursor).to_be_focused()
    expect_shown(page, 0)
    for keys, number in (
        (("ArrowLeft",), 1),
        (("ArrowDown",), 2),
        (("ArrowRight",), 1),
        (("ArrowUp", "ArrowUp"), 0),
        (("PageDown",), 7),
        (("Home",), 29),
        (("ArrowLeft",), 29),
        (("PageUp",), 22),
        (("End",), 0),
    ):
        for key in keys:
            page.keyboard.press(key)
        expect(cursor).to_have_attribute("aria-valuenow", str(30 - number))
        expect_shown(page, number)
    page.keyboard.press("Escape")
    expect(find_box(page)).to_be_hidden()
    page.keyboard.press("ArrowLeft")
    expect(find_box(page)).to_be_visible()
    page.keyboard.press("Tab")
    expect(find_box(page)).to_be_hidden()


def test_pointing_shows_the_day_and_leaving_hides_it(page: Page) -> None:
    cursor = find_cursor(page)
    box = cursor.bounding_box()
    assert box is not None
    for number in (29, 14, 0):
        day = 29 - number
        cursor.hover(position={"x": (day + 0.5) * box["width"] / 30, "y": 50})
        expect_shown(page, number)
        tip = find_box(page).bounding_box()
        assert tip is not None
        assert box["x"] - 50 < tip["x"]
        assert tip["x"] + tip["width"] <= box["x"] + box["width"] + 1
    page.get_by_role("heading", name="Overview").hover()
    expect(find_box(page)).to_be_hidden()


def test_tapping_shows_the_day_until_one_taps_elsewhere(
    open_context: Callable[..., BrowserContext], site: Site, demo: Demo
) -> None:
    phone = open_context(
        base_url=site.url, viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True
    )
    site.sign_in(phone, demo.home)
    page = phone.new_page()
    page.goto("/app")
    page.goto("/app")
    cursor = find_cursor(page)
    box = cursor.bounding_box()
    assert box is not None
    for number in (29, 8, 0):
        cursor.tap(position={"x": (29.5 - number) * box["width"] / 30, "y": 120})
        expect_shown(page, number)
        tip = find_box(page).bounding_box()
        assert tip is not None
        assert tip["x"] >= 0
        assert tip["x"] + tip["width"] <= 320
        assert tip["y"] + tip["height"] <= box["y"] + 10  # the finger covers nothing of it
    page.get_by_role("heading", name="Overview").tap()
    expect(find_box(page)).to_be_hidden()


def test_without_scripts_the_table_has_every_value(open_browser: OpenBrowser, demo: Demo) -> None:
    page = open_browser(demo.home, scripts=False)
    page.goto("/app")
    expect(page.locator(".cursor")).to_be_hidden()
    page.get_by_text("Show as table").click()
    table = page.get_by_role("table").filter(has_text="Previous period").first
    expect(table.get_by_role("row")).to_have_count(31)
    expect(table.get_by_role("columnheader")).to_have_text(
        ["Day", "Clicks", "Visitors", "Previous period"]
    )
    expect(page.get_by_role("img", name=re.compile("Most clicks: "))).to_be_visible()


def test_the_time_zone_is_named_and_can_be_changed(
    open_browser: OpenBrowser, site: Site, ann: Home, watch: Watch
) -> None:
    watch.forgive("status of 422")
    link = site.make_link(ann)
    assert site.visit(link["shortCode"]) == 302
    page = open_browser(ann)
    page.goto("/app/links")
    page.goto(f"/app/links/{link['id']}?range=today")
    expect(page.get_by_text("Times are in Europe/Berlin.")).to_be_visible()
    page.get_by_role("link", name="Change").click()
    zone = page.get_by_label("Show times in")
    expect(zone).to_be_in_viewport()
    expect(page.get_by_text("your browser's time zone, Europe/Berlin.")).to_be_visible()
    zone.fill("Mars/Olympus")
    page.get_by_role("button", name="Save time zone").click()
    expect(page.get_by_text("Is not a known time zone")).to_be_visible()
    expect(zone).to_have_value("Mars/Olympus")
    expect(zone).to_be_focused()
    zone.fill("Pacific/Auckland")
    zone.press("Enter")
    expect(find_notice(page)).to_contain_text("Times are now shown in Pacific/Auckland.")
    page.goto(f"/app/links/{link['id']}/clicks")
    expect(page.locator("time").first).to_have_attribute(
        "title", re.compile(re.escape("(Pacific/Auckland)"))
    )


@pytest.mark.parametrize(
    "choice",
    [
        *("today", "7d", "30d", "90d", "12m", "custom&from=2020-01-01&to=2026-11-01"),
        *("custom&from=2026-03-29&to=2026-03-29", "custom&from=2026-10-25&to=2026-10-26"),
    ],
)
def test_every_label_stands_under_its_own_interval_and_in_the_card(page: Page, choice: str) -> None:
    for width in (1280, 375, 320):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"/app?range={choice}")
        expect_labels_in_place(page)


def expect_labels_in_place(page: Page) -> None:
    labels = page.locator("figure").evaluate(LABELS_AND_SPOTS)
    assert labels
    card = page.get_by_label("Over time", exact=True).bounding_box()
    assert card is not None
    for label in labels:
        assert label["off"] < 1, label
        assert name_label(label["title"]) == label["text"], label
        assert card["x"] < label["left"], label
        assert label["right"] < card["x"] + card["width"], label
    for before, after in pairwise(labels):
        assert before["right"] + 2 < after["left"], (before, after)


def name_label(title: str) -> str:
    """The label of the interval with that full name."""
    title = title.partition(" (")[0]
    if clock := re.search(r"(\d\d:\d\d)", title):
        if clock[1] != "00:00":
            return clock[1]
        title = title.partition(",")[0]
    if day := re.search(r"(\d+ \w{3}) \d{4}", title):
        return day[1]
    month, year = title.split()
    return f"{month[:3]} {year[2:]}"
