"""What becomes of other products' rules in a workspace, and of ours in another one."""

import json
from typing import Any

import pytest

from shorty.links.model import Link
from shorty.links.rule_writing import write_rules
from shorty.transfer.model import SourceName
from tests.transfer.making import House, export_all, export_csv, get_only, import_text

URL = "https://example.com/"
APP = "https://example.com/app"
GERMANY = {"type": "country", "values": ["DE"]}
OURS: list[dict[str, Any]] = [
    {
        "id": "phones",
        "name": "Phones at night",
        "isActive": False,
        "url": APP,
        "conditions": [
            {"type": "device", "values": ["mobile"]},
            {"type": "time", "from": "22:00", "to": "02:00", "timezone": "Europe/Berlin"},
            {"type": "after", "at": "2026-12-01T00:00:00.001Z"},
        ],
    },
    {
        "id": "pages",
        "name": None,
        "isActive": True,
        "variants": [
            {"key": "a", "url": f"{URL}a", "weight": 60},
            {"key": "b", "url": f"{URL}b", "weight": 40},
        ],
        "sticky": True,
        "testEndsAt": "2030-01-01T00:00:00.000Z",
        "winner": None,
        "conditions": [],
    },
]


def write_shlink(rules: list[dict[str, Any]], **fields: Any) -> str:
    link = {"shortCode": "a", "longUrl": URL, "hasRedirectRules": True, "redirectRules": rules}
    return json.dumps({"shortUrls": {"data": [link | fields]}})


def write_dub(**fields: Any) -> str:
    return json.dumps([{"domain": "dub.sh", "key": "a", "url": URL, **fields}])


def write_shorty(**fields: Any) -> str:
    head = {"kind": "export", "format": 3, "exportedAt": 1}
    link = {"kind": "link", "id": "1", "url": URL, "domain": "go.example", "slug": "a"}
    lines = (head, {**link, "createdAt": 1, "updatedAt": 1, **fields})
    return "".join(f"{json.dumps(line)}\n" for line in lines)


def describe(link: Link) -> list[tuple[Any, ...]]:
    """Destinations and conditions, without ids."""
    rules = write_rules(link.rules)
    return [(rule.get("url") or rule["variants"], rule["conditions"]) for rule in rules]


async def test_rules_of_shlink_come_in_with_their_link(house: House) -> None:
    ios = {"type": "device", "matchKey": None, "matchValue": "ios"}
    german = {"type": "geolocation-country-code", "matchKey": None, "matchValue": "DE"}
    rules = [
        {"longUrl": f"{URL}de", "priority": 2, "conditions": [german]},
        {"longUrl": APP, "priority": 1, "conditions": [german, ios]},
    ]
    told = await import_text(house, "shlink", write_shlink(rules))
    assert (told.created, told.problems, told.is_clean) == (1, (), True)
    link = await get_only(house)
    assert link.is_active
    assert describe(link) == [
        (APP, [GERMANY, {"type": "os", "values": ["iOS"]}]),
        (f"{URL}de", [GERMANY]),
    ]


async def test_targets_of_dub_come_in_with_their_link(house: House) -> None:
    text = write_dub(
        ios=APP,
        geo={"DE": f"{URL}de", "AT": f"{URL}de"},
        expiresAt="2030-01-01T00:00:00Z",
        expiredUrl=f"{URL}gone",
    )
    told = await import_text(house, "dub", text)
    assert (told.created, told.problems) == (1, ())
    link = await get_only(house)
    assert (link.is_active, link.expired_url) == (True, f"{URL}gone")
    assert describe(link) == [
        (APP, [{"type": "os", "values": ["iOS"]}]),
        (f"{URL}de", [{"type": "country", "values": ["DE", "AT"]}]),
    ]


VARIANTS = [{"url": f"{URL}a", "percentage": 70}, {"url": f"{URL}b", "percentage": 30}]


async def test_a_running_test_of_dub_runs_on_until_its_end(house: House) -> None:
    told = await import_text(
        house, "dub", write_dub(testVariants=VARIANTS, testCompletedAt="2030-01-01T00:00:00Z")
    )
    assert told.remarks == {"other": 1}
    assert "2030-01-01" in told.problems[0].message
    link = await get_only(house)
    assert (link.is_active, link.rules[0].sticky) == (True, True)
    weights = [
        {"key": "a", "url": f"{URL}a", "weight": 70},
        {"key": "b", "url": f"{URL}b", "weight": 30},
    ]
    assert describe(link) == [(weights, [{"type": "before", "at": "2030-01-01T00:00:00.000Z"}])]


async def test_variants_of_dub_without_a_test_are_no_rule(house: House) -> None:
    told = await import_text(house, "dub", write_dub(testVariants=VARIANTS, testCompletedAt=None))
    link = await get_only(house)
    assert (told.problems, link.rules, link.is_active) == ((), (), True)


async def test_columns_with_destinations_come_in_as_rules(house: House) -> None:
    text = f"url,slug,iOS URL,mobile_url,expired_url\n{URL},a,{APP},{URL}m,{URL}gone\n"
    told = await import_text(house, "csv", text)
    assert (told.created, told.problems) == (1, ())
    link = await get_only(house)
    assert (link.is_active, link.expired_url) == (True, f"{URL}gone")
    assert describe(link) == [
        (APP, [{"type": "os", "values": ["iOS"]}]),
        (f"{URL}m", [{"type": "device", "values": ["mobile"]}]),
    ]


REFUSED: list[tuple[SourceName, str, str]] = [
    ("shlink", write_shlink([{"longUrl": APP, "conditions": [{"type": "moon"}]}]), "'moon'"),
    ("shlink", write_shlink([{"longUrl": "shop://open", "conditions": []}]), "rules[0].url"),
    ("dub", write_dub(geo={"Germany": APP}), "rules[0].conditions[0].values[0]"),
    ("dub", write_dub(ios="https://evil.example/"), "rules[0].url"),
    ("dub", write_dub(ios="https://go.example/sale"), "rules[0].url"),
    ("shorty", write_shorty(rules=[{"url": APP, "conditions": [{"type": "moon"}]}]), "rules[0]"),
    ("shorty", write_shorty(rules=[{"url": APP}] * 51), "rules"),
    ("csv", f'url,slug,rules\n{URL},a,"[{{""url"": ""x""}}]"\n', "rules[0].url"),
]


@pytest.mark.parametrize(("source", "text", "said"), REFUSED)
async def test_a_link_whose_rules_are_refused_comes_in_closed_and_says_why(
    house: House, source: SourceName, text: str, said: str
) -> None:
    rehearsed = await import_text(house, source, text, is_dry_run=True)
    told = await import_text(house, source, text)
    link = await get_only(house)
    assert (link.rules, link.is_active, told.switched_off) == ((), False, {"rules": 1})
    (problem,) = told.problems
    assert said in problem.message
    assert (rehearsed.problems, rehearsed.switched_off) == (told.problems, told.switched_off)


async def test_a_refused_destination_for_expired_links_is_left_out(house: House) -> None:
    text = write_dub(expiredUrl="https://evil.example/")
    rehearsed = await import_text(house, "dub", text, is_dry_run=True)
    told = await import_text(house, "dub", text)
    link = await get_only(house)
    assert (link.expired_url, link.is_active, told.remarks) == (None, True, {"other": 1})
    assert rehearsed.problems == told.problems


async def test_a_wrong_container_is_left_out(house: House) -> None:
    told = await import_text(house, "shorty", write_shorty(gtmContainerId="none"))
    link = await get_only(house)
    assert (link.gtm_container_id, link.is_active, told.remarks) == (None, True, {"other": 1})


@pytest.mark.parametrize("source", ["shorty", "csv"])
async def test_our_own_rules_are_the_same_afterwards(
    house: House, empty_house: House, source: SourceName
) -> None:
    fields = {
        "rules": OURS,
        "expiredUrl": f"{URL}gone",
        "hideReferrer": True,
        "gtmContainerId": "GTM-ABC123",
        "skipSocialCrawlerTracking": True,
    }
    await import_text(house, "shorty", write_shorty(**fields))
    before = await get_only(house)
    assert write_rules(before.rules) == OURS
    exported = await (export_all if source == "shorty" else export_csv)(house)
    told = await import_text(empty_house, source, exported)
    assert (told.created, told.problems) == (1, ())
    after = await get_only(empty_house)
    assert after.rules == before.rules
    assert (after.expired_url, after.hide_referrer) == (f"{URL}gone", True)
    assert (after.gtm_container_id, after.skip_social_crawler_tracking) == ("GTM-ABC123", True)


async def test_an_older_shorty_would_refuse_a_file_with_rules(house: House) -> None:
    """Their links would lead where they were not meant to."""
    head = json.loads((await export_all(house)).splitlines()[0])
    assert head["format"] > 2
