from html import unescape

import httpx
import pytest

from shorty.clicks.model import BOT, QR
from shorty.links.service import delete_link
from tests.api.house import House
from tests.api.visits import HOUR, fold, visit
from tests.support import DAY, NOW
from tests.web.browser import Browser, read_text
from tests.web.figures import read_counts, read_figures, read_rows

DAYS = range(40)


async def open_page(browser: Browser, query: str = "") -> str:
    answer = await browser.open(f"/app{query}")
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_without_links_it_shows_how_to_make_one(house: House, owner: Browser) -> None:
    page = await open_page(owner)
    text = read_text(page)
    assert "Create your first link" in text
    assert "curl http://localhost:8000/api/v1/links" in text
    assert 'method="post" action="/app/links"' in page


async def test_an_editor_is_not_sent_to_the_tokens(editor: Browser) -> None:
    page = await open_page(editor)
    assert 'method="post" action="/app/links"' in page
    assert "/app/tokens" not in page


async def test_a_viewer_of_nothing_is_told_to_wait(viewer: Browser) -> None:
    page = await open_page(viewer)
    assert "Analytics appear here once an editor" in read_text(page)
    assert 'action="/app/links"' not in page


async def test_without_clicks_it_shows_what_to_share(house: House, owner: Browser) -> None:
    await house.make_link(slug="sale")
    page = await open_page(owner)
    assert "No clicks yet" in read_text(page)
    assert 'data-copy="http://localhost:8000/sale"' in page
    assert "not counted" not in read_text(page)


async def test_visits_by_bots_alone_are_told_of_and_not_counted(
    house: House, owner: Browser
) -> None:
    await house.make_link(slug="sale")
    await visit(house, {"kind": BOT})
    assert "1 bot visit is not counted. Include bots" in read_text(await open_page(owner))
    await visit(house, *[{"kind": BOT}] * 1234)
    page = await open_page(owner)
    assert "No clicks yet" in read_text(page)
    assert "1,235 bot visits are not counted." in read_text(page)
    with_bots = read_text(await open_page(owner, "?bots=1"))
    assert "No clicks yet" not in with_bots
    assert "not counted" not in with_bots
    await visit(house, {})
    assert "not counted" not in read_text(await open_page(owner))


@pytest.mark.parametrize("bots", ["", "&bots=1"])
async def test_the_numbers_are_those_of_the_api(house: House, owner: Browser, bots: str) -> None:
    client = await house.make_client()
    for slug in ("a", "b", "c"):
        await house.make_link(slug=slug)
    await visit(
        house,
        *(
            {"at": NOW - day * DAY - HOUR, "link_id": link_id, "visitor": day + 1, "country": code}
            | ({"kind": BOT} if day % 5 == 0 else {"source": QR} if day % 3 == 0 else {})
            for day in DAYS
            for link_id, code in ((1, "DE"), (1, "US"), (2, "DE"))
        ),
    )
    await fold(house)
    page = await open_page(owner, f"?range=7d{bots}")
    asked = {"from": "2026-11-16", "includeBots": "true" if bots else "false"}
    summary = (await client.get("/api/v1/analytics/summary", params=asked)).json()
    assert read_figures(page) == {
        "Clicks": summary["clicks"],
        "Visitors": summary["visitors"],
        "QR scans": summary["scans"],
        "Bots": summary["bots"],
    }
    geo = (await client.get("/api/v1/analytics/geo", params=asked)).json()
    names = {"DE": "Germany", "US": "United States", None: "Unknown"}
    assert read_counts(page, "Countries") == [
        (names[each["country"]], each["clicks"]) for each in geo["countries"]
    ]
    assert read_links(page) == [
        (slug, await count_clicks(client, link_id, asked)) for slug, link_id in (("a", 1), ("b", 2))
    ]


def read_links(page: str) -> list[tuple[str, int]]:
    rows = read_rows(page, "Top links")
    return [(name.partition("/")[2].split()[0], int(clicks)) for name, clicks in rows]


async def count_clicks(client: httpx.AsyncClient, link_id: int, asked: dict[str, str]) -> int:
    answer = await client.get("/api/v1/analytics/summary", params={**asked, "linkId": str(link_id)})
    return answer.json()["clicks"]


async def test_deleted_links_and_other_workspaces_are_left_out(
    house: House, owner: Browser, stranger: Browser
) -> None:
    for slug in ("gone", "here"):
        await house.make_link(slug=slug)
    await visit(house, {"link_id": 1}, {"link_id": 2})
    await delete_link(house.app.services.links, await house.make_actor(), 1, NOW)
    assert read_links(await open_page(owner)) == [("here", 1)]
    assert "Create your first link" in await open_page(stranger)


async def test_the_trend_is_against_the_period_before(house: House, owner: Browser) -> None:
    await house.make_link()
    await visit(house, {}, {}, {}, {"at": NOW - DAY - HOUR}, {"at": NOW - DAY - HOUR})
    text = read_text(await open_page(owner, "?range=today"))
    assert "Clicks 3 new" in text  # yesterday's clicks came at noon: the day before ends there
    await visit(house, {"at": NOW - 8 * DAY}, {"at": NOW - 8 * DAY})
    assert "Clicks 5 +150" in read_text(await open_page(owner, "?range=7d"))


async def test_what_is_no_period_is_said(house: House, owner: Browser) -> None:
    await house.make_link()
    await visit(house, {})
    page = await open_page(owner, "?range=custom&from=2026-11-09&to=2026-11-08")
    assert "a last day that is not before it" in read_text(page)
    assert 'value="2026-11-09"' in page


async def test_the_chart_is_told_in_a_sentence_and_point_by_point(
    house: House, owner: Browser
) -> None:
    await house.make_link()
    await visit(house, {}, {"visitor": 2}, {"at": NOW - DAY}, {"at": NOW - 8 * DAY})
    page = unescape(await open_page(owner, "?range=7d"))
    assert (
        'aria-label="3 clicks and 3 visitors, Mon 16 Nov 2026 to Sun 22 Nov 2026 (so far). '
        'Previous period: 1 click. Most clicks: 2, Sun 22 Nov 2026 (so far)."'
    ) in page
    told = "Sat 21 Nov 2026: 1 click, 1 visitor; previous period: 1 click"
    assert f"<title>{told}</title>" in page
    assert 'aria-valuemax="7" aria-valuenow="7"' in page
    assert "Today so far" in page


async def test_a_chart_of_days_that_are_over_has_nothing_unfinished(
    house: House, owner: Browser
) -> None:
    await house.make_link()
    await visit(house, {"at": NOW - DAY})
    page = await open_page(owner, "?range=custom&from=2026-11-15&to=2026-11-21")
    assert "so far" not in page
    assert "running" not in page.partition("<figure")[2].partition("</figure>")[0]


async def test_a_range_without_clicks_says_so_once(house: House, owner: Browser) -> None:
    await house.make_link()
    await visit(house, {})
    page = await open_page(owner, "?range=custom&from=2026-10-01&to=2026-10-02")
    assert read_text(page).count("No clicks in this period.") == 1
    assert "0 clicks and 0 visitors, Thu 1 Oct 2026, 00:00 to Fri 2 Oct 2026, 23:00" in page
    assert "Countries" not in page
