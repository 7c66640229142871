"""The simulator: what it says of a rule that does not fit, and where a visitor goes."""

from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest

from shorty.links.rule_matching import compile_rules
from shorty.links.rule_reasons import explain
from shorty.links.rule_visitor import StatedVisitor
from shorty.links.rules import CONDITION_TYPES, Condition, Rule
from shorty.web.rule_trial import NAMES, describe, write_line, write_miss
from shorty.webcore.rule_trials import read_visitor

BERLIN: Final = ZoneInfo("Europe/Berlin")
NEW_YEAR: Final = 1_798_761_600_000  # 2027-01-01T00:00Z, a Friday
UNKNOWN: Final = dict.fromkeys(NAMES, "")

GERMANS: Final = {"type": "country", "values": ("DE",)}


def make_visitor(texts: dict[str, str]) -> StatedVisitor:
    described, faults = describe(UNKNOWN | texts, BERLIN)
    assert faults == {}
    return read_visitor(described, NEW_YEAR)


def make_rule(*conditions: dict[str, Any], **more: Any) -> Rule:
    made = tuple(Condition(**each) for each in conditions)
    return Rule(id="4f2a", url="https://a.example/", conditions=made, **more)


@pytest.mark.parametrize(
    ("condition", "texts", "text"),
    [
        (GERMANS, {}, "It asks for “in Germany”, but the country is unknown."),
        (GERMANS, {"country": "xx"}, "It asks for “in Germany”, but the country is unknown."),
        (GERMANS, {"country": "fr"}, "It asks for “in Germany”, but the country is France."),
        (
            {**GERMANS, "negated": True},
            {"country": "DE"},
            "It asks for “outside Germany”, but the country is Germany.",
        ),
        (
            {"type": "region", "values": ("DE-BY",)},
            {"region": "de-be"},
            "It asks for “in region DE-BY”, but the region is DE-BE.",
        ),
        (
            {"type": "city", "values": ("Berlin",)},
            {"city": "munich"},
            "It asks for “in Berlin”, but the city is Munich.",
        ),
        (
            {"type": "device", "values": ("mobile",)},
            {"device": "desktop"},
            "It asks for “on a phone”, but the device is a computer.",
        ),
        (
            {"type": "os", "values": ("iOS",)},
            {},
            "It asks for “running iOS”, but the operating system is unknown.",
        ),
        (
            {"type": "browser", "values": ("Firefox",)},
            {"browser": "safari"},
            "It asks for “using Firefox”, but the browser is Safari.",
        ),
        (
            {"type": "language", "values": ("de",)},
            {"language": "French, en-IE"},
            "It asks for “reading German”, but the visitor reads English (Ireland) and French.",
        ),
        (
            {"type": "language", "values": ("de",)},
            {},
            "It asks for “reading German”, but the language is unknown.",
        ),
        (
            {"type": "query", "key": "src"},
            {"query": "?ad=1"},
            "It asks for “with “src” in the URL”, but “src” is not in the URL.",
        ),
        (
            {"type": "query", "key": "src", "values": ("ad",)},
            {"query": "src=mail&src="},
            "It asks for “with “src” set to “ad” in the URL”, but “src” is “mail” and empty.",
        ),
        (
            {"type": "referrer", "values": ("t.co",)},
            {"referrer": "https://News.example/page"},
            "It asks for “coming from t.co”, but the referrer is news.example.",
        ),
        (
            {"type": "ip", "values": ("10.0.0.0/8",)},
            {"ip": "203.0.113.7"},
            "It asks for “from IP 10.0.0.0/8”, but the IP address is 203.0.113.7.",
        ),
        (
            {"type": "time", "days": (6, 7), "timezone": "Asia/Kolkata"},
            {"at": "2027-01-01T18:00"},
            "It asks for “on Saturday or Sunday (Asia/Kolkata)”, but it is Friday, 22:30 there.",
        ),
        (
            {"type": "before", "at": NEW_YEAR},
            {"at": "2027-01-01T18:00"},
            "It asks for “before 1 Jan 2027, 01:00”, but it is 1 Jan 2027, 18:00.",
        ),
    ],
)
def test_a_rule_that_does_not_fit_says_why(
    condition: dict[str, Any], texts: dict[str, str], text: str
) -> None:
    visitor = make_visitor(texts)
    rule = make_rule({"type": "after", "at": 0}, condition)
    choice = explain(compile_rules([rule]), visitor, 0)
    line = write_line(choice.reasons[0], visitor, BERLIN)
    assert (line.state, line.text) == ("lost", text)


@pytest.mark.parametrize("kind", CONDITION_TYPES)
def test_no_kind_of_condition_is_forgotten(kind: Any) -> None:
    visitor = make_visitor({})
    members = {"values": ("x",), "timezone": "UTC", "days": (1,), "at": NEW_YEAR, "key": "x"}
    assert write_miss(make_rule({"type": kind, **members}), 0, visitor, BERLIN).endswith(".")


def test_every_rule_has_its_state() -> None:
    rules = [
        make_rule(GERMANS),
        make_rule(is_active=False),
        make_rule({"type": "after", "at": 0}),
        make_rule(),
    ]
    visitor = make_visitor({})
    choice = explain(compile_rules(rules), visitor, 0)
    lines = [write_line(reason, visitor, BERLIN) for reason in choice.reasons]
    assert [line.state for line in lines] == ["lost", "off", "won", "late"]


@pytest.mark.parametrize(
    "texts",
    [{"referrer": "http://[x"}, {"query": "=&&%zz"}, {"language": "*;q=x, ,,"}, {"country": "???"}],
)
def test_whatever_is_typed_describes_somebody(texts: dict[str, str]) -> None:
    assert make_visitor(texts).now == NEW_YEAR


def test_a_time_is_in_the_zone_of_the_viewer() -> None:
    assert make_visitor({"at": "2027-01-01T01:00"}).now == NEW_YEAR
    assert describe(UNKNOWN | {"at": "soon"}, BERLIN)[1] == {"at": "must be a date and time"}
