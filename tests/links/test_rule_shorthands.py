"""The short forms of rules, beyond what the links API's tests see of them."""

from typing import Any

from shorty.links.places import COUNTRIES
from shorty.links.rule_reading import read_rules
from shorty.links.rule_shorthands import expand_shorthands

URL = "https://b.example/"


def test_nothing_makes_no_rules() -> None:
    assert expand_shorthands().rules == []
    assert expand_shorthands(ios="", android=None, geo={}, test_variants=[]).rules == []


def test_more_countries_than_a_condition_may_name_become_several_rules() -> None:
    expanded = expand_shorthands(geo=dict.fromkeys(sorted(COUNTRIES), URL))
    rules, faults = read_rules(expanded.rules)
    assert faults == {}
    assert {rule.url for rule in rules} == {URL}
    named = [code for rule in rules for code in rule.conditions[0].values or ()]
    assert named == sorted(COUNTRIES)
    assert len(rules) == 5


def test_each_part_has_the_callers_name() -> None:
    variants: list[Any] = [{"url": URL, "percentage": 50}, {"url": URL, "percentage": 50}]
    expanded = expand_shorthands(
        ios=URL, geo={"US": URL, "DE": f"{URL}de", "CA": URL}, test_variants=variants
    )
    assert expanded.faults == {}
    assert expanded.paths == {
        "rules[0].url": "ios",
        "rules[1].url": "geo.US",
        "rules[1].conditions[0].values[0]": "geo.US",
        "rules[1].conditions[0].values[1]": "geo.CA",
        "rules[2].url": "geo.DE",
        "rules[2].conditions[0].values[0]": "geo.DE",
        "rules[3].variants[0].url": "testVariants[0].url",
        "rules[3].variants[1].url": "testVariants[1].url",
    }
    assert expanded.name_path("rules[2].url") == "geo.DE"
    assert expanded.name_path("rules[3].variants") == "testVariants[0].url"
