import csv
import io
from itertools import chain, repeat
from typing import Any

import httpx
import msgspec
import pytest

from shorty.clicks import export
from shorty.clicks.model import BOT, PREFETCH
from shorty.durations import DAY_MS
from shorty.redirect.context import NS_IN_MS
from tests.api.house import House
from tests.api.test_analytics import visit
from tests.support import DAY, NOW, make_home, make_token

PATH = "/api/v1/analytics/export"


async def read_table(client: httpx.AsyncClient, **parameters: Any) -> list[dict[str, str]]:
    answer = await client.get(PATH, params=parameters)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="clicks.csv"'
    assert "x-ratelimit-limit" in answer.headers
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


@pytest.fixture(autouse=True)
async def link(house: House) -> str:
    return str((await house.make_link(slug="sale")).id)


async def test_clicks_come_as_a_table_with_all_that_is_known(
    house: House, client: httpx.AsyncClient, link: str
) -> None:
    utm = ("news", None, None, None, "b,c")
    won = ("b90e", "a")
    seen = {"country": "US", "city": "Portland", "referrer": "t.co", "utm": utm, "won": won}
    await visit(house, seen)
    await visit(house, {"kind": BOT}, {"kind": PREFETCH}, {"visitor": 0, "at": NOW - 1})
    first, second = await read_table(client)
    assert first == {
        "id": first["id"],
        "occurredAt": "2026-11-22T11:00:00.000Z",
        "linkId": link,
        "domain": "localhost:8000",
        "shortCode": "sale",
        "source": "link",
        "isBot": "false",
        "visitor": "7",
        "country": "US",
        "city": "Portland",
        "referrer": "t.co",
        "browser": "Safari",
        "os": "iOS",
        "device": "mobile",
        "utmSource": "news",
        "utmMedium": "",
        "utmCampaign": "",
        "utmTerm": "",
        "utmContent": "b,c",
        "rule": "b90e",
        "variant": "a",
    }
    assert (second["visitor"], second["rule"], second["variant"]) == ("", "", "")
    assert [row["isBot"] for row in await read_table(client, includeBots="true")] == [
        *("false", "true", "false")
    ]


async def test_lines_of_json_hold_the_same(house: House, client: httpx.AsyncClient) -> None:
    await visit(house, {}, {"visitor": 8})
    answer = await client.get(PATH, params={"format": "ndjson"})
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = [msgspec.json.decode(line) for line in answer.content.splitlines()]
    assert [line["visitor"] for line in lines] == ["7", "8"]
    assert lines[0]["utmSource"] is None


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("//a")'])
async def test_formulas_are_defused(house: House, client: httpx.AsyncClient, value: str) -> None:
    await visit(house, {"utm": (value, None, None, None, None)})
    (row,) = await read_table(client)
    assert row["utmSource"] == f"'{value}"


async def test_a_period_a_link_a_domain_and_a_tag_narrow_it(
    house: House, client: httpx.AsyncClient, link: str
) -> None:
    tag = (await client.post("/api/v1/tags", json={"name": "Sale"})).json()["tag"]["id"]
    other = (await house.make_link(domain="go.example", tag_ids=(int(tag),))).id
    await visit(house, {}, {"link_id": other}, {"at": NOW - 40 * DAY_MS})
    for parameters, count in [
        ({}, 2),
        ({"from": "2026-10-01"}, 3),
        ({"linkId": link}, 1),
        ({"domain": "go.example"}, 1),
        ({"tagId": tag}, 1),
        ({"tagId": tag, "linkId": link}, 0),
    ]:
        assert len(await read_table(client, **parameters)) == count


async def test_many_clicks_come_in_pieces_each_once(
    house: House, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "CLICKS_AT_ONCE", 3)
    await visit(
        house, *[{"at": NOW - 50 + index // 2, "visitor": index + 1} for index in range(20)]
    )
    found = [row["visitor"] for row in await read_table(client)]
    assert found == [str(index + 1) for index in range(20)]


async def test_only_the_workspaces_own_clicks_are_there(
    house: House, client: httpx.AsyncClient, link: str
) -> None:
    await visit(house, {})
    other = await make_home(house.app.db, house.app.config, email="eve@b.example")
    stranger = await house.make_client(home=other)
    assert await read_table(stranger) == []
    assert (await stranger.get(PATH, params={"linkId": link})).status_code == 404
    faulty = await client.get(PATH, params={"format": "xls", "from": "soon"})
    assert faulty.status_code == 422
    assert set(faulty.json()["fields"]) == {"format"}


async def test_it_ends_with_its_token(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that expires between the request and the first clicks."""
    await visit(house, {"country": "US"})
    client = await house.make_client(
        token=await make_token(house.app.db, house.home, expires_at=NOW + DAY)
    )
    assert len(await read_table(client)) == 1
    times = chain([NOW], repeat(NOW + 2 * DAY))
    monkeypatch.setattr(house.app, "_read_ns", lambda: next(times) * NS_IN_MS)
    answer = await client.get(PATH)
    assert answer.status_code == 500
    assert "US" not in answer.text
