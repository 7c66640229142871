from datetime import UTC, datetime
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shorty.links.rule_matching import OWN_DESTINATION, choose, compile_rules, list_shares
from shorty.links.rule_reasons import explain
from shorty.links.rule_values import read_language
from shorty.links.rule_visitor import (
    StatedVisitor,
    read_client_address,
    read_country,
    read_languages,
    read_query,
)
from shorty.links.rules import Condition, Rule, Variant
from tests.examples import count_examples
from tests.links.rule_reference import MONDAY, Visit, find_rule, make_rules, make_visit

RULE = Rule(id="r", url="https://example.com/r")
NOW = round(MONDAY.timestamp() * 1000)
LISTS_AT_ONCE = 20
A, B, C = (
    Variant(key=key, url=f"https://example.com/{key}", weight=weight)
    for key, weight in (("a", 60), ("b", 30), ("c", 10))
)
TEST = Rule(id="t", variants=(A, B, C))


def does_hold(condition: Condition, visit: Visit) -> bool:
    rule = msgspec.structs.replace(RULE, conditions=(condition,))
    return choose(compile_rules([rule]), visit.state(), 0.0).rule is rule


def make_visitor(**only_what_matters: Any) -> StatedVisitor:
    plain: dict[str, Any] = {"now": NOW}
    return StatedVisitor(**(plain | only_what_matters))


@settings(max_examples=count_examples(500), deadline=None)
@given(st.integers(min_value=0))
def test_ten_thousand_lists_of_rules_choose_as_a_simple_reference_does(seed: int) -> None:
    dice = Random(seed)  # noqa: S311 - the same for the same seed
    for _ in range(LISTS_AT_ONCE):
        rules, visit = make_rules(dice), make_visit(dice)
        compiled, visitor = compile_rules(rules), visit.state()
        choice, expected = choose(compiled, visitor, dice.random()), find_rule(rules, visit)
        assert choice.rule is expected, (rules, visit)
        if expected is None:
            assert choice == OWN_DESTINATION
        elif expected.variants:
            assert choice.variant in expected.variants
            assert choice.url == choice.variant.url  # pyright: ignore[reportOptionalMemberAccess]
        else:
            assert (choice.variant, choice.url) == (None, expected.url)
        explained = explain(compiled, visitor, 0.5)
        assert explained.rule is expected
        assert [each.rule for each in explained.reasons] == rules
        assert [each.holds for each in explained.reasons] == [each is expected for each in rules]


@pytest.mark.parametrize("code", ["", "XX", "T1"])
def test_an_unknown_country_is_neither_in_germany_nor_outside_it(code: str) -> None:
    assert read_country(code) is None
    for negated in (False, True):
        condition = Condition(type="country", values=("DE",), negated=negated)
        assert not does_hold(condition, Visit(country=code))


LANGUAGES = [
    ("de-CH", "de", True),
    ("de-CH", "de-ch", True),
    ("DE_ch", "de-CH", True),
    ("en-US", "en-GB", False),
    ("en_US", "en", True),
    ("den", "de", False),
    ("fr,de;q=0.9", "de", True),
    ("fr,de;q=0.89", "de", False),
    ("fr, de ; q=0.9", "de", True),
    ("de;q=0", "de", False),
    ("de;q=high,fr", "de", False),
    ("*", "de", False),
    ("*,fr", "fr", True),
    ("", "de", False),
    (",;,", "de", False),
    ("zh-Hant-TW", "zh-hant", True),
]


@pytest.mark.parametrize(("header", "value", "fits"), LANGUAGES)
def test_languages_are_compared_by_their_beginnings(header: str, value: str, fits: bool) -> None:
    condition = Condition(type="language", values=(value,))
    assert does_hold(condition, Visit(languages=header)) == fits


@pytest.mark.parametrize("header", ["", "*", "de;q=0", "*;q=0.9", "de;q=0.5"])
def test_of_a_header_that_prefers_no_language_none_is_known(header: str) -> None:
    assert read_languages(header) is None
    assert not does_hold(
        Condition(type="language", values=("fr",), negated=True), Visit(languages=header)
    )


def test_a_header_with_thousands_of_languages_is_read_as_far_as_it_matters() -> None:
    found = read_languages(",".join(f"l{number}" for number in range(5000)))
    assert found == frozenset(f"l{number}" for number in range(20))


def test_a_language_with_hundreds_of_subtags_is_read_as_far_as_a_condition_goes() -> None:
    """What is read is kept for other visitors, who must not fill the memory."""
    found = read_languages("a-" * 240 + "b")
    assert found == frozenset("-".join("a" * count) for count in range(1, 8))
    longest = "de-Latn-DE-1996-x-y-z"
    condition = Condition(type="language", values=(read_language(longest),))
    assert does_hold(condition, Visit(languages=f"{longest}-more"))


QUERIES = [
    ("src=a", "src", ("a",), True),
    ("src=b&src=a", "src", ("a",), True),
    ("src=b", "src", ("a", "b"), True),
    ("src=A", "src", ("a",), False),
    ("SRC=a", "src", ("a",), False),
    ("src=%61%26", "src", ("a&",), True),
    ("src=a+b", "src", ("a b",), True),
    ("src=", "src", ("",), True),
    ("src", "src", ("",), True),
    ("src=a", "src", ("",), False),
    ("", "src", ("",), False),
    ("src", "src", None, True),
    ("src=a", "src", None, True),
    ("src[]=a", "src", None, False),
    ("src[]=a", "src[]", ("a",), True),
    ("src%5B%5D=a", "src[]", ("a",), True),
    ("", "src", None, False),
    ("src=%ff", "src", ("\N{REPLACEMENT CHARACTER}",), True),
    ("&" * 200 + "src=a", "src", None, False),
    ("a=" + "1" * 9000 + "&src=a", "src", None, False),
]


@pytest.mark.parametrize(("query", "key", "values", "fits"), QUERIES)
def test_a_query_fits_by_any_of_its_values(
    query: str,
    key: str,
    values: tuple[str, ...] | None,
    fits: bool,
) -> None:
    condition = Condition(type="query", key=key, values=values)
    assert does_hold(condition, Visit(query=query)) == fits
    turned = msgspec.structs.replace(condition, negated=True)
    assert does_hold(turned, Visit(query=query)) != fits


def test_a_query_that_nobody_states_is_unknown() -> None:
    for negated in (False, True):
        rule = msgspec.structs.replace(
            RULE, conditions=(Condition(type="query", key="src", negated=negated),)
        )
        assert choose(compile_rules([rule]), make_visitor(), 0.0).rule is None
        known = make_visitor(query=read_query(""))
        assert (choose(compile_rules([rule]), known, 0.0).rule is rule) == negated


@pytest.mark.parametrize(
    ("host", "value", "fits"),
    [
        ("example.com", "example.com", True),
        ("m.example.com", "example.com", True),
        ("badexample.com", "example.com", False),
        ("example.com", "m.example.com", False),
        ("example.com", "www.Example.com", True),
        ("", "example.com", False),
    ],
)
def test_a_referrer_is_a_host_or_below_it(host: str, value: str, fits: bool) -> None:
    assert does_hold(Condition(type="referrer", values=(value,)), Visit(referrer=host)) == fits


@pytest.mark.parametrize(
    ("address", "value", "fits"),
    [
        ("192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "192.0.2.0/24", True),
        ("192.0.3.7", "192.0.2.0/24", False),
        ("::ffff:192.0.2.7", "192.0.2.0/24", True),
        ("2001:db8::1", "2001:db8::/32", True),
        ("2001:db9::1", "2001:db8::/32", False),
        ("2001:db8::1", "0.0.0.0/0", False),
        ("0.0.0.1", "::/0", False),
        ("10.0.0.8", "10.0.0.0/8", True),
        ("a socket", "0.0.0.0/0", False),
    ],
)
def test_an_address_is_in_a_network_of_its_own_kind(address: str, value: str, fits: bool) -> None:
    assert does_hold(Condition(type="ip", values=(value,)), Visit(address=address)) == fits
    other = Condition(type="ip", values=("203.0.113.1", value))
    assert does_hold(other, Visit(address=address)) == fits
    turned = Condition(type="ip", values=(value,), negated=True)
    is_known = read_client_address(address) is not None
    assert does_hold(turned, Visit(address=address)) == (is_known and not fits)


def at(text: str) -> Visit:
    return Visit(at=datetime.fromisoformat(text).astimezone(UTC))


OPEN = Condition(
    type="time", days=(1, 2, 3, 4, 5), from_="09:00", to="17:00", timezone="Europe/Berlin"
)
NIGHT = Condition(type="time", days=(5,), from_="22:00", to="04:00", timezone="Europe/Berlin")
EARLY = Condition(type="time", from_="02:30", to="05:00", timezone="Europe/Berlin")
LATE = Condition(type="time", days=(6,), from_="23:00", to="03:00", timezone="Europe/Berlin")
HALVED = Condition(type="time", from_="01:30", to="02:00", timezone="Australia/Lord_Howe")
SKIPPED = Condition(type="time", from_="02:00", to="02:30", timezone="Australia/Lord_Howe")
HALF = Condition(type="time", from_="09:00", to="17:00", timezone="Asia/Kolkata")
TIMES = [
    (OPEN, "2026-11-23T08:59:59.999+01:00", False),
    (OPEN, "2026-11-23T09:00+01:00", True),
    (OPEN, "2026-11-23T16:59:59.999+01:00", True),
    (OPEN, "2026-11-23T17:00+01:00", False),
    (OPEN, "2026-11-22T12:00+01:00", False),  # a Sunday
    (NIGHT, "2026-11-27T21:59+01:00", False),  # a Friday
    (NIGHT, "2026-11-27T22:00+01:00", True),
    (NIGHT, "2026-11-28T03:59:59+01:00", True),
    (NIGHT, "2026-11-28T04:00+01:00", False),
    (NIGHT, "2026-11-28T22:00+01:00", False),
    (NIGHT, "2026-11-27T03:00+01:00", False),  # of Thursday's night
    (EARLY, "2026-03-29T01:59:59+01:00", False),  # the next minute is 3:00
    (EARLY, "2026-03-29T03:00+02:00", True),
    (EARLY, "2026-03-29T04:59+02:00", True),
    (EARLY, "2026-10-25T02:30+02:00", True),
    (EARLY, "2026-10-25T02:59:59+02:00", True),
    (EARLY, "2026-10-25T02:00+01:00", False),  # for the second time
    (EARLY, "2026-10-25T02:30+01:00", True),
    (HALVED, "2026-04-05T01:29:59+11:00", False),
    (HALVED, "2026-04-05T01:30+11:00", True),
    (HALVED, "2026-04-05T01:30+10:30", True),  # half an hour later, for the second time
    (HALVED, "2026-04-05T02:00+10:30", False),
    (HALVED, "2026-10-04T01:59:59+10:30", True),
    (SKIPPED, "2026-10-04T01:59:59+10:30", False),  # the next minute is 2:30
    (SKIPPED, "2026-10-04T02:30+11:00", False),
    (LATE, "2026-10-24T23:00+02:00", True),  # a Saturday
    (LATE, "2026-10-25T02:30+02:00", True),
    (LATE, "2026-10-25T02:30+01:00", True),  # for the second time
    (LATE, "2026-10-25T03:00+01:00", False),
    (LATE, "2026-10-25T23:00+01:00", False),
    (HALF, "2026-11-23T03:29:59Z", False),
    (HALF, "2026-11-23T03:30Z", True),
    (HALF, "2026-11-23T11:29:59Z", True),
    (HALF, "2026-11-23T11:30Z", False),
    (Condition(type="time", days=(7,), timezone="Asia/Kolkata"), "2026-11-21T18:30Z", True),
    (Condition(type="time", days=(7,), timezone="Asia/Kolkata"), "2026-11-21T18:29Z", False),
    (Condition(type="time", from_="18:00", timezone="UTC"), "2026-11-21T23:59:59Z", True),
    (Condition(type="time", from_="18:00", timezone="UTC"), "2026-11-21T00:00Z", False),
    (Condition(type="time", to="18:00", timezone="UTC"), "2026-11-21T00:00Z", True),
]


@pytest.mark.parametrize(("condition", "moment", "holds"), TIMES)
def test_a_window_of_time_follows_the_clock_of_its_zone(
    condition: Condition,
    moment: str,
    holds: bool,
) -> None:
    assert does_hold(condition, at(moment)) == holds


@pytest.mark.parametrize(("kind", "holds"), [("after", (0, 0, 1)), ("before", (1, 0, 0))])
def test_after_and_before_are_strict(kind: Any, holds: tuple[int, ...]) -> None:
    compiled = compile_rules(
        [msgspec.structs.replace(RULE, conditions=(Condition(type=kind, at=NOW),))]
    )
    found = [
        choose(compiled, make_visitor(now=NOW + each), 0.0).rule is not None for each in (-1, 0, 1)
    ]
    assert found == [*map(bool, holds)]


def test_draws_fall_to_variants_by_their_weights() -> None:
    compiled = compile_rules([TEST])
    drawn = [choose(compiled, make_visitor(), number / 1000).variant for number in range(1000)]
    assert [drawn.count(each) for each in (A, B, C)] == [600, 300, 100]
    assert list_shares(TEST, NOW) == {"a": 0.6, "b": 0.3, "c": 0.1}


class Returning:
    """A visitor who got a variant before."""

    def __init__(self, key: str, now: int = NOW) -> None:
        self.now, self.is_program, self._key = now, False, key

    def find_kept_variant(self, rule_id: str) -> str:
        assert rule_id == "t"
        return self._key


def choose_key(rule: Rule, visitor: Any, draw: float = 0.0) -> str:
    choice = choose(compile_rules([rule]), visitor, draw)
    assert choice.variant is not None
    return choice.variant.key


def test_a_kept_variant_stays_whatever_its_weight_has_become() -> None:
    sticky = msgspec.structs.replace(TEST, sticky=True)
    assert choose_key(sticky, Returning("c")) == "c"
    heavier = (msgspec.structs.replace(A, weight=1000), B, C)
    assert choose_key(msgspec.structs.replace(sticky, variants=heavier), Returning("c")) == "c"
    assert choose_key(TEST, Returning("c")) == "a"


def test_a_kept_variant_that_was_removed_is_drawn_again() -> None:
    sticky = msgspec.structs.replace(TEST, sticky=True, variants=(A, B))
    assert choose_key(sticky, Returning("c"), 0.9) == "b"


def test_the_winner_is_everybodys_at_once_and_the_first_at_the_end() -> None:
    ending = msgspec.structs.replace(TEST, sticky=True, test_ends_at=NOW)
    assert choose_key(ending, Returning("c", NOW - 1)) == "c"
    assert choose_key(ending, Returning("c", NOW)) == "a"
    won = msgspec.structs.replace(TEST, sticky=True, winner="b")
    assert choose_key(won, Returning("c", NOW)) == "b"
    late = msgspec.structs.replace(won, test_ends_at=NOW + 1)
    assert choose_key(late, Returning("c", NOW)) == "b"
    assert list_shares(late, NOW) == {"a": 0.0, "b": 1.0, "c": 0.0}
    assert list_shares(ending, NOW) == {"a": 1.0, "b": 0.0, "c": 0.0}
    for rule in (ending, won):
        choice = choose(compile_rules([rule]), Returning("c"), 0.0)  # pyright: ignore[reportArgumentType]
        assert (choice.is_kept, choice.won) == (False, ("t", choice.variant and choice.variant.key))


def test_programs_get_the_links_own_destination() -> None:
    compiled = compile_rules([RULE])
    visitor = make_visitor(is_program=True)
    assert choose(compiled, visitor, 0.0) == OWN_DESTINATION
    assert [each.holds for each in explain(compiled, visitor, 0.0).reasons] == [False]


class Frugal:
    """Fails the test if it is asked for anything that it does not have."""

    is_program, now, country = False, NOW, "US"


def test_what_no_rule_asks_for_is_not_read() -> None:
    german = msgspec.structs.replace(
        RULE,
        conditions=(
            Condition(type="country", values=("DE",)),
            Condition(type="city", values=("Bonn",)),
        ),
    )
    assert choose(compile_rules([german]), Frugal(), 0.0) == OWN_DESTINATION  # pyright: ignore[reportArgumentType]


class Questioned:
    """Notes what it is asked for."""

    is_program, now = False, NOW

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> object:
        self.asked.append(name)
        return {"country": "DE", "query": read_query("src=a")}.get(name)


def test_what_many_rules_ask_for_is_read_once() -> None:
    conditions = (
        Condition(type="country", values=("EU",)),
        Condition(type="country", values=("DE",), negated=True),
        Condition(type="language", values=("de",)),
        Condition(type="query", key="src"),
    )
    kinds = [(first, second) for first in conditions for second in conditions]
    rules = [
        msgspec.structs.replace(RULE, id=f"{number}", conditions=pair)
        for number, pair in enumerate(kinds)
        if not {conditions[0], conditions[3]}.issuperset(pair)
    ]
    visitor = Questioned()
    assert choose(compile_rules(rules), visitor, 0.0) == OWN_DESTINATION  # pyright: ignore[reportArgumentType]
    assert sorted(visitor.asked) == ["country", "languages", "query"]


def test_destinations_get_the_links_utm_parameters_and_say_if_they_are_blocked() -> None:
    compiled = compile_rules(
        [TEST], utm={"utm_source": "mail"}, is_blocked=lambda url: url.endswith("/b")
    )
    first, second = (choose(compiled, make_visitor(), draw) for draw in (0.0, 0.7))
    assert (first.url, first.is_blocked) == ("https://example.com/a?utm_source=mail", False)
    assert (second.url, second.is_blocked) == ("https://example.com/b?utm_source=mail", True)
    assert (first.won, second.won) == (("t", "a"), ("t", "b"))


REASONS = [
    (Condition(type="country", values=("DE",)), Visit(), "The country is unknown."),
    (Condition(type="country", values=("DE",)), Visit(country="US"), "The country is US."),
    (
        Condition(type="language", values=("de",)),
        Visit(languages="en-GB,fr"),
        "The preferred language is en-gb or fr.",
    ),
    (Condition(type="query", key="src"), Visit(), "The query has no src."),
    (
        Condition(type="query", key="src", values=("a",)),
        Visit(query="src=b&src="),
        "The query's src is b and empty.",
    ),
    (OPEN, at("2026-11-22T12:05Z"), "It is Sunday, 13:05 in Europe/Berlin."),
    (Condition(type="after", at=NOW), Visit(), "It is 2026-10-19T00:00:00Z."),
    (Condition(type="ip", values=("::1",)), Visit(), "The IP address is 192.0.2.7."),
]


@pytest.mark.parametrize(("condition", "visit", "text"), REASONS)
def test_the_reason_says_how_it_is_instead(condition: Condition, visit: Visit, text: str) -> None:
    always = msgspec.structs.replace(condition, type="after", at=0, negated=False)
    rules = [
        msgspec.structs.replace(RULE, conditions=(always, condition)),
        msgspec.structs.replace(RULE, is_active=False),
        msgspec.structs.replace(RULE, conditions=(always,)),
        RULE,
    ]
    reasons = explain(compile_rules(rules), visit.state(), 0.0).reasons
    assert [(each.holds, each.condition, each.text) for each in reasons] == [
        (False, 1, text),
        (False, None, "It is switched off."),
        (True, None, "All its conditions hold."),
        (False, None, "An earlier rule won."),
    ]
