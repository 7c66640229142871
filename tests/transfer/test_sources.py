"""Files of other products, as these write them, and what becomes of them here."""

from typing import Any, get_args

import msgspec
import pytest

from shorty.clicks.stats import count_values
from shorty.clicks.stats_store import Scope
from shorty.links.model import Link
from shorty.transfer.model import SourceName
from shorty.transfer.sources import READERS
from tests.clicks.recount import assert_sums_are_right
from tests.support import NOW
from tests.transfer import samples
from tests.transfer.making import House, get_only, import_text, list_all, tell


async def import_all(house: House, source: SourceName, text: str) -> dict[str, Link]:
    await import_text(house, source, text)
    return {f"{link.host}/{link.slug}": link for link in await list_all(house)}


@pytest.mark.parametrize(
    "text",
    [
        samples.YOURLS_TABLE,
        samples.YOURLS_PLUGIN_TABLE,
        samples.YOURLS_STATS,
        samples.YOURLS_LIST,
        samples.MYSQLDUMP,
        samples.PHPMYADMIN,
    ],
)
async def test_yourls_comes_in_every_form(house: House, text: str) -> None:
    links = await import_all(house, "yourls", text)
    link = links.get("go.example/ozh") or links["localhost:8000/ozh"]
    assert (link.url, link.clicks) == ("https://ozh.org/", 12)
    if text != samples.YOURLS_PLUGIN_TABLE:
        assert (link.title, link.created_at) == ("Ozh, RICHARD", 1_360_088_120_000)


@pytest.mark.parametrize("text", [samples.MYSQLDUMP, samples.PHPMYADMIN])
async def test_a_dump_is_read_past_quotes_and_lines(house: House, text: str) -> None:
    link = (await import_all(house, "yourls", text))["go.example/it-s"]
    assert link.original_url == "https://example.com/?a=1&b='x'"
    assert link.title == 'It\'s; ("so"), <ok>'


async def test_a_dump_brings_its_clicks(house: House) -> None:
    told = await import_text(house, "yourls", samples.MYSQLDUMP)
    assert (told.created, told.clicks) == (2, 2)
    assert [": 1" in problem.message for problem in told.problems] == [True]
    rows = await house.db.find_all("select * from clicks order by id")
    first, second = [dict(row) for row in rows]
    assert (first["kind"], first["country"], first["referrer"]) == (1, "US", "t.co")
    assert (first["browser"], first["device"], first["visitor"]) == ("Chrome", "desktop", 0)
    assert (second["kind"], second["country"], second["referrer"]) == (2, None, None)
    scope = Scope(workspace_id=house.actor.workspace_id)
    assert (await count_values(house.db, scope, 0, NOW)).totals[:3] == (1, 0, 1)
    await assert_sums_are_right(house.db)
    again = await import_text(house, "yourls", samples.MYSQLDUMP)
    assert (again.created, again.there, again.clicks) == (0, 2, 0)
    assert [link.clicks for link in await list_all(house)] == [12, 0]


async def test_kutt_keeps_its_ends_and_closes_what_had_a_password(house: House) -> None:
    told = await import_text(house, "kutt", samples.KUTT)
    assert [tell(problem) for problem in told.problems] == [
        ("note", "line 6, entry 2", "secret"),
        ("note", "line 10, entry 3", "bad"),
    ]
    assert told.switched_off == {"password": 1, "banned": 1}
    plain, secret, bad = await list_all(house)
    assert (plain.url, plain.title, plain.clicks) == ("https://example.com/kutt", "A note", 7)
    assert (plain.created_at, plain.updated_at) == (1_709_287_200_000, 1_709_373_600_000)
    assert (plain.expires_at, plain.description) == (1_893_456_000_000, None)
    assert (secret.host, secret.is_active) == ("localhost:8000", False)
    assert (bad.is_active, plain.is_active) == (False, True)


async def test_a_table_of_kutts_database_is_read(house: House) -> None:
    text = "id,address,target,visit_count,created_at\n1,kutt,https://example.com/,7,2024-03-01\n"
    assert (await import_all(house, "kutt", text))["go.example/kutt"].clicks == 7


async def test_shlink_comes_as_a_table(house: House) -> None:
    link = (await import_all(house, "shlink", samples.SHLINK_TABLE))["go.example/shl"]
    assert ([tag.name for tag in link.tags], link.clicks) == (["a", "b c"], 42)
    assert (link.title, link.created_at) == ("T", 1_704_161_045_000)


async def test_shlink_comes_from_its_api(house: House) -> None:
    told = await import_text(house, "shlink", samples.SHLINK)
    assert told.problems == ()
    new, old, parts = await list_all(house)
    assert (parts.host, parts.slug) == ("go.example", "two/parts")
    assert (new.host, new.slug, new.clicks, new.max_clicks) == ("go.example", "shl", 40, 100)
    assert (new.valid_since, new.expires_at) == (1_893_369_600_000, 1_893_456_000_000)
    assert new.forward_parameters
    assert old.valid_since is None
    assert (old.host, old.clicks, old.max_clicks) == ("localhost:8000", 3, None)
    row = await house.db.find_one("select bots from link_counters where link_id = $1", new.id)
    assert row is not None
    assert row["bots"] == 2


async def test_dub_comes_as_a_table(house: House) -> None:
    link = (await import_all(house, "dub", samples.DUB_TABLE))["go.example/sale"]
    assert ([tag.name for tag in link.tags], link.clicks) == (["mail", "shop"], 9)
    assert (link.is_active, link.url) == (True, "https://example.com/sale")


async def test_dub_comes_from_its_api(house: House) -> None:
    told = await import_text(house, "dub", samples.DUB)
    assert told.problems == ()
    sale, card = await list_all(house)
    assert (sale.host, sale.slug, sale.clicks) == ("go.example", "sale", 9)
    assert sale.url == "https://example.com/sale?utm_source=mail"
    assert (sale.title, sale.description, sale.image) == ("Sale", None, None)
    assert (sale.utm_source, sale.utm_medium) == ("mail", None)
    assert ([tag.name for tag in sale.tags], sale.is_active) == (["mail", "shop"], True)
    assert (sale.created_at, sale.updated_at) == (1_711_972_800_000, 1_712_059_200_000)
    assert (sale.expires_at, sale.forward_parameters) == (1_893_456_000_000, True)
    assert (card.title, card.description) == ("For Ann", "A card")
    assert (card.image, card.cloaked) == ("https://example.com/card.png", True)
    assert (card.password_hash is not None, card.is_active) == (True, True)
    row = await house.db.find_one(
        "select last_click_at from link_counters where link_id=$1", sale.id
    )
    assert row is not None
    assert row["last_click_at"] == 1_714_521_600_000


async def test_bitly_comes_as_a_table(house: House) -> None:
    links = await import_all(house, "bitly", samples.BITLY_TABLE)
    spring = links["go.example/3abcDEF"]
    assert ([tag.name for tag in spring.tags], spring.clicks) == (["mail", "shop"], 1024)
    assert links["localhost:8000/own"].title == "Own"


async def test_bitly_comes_from_its_api_under_each_name_of_ones_own(house: House) -> None:
    links = await import_all(house, "bitly", samples.BITLY)
    assert links.keys() == {"go.example/spring", "localhost:8000/own", "go.example/own"}
    assert links["go.example/spring"].created_at == 1_711_972_800_000
    assert links["go.example/own"].is_active


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("kutt", samples.KUTT),
        ("shlink", samples.SHLINK),
        ("bitly", samples.BITLY),
        ("yourls", samples.YOURLS_STATS),
    ],
)
async def test_pages_of_an_api_may_follow_one_another_in_a_file(
    house: House, source: SourceName, text: str
) -> None:
    page = msgspec.json.encode(msgspec.json.decode(text)).decode()
    told = await import_text(house, source, f"{page}\n{page}\n")
    assert told.state == "done"
    assert told.there == told.created > 0
    failed = [problem.place for problem in told.problems if problem.sort == "failed"]
    assert all(place.startswith(("line 1, entry", "line 2, entry")) for place in failed)


@pytest.mark.parametrize("source", ["yourls", "kutt", "shlink", "bitly"])
@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}',
        "[",
        '{"data": [1]',
        "a,b\n1,2\n",
        "",
        "-- MySQL dump\nINSERT INTO `x` VALUES (1);",
    ],
)
async def test_what_is_something_else_is_told(house: House, source: SourceName, text: str) -> None:
    told = await import_text(house, source, text)
    assert (told.state, told.created) == ("failed", 0)
    assert told.error


@pytest.mark.parametrize("source", ["kutt", "shlink", "bitly", "yourls"])
async def test_nonsense_in_a_list_is_told_entry_by_entry(house: House, source: SourceName) -> None:
    entries: list[Any] = [
        1,
        None,
        [],
        {},
        {"target": 5, "long_url": [], "longUrl": True, "url": {}},
    ]
    wrapped: dict[str, Any] = {
        "kutt": {"data": entries},
        "shlink": {"shortUrls": {"data": entries}},
        "bitly": {"links": entries},
        "yourls": {"result": entries},
    }
    told = await import_text(house, source, msgspec.json.encode(wrapped[source]))
    assert (told.state, told.created, told.failed) == ("done", 0, 5)


def test_every_source_has_its_reader() -> None:
    assert READERS.keys() == set(get_args(SourceName))


@pytest.mark.parametrize("sign", ["NULL", "None", "nil", "-", "default"])
async def test_a_sign_for_nothing_is_nothing_in_json_too(house: House, sign: str) -> None:
    entry = {
        "shortCode": "a",
        "longUrl": "https://example.com/",
        "domain": sign,
        "title": "NULL",
        "dateCreated": "0000-00-00 00:00:00",
        "meta": {"validUntil": 0, "validSince": "-1", "maxVisits": "NULL"},
    }
    told = await import_text(house, "shlink", msgspec.json.encode([entry]))
    assert (told.created, told.is_clean) == (1, True)
    link = await get_only(house)
    assert (link.host, link.title, link.expires_at) == ("go.example", None, None)
