"""The analytics pages' tables and a link's clicks as CSV: what the page shows, and all of it."""

import codecs
import csv
import io
import re
from itertools import chain, repeat
from typing import Any

import httpx
import pytest

from shorty.clicks.model import BIO, BOT, QR
from shorty.links.model import LinkChange
from shorty.links.rules import Condition, Rule, Variant
from shorty.links.service import change_link, delete_link
from shorty.redirect.context import NS_IN_MS
from shorty.web import clicks_csv
from shorty.web.cookies import ZONE
from tests.api.house import House
from tests.api.visits import HOUR, fold, visit
from tests.support import DAY, NOW
from tests.web.browser import Browser
from tests.web.figures import read_counts, read_number, read_series

LINK = "/app/links/1"
LINKS_IN_PAGE = re.compile(r'href="([^"]+analytics\.csv[^"]*)"')
SECRET = '=HYPERLINK("https://evil.example")'


@pytest.fixture(autouse=True)
async def link(house: House) -> None:
    await house.make_link(slug="sale", title="Autumn sale")


async def download(browser: Browser, path: str) -> httpx.Response:
    answer = await browser.open(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content.startswith(codecs.BOM_UTF8)
    return answer


async def read(browser: Browser, path: str) -> list[dict[str, str]]:
    answer = await download(browser, path)
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


async def make_history(house: House) -> None:
    countries, referrers = ("DE", "TR", "NO", ""), ("", "t.co", "x.com", "news.example")
    visits: list[dict[str, Any]] = [
        {
            "at": NOW - number * 11 * HOUR - number,
            "visitor": number % 17 + 1,
            "country": countries[number % 4],
            "city": "Oslo" if countries[number % 4] == "NO" else "",
            "referrer": referrers[number // 3 % 4],
            "source": QR if number % 5 == 0 else BIO if number % 7 == 0 else 0,
            "utm": ("letter", "email", f"c{number % 3}", None, None) if number % 2 else None,
            **({"kind": BOT} if number % 9 == 0 else {}),
            "link_id": 2 if number % 10 == 0 else 1,
        }
        for number in range(120)
    ]
    await visit(house, *visits)


@pytest.mark.parametrize("query", ["", "?range=7d&bots=1", "?range=12m", "?range=today"])
@pytest.mark.parametrize("place", ["/app", LINK])
async def test_each_table_of_a_page_is_a_file_with_the_same_numbers(
    house: House, owner: Browser, place: str, query: str
) -> None:
    await house.make_link(slug="other")
    await make_history(house)
    await fold(house)
    owner.client.cookies.set(ZONE, "Asia/Kolkata")
    page = (await owner.open(f"{place}{query}")).text
    files = [each.replace("&amp;", "&") for each in LINKS_IN_PAGE.findall(page)]
    tables = [each.rpartition("table=")[2] for each in files]
    assert len(set(tables)) == len(tables)
    assert {"over-time", "countries", "devices"} <= {*tables}
    for table, file in zip(tables, files, strict=True):
        rows = await read(owner, file)
        if table == "over-time":
            assert [
                (int(row["Clicks"]), int(row["Visitors"]), int(row["Previous period"]))
                for row in rows
            ] == [row[1:] for row in read_series(page)]
            continue
        title = table.replace("-", " ").capitalize().replace("Utm", "UTM")
        shown = read_counts(page, title)
        if table == "top-links":
            assert [("".join(name.split()[:2]), clicks) for name, clicks in shown] == [
                (row["Short link"].removeprefix("http://"), int(row["Clicks"])) for row in rows
            ]
        else:
            assert [(name.lower(), clicks) for name, clicks in shown] == [
                (next(iter(row.values())).lower(), int(row["Clicks"])) for row in rows
            ]


async def test_a_series_names_days_by_the_viewers_zone_and_says_what_is_not_over(
    house: House, owner: Browser
) -> None:
    owner.client.cookies.set(ZONE, "Asia/Kolkata")
    await visit(house, {})
    rows = await read(owner, "/app/analytics.csv?range=7d&table=over-time")
    assert len(rows) == 7
    assert rows[-2]["Day"] == "2026-11-21"
    assert rows[-2]["Note"] == ""
    assert rows[-1] == {
        "Day": "2026-11-22",
        "Start (ISO 8601)": "2026-11-22T00:00:00+05:30",
        "Clicks": "1",
        "Visitors": "1",
        "Previous period": "0",
        "Note": "so far",
    }


@pytest.mark.parametrize(
    ("query", "heading", "first", "exact"),
    [
        ("range=today", "Hour", "2026-11-22 00:00", "2026-11-22T00:00:00+01:00"),
        ("range=12m", "Week from", "2025-11-17", "2025-11-17T00:00:00+01:00"),
        (
            "range=custom&from=2010-06-15&to=2026-11-22",
            *("Month from", "2010-06-01", "2010-06-01T00:00:00+02:00"),
        ),
    ],
)
async def test_the_first_column_is_a_time_that_spreadsheets_read(
    owner: Browser, query: str, heading: str, first: str, exact: str
) -> None:
    owner.client.cookies.set(ZONE, "Europe/Berlin")
    row = (await read(owner, f"{LINK}/analytics.csv?{query}"))[0]
    assert (row[heading], row["Start (ISO 8601)"]) == (first, exact)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/app/analytics.csv", "overview-over-time-2026-10-24-to-2026-11-22"),
        (
            f"{LINK}/analytics.csv?range=today&table=utm-source",
            "localhost-8000-sale-utm-source-2026-11-22",
        ),
        (f"{LINK}/clicks.csv?range=7d", "localhost-8000-sale-clicks-2026-11-16-to-2026-11-22"),
        (f"{LINK}/clicks.csv?range=all", "localhost-8000-sale-clicks"),
        (
            "/app/analytics.csv?range=custom&from=%0d%0aSet-Cookie:x=1&to=%22;",
            "overview-over-time-2026-10-24-to-2026-11-22",
        ),
        (
            "/app/links/2/analytics.csv?range=today&table=countries",
            "localhost-8000-caf-countries-2026-11-22",
        ),
    ],
)
async def test_a_file_is_named_by_what_is_in_it(
    house: House, owner: Browser, path: str, name: str
) -> None:
    await house.make_link(slug="café")
    answer = await download(owner, path)
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}.csv"'


async def test_no_cell_is_run_as_a_formula(house: House, owner: Browser) -> None:
    await house.make_link(slug="two", title=SECRET)
    await visit(
        house,
        {"link_id": 2, "utm": (SECRET, "+1", "-1", "@a", "\t=1"), "city": "=1", "country": "NO"},
    )
    for path in (
        "/app/analytics.csv?table=top-links",
        "/app/links/2/clicks.csv",
        "/app/links/2/analytics.csv?table=cities",
        *(
            f"/app/links/2/analytics.csv?table=utm-{name}"
            for name in ("source", "medium", "campaign", "term", "content")
        ),
    ):
        cells = [*chain.from_iterable(row.values() for row in await read(owner, path))]
        assert any(cell.startswith("'") for cell in cells), path
        assert not any(cell[:1] in "=+-@\t\r" for cell in cells if cell), path


async def test_single_clicks_are_those_of_the_page(house: House, owner: Browser) -> None:
    owner.client.cookies.set(ZONE, "Asia/Kolkata")
    await visit(
        house,
        {"country": "TR", "city": "İzmir", "referrer": "t.co", "source": QR},
        {"at": NOW - 40 * DAY, "utm": ("letter", None, None, None, None), "kind": BOT},
    )
    (row,) = await read(owner, f"{LINK}/clicks.csv")
    assert row == {
        "Time": "2026-11-22 16:30:00",
        "Time (ISO 8601)": "2026-11-22T16:30:00+05:30",
        "Country": "Türkiye",
        "Country code": "TR",
        "City": "İzmir",
        "Referrer": "X",
        "Referrer host": "t.co",
        "Browser": "Safari",
        "System": "iOS",
        "Device": "mobile",
        "Source": "QR code",
        "Bot": "no",
        **{f"UTM {name}": "" for name in ("source", "medium", "campaign", "term", "content")},
    }
    assert len(await read(owner, f"{LINK}/clicks.csv?range=all")) == 1
    assert len(await read(owner, f"{LINK}/clicks.csv?bots=1")) == 1
    rows = await read(owner, f"{LINK}/clicks.csv?range=all&bots=1")
    assert [(each["Bot"], each["UTM source"]) for each in rows] == [("no", ""), ("yes", "letter")]


@pytest.mark.parametrize("is_folded", [False, True])
async def test_clicks_are_read_some_at_a_time_and_each_comes_once(
    house: House, owner: Browser, monkeypatch: pytest.MonkeyPatch, *, is_folded: bool
) -> None:
    monkeypatch.setattr(clicks_csv, "AT_ONCE", 7)
    await house.make_link(slug="other")
    spread = [{"at": NOW - number * 5 * HOUR - 1, "visitor": number} for number in range(1, 90)]
    together = [{"at": NOW - 3 * DAY, "visitor": number} for number in range(1, 30)]
    others = [{"at": NOW - number * HOUR, "link_id": 2} for number in range(1, 50)]
    await visit(house, *spread, *together, *others)
    if is_folded:
        await fold(house)
    everything = await read(owner, f"{LINK}/clicks.csv?range=all")
    times = [row["Time (ISO 8601)"] for row in everything]
    assert times == sorted(times, reverse=True)
    assert len(times) == len(spread) + len(together)
    week = await read(owner, f"{LINK}/clicks.csv?range=7d")
    first = "2026-11-16T00:00:00"
    assert week == [row for row in everything if row["Time (ISO 8601)"] >= first]
    days = await read(owner, f"{LINK}/clicks.csv?range=custom&from=2026-11-10&to=2026-11-12")
    assert days == [row for row in everything if "2026-11-10" <= row["Time"][:10] <= "2026-11-12"]
    assert days


async def test_members_may_and_strangers_may_not(
    house: House, owner: Browser, viewer: Browser, stranger: Browser
) -> None:
    await visit(house, {"country": "DE"})
    for path in (f"{LINK}/clicks.csv", f"{LINK}/analytics.csv?table=countries"):
        assert "Germany" in (await download(viewer, path)).text
        assert (await stranger.open(path)).status_code == 404
    path = "/app/analytics.csv?table=countries"
    assert "Germany" in (await download(viewer, path)).text
    assert "Germany" not in (await download(stranger, path)).text
    await delete_link(house.app.services.links, await house.make_actor(), 1, NOW)
    assert (await owner.open(f"{LINK}/clicks.csv")).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/app/analytics.csv?table=links",
        "/app/analytics.csv?table=../countries",
        f"{LINK}/analytics.csv?table=top-links",
        "/app/links/0/clicks.csv",
    ],
)
async def test_a_table_that_there_is_not_is_not_found(owner: Browser, path: str) -> None:
    assert (await owner.open(path)).status_code == 404


@pytest.mark.parametrize("path", ["/app/analytics.csv", f"{LINK}/clicks.csv"])
async def test_a_download_ends_with_its_readers_session(
    house: House, owner: Browser, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    await download(owner, path)
    times = chain([house.now], repeat(house.now + 40 * DAY))
    monkeypatch.setattr(house.app, "_read_ns", lambda: next(times) * NS_IN_MS)
    answer = await owner.open(path)
    assert answer.status_code == 500
    assert answer.content == b"" or b"Clicks" not in answer.content


async def test_numbers_are_plain_digits(house: House, owner: Browser) -> None:
    await visit(house, *[{"visitor": 7}] * 1234)
    (row,) = await read(owner, "/app/analytics.csv?range=today&table=countries")
    assert read_number(row["Clicks"]) == 1234
    assert row["Clicks"] == "1234"


async def test_a_file_has_the_filters_of_its_page(house: House, owner: Browser) -> None:
    await house.make_link(slug="tagged", tag_names=("Shop",))
    await visit(
        house,
        *({"country": code} for code in ("DE", "DE", "NO")),
        {"country": "DE", "city": "Bonn", "link_id": 2},
        {"country": "NO", "city": "Oslo", "link_id": 2},
    )
    page = (await owner.open("/app?tag=1")).text
    files = {
        file.rpartition("table=")[2]: file
        for each in LINKS_IN_PAGE.findall(page)
        if "tag=1" in (file := each.replace("&amp;", "&"))
    }
    assert [row["Clicks"] for row in await read(owner, files["over-time"])][-1] == "2"
    assert [row["Clicks"] for row in await read(owner, files["countries"])] == ["1", "1"]
    assert [row["Title"] for row in await read(owner, files["top-links"])] == [""]
    for place, clicks in (("/app", "3"), (LINK, "2")):
        rows = await read(owner, f"{place}/analytics.csv?country=DE&table=over-time")
        assert (rows[-1]["Clicks"], rows[-1]["Visitors"]) == (clicks, "1")
    rows = await read(owner, "/app/analytics.csv?country=NO&table=cities")
    assert [(row["City"], row["Code"]) for row in rows] == [("Oslo", "NO")]


async def test_the_rules_of_a_link_are_a_file_with_those_that_are_gone(
    house: House, owner: Browser
) -> None:
    rules = (
        Rule(
            id="guests",
            url="https://a.example/de",
            conditions=(Condition(type="country", values=("DE",)),),
        ),
        Rule(
            id="test",
            name="Which one?",
            variants=tuple(
                Variant(key=key, url=f"https://a.example/{key}", weight=1) for key in "ab"
            ),
            conditions=(Condition(type="device", values=("mobile",)),),
        ),
    )
    place = f"{LINK}/analytics.csv?table=rules"
    assert place not in (await owner.open(f"{LINK}/rules")).text
    context, actor = house.app.services.links, await house.make_actor()
    await change_link(context, actor, 1, LinkChange(rules=rules), house.now)
    won = [("guests", ""), ("test", "a"), ("test", "a"), ("test", "gone"), ("old", ""), None]
    await visit(house, *({"visitor": number, "won": each} for number, each in enumerate(won, 1)))
    page = (await owner.open(f"{LINK}/rules?range=7d")).text
    assert f'href="{LINK}/analytics.csv?range=7d&amp;table=rules"' in page
    assert [list(row.values()) for row in await read(owner, place)] == [
        ["In Germany", "guests", "", "1", "1", ""],
        ["Which one?", "test", "a", "2", "2", ""],
        ["Which one?", "test", "b", "0", "0", ""],
        ["Everyone else", "", "", "1", "1", ""],
        ["", "old", "", "1", "1", "deleted"],
        ["Which one?", "test", "gone", "1", "1", "deleted"],
    ]
    assert (await owner.open("/app/analytics.csv?table=rules")).status_code == 404


async def test_what_a_filter_leaves_out_is_no_file(owner: Browser) -> None:
    rows = await read(owner, f"{LINK}/analytics.csv?device=mobile&range=7d")
    assert "Visitors" not in rows[0]
    for table in ("top-links", "countries", "source"):
        answer = await owner.open(f"/app/analytics.csv?device=mobile&table={table}")
        assert answer.status_code == 404, table


async def test_the_tags_and_domains_of_others_filter_nothing(
    house: House, owner: Browser, stranger: Browser
) -> None:
    await house.make_link(slug="tagged", tag_names=("Shop",))
    await visit(house, {"link_id": 2, "country": "DE"})
    assert "Germany" in (await download(owner, "/app/analytics.csv?tag=1&table=countries")).text
    for wanted in ("tag=1", "domain=elsewhere.example"):
        answer = await stranger.open(f"/app/analytics.csv?{wanted}&table=countries")
        assert answer.status_code == 404
        assert "Germany" not in answer.text
