"""Rules in words."""

from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shorty.bidi import FIRST_STRONG_ISOLATE, POP_ISOLATE
from shorty.links.rules import CONDITION_TYPES, Condition, Rule, Variant
from shorty.web.rule_sentences import (
    find_shares,
    join_names,
    name_language,
    write_condition,
    write_days,
    write_destinations,
    write_rule,
    write_sentence,
)

BERLIN: Final = ZoneInfo("Europe/Berlin")
NEW_YEAR: Final = 1_798_761_600_000  # 2027-01-01T00:00Z


def make(kind: str, *values: str, **more: Any) -> Condition:
    given: dict[str, Any] = {"type": kind, **more}
    if values:
        given["values"] = values
    return Condition(**given)


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (make("country", "DE"), "in Germany"),
        (make("country", "DE", "AT"), "in Germany or Austria"),
        (make("country", "DE", "AT", "CH"), "in Germany, Austria or Switzerland"),
        (make("country", "US", "NL"), "in the United States or the Netherlands"),
        (make("country", "EU", "continent:AF"), "in the European Union or Africa"),
        (
            make("country", *("DE", "AT", "CH", "FR", "IT", "ES", "PT")),
            "in Germany, Austria, Switzerland, France or 3 others",
        ),
        (make("country", "DE", "AT", negated=True), "outside Germany and Austria"),
        (make("region", "DE-BY"), "in region DE-BY"),
        (make("region", "DE-BY", "DE-BE", negated=True), "outside region DE-BY and DE-BE"),
        (make("city", "Berlin"), "in Berlin"),
        (make("city", "Berlin", negated=True), "outside Berlin"),
        (make("device", "mobile"), "on a phone"),
        (make("device", "mobile", "tablet", negated=True), "not on a phone or a tablet"),
        (make("device", "Desktop", "other"), "on a computer or another device"),
        (make("os", "iOS", "Android"), "running iOS or Android"),
        (make("browser", "Firefox", negated=True), "not using Firefox"),
        (make("language", "de", "en-GB"), "reading German or English (United Kingdom)"),
        (make("query", key="src"), "with “src” in the URL"),
        (make("query", key="src", negated=True), "without “src” in the URL"),
        (make("query", "ad", "mail", key="src"), "with “src” set to “ad” or “mail” in the URL"),
        (make("query", "", key="src"), "with “src” set to nothing in the URL"),
        (make("query", "ad", "", key="src"), "with “src” set to “ad” or nothing in the URL"),
        (make("referrer", "t.co"), "coming from t.co"),
        (make("referrer", "xn--bcher-kva.example"), "coming from bücher.example"),
        (make("referrer", "t.co", negated=True), "not coming from t.co"),
        (make("ip", "203.0.113.0/24", "::1"), "from IP 203.0.113.0/24 or ::1"),
        (
            make("time", days=(1, 2, 3, 4, 5), from_="09:00", to="17:00", timezone="Europe/Berlin"),
            "Monday to Friday between 09:00 and 17:00 (Europe/Berlin)",
        ),
        (make("time", days=(6, 7), timezone="UTC"), "on Saturday or Sunday (UTC)"),
        (
            make("time", from_="22:00", to="06:00", timezone="UTC", negated=True),
            "not between 22:00 and 06:00 (UTC)",
        ),
        (make("time", from_="22:00", timezone="UTC"), "from 22:00 (UTC)"),
        (make("time", to="06:00", timezone="UTC"), "until 06:00 (UTC)"),
        (make("after", at=NEW_YEAR), "after 1 Jan 2027, 01:00"),
        (make("before", at=NEW_YEAR), "before 1 Jan 2027, 01:00"),
        (make("after", at=NEW_YEAR, negated=True), "until 1 Jan 2027, 01:00"),
        (make("before", at=NEW_YEAR, negated=True), "from 1 Jan 2027, 01:00 on"),
    ],
)
def test_a_condition_is_a_phrase(condition: Condition, text: str) -> None:
    assert write_condition(condition, BERLIN) == text


@pytest.mark.parametrize("kind", CONDITION_TYPES)
def test_no_kind_of_condition_is_forgotten(kind: str) -> None:
    members = {"timezone": "UTC", "days": (1,), "at": NEW_YEAR, "key": "x"}
    assert write_condition(make(kind, "x", **members), BERLIN)


def test_conditions_are_one_sentence() -> None:
    both = (make("country", "DE", "AT"), make("device", "mobile"))
    assert write_sentence(both, BERLIN) == "In Germany or Austria, on a phone"
    assert write_sentence((), BERLIN) == "Everyone"


def test_a_rule_says_where_it_leads() -> None:
    rule = Rule(id="4f2a", url="https://example.de/app", conditions=(make("device", "mobile"),))
    assert write_rule(rule, BERLIN) == "On a phone → example.de/app"
    split = Rule(
        id="b90e",
        variants=(
            Variant(key="a", url="https://example.com/a", weight=2),
            Variant(key="b", url="https://example.com/b", weight=1),
        ),
    )
    assert write_destinations(split) == "67% example.com/a, 33% example.com/b"


@pytest.mark.parametrize(
    ("days", "text"),
    [
        ((1,), "Monday"),
        ((6, 7), "Saturday or Sunday"),
        ((1, 2, 3), "Monday to Wednesday"),
        ((5, 1, 3), "Monday, Wednesday or Friday"),
        ((1, 2, 3, 6), "Monday to Wednesday or Saturday"),
        ((1, 2, 3, 4, 5, 6, 7), "Monday to Sunday"),
    ],
)
def test_days_in_a_row_are_a_span(days: tuple[int, ...], text: str) -> None:
    assert write_days(days) == text


def test_a_name_from_right_to_left_stays_by_itself() -> None:
    text = write_sentence((make("city", "חיפה"), make("device", "mobile")), BERLIN)
    assert text == f"In {FIRST_STRONG_ISOLATE}חיפה{POP_ISOLATE}, on a phone"


def test_a_language_without_a_name_is_written_as_it_is() -> None:
    assert [name_language(each) for each in ("tlh", "zh-Hant", "DE-ch")] == [
        "tlh",
        "Chinese (Hant)",
        "German (Switzerland)",
    ]


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=10))
def test_shares_sum_to_a_hundred_and_follow_the_weights(weights: list[int]) -> None:
    shares = find_shares(weights)
    assert sum(shares) == 100
    exact = [100 * weight / sum(weights) for weight in weights]
    assert all(abs(share - part) < 1 for share, part in zip(shares, exact, strict=True))


@given(st.lists(st.text("abc", min_size=1), min_size=1, max_size=12))
def test_a_list_names_at_most_five(names: list[str]) -> None:
    text = join_names(names, "or")
    if len(names) > 5:
        assert text.endswith(f" or {len(names) - 4} others")
    else:
        assert [part for each in text.split(" or ") for part in each.split(", ")] == names
