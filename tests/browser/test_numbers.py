"""A link's page while clicks come in, and its totals."""

from typing import Final

from playwright.sync_api import Page, expect

from shorty.accounts.service import Home
from tests.browser.conftest import OpenBrowser
from tests.browser.finding import find_notice, find_row
from tests.browser.site import Site

GIVES_UP: Final = """
path => new Promise(resolve => {
  const stream = new EventSource(path);
  let errors = 0;
  stream.addEventListener("error", () => {
    errors += 1;
    if (stream.readyState === EventSource.CLOSED) resolve(errors);
  });
})
"""


def test_a_click_arrives_while_one_looks(page: Page, site: Site, elsewhere: str) -> None:
    page.goto("/app/links/new")
    page.get_by_label("Destination").fill(f"{elsewhere}/launch")
    page.get_by_label("Short link", exact=True).fill("launch")
    page.keyboard.press("Enter")
    find_row(page, "launch").get_by_role("link", name="launch").first.click()
    expect(page.get_by_role("heading", name="No clicks yet")).to_be_visible()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    assert site.visit("launch", Referer="https://news.ycombinator.com/item?id=1") == 302
    click = page.get_by_role("listitem").filter(has_text="Hacker News")
    expect(click).to_contain_text("Safari on iOS")
    assert site.visit("launch?qr=1") == 302
    expect(page.get_by_role("listitem").filter(has_text="QR code")).to_have_count(1)
    expect(page.get_by_role("heading", name="No clicks yet")).to_have_count(0)
    page.get_by_role("link", name="refresh totals").click()
    expect(page.get_by_text("None yet.")).to_be_hidden()
    expect(page.locator("table").first).to_be_attached()
    # Beside a chart too.
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    assert site.visit("launch", Referer="https://www.reddit.com/") == 302
    expect(page.get_by_role("listitem").filter(has_text="Safari on iOS")).to_have_count(3)
    page.get_by_role("link", name="refresh totals").click()
    page.get_by_role("link", name="All clicks").click()
    expect(page.get_by_role("row")).to_have_count(4)


def test_a_stream_that_its_reader_lost_is_not_asked_for_again(
    open_browser: OpenBrowser, site: Site
) -> None:
    home = site.add_person()
    link = site.make_link(home)
    page = open_browser(home)
    page.goto(f"/app/links/{link['id']}")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    site.set_password(home, "a password that the operator chose")
    expect(page.get_by_text("Live", exact=True)).to_be_hidden()
    given_up = page.evaluate(GIVES_UP, f"/app/links/{link['id']}/live")
    assert given_up == 1


def test_a_link_is_deleted_from_its_page(page: Page, site: Site, ann: Home, elsewhere: str) -> None:
    link = site.make_link(ann, customSlug="leaving", url=elsewhere)
    page.goto(f"/app/links/{link['id']}")
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete this link").click()
    expect(find_notice(page)).to_contain_text("deleted")
    assert site.visit("leaving") == 404


def test_the_overview_shows_the_period_that_is_chosen(reading: Page) -> None:
    page = reading
    page.goto("/app")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    expect(page.get_by_role("heading", name="Top links")).to_be_visible()
    page.get_by_role("link", name="90 days").click()
    expect(page.get_by_role("link", name="90 days")).to_have_attribute("aria-current", "true")
