"""Rules of a link through the links API, and what the other API leaves alone of them."""

from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from shorty.clicks.geo import GeoDatabase
from shorty.config import Config, LinksConfig
from tests.api.conftest import DOMAINS
from tests.api.house import House
from tests.clicks.mmdb import write_mmdb
from tests.links.wild_rules import rule_lists

Json = dict[str, Any]
LINKS: Final = "/api/v1/links"
WANTED: Final[Json] = {"url": "https://example.com/page", "domain": "go.example"}
GERMANS: Final[Json] = {
    "id": "g",
    "url": "https://example.com/de",
    "conditions": [{"type": "country", "values": ["DE"]}],
}
ALL: Final[Json] = {"id": "a", "url": "https://example.com/all", "conditions": []}


@pytest.fixture
def config() -> Config:
    return Config(domains=DOMAINS, links=LinksConfig(blocked_hosts=("evil.example",)))


async def make(client: httpx.AsyncClient, **fields: Any) -> Json:
    answer = await client.post(LINKS, json=WANTED | fields)
    assert answer.status_code == 201, answer.text
    return answer.json()["link"]


async def find_faults(client: httpx.AsyncClient, **fields: Any) -> dict[str, str]:
    answer = await client.post(LINKS, json=WANTED | fields)
    assert answer.status_code == 422, answer.text
    return answer.json()["fields"]


async def patch(client: httpx.AsyncClient, link_id: str, **changes: Any) -> Json:
    answer = await client.patch(f"{LINKS}/{link_id}", json=changes)
    assert answer.status_code == 200, answer.text
    return answer.json()["link"]


async def patch_faults(client: httpx.AsyncClient, link_id: str, **changes: Any) -> dict[str, str]:
    answer = await client.patch(f"{LINKS}/{link_id}", json=changes)
    assert answer.status_code == 422, answer.text
    return answer.json()["fields"]


def read_urls(link: Json) -> list[str]:
    return [rule["url"] for rule in link["rules"]]


async def test_rules_are_kept_in_their_order(client: httpx.AsyncClient) -> None:
    assert (await make(client))["rules"] == []
    link = await make(client, rules=[GERMANS, ALL])
    told = [rule | {"name": None, "isActive": True} for rule in (GERMANS, ALL)]
    assert link["rules"] == told
    assert (await client.get(f"{LINKS}/{link['id']}")).json()["link"] == link
    listed = (await client.get(LINKS)).json()["links"]
    assert [each["rules"] for each in listed] == [told, []]


async def test_what_is_answered_changes_nothing_when_it_is_sent_back(
    client: httpx.AsyncClient,
) -> None:
    link = await make(client, rules=[{key: GERMANS[key] for key in ("url", "conditions")}, ALL])
    assert link["rules"][0]["id"]
    again = await patch(client, link["id"], rules=link["rules"])
    assert again == link
    swapped = await patch(client, link["id"], rules=[{**link["rules"][0], "name": "Germans"}])
    assert swapped["rules"][0] == link["rules"][0] | {"name": "Germans"}


@pytest.mark.parametrize("nothing", [None, []])
async def test_null_and_an_empty_list_remove_them(
    client: httpx.AsyncClient, nothing: object
) -> None:
    link = await make(client, rules=[ALL])
    assert (await patch(client, link["id"], title="Other"))["rules"] != []
    assert (await patch(client, link["id"], rules=nothing))["rules"] == []
    assert (await make(client, rules=nothing))["rules"] == []


@pytest.mark.parametrize("wrong", [{}, 0, False, {"rules": []}])
async def test_what_is_no_list_removes_nothing(client: httpx.AsyncClient, wrong: object) -> None:
    link = await make(client, rules=[ALL])
    for changes in ({"rules": wrong}, {"rules": wrong, "ios": None}):
        assert await patch_faults(client, link["id"], **changes) == {"rules": "must be a list"}
    assert await find_faults(client, rules=wrong, ios="https://example.com/") == {
        "ios": "must not be given beside rules"
    }


async def test_faults_of_rules_come_with_all_others_by_their_paths(
    client: httpx.AsyncClient,
) -> None:
    faults = await find_faults(
        client,
        url="ftp://x/",
        title=5,
        rules=[ALL, {**GERMANS, "conditions": [{"type": "country", "values": ["DE", "UK"]}]}],
        expiredUrl="https://evil.example/",
        gtmContainerId="G-1",
    )
    assert set(faults) == {
        *("url", "title", "expiredUrl", "gtmContainerId"),
        *("rules[0].conditions", "rules[1].conditions[0].values[1]"),
    }
    assert faults["rules[1].conditions[0].values[1]"] == ("is not a country code; did you mean GB?")
    assert await find_faults(client, rules="x") == {"rules": "must be a list"}


@pytest.mark.parametrize(
    "url", ["https://evil.example/x", "https://sub.evil.example/", "https://go.example/other"]
)
async def test_each_destination_is_checked_as_the_links_own(
    client: httpx.AsyncClient, url: str
) -> None:
    variants = [{"key": "a", "url": "https://example.com/", "weight": 1}]
    variants += [{"key": "b", "url": url, "weight": 1}]
    off = {**GERMANS, "url": url, "isActive": False}
    faults = await find_faults(client, rules=[off, {"variants": variants}], expiredUrl=url)
    assert set(faults) == {"rules[0].url", "rules[1].variants[1].url", "expiredUrl"}
    link = await make(client, rules=[ALL])
    assert list(await patch_faults(client, link["id"], rules=[GERMANS, {"url": url}])) == [
        "rules[1].url"
    ]


async def test_a_destination_that_a_rule_has_already_is_not_judged_again(
    house: House, client: httpx.AsyncClient
) -> None:
    link = await make(client, rules=[ALL])
    await house.app.db.write(
        lambda tx: tx.execute(
            "update links set rules = replace(rules, 'example.com', 'evil.example')"
        )
    )
    rules = [GERMANS, {**ALL, "url": "https://evil.example/all"}]
    assert read_urls(await patch(client, link["id"], rules=rules)) == [
        "https://example.com/de",
        "https://evil.example/all",
    ]


@pytest.mark.parametrize(
    ("kind", "url"), [("MAILTO", "ann@a.example"), ("TEL", "+12015550123"), ("SMS", "sms:123")]
)
async def test_only_links_of_type_url_have_rules(
    client: httpx.AsyncClient, kind: str, url: str
) -> None:
    faults = await find_faults(client, linkType=kind, url=url, rules=[ALL])
    assert list(faults) == ["rules"]
    link = await make(client, rules=[ALL])
    changes = {"linkType": kind, "url": url}
    assert list(await patch_faults(client, link["id"], **changes)) == ["rules"]
    assert (await patch(client, link["id"], **changes, rules=None))["linkType"] == kind
    assert list(await patch_faults(client, link["id"], rules=[ALL])) == ["rules"]


async def test_bio_pages_have_none(client: httpx.AsyncClient) -> None:
    wanted = {"destinationUrl": "https://example.com/", "brandedDomain": "go.example"}
    made = await client.post(
        "/api/v1/short-link", json={**wanted, "slashTag": "me", "isLinkInBio": True}
    )
    link_id = made.json()["data"]["id"]
    assert list(await patch_faults(client, link_id, rules=[ALL])) == ["rules"]
    link = await make(client, rules=[ALL])
    answer = await client.put(f"/api/v1/short-link/{link['id']}", json={"isLinkInBio": True})
    assert answer.status_code == 400
    assert "link-in-bio" in answer.json()["data"]["message"]


async def test_the_short_link_api_leaves_them_as_they_are(client: httpx.AsyncClient) -> None:
    more = {
        "expiredUrl": "https://example.com/over",
        "hideReferrer": True,
        "gtmContainerId": "GTM-ABC1234",
        "skipSocialCrawlerTracking": True,
    }
    link = await make(client, rules=[GERMANS], **more)
    short = f"/api/v1/short-link/{link['id']}"
    whole = (await client.get(short)).json()["data"]
    assert not {"rules", *more} & set(whole)
    changed = await client.put(short, json={**whole, "title": "Other", "rules": None})
    assert changed.status_code == 200, changed.text
    now = (await client.get(f"{LINKS}/{link['id']}")).json()["link"]
    assert now["title"] == "Other"
    assert now["rules"] == link["rules"]
    assert {name: now[name] for name in more} == more


async def test_other_fields_can_be_cleared(client: httpx.AsyncClient) -> None:
    names = ("expiredUrl", "hideReferrer", "gtmContainerId", "skipSocialCrawlerTracking")
    link = await make(
        client,
        expiredUrl="https://Example.com",
        hideReferrer=True,
        gtmContainerId="gtm-abc1234",
        skipSocialCrawlerTracking=True,
    )
    assert [link[name] for name in names] == ["https://example.com/", True, "GTM-ABC1234", True]
    cleared = await patch(client, link["id"], **dict.fromkeys(names))
    assert [cleared[name] for name in names] == [None, False, None, False]
    assert list(await find_faults(client, expiredUrl="mailto:ann@a.example")) == ["expiredUrl"]


async def test_many_links_get_the_same_rules_at_once(client: httpx.AsyncClient) -> None:
    one, two = await make(client), await make(client, rules=[ALL])
    body = {"ids": [one["id"], two["id"]], "rules": [GERMANS], "expiredUrl": "https://b.example/"}
    answer = (await client.patch(f"{LINKS}/bulk", json=body)).json()
    assert answer["updated"] == 2, answer
    for link in answer["links"]:
        assert read_urls(link) == ["https://example.com/de"]
        assert link["expiredUrl"] == "https://b.example/"
    new: list[Json] = [
        {"url": "https://example.com/", "rules": [ALL]},
        {"url": "https://example.com/", "rules": [{}]},
    ]
    made = await client.post(f"{LINKS}/bulk", json={"domain": "go.example", "links": new})
    told = made.json()
    assert told["created"] == 1
    assert list(told["failed"][0]["fields"]) == ["rules[0].url"]


async def test_large_rules_are_not_written_to_many_links_at_once(
    client: httpx.AsyncClient,
) -> None:
    values = [f"{n:02}" + "x" * 480 for n in range(50)]
    condition = {"type": "query", "key": "k", "values": values}
    rules = [{"url": "https://example.com/", "conditions": [condition] * 10}]
    body = {"ids": list(range(1, 101)), "rules": rules}
    answer = await client.patch(f"{LINKS}/bulk", json=body)
    assert answer.status_code == 422
    assert list(answer.json()["fields"]) == ["rules"]
    fewer = await client.patch(f"{LINKS}/bulk", json=body | {"ids": list(range(1, 11))})
    assert fewer.status_code == 200


async def test_another_workspace_cannot_change_them(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    link = await make(client, rules=[ALL])
    answer = await stranger.patch(f"{LINKS}/{link['id']}", json={"rules": None})
    assert answer.status_code == 404
    bulk = await stranger.patch(f"{LINKS}/bulk", json={"ids": [link["id"]], "rules": None})
    assert bulk.json()["updated"] == 0
    assert (await client.get(f"{LINKS}/{link['id']}")).json()["link"]["rules"] == link["rules"]


async def test_a_link_with_rules_is_not_found_in_place_of_a_plain_one(
    client: httpx.AsyncClient,
) -> None:
    link = await make(client, rules=[GERMANS])
    found = await client.post(f"{LINKS}?findOrCreate=true", json=WANTED)
    assert found.status_code == 201
    assert found.json()["link"]["id"] != link["id"]
    again = await client.post(f"{LINKS}?findOrCreate=true", json=WANTED | {"rules": [ALL]})
    assert again.status_code == 201
    assert again.json()["link"]["rules"][0]["id"] == "a"


async def test_deleting_and_restoring_keeps_them(client: httpx.AsyncClient) -> None:
    link = await make(client, rules=[GERMANS, ALL], expiredUrl="https://example.com/over")
    await client.delete(f"{LINKS}/{link['id']}")
    back = (await client.post(f"{LINKS}/{link['id']}/restore")).json()["link"]
    assert back["rules"] == link["rules"]
    assert back["expiredUrl"] == link["expiredUrl"]


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/x",
        "https://go.example/over",
        "mailto:ann@a.example",
        "javascript:alert(1)",
    ],
)
async def test_where_a_domains_expired_links_lead_is_checked_as_a_destination(
    client: httpx.AsyncClient, url: str
) -> None:
    place = "/api/v1/domains"
    refused = await client.post(place, json={"host": "go.a.example", "expiredRedirect": url})
    assert (refused.status_code, list(refused.json()["fields"])) == (422, ["expiredRedirect"])
    over = "https://example.com/over"
    new = await client.post(place, json={"host": "go.a.example", "expiredRedirect": over})
    domain = new.json()["domain"]
    assert domain["expiredRedirect"] == over
    place = f"{place}/{domain['id']}"
    refused = await client.patch(place, json={"expiredRedirect": url})
    assert (refused.status_code, list(refused.json()["fields"])) == (422, ["expiredRedirect"])
    cleared = await client.patch(place, json={"expiredRedirect": None})
    assert cleared.json()["domain"]["expiredRedirect"] == ""


class TestWarnings:
    PLACES: Final[Json] = {
        "url": "https://example.com/",
        "conditions": [
            {"type": "country", "values": ["DE"]},
            {"type": "region", "values": ["DE-BY"]},
            {"type": "city", "values": ["Munich"], "not": True},
        ],
    }

    async def test_conditions_that_never_hold_are_named(self, client: httpx.AsyncClient) -> None:
        made = (await client.post(LINKS, json=WANTED | {"rules": [self.PLACES]})).json()
        says = "rules[0].conditions[{}]: this server has no database of {}, so the condition"
        assert made["warnings"] == [
            f"{says.format(*each)} never holds." for each in ((1, "regions"), (2, "cities"))
        ]
        place = f"{LINKS}/{made['link']['id']}"
        rules = [GERMANS, self.PLACES]
        changed = (await client.patch(place, json={"rules": rules})).json()
        assert [each.partition(":")[0] for each in changed["warnings"]] == [
            "rules[1].conditions[1]",
            "rules[1].conditions[2]",
        ]
        assert "warnings" not in (await client.get(place)).json()
        assert "warnings" not in (await client.patch(place, json={"rules": [GERMANS]})).json()
        body = {"ids": [made["link"]["id"]], "rules": rules}
        bulk = (await client.patch(f"{LINKS}/bulk", json=body)).json()
        assert bulk["warnings"][0].startswith(f"Link {made['link']['id']}, rules[1].conditions[1]:")

    @pytest.mark.parametrize(("kind", "warns"), [("X-City", False), ("X-Country", True)])
    async def test_a_database_of_places_settles_it(
        self, house: House, client: httpx.AsyncClient, tmp_path: Path, kind: str, *, warns: bool
    ) -> None:
        file = tmp_path / "places.mmdb"
        write_mmdb(file, {"1.2.3.0/24": {"country": {"iso_code": "DE"}}}, kind)
        context = msgspec.structs.replace(
            house.app.services.links, names_cities=GeoDatabase(file).names_cities
        )
        msgspec.structs.force_setattr(house.app.services, "links", context)
        made = (await client.post(LINKS, json=WANTED | {"rules": [self.PLACES]})).json()
        assert ("warnings" in made) is warns


class TestShorthands:
    async def test_they_are_answered_as_rules_in_their_order(
        self, client: httpx.AsyncClient
    ) -> None:
        link = await make(
            client,
            testVariants=[
                {"url": "https://example.com/a", "percentage": 60},
                {"url": "https://example.com/b", "percentage": 40},
            ],
            geo={
                "us": "https://example.com/us",
                "DE": "https://example.com/de",
                "CA": "https://example.com/us",
            },
            android="https://example.com/android",
            ios="https://example.com/ios",
        )
        told = [{**rule, "id": ""} for rule in link["rules"]]
        common = {"id": "", "name": None, "isActive": True}
        assert told == [
            {
                **common,
                "url": "https://example.com/ios",
                "conditions": [{"type": "os", "values": ["iOS"]}],
            },
            {
                **common,
                "url": "https://example.com/android",
                "conditions": [{"type": "os", "values": ["Android"]}],
            },
            {
                **common,
                "url": "https://example.com/us",
                "conditions": [{"type": "country", "values": ["US", "CA"]}],
            },
            {
                **common,
                "url": "https://example.com/de",
                "conditions": [{"type": "country", "values": ["DE"]}],
            },
            {
                **common,
                "variants": [
                    {"key": "a", "url": "https://example.com/a", "weight": 60},
                    {"key": "b", "url": "https://example.com/b", "weight": 40},
                ],
                "sticky": False,
                "testEndsAt": None,
                "winner": None,
                "conditions": [],
            },
        ]

    async def test_in_a_change_they_are_the_whole_list(self, client: httpx.AsyncClient) -> None:
        link = await make(client, rules=[GERMANS])
        changed = await patch(client, link["id"], ios="https://example.com/ios")
        assert read_urls(changed) == ["https://example.com/ios"]

    async def test_null_and_empty_ones_ask_for_nothing(self, client: httpx.AsyncClient) -> None:
        link = await make(client, rules=[GERMANS], ios=None, geo={}, testVariants=[])
        assert read_urls(link) == ["https://example.com/de"]
        assert await patch(client, link["id"], ios=None, android=None, geo=None) == link

    async def test_beside_rules_they_are_faults(self, client: httpx.AsyncClient) -> None:
        faults = await find_faults(
            client, rules=[GERMANS], ios="https://example.com/", geo={"US": "https://example.com/"}
        )
        assert faults == dict.fromkeys(("ios", "geo"), "must not be given beside rules")

    @pytest.mark.parametrize(
        ("fields", "names"),
        [
            ({"ios": 5}, {"ios"}),
            ({"ios": "x"}, {"ios"}),
            ({"ios": "https://evil.example/"}, {"ios"}),
            ({"android": "https://go.example/other"}, {"android"}),
            ({"geo": {"US": "https://evil.example/", "DE": "https://b.example/"}}, {"geo.US"}),
            ({"geo": {"UK": "https://example.com/"}}, {"geo.UK"}),
            ({"geo": {"DE": 5}}, {"geo.DE"}),
            ({"geo": {"D_E": "https://example.com/"}}, {"geo.D_E"}),
            ({"geo": [5]}, {"geo"}),
            ({"testVariants": {"a": 1}}, {"testVariants"}),
            (
                {"testVariants": [{"url": "https://b.example/", "percentage": 100}]},
                {"testVariants"},
            ),
            (
                {"testVariants": [{"url": "https://b.example/", "percentage": 50}] * 3},
                {"testVariants"},
            ),
            (
                {
                    "testVariants": [
                        {"url": "https://evil.example/", "percentage": 50},
                        {"url": "x", "percentage": 50},
                    ]
                },
                {"testVariants[0].url", "testVariants[1].url"},
            ),
            (
                {"testVariants": [{"url": "https://b.example/"}, {"percentage": 1, "x": 1}]},
                {"testVariants[0].percentage", "testVariants[1].x"},
            ),
        ],
    )
    async def test_their_faults_have_their_own_names(
        self, client: httpx.AsyncClient, fields: Json, names: set[str]
    ) -> None:
        assert set(await find_faults(client, **fields)) == names


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rules=rule_lists())
async def test_any_rules_are_answered_as_they_can_be_sent_back(
    client: httpx.AsyncClient, rules: list[Json]
) -> None:
    link = await make(client, rules=rules)
    assert len(link["rules"]) == len(rules)
    copy = await make(client, rules=link["rules"])
    assert copy["rules"] == link["rules"]
    assert await patch(client, link["id"], rules=link["rules"]) == link
