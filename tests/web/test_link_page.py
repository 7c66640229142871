from typing import Any

import httpx
import pytest

from shorty.clicks.model import BIO, BOT, QR
from shorty.links.model import QrSettings
from shorty.links.service import delete_link
from shorty.web.cookies import ZONE
from shorty.webcore.qr_drawings import draw
from tests.api.house import House
from tests.api.visits import HOUR, fold, visit
from tests.clicks.making import BROWSER, store_all
from tests.support import DAY, NOW
from tests.web.browser import Browser, read_text
from tests.web.figures import read_counts, read_figures, read_rows, read_series

PLACE = "/app/links/1"
HOSTILE = "<script>alert(1)</script>\"'&"


@pytest.fixture
async def client(house: House) -> httpx.AsyncClient:
    return await house.make_client()


@pytest.fixture(autouse=True)
async def link(house: House) -> None:
    await house.make_link(slug="sale", title="Autumn sale")


async def open_page(browser: Browser, path: str = PLACE) -> str:
    answer = await browser.open(path)
    assert answer.status_code == 200, answer.text
    return answer.text


async def ask(client: httpx.AsyncClient, endpoint: str, **parameters: str) -> dict[str, Any]:
    answer = await client.get(f"/api/v1/analytics/{endpoint}", params={"linkId": "1", **parameters})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def make_history(house: House) -> None:
    """Clicks of every kind over many days, on two links."""
    countries, referrers = ("DE", "US", "NO", ""), ("", "t.co", "x.com", "news.example")
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


@pytest.mark.parametrize("bots", ["", "1"])
@pytest.mark.parametrize(
    ("choice", "given", "interval"),
    [
        ("range=30d", {}, "day"),
        ("range=12m", {"from": "2025-11-23"}, "week"),
        ("range=today", {"from": "2026-11-22"}, "hour"),
        (
            "range=custom&from=2026-10-30&to=2026-11-05",
            {"from": "2026-10-30", "to": "2026-11-05"},
            "day",
        ),
    ],
)
async def test_the_numbers_are_those_of_the_api(
    house: House,
    owner: Browser,
    client: httpx.AsyncClient,
    choice: str,
    given: dict[str, str],
    interval: str,
    bots: str,
) -> None:
    await house.make_link(slug="other")
    await make_history(house)
    await fold(house)
    zone = "Asia/Kolkata"
    owner.client.cookies.set(ZONE, zone)
    asked = {"timezone": zone, "includeBots": "true" if bots else "false", **given}
    page = await open_page(owner, f"{PLACE}?{choice}&bots={bots}")

    summary = await ask(client, "summary", **asked)
    assert read_figures(page) == {
        "Clicks": summary["clicks"],
        "Visitors": summary["visitors"],
        "QR scans": summary["scans"],
        "Bots": summary["bots"],
    }
    series = (await ask(client, "timeseries", interval=interval, **asked))["series"]
    shown = read_series(page)
    assert [row[1:3] for row in shown] == [(each["clicks"], each["visitors"]) for each in series]
    assert sum(row[3] for row in shown) == summary["previous"]["clicks"]

    geo = await ask(client, "geo", **asked)
    names = {"DE": "Germany", "US": "United States", "NO": "Norway", None: "Unknown"}
    assert read_counts(page, "Countries") == [
        (names[each["country"]], each["clicks"]) for each in geo["countries"]
    ]
    assert read_counts(page, "Cities") == [
        (each["city"] or "Unknown", each["clicks"]) for each in geo["cities"]
    ]
    referrers = (await ask(client, "referrers", **asked))["referrers"]
    assert read_counts(page, "Referrers") == [(each["name"], each["clicks"]) for each in referrers]
    devices = await ask(client, "devices", **asked)
    for title, kind, key in (
        ("Devices", "devices", "device"),
        ("Browsers", "browsers", "browser"),
        ("Operating systems", "os", "os"),
    ):
        assert [(name.lower(), clicks) for name, clicks in read_counts(page, title)] == [
            ((each[key] or "unknown").lower(), each["clicks"]) for each in devices[kind]
        ]
    utm = await ask(client, "utm", **asked)
    for name, values in utm.items():
        if name in {"source", "medium", "campaign", "term", "content"}:
            assert read_counts(page, f"UTM {name}") == [
                (each["value"], each["clicks"]) for each in values
            ]


async def test_a_day_begins_at_the_viewers_midnight(house: House, owner: Browser) -> None:
    owner.client.cookies.set(ZONE, "Asia%2FKolkata")
    midnight = NOW - 17 * HOUR - HOUR // 2  # of 22 November in Kolkata, where it is 17:30 now
    await visit(house, {"at": midnight - 1}, {"at": midnight}, {"at": NOW - 1})
    for _ in range(2):
        page = await open_page(owner, f"{PLACE}?range=today")
        assert read_figures(page)["Clicks"] == 2
        series = read_series(page)
        assert [each[:2] for each in (series[0], series[-1])] == [
            ("Sun 22 Nov 2026, 00:00", 1),
            ("Sun 22 Nov 2026, 17:00 (so far)", 1),
        ]
        page = await open_page(owner, f"{PLACE}?range=7d")
        assert [each[1] for each in read_series(page)[-2:]] == [1, 2]
        await fold(house)


async def test_ways_that_people_came_are_told_apart(house: House, owner: Browser) -> None:
    await visit(house, {}, {}, {"source": QR}, {"source": BIO}, {"source": BIO}, {"kind": BOT})
    page = await open_page(owner)
    assert read_counts(page, "Source") == [("Link", 2), ("QR code", 1), ("Bio page", 2)]


async def test_hosts_of_referrers_are_shown_as_people_write_them(
    house: House, owner: Browser
) -> None:
    await visit(house, {"referrer": "xn--bcher-kva.example"})
    page = await open_page(owner)
    assert read_counts(page, "Referrers") == [("bücher.example", 1)]
    assert "bücher.example · Safari" in read_text(page)
    assert "bücher.example" in read_text(await open_page(owner, f"{PLACE}/clicks"))


async def test_the_head_tells_what_the_link_is(house: House, owner: Browser) -> None:
    await house.make_link(
        slug="x", url="https://example.com/a?b=1", tag_names=("Shop",), max_clicks=5, password="p"
    )
    page = await open_page(owner, "/app/links/2")
    text = read_text(page)
    assert "localhost:8000/x" in text
    assert "https://example.com/a?b=1" in text
    assert "Limited Password Shop Created just now by ann" in text
    assert "0 of 5 visits" in text
    assert 'data-copy="http://localhost:8000/x"' in page


@pytest.mark.parametrize(
    ("values", "later", "state"),
    [
        ({"is_active": False}, 0, "Off"),
        ({}, 0, "Active"),
        ({"expires_at": NOW + DAY}, 0, "Ends 23 Nov"),
        ({"expires_at": NOW + DAY}, DAY, "Expired 23 Nov"),
        ({"max_clicks": 1}, 0, "Used up"),
        ({"max_clicks": 2}, 0, "Limited"),
    ],
)
async def test_its_state_is_told(
    house: House, owner: Browser, values: dict[str, Any], later: int, state: str
) -> None:
    link = await house.make_link(**values)
    await visit(house, {"link_id": link.id})
    house.clock[0] += later
    text = read_text(await open_page(owner, f"/app/links/{link.id}"))
    assert f"https://example.com/there {state} Created" in text


async def test_a_link_without_clicks_says_how_to_get_some(owner: Browser) -> None:
    text = read_text(await open_page(owner))
    assert "No clicks yet" in text
    assert "http://localhost:8000/sale" in text
    assert "None yet." in text


async def test_visits_of_a_link_by_bots_alone_are_told_of_and_not_counted(
    house: House, owner: Browser
) -> None:
    await visit(house, *[{"kind": BOT}] * 2)
    page = await open_page(owner)
    assert "No clicks yet" in read_text(page)
    assert "2 bot visits are not counted. Include bots" in read_text(page)
    assert f'href="{PLACE}?bots=1"' in page
    assert "No clicks yet" not in read_text(await open_page(owner, f"{PLACE}?bots=1"))
    await visit(house, {})
    assert "not counted" not in read_text(await open_page(owner))


async def test_the_latest_clicks_are_there_without_a_script(house: House, owner: Browser) -> None:
    await visit(
        house,
        {"at": NOW - 3 * HOUR, "country": "NO", "city": "Oslo", "referrer": "t.co", "source": QR},
        {"at": NOW - HOUR, "kind": BOT, "country": "FR"},
    )
    feed = read_text((await open_page(owner)).partition("Latest clicks")[2].partition("</ol>")[0])
    assert "Oslo, Norway QR code X · Safari on iOS · mobile 22 Nov 2026, 09:00" in feed
    assert "France" not in feed
    page = await open_page(owner, f"{PLACE}?bots=1")
    assert "France Bot" in read_text(page.partition("Latest clicks")[2])


async def test_clicks_are_listed_page_by_page(house: House, owner: Browser) -> None:
    await visit(house, *({"at": NOW - each * 1000, "country": "DE"} for each in range(1, 70)))
    await visit(house, {"kind": BOT})
    page = await open_page(owner, f"{PLACE}/clicks")
    first = read_rows(page, "Clicks, newest first")[1:]
    assert len(first) == 50
    following = page.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    page = await open_page(owner, following)
    second = read_rows(page, "Clicks, newest first")[1:]
    assert len(second) == 19
    assert 'rel="next"' not in page
    assert "To the start" in page
    with_bots = [
        row[-1]
        for address in (f"{PLACE}/clicks?bots=1", following.replace("?", "?bots=1&"))
        for row in read_rows(await open_page(owner, address), "Clicks, newest first")[1:]
    ]
    assert with_bots.count("Bot") == 1
    assert len(with_bots) == 70
    assert (
        len(read_rows(await open_page(owner, f"{PLACE}/clicks?before=now"), "Clicks, newest first"))
        == 51
    )


@pytest.mark.parametrize(
    "path", ["", "/clicks", "/breakdown", "/live", "/code.svg", "/deliveries", "/history"]
)
async def test_another_workspaces_link_is_not_there(
    house: House, owner: Browser, stranger: Browser, path: str
) -> None:
    assert (await stranger.open(f"{PLACE}{path}")).status_code == 404
    actor = await house.make_actor()
    await delete_link(house.app.services.links, actor, 1, NOW)
    assert (await owner.open(f"{PLACE}{path}")).status_code == 404


async def test_a_viewer_may_look_at_everything_and_change_nothing(viewer: Browser) -> None:
    page = await open_page(viewer)
    assert f"{PLACE}/edit" not in page
    assert f"{PLACE}/delete" not in page


async def test_hostile_text_is_shown_as_text(house: House, owner: Browser) -> None:
    link = await house.make_link(
        slug="evil", url="https://example.com/?q=<b>", title=HOSTILE, description=HOSTILE
    )
    await visit(
        house,
        {
            "link_id": link.id,
            "referrer": HOSTILE,
            "city": HOSTILE,
            "country": "NO",
            "utm": (HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE),
        },
    )
    for path in ("", "/clicks", "/history"):
        page = await open_page(owner, f"/app/links/{link.id}{path}")
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in page
    page = await open_page(owner, "/app")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


async def test_a_script_gets_the_part_alone(owner: Browser) -> None:
    part = (await owner.open(PLACE, **{"x-shorty-fragment": "1"})).text
    assert "<html" not in part
    assert "Latest clicks" in part


async def test_the_code_is_drawn_with_and_without_settings(house: House, owner: Browser) -> None:
    answer = await owner.open(f"{PLACE}/code.svg")
    assert answer.headers["content-type"] == "image/svg+xml"
    plain = draw(QrSettings(), "http://localhost:8000/sale?qr=1", None, "svg")
    assert answer.content == plain
    link = await house.make_link(qr_settings=QrSettings(color="#aa0000"))
    assert "#aa0000" in (await owner.open(f"/app/links/{link.id}/code.svg")).text


async def test_what_is_asked_for_with_a_real_visit_is_counted(house: House, owner: Browser) -> None:
    visitor = await house.make_client(token="")
    assert (await visitor.get("/sale", headers={"user-agent": BROWSER})).status_code == 302
    await store_all(house.app.services.recorder)
    house.clock[0] += 1000
    page = await open_page(owner)
    assert read_figures(page)["Clicks"] == 1
    assert read_counts(page, "Browsers") == [("Chrome", 1)]
