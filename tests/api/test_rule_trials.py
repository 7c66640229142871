"""`POST /links/{id}/try-rules`: the redirect's answer without a visit."""

from typing import Any

import httpx
import pytest
from msgspec.structs import force_setattr, replace

from shorty.links.blocklist import BlockList
from shorty.links.rules import Condition, Rule, Variant, encode_rules
from tests.api.house import House
from tests.clicks.making import store_all
from tests.support import make_home, make_token

OWN = "https://example.com/there"
GERMAN = "https://example.de/app"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
)
A, B = (
    Variant(key=key, url=f"https://example.com/{key}", weight=weight)
    for key, weight in (("a", 60), ("b", 40))
)
RULES = (
    Rule(
        id="4f2a",
        name="German phones",
        url=GERMAN,
        conditions=(
            Condition(type="country", values=("DE", "AT")),
            Condition(type="device", values=("mobile",)),
        ),
    ),
    Rule(id="77c1", url="https://example.com/off", is_active=False),
    Rule(id="b90e", variants=(A, B), conditions=(Condition(type="after", at=1_000),)),
)


@pytest.fixture
async def link(house: House) -> str:
    link = await house.make_link(url=OWN, slug="sale", utm_source="mail", forward_parameters=True)
    sql = "update links set rules = $1"
    await house.app.db.write(lambda tx: tx.execute(sql, encode_rules(RULES)))
    return str(link.id)


async def ask(client: httpx.AsyncClient, link: str, **visitor: Any) -> dict[str, Any]:
    answer = await client.post(f"/api/v1/links/{link}/try-rules", json=visitor)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_answer_says_which_rule_wins_and_why(
    client: httpx.AsyncClient, link: str
) -> None:
    assert await ask(client, link, country="de", userAgent=PHONE) == {
        "url": f"{GERMAN}?utm_source=mail",
        "isBlocked": False,
        "rule": {"id": "4f2a", "name": "German phones"},
        "variant": None,
        "shares": [],
        "steps": [
            {
                "rule": "4f2a",
                "holds": True,
                "condition": None,
                "reason": "All its conditions hold.",
            },
            {"rule": "77c1", "holds": False, "condition": None, "reason": "It is switched off."},
            {"rule": "b90e", "holds": False, "condition": None, "reason": "An earlier rule won."},
        ],
    }


async def test_what_is_left_out_is_unknown_and_the_moment_is_now(
    client: httpx.AsyncClient, link: str
) -> None:
    found = await ask(client, link)
    assert found["rule"] == {"id": "b90e", "name": None}
    assert found["url"] == f"https://example.com/{found['variant']}?utm_source=mail"
    assert found["shares"] == [{"key": "a", "share": 0.6}, {"key": "b", "share": 0.4}]
    assert found["steps"][0] == {
        "rule": "4f2a",
        "holds": False,
        "condition": 0,
        "reason": "The country is unknown.",
    }
    found = await ask(client, link, country="AT", device="Desktop", at="1970-01-01T00:00:01")
    assert (found["url"], found["rule"], found["variant"]) == (f"{OWN}?utm_source=mail", None, None)
    assert [each["reason"] for each in found["steps"]] == [
        "The device is desktop.",
        "It is switched off.",
        "It is 1970-01-01T00:00:01Z.",
    ]


async def test_the_query_is_handed_on(client: httpx.AsyncClient, link: str) -> None:
    found = await ask(client, link, country="DE", device="mobile", query="?a=%20&qr=1")
    assert found["url"] == f"{GERMAN}?utm_source=mail&a=%20"


async def test_a_bot_is_led_to_the_own_destination(client: httpx.AsyncClient, link: str) -> None:
    found = await ask(client, link, country="DE", userAgent="Googlebot/2.1")
    assert (found["url"], found["rule"]) == (f"{OWN}?utm_source=mail", None)
    assert {each["reason"] for each in found["steps"]} == {
        "Bots and preview crawlers always get the link's own destination."
    }


async def test_nothing_is_counted(house: House, client: httpx.AsyncClient, link: str) -> None:
    await ask(client, link)
    await store_all(house.app.services.recorder)
    assert await house.app.db.find_all("select 1 from clicks") == []


async def test_faults_are_reported_together(client: httpx.AsyncClient, link: str) -> None:
    answer = await client.post(
        f"/api/v1/links/{link}/try-rules", json={"ip": "nowhere", "at": "soon"}
    )
    assert answer.status_code == 422
    assert answer.json()["fields"] == {
        "ip": "must be an IP address, such as 203.0.113.7 or 2001:db8::7",
        "at": "must be an ISO 8601 time, such as 2026-12-31T23:59:59Z",
    }
    unknown = await client.post(f"/api/v1/links/{link}/try-rules", json={"county": "DE"})
    assert unknown.status_code == 422


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
async def test_a_moment_that_no_clock_shows_is_a_fault(
    client: httpx.AsyncClient, link: str, at: str
) -> None:
    """Asked of a rule by the clock, which would be beyond the last year in some zones."""
    hours = {"type": "time", "from": "03:00", "to": "03:01", "timezone": "Pacific/Kiritimati"}
    rules = [{"url": GERMAN, "conditions": [hours]}]
    answer = await client.post(f"/api/v1/links/{link}/try-rules", json={"at": at, "rules": rules})
    assert answer.status_code == 422
    assert answer.json()["fields"] == {"at": "must be between 0001-01-02 and 9999-12-30"}
    for last in ("0001-01-02T00:00:00Z", "9999-12-30T00:00:00Z"):
        found = await ask(client, link, at=last, rules=rules)
        assert found["steps"][0]["reason"].endswith("in Pacific/Kiritimati.")


async def test_a_block_list_that_names_the_own_destination_blocks_every_rule(
    house: House, client: httpx.AsyncClient, link: str
) -> None:
    context = house.app.services.links
    blocked = replace(context.rules, block_list=BlockList(["example.com"]))
    force_setattr(context, "rules", blocked)
    for visitor in ({"country": "DE", "device": "mobile"}, {"at": "1970-01-01"}):
        assert (await ask(client, link, **visitor))["isBlocked"]


async def test_another_workspaces_link_is_unknown(
    house: House, client: httpx.AsyncClient, link: str
) -> None:
    stranger = await make_home(house.app.db, email="zoe@b.example")
    token = await make_token(house.app.db, stranger)
    answer = await client.post(
        f"/api/v1/links/{link}/try-rules",
        json={},
        headers={"authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 404


async def test_rules_can_be_tried_before_they_are_saved(
    house: House, client: httpx.AsyncClient, link: str
) -> None:
    rules = [
        {"url": GERMAN, "conditions": [{"type": "language", "values": ["de"]}]},
        {"id": "x", "url": "https://example.com/x"},
    ]
    found = await ask(client, link, language="de-CH,en;q=0.5", rules=rules)
    assert found["url"] == f"{GERMAN}?utm_source=mail"
    assert [each["holds"] for each in found["steps"]] == [True, False]
    assert (await ask(client, link, rules=[]))["steps"] == []
    assert (await ask(client, link, country="DE", device="mobile"))["rule"]["id"] == "4f2a"
    answer = await client.post(
        f"/api/v1/links/{link}/try-rules",
        json={"county": "x", "rules": [{"url": GERMAN, "conditions": [{"type": "moon"}]}]},
    )
    assert answer.status_code == 422
    assert set(answer.json()["fields"]) == {"county", "rules[0].conditions[0].type"}
