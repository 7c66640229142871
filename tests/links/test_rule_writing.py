"""Rules in words, as a link's history has them."""

from typing import Any

import pytest

from shorty.accounts.model import Actor
from shorty.links.context import LinkContext
from shorty.links.history import TEXT_LENGTH, list_edits
from shorty.links.model import LinkChange
from shorty.links.rule_reading import read_rules
from shorty.links.rule_writing import describe_changes, describe_rule
from shorty.links.rules import Rules
from shorty.links.service import change_link
from tests.links.making import make_link
from tests.support import NOW

Json = dict[str, Any]
URL = "https://b.example/"


def read(*rules: Json) -> Rules:
    found, faults = read_rules(list(rules))
    assert faults == {}
    return found


SPOKEN: list[Any] = [
    ([], "always"),
    (
        [{"type": "country", "values": ["DE", "AT"]}, {"type": "device", "values": ["mobile"]}],
        "country DE or AT, device mobile",
    ),
    ([{"type": "ip", "values": ["10.0.0.0/8"], "not": True}], "not ip 10.0.0.0/8"),
    ([{"type": "query", "key": "src"}], "query src"),
    ([{"type": "query", "key": "src", "values": ["", "a"]}], "query src = (empty) or a"),
    (
        [{"type": "time", "days": [1, 7], "from": "09:00", "timezone": "Europe/Berlin"}],
        "time Mon Sun 09:00-24:00 Europe/Berlin",
    ),
    ([{"type": "time", "days": [3]}], "time Wed UTC"),
    ([{"type": "after", "at": "2030-01-01"}], "after 2030-01-01T00:00:00.000Z"),
]


@pytest.mark.parametrize(("conditions", "words"), SPOKEN)
def test_a_rule_is_one_sentence(conditions: list[Json], words: str) -> None:
    (rule,) = read({"url": URL, "conditions": conditions})
    assert describe_rule(rule) == f"{words} → {URL}"


def test_it_begins_with_its_name_and_says_that_it_is_off() -> None:
    (rule,) = read({"url": URL, "name": "All", "isActive": False})
    assert describe_rule(rule) == f"All: always → {URL} (off)"


def test_variants_are_told_with_their_shares() -> None:
    variants = [{"key": "a", "url": URL, "weight": 2}, {"key": "b", "url": URL, "weight": 1}]
    (plain,) = read({"variants": variants})
    assert describe_rule(plain) == f"always → a 67% {URL}, b 33% {URL}"
    (rule,) = read(
        {"variants": variants, "sticky": True, "testEndsAt": "2030-01-01", "winner": "b"}
    )
    assert describe_rule(rule) == (
        f"always → a 67% {URL}, b 33% {URL}; sticky; test ends 2030-01-01T00:00:00.000Z; winner b"
    )


def test_only_rules_that_differ_are_told() -> None:
    country = {"type": "country", "values": ["DE"]}
    one, two, three = read(
        *({"url": f"{URL}{n}", "conditions": [country]} for n in range(2)), {"url": URL}
    )
    assert describe_changes((one, two), (one, two)) == ([], [])
    assert describe_changes((one,), (three, one)) == ([], [f"always → {URL}"])
    assert describe_changes((one, two), ()) == (
        [f"country DE → {URL}0", f"country DE → {URL}1"],
        [],
    )
    went, came = describe_changes((one, two), (two, one))
    assert went == came[::-1] == [f"country DE → {URL}0", f"country DE → {URL}1"]


async def test_the_history_of_a_link_tells_them(context: LinkContext, actor: Actor) -> None:
    link = await make_link(context, actor, rules=read({"url": URL, "id": "a"}))
    many = {"type": "query", "key": "k", "values": [f"{n}{'x' * 99}" for n in range(50)]}
    change = LinkChange(
        rules=read({"url": URL, "conditions": [many]}),
        expired_url="https://b.example/over",
        hide_referrer=True,
        gtm_container_id="GTM-ABC1234",
        skip_social_crawler_tracking=True,
    )
    await change_link(context, actor, link.id, change, NOW + 1)
    await change_link(context, actor, link.id, LinkChange(rules=None), NOW + 2)
    last, first = await list_edits(context.db, actor.workspace_id, link.id)
    went, came = first.changes["rules"]
    assert went == [f"always → {URL}"]
    assert len(came[0]) == TEXT_LENGTH
    assert came[0].startswith("query k = 0xxx")
    assert last.changes == {"rules": (came, [])}
    assert {name: first.changes[name][1] for name in first.changes if name != "rules"} == {
        "expired_url": "https://b.example/over",
        "hide_referrer": True,
        "gtm_container_id": "GTM-ABC1234",
        "skip_social_crawler_tracking": True,
    }
