from typing import Any

import httpx
import pytest

from shorty.clicks.model import BOT, QR
from shorty.clicks.rollups import QUARTER_MS
from shorty.durations import DAY_MS
from shorty.links.rules import Rule, Variant, encode_rules
from tests.api.house import House
from tests.api.visits import HOUR, fold, visit
from tests.support import NOW, make_home

ENDPOINTS = ("summary", "timeseries", "geo", "devices", "referrers", "utm", "rules")


async def ask(client: httpx.AsyncClient, endpoint: str, **parameters: Any) -> dict[str, Any]:
    answer = await client.get(f"/api/v1/analytics/{endpoint}", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture(autouse=True)
async def link(house: House) -> str:
    return str((await house.make_link()).id)


async def test_a_summary_tells_the_last_thirty_days_and_those_before(
    house: House, client: httpx.AsyncClient
) -> None:
    await visit(
        house,
        {},
        {"source": QR, "visitor": 8},
        {"kind": BOT},
        {"at": NOW - 30 * DAY_MS - HOUR},
        {"at": NOW - 400 * DAY_MS},
    )
    expected = {
        "clicks": 2,
        "visitors": 2,
        "scans": 1,
        "bots": 1,
        "previous": {"clicks": 1, "visitors": 1},
        "from": "2026-10-24T00:00:00Z",
        "to": "2026-11-22T12:00:00Z",
        "timezone": "UTC",
    }
    assert await ask(client, "summary") == expected
    await fold(house)
    assert await ask(client, "summary") == expected
    found = await ask(client, "summary", includeBots="true")
    assert (found["clicks"], found["visitors"], found["bots"]) == (3, 2, 1)


async def test_days_are_the_callers_and_those_without_clicks_are_zeros(
    house: House, client: httpx.AsyncClient
) -> None:
    # 18:30 UTC is midnight in Kolkata.
    midnight = NOW - 12 * HOUR - 2 * DAY_MS + 18 * HOUR + HOUR // 2
    await visit(house, {"at": midnight - 1}, {"at": midnight}, {"at": midnight, "visitor": 8})
    for _ in range(2):
        found = await ask(
            client,
            "timeseries",
            timezone="Asia/Kolkata",
            **{"from": "2026-11-19", "to": "2026-11-21"},
        )
        assert found == {
            "series": [
                {"start": "2026-11-19T00:00:00+05:30", "clicks": 0, "visitors": 0},
                {"start": "2026-11-20T00:00:00+05:30", "clicks": 1, "visitors": 1},
                {"start": "2026-11-21T00:00:00+05:30", "clicks": 2, "visitors": 1},
            ],
            "interval": "day",
            "from": "2026-11-19T00:00:00+05:30",
            "to": "2026-11-22T00:00:00+05:30",
            "timezone": "Asia/Kolkata",
        }
        await fold(house)


@pytest.mark.parametrize(
    ("interval", "zone", "start", "end", "starts"),
    [
        (
            "hour",
            "Australia/Lord_Howe",  # goes half an hour back at 2:00
            "2026-04-05T01:00:00+11:00",
            "2026-04-05T03:00:00+10:30",
            [
                "2026-04-05T01:00:00+11:00",
                "2026-04-05T01:30:00+10:30",
                "2026-04-05T02:00:00+10:30",
            ],
        ),
        (
            "day",
            "Europe/Berlin",
            "2026-10-24",
            "2026-10-26",
            [
                "2026-10-24T00:00:00+02:00",
                "2026-10-25T00:00:00+02:00",
                "2026-10-26T00:00:00+01:00",
            ],
        ),
        (
            "day",
            "America/Santiago",  # at midnight the clock goes to 1:00
            "2026-09-05",
            "2026-09-07",
            [
                "2026-09-05T00:00:00-04:00",
                "2026-09-06T01:00:00-03:00",
                "2026-09-07T00:00:00-03:00",
            ],
        ),
        (
            "week",
            "UTC",
            "2026-11-18",
            "2026-11-24",
            ["2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"],
        ),
        (
            "month",
            "UTC",
            "2026-11-18",
            "2027-01-01",
            ["2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"],
        ),
    ],
)
async def test_intervals_begin_where_the_callers_clock_says(
    client: httpx.AsyncClient, interval: str, zone: str, start: str, end: str, starts: list[str]
) -> None:
    found = await ask(
        client, "timeseries", interval=interval, timezone=zone, **{"from": start, "to": end}
    )
    assert [point["start"] for point in found["series"]] == starts


async def test_countries_and_cities_are_counted_and_null_where_unknown(
    house: House, client: httpx.AsyncClient
) -> None:
    await visit(
        house,
        {"country": "US", "city": "Portland"},
        {"country": "US", "visitor": 8, "city": "Salem"},
        {"country": "US"},
        {"visitor": 9},
        {"country": "DE", "kind": BOT},
    )
    for _ in range(2):
        found = await ask(client, "geo")
        assert found["countries"] == [
            {"country": "US", "clicks": 3, "visitors": 2},
            {"country": None, "clicks": 1, "visitors": 1},
        ]
        assert found["cities"] == [
            {"city": None, "country": None, "clicks": 2, "visitors": 1},
            {"city": "Portland", "country": "US", "clicks": 1, "visitors": 1},
            {"city": "Salem", "country": "US", "clicks": 1, "visitors": 1},
        ]
        with_bots = await ask(client, "geo", includeBots="true", limit=2)
        assert [each["country"] for each in with_bots["countries"]] == ["US", None]
        await fold(house)


async def test_devices_browsers_and_systems_are_counted(
    house: House, client: httpx.AsyncClient
) -> None:
    await visit(
        house,
        {},
        {},
        {"user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"},
    )
    found = await ask(client, "devices")
    assert found["devices"] == [
        {"device": "mobile", "clicks": 2},
        {"device": "desktop", "clicks": 1},
    ]
    assert found["browsers"] == [
        {"browser": "Safari", "clicks": 2},
        {"browser": "Firefox", "clicks": 1},
    ]
    assert found["os"] == [{"os": "iOS", "clicks": 2}, {"os": "Linux", "clicks": 1}]


async def test_hosts_of_a_known_site_are_one_referrer(
    house: House, client: httpx.AsyncClient
) -> None:
    hosts = ("t.co", "t.co", "x.com", "l.facebook.com", "blog.example", "")
    await visit(house, *[{"referrer": host} for host in hosts])
    found = (await ask(client, "referrers"))["referrers"]
    assert [(each["referrer"], each["name"], each["clicks"]) for each in found] == [
        ("t.co", "X", 3),
        (None, "Direct", 1),
        ("l.facebook.com", "Facebook", 1),
        ("blog.example", "blog.example", 1),
    ]
    assert found[0]["hosts"] == [
        {"referrer": "t.co", "clicks": 2},
        {"referrer": "x.com", "clicks": 1},
    ]


async def test_each_utm_field_is_counted(house: House, client: httpx.AsyncClient) -> None:
    utm = ("news", "mail", None, None, "b")
    await visit(house, {"utm": utm}, {"utm": utm}, {"utm": ("ads", None, None, None, None)}, {})
    found = await ask(client, "utm")
    assert found["source"] == [{"value": "news", "clicks": 2}, {"value": "ads", "clicks": 1}]
    assert found["medium"] == [{"value": "mail", "clicks": 2}]
    assert found["content"] == [{"value": "b", "clicks": 2}]
    assert found["campaign"] == found["term"] == []


async def test_a_link_a_domain_and_a_tag_narrow_the_numbers(
    house: House, client: httpx.AsyncClient, link: str
) -> None:
    tag = (await client.post("/api/v1/tags", json={"name": "Sale"})).json()["tag"]["id"]
    other = (await house.make_link(domain="go.example", tag_ids=(int(tag),))).id
    await visit(house, {}, {}, {"link_id": other, "country": "FR"})
    for _ in range(2):
        for parameters, clicks in [
            ({}, 3),
            ({"linkId": link}, 2),
            ({"linkId": other}, 1),
            ({"domain": "localhost:8000"}, 2),
            ({"domain": "go.example"}, 1),
            ({"tagId": tag}, 1),
            ({"tagId": tag, "domain": "go.example", "linkId": other}, 1),
            ({"tagId": tag, "linkId": link}, 0),
        ]:
            assert (await ask(client, "summary", **parameters))["clicks"] == clicks
            geo = await ask(client, "geo", **parameters)
            assert sum(each["clicks"] for each in geo["countries"]) == clicks
            series = await ask(client, "timeseries", timezone="Asia/Kathmandu", **parameters)
            assert sum(each["clicks"] for each in series["series"]) == clicks
        house.clock[0] = NOW + DAY_MS
        await fold(house)


async def test_a_period_may_begin_and_end_within_days(
    house: House, client: httpx.AsyncClient
) -> None:
    start, end = NOW - 3 * DAY_MS, NOW - DAY_MS
    moments = (start - 1, start, start + DAY_MS, end - QUARTER_MS, end)
    await visit(house, *[{"at": at, "country": "FR", "visitor": at} for at in moments])
    period = {"from": "2026-11-19T12:00:00Z", "to": "2026-11-21T13:00:00+01:00"}
    for _ in range(2):
        assert (await ask(client, "summary", **period))["clicks"] == 3
        geo = await ask(client, "geo", **period)
        assert geo["countries"] == [{"country": "FR", "clicks": 3, "visitors": 3}]
        await fold(house)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
class TestEachEndpoint:
    async def test_tells_every_faulty_parameter(
        self, client: httpx.AsyncClient, endpoint: str
    ) -> None:
        wrong = {"from": "soon", "to": "2026-13-01", "timezone": "Mars/Base", "domain": "a.example"}
        answer = await client.get(f"/api/v1/analytics/{endpoint}", params=wrong)
        assert answer.status_code == 422
        assert set(answer.json()["fields"]) == set(wrong)
        turned = {"from": "2026-11-22", "to": "2026-11-20"}
        answer = await client.get(f"/api/v1/analytics/{endpoint}", params=turned)
        assert answer.json()["fields"] == {"to": "must be after `from`"}

    async def test_knows_only_the_workspaces_own(
        self, house: House, client: httpx.AsyncClient, endpoint: str, link: str
    ) -> None:
        tag = (await client.post("/api/v1/tags", json={"name": "Sale"})).json()["tag"]["id"]
        await visit(house, {"country": "FR", "referrer": "t.co", "utm": ("a",) * 5})
        other = await make_home(house.app.db, house.app.config, email="eve@b.example")
        stranger = await house.make_client(home=other, scope="read")
        mine, theirs = await ask(client, endpoint), await ask(stranger, endpoint)
        for answer in (mine, theirs):
            for name in ("from", "to", "timezone", "interval"):
                answer.pop(name, None)
        assert '"clicks":1' in httpx.Response(200, json=mine).text.replace(" ", "")
        assert '"clicks":1' not in httpx.Response(200, json=theirs).text.replace(" ", "")
        for name, value in [("linkId", link), ("tagId", tag), ("linkId", "x"), ("tagId", "99")]:
            answer = await stranger.get(f"/api/v1/analytics/{endpoint}", params={name: value})
            assert (answer.status_code, answer.json()["code"]) == (404, "not-found")

    async def test_needs_a_token(self, house: House, endpoint: str) -> None:
        nobody = await house.make_client(token="")
        assert (await nobody.get(f"/api/v1/analytics/{endpoint}")).status_code == 401


async def test_too_many_points_are_refused(client: httpx.AsyncClient) -> None:
    parameters = {"from": "2020-01-01", "interval": "hour"}
    answer = await client.get("/api/v1/analytics/timeseries", params=parameters)
    assert answer.status_code == 422
    assert "10,000 points" in answer.json()["fields"]["interval"]


async def test_a_deleted_links_numbers_stay_in_the_workspaces(
    house: House, client: httpx.AsyncClient, link: str
) -> None:
    await visit(house, {})
    assert (await client.delete(f"/api/v1/links/{link}")).status_code == 204
    assert (await ask(client, "summary"))["clicks"] == 1
    answer = await client.get("/api/v1/analytics/summary", params={"linkId": link})
    assert answer.status_code == 404


async def test_the_server_folds_days_and_removes_old_clicks_by_itself(house: House) -> None:
    plan = house.app.config.plans["free"].click_retention_days
    assert plan == 365
    await visit(house, {"at": NOW - 366 * DAY_MS}, {"at": NOW - 365 * DAY_MS}, {})
    await house.app.db.write(lambda tx: tx.execute("update workspaces set plan = 'free'"))
    await house.app.jobs.sweep()
    db = house.app.db
    assert [row["at"] for row in await db.find_all("select at from clicks order by at")] == [
        NOW - 365 * DAY_MS,
        NOW - HOUR,
    ]
    days = await db.find_all("select day from click_days where owner = 1 order by day")
    assert [row["day"] for row in days] == [
        (NOW - ago * DAY_MS) // DAY_MS * DAY_MS for ago in (366, 365)
    ]
    seen = await db.find_all("select distinct day from day_visitors")
    assert [row["day"] for row in seen] == [NOW // DAY_MS * DAY_MS]


A, B = (Variant(key=key, url=f"https://example.com/{key}", weight=1) for key in "ab")


async def set_rules(house: House, link: str, *rules: Rule) -> None:
    sql = "update links set rules = $1 where id = $2"
    await house.app.db.write(lambda tx: tx.execute(sql, encode_rules(rules), int(link)))


async def test_rules_and_variants_are_counted_with_those_that_are_gone(
    house: House, client: httpx.AsyncClient, link: str
) -> None:
    await set_rules(house, link, Rule(id="4f2a", name="Germans", variants=(A, B)))
    await visit(
        house,
        *({"won": ("4f2a", "a"), "visitor": number} for number in (1, 1, 2)),
        {"won": ("4f2a", "c"), "visitor": 3},
        {"won": ("77c1", ""), "visitor": 4},
        {"visitor": 5},
        {"visitor": 1},
        {"won": ("4f2a", "a"), "kind": BOT},
    )
    gone = {"name": None, "clicks": 1, "visitors": 1, "isDeleted": True, "linkId": link}
    expected = [
        {
            "linkId": link,
            "rule": "4f2a",
            "name": "Germans",
            "variant": "a",
            "clicks": 3,
            "visitors": 2,
            "isDeleted": False,
        },
        {
            "linkId": None,
            "rule": None,
            "name": None,
            "variant": None,
            "clicks": 2,
            "visitors": 1,
            "isDeleted": False,
        },
        gone | {"rule": "4f2a", "name": "Germans", "variant": "c"},
        gone | {"rule": "77c1", "variant": None},
    ]
    for parameters in ({}, {"linkId": link}, {"domain": "localhost:8000"}):
        assert (await ask(client, "rules", **parameters))["rules"] == expected
    await fold(house)
    assert (await ask(client, "rules"))["rules"] == expected
    assert len((await ask(client, "rules", limit=1))["rules"]) == 1
    with_bots = (await ask(client, "rules", includeBots="true"))["rules"]
    assert with_bots[0]["clicks"] == 4


async def test_rules_of_two_links_are_told_apart(
    house: House, client: httpx.AsyncClient, link: str
) -> None:
    other = str((await house.make_link(slug="other")).id)
    for each, name in ((link, "One"), (other, "Two")):
        await set_rules(house, each, Rule(id="4f2a", name=name, url=A.url))
    await visit(
        house,
        *[{"won": ("4f2a", "")}] * 2,
        {"won": ("4f2a", ""), "link_id": int(other)},
    )
    found = (await ask(client, "rules"))["rules"]
    assert [(each["linkId"], each["name"], each["clicks"]) for each in found] == [
        (link, "One", 2),
        (other, "Two", 1),
    ]
