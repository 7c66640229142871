"""What is counted of each rule and variant."""

from shorty.clicks.breakdown import RuleCount
from shorty.clicks.stats import WORD_FOR_OTHERS
from shorty.web.rule_numbers import sum_numbers


def make_count(rule_id: str | None, variant: str | None, clicks: int, visitors: int) -> RuleCount:
    return RuleCount(7, rule_id, variant, clicks, visitors)


def test_a_rule_has_the_clicks_of_all_its_variants() -> None:
    counts = [
        make_count("b90e", "a", 60, 50),
        make_count("b90e", "b", 30, 20),
        make_count("4f2a", None, 5, 4),
        make_count(None, None, 5, 5),
    ]
    numbers = sum_numbers(counts, 100, ["b90e", "4f2a"])
    assert numbers.write("b90e") == "90 clicks · 90% · 70 visitors"
    assert numbers.write("b90e", "a") == "60 clicks · 60% · 50 visitors"
    assert numbers.write("b90e", "new") == "0 clicks · 0% · 0 visitors"
    assert numbers.write("4f2a") == "5 clicks · 5% · 4 visitors"
    assert numbers.write(None) == "5 clicks · 5% · 5 visitors"
    assert numbers.deleted == 0


def test_clicks_of_rules_that_are_gone_are_one_number() -> None:
    counts = [
        make_count("b90e", "a", 3, 2),
        make_count("b90e", "b", 4, 2),
        make_count(WORD_FOR_OTHERS, None, 2, 2),
        make_count(None, None, 1, 1),
    ]
    assert sum_numbers(counts, 10, []).deleted == 9


def test_nothing_is_said_where_nobody_has_clicked() -> None:
    assert sum_numbers([], 0, ["4f2a"]).write("4f2a") == ""
