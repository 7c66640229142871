"""The form of a rule, read and written."""

from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shorty.links.condition_reading import MOST_CONDITIONS
from shorty.links.rule_reading import MOST_VARIANTS, read_rules
from shorty.links.rule_writing import write_rules
from shorty.links.rules import CONDITION_TYPES, Condition, Rule, Variant
from shorty.web.forms import Form, build_form
from shorty.web.rule_building import build_rule, name_faults
from shorty.web.rule_forms import (
    TYPES,
    RuleForm,
    read_form,
    take_step,
    write_form,
)
from shorty.web.rule_lists import find_language, find_place, list_places, split_list
from shorty.web.rule_sentences import name_language, name_place

BERLIN: Final = ZoneInfo("Europe/Berlin")
NEW_YEAR: Final = 1_798_761_600_000  # 2027-01-01T00:00Z


def fill(*pairs: tuple[str, str]) -> Form:
    return build_form(pairs)


def build(*pairs: tuple[str, str]) -> dict[str, Any]:
    rule, faults = build_rule(read_form(fill(*pairs)), BERLIN)
    assert faults == {}
    return rule


def send(form: RuleForm) -> Form:
    """What a browser sends of the form as it is shown."""
    pairs = [("name", form.name), ("test_ends_at", form.test_ends_at), ("winner", form.winner)]
    pairs += [(name, "1") for name in ("is_active", "sticky") if getattr(form, name)]
    for row in form.conditions:
        texts = {"type": row.type, "values": row.text, "key": row.key, "from": row.from_}
        texts |= {"to": row.to, "timezone": row.timezone, "at": row.at}
        if row.type == "device":
            del texts["values"]
        pairs += [(f"{row.part}-{name}", text) for name, text in texts.items()]
        pairs += [(f"{row.part}-values", value) for value in row.values]
        pairs += [(f"{row.part}-days", day) for day in row.days]
        boxes = {"not": row.negated, "empty": row.takes_empty}
        pairs += [(f"{row.part}-{name}", "1") for name, is_on in boxes.items() if is_on]
    for row in form.variants:
        texts = {"key": row.key, "url": row.url, "weight": row.weight}
        pairs += [(f"{row.part}-{name}", text) for name, text in texts.items()]
    return build_form(pairs)


def test_every_type_of_condition_has_a_name() -> None:
    assert set(TYPES) == set(CONDITION_TYPES)


@pytest.mark.parametrize(
    ("pairs", "condition"),
    [
        (
            [("c0-type", "country"), ("c0-values", "Germany, at; Africa,  EU\nFR")],
            {"type": "country", "values": ["DE", "AT", "continent:AF", "EU", "FR"]},
        ),
        (
            [("c0-type", "country"), ("c0-values", "Atlantis"), ("c0-not", "1")],
            {"type": "country", "not": True, "values": ["Atlantis"]},
        ),
        (
            [("c0-type", "language"), ("c0-values", "German, en-GB"), ("c0-more", "French")],
            {"type": "language", "values": ["de", "en-GB", "fr"]},
        ),
        (
            [("c0-type", "os"), ("c0-values", ""), ("c0-more", "iOS")],
            {"type": "os", "values": ["iOS"]},
        ),
        (
            [("c0-type", "device"), ("c0-values", "mobile"), ("c0-values", "tablet")],
            {"type": "device", "values": ["mobile", "tablet"]},
        ),
        (
            [("c0-type", "city"), ("c0-values", "Washington, D.C.\r\n\r\nBerlin")],
            {"type": "city", "values": ["Washington, D.C.", "Berlin"]},
        ),
        (
            [("c0-type", "query"), ("c0-key", "src"), ("c0-values", "")],
            {"type": "query", "key": "src"},
        ),
        (
            [("c0-type", "query"), ("c0-key", "src"), ("c0-values", "a,b"), ("c0-empty", "1")],
            {"type": "query", "key": "src", "values": ["a,b", ""]},
        ),
        (
            [
                *[("c0-type", "time"), ("c0-days", "1"), ("c0-days", "7"), ("c0-from", "09:00")],
                *[("c0-to", ""), ("c0-timezone", "Europe/Berlin")],
            ],
            {"type": "time", "days": [1, 7], "from": "09:00", "timezone": "Europe/Berlin"},
        ),
        (
            [("c0-type", "after"), ("c0-at", "2027-01-01T01:00")],
            {"type": "after", "at": "2027-01-01T00:00:00.000Z"},
        ),
    ],
)
def test_a_condition_is_read_as_the_api_takes_it(
    pairs: list[tuple[str, str]], condition: dict[str, Any]
) -> None:
    assert build(*pairs, ("v0-url", "example.com"))["conditions"] == [condition]


@pytest.mark.parametrize("day", ["²", "9" * 5000, "0", "Monday"])
def test_a_day_that_is_none_is_left_to_the_api(day: str) -> None:
    built = build(("c0-type", "time"), ("c0-days", day), ("v0-url", "example.com"))
    assert built["conditions"][0]["days"] == [day]


def test_one_destination_is_a_url_and_more_are_variants() -> None:
    one = build(("v0-url", "example.com/a"), ("v1-url", ""), ("v1-key", "b"))
    assert one["url"] == "https://example.com/a"
    assert "variants" not in one
    two = build(
        *[("v0-url", "example.com/a"), ("v0-key", "a"), ("v0-weight", "60"), ("v1-url", " ")],
        *[("v2-url", "https://example.com/c"), ("v2-key", "c"), ("sticky", "1"), ("winner", "c")],
    )
    assert two["variants"] == [
        {"key": "a", "url": "https://example.com/a", "weight": 60},
        {"key": "c", "url": "https://example.com/c", "weight": 50},
    ]
    assert (two["sticky"], two["winner"], two["testEndsAt"]) == (True, "c", None)
    assert "url" not in two


@pytest.mark.parametrize(
    ("pairs", "field", "fault"),
    [
        ([("c3-type", "before"), ("c3-at", "soon")], "c3-at", "must be a date and time"),
        ([("c3-type", "before"), ("c3-at", "")], "c3-at", "must be a date and time"),
        (
            [("v0-url", "a.example"), ("v1-url", "b.example"), ("v1-weight", "half")],
            "v1-weight",
            "must be a whole number from 1 to 1000",
        ),
        (
            [("v0-url", "a.example"), ("v1-url", "b.example"), ("test_ends_at", "9999-99")],
            "test_ends_at",
            "must be a date and time",
        ),
    ],
)
def test_what_cannot_be_read_is_named(pairs: list[tuple[str, str]], field: str, fault: str) -> None:
    _, faults = build_rule(read_form(fill(*pairs)), BERLIN)
    assert faults == {field: fault}


def test_a_fault_is_shown_beside_the_field_that_has_it() -> None:
    form = read_form(
        fill(
            *[("c2-type", "country"), ("c2-values", "Germany, Atlantis"), ("c5-type", "time")],
            *[("v0-url", ""), ("v1-url", "a.example"), ("v4-url", "b.example")],
        )
    )
    faults = {
        "conditions[0].values[1]": "is no country",
        "conditions[1].from": "must be HH:MM",
        "conditions[1]": "needs a day or a time",
        "variants[1].url": "is blocked",
        "variants": "need unique keys",
        "testEndsAt": "is in the past",
        "url": "is missing",
        "name": "is too long",
        "conditions[7].key": "is strange",
    }
    assert name_faults(faults, form) == {
        "c2-values": "“Atlantis” is no country",
        "c5-from": "must be HH:MM",
        "c5-values": "needs a day or a time",
        "v4-url": "is blocked",
        "variants": "need unique keys",
        "test_ends_at": "is in the past",
        "v0-url": "is missing",
        "name": "is too long",
        "conditions": "is strange",
    }


def test_a_step_adds_or_removes_one_row() -> None:
    form = RuleForm()
    for kind in ("country", "time"):
        form = take_step(form, "condition", kind, BERLIN)
    assert [(row.part, row.type) for row in form.conditions] == [("c0", "country"), ("c1", "time")]
    assert (form.conditions[1].from_, form.conditions[1].timezone) == ("09:00", "Europe/Berlin")
    form = take_step(take_step(form, "drop-c0", "", BERLIN), "condition", "ip", BERLIN)
    assert [row.part for row in form.conditions] == ["c1", "c2"]
    form = take_step(form, "variant", "", BERLIN)
    assert [(row.key, row.weight) for row in form.variants] == [("a", "50"), ("b", "50")]
    form = take_step(take_step(form, "drop-v0", "", BERLIN), "variant", "", BERLIN)
    assert [(row.part, row.key) for row in form.variants] == [("v1", "b"), ("v2", "a")]
    assert take_step(form, "condition", "mood", BERLIN) == form
    alone = take_step(RuleForm(), "drop-v0", "", BERLIN)
    assert len(alone.variants) == 1


def test_a_form_has_no_more_rows_than_a_rule_may_have() -> None:
    pairs = [(f"c{number}-type", "ip") for number in range(40)]
    pairs += [(f"v{number}-url", "a.example") for number in range(40)]
    form = read_form(fill(*pairs))
    assert (len(form.conditions), len(form.variants)) == (MOST_CONDITIONS, MOST_VARIANTS)
    assert take_step(form, "condition", "ip", BERLIN) == form
    assert take_step(form, "variant", "", BERLIN) == form


def test_seconds_that_nobody_has_touched_stay() -> None:
    rule = Rule(
        id="1",
        variants=(Variant(key="a", url="https://a.example/", weight=1),) * 2,
        test_ends_at=NEW_YEAR + 1,
        conditions=(Condition(type="after", at=NEW_YEAR + 12_345),),
    )
    form = read_form(send(write_form(rule, BERLIN)))
    wire, _ = build_rule(form, BERLIN, rule)
    assert wire["conditions"][0]["at"] == "2027-01-01T00:00:12.345Z"
    assert wire["testEndsAt"] == "2027-01-01T00:00:00.001Z"
    assert wire["id"] == "1"


@pytest.mark.parametrize("name", list_places())
def test_every_place_that_is_offered_is_understood(name: str) -> None:
    assert name_place(find_place(name)) == name


def test_names_of_languages_are_understood() -> None:
    assert find_language("german") == "de"
    assert name_language(find_language("German")) == "German"
    assert find_language("tlh") == "tlh"


@given(st.text())
def test_a_written_list_has_no_empty_and_no_repeated_value(text: str) -> None:
    values = split_list(text)
    assert all(values)
    assert len(values) == len(set(values))


def make_window(window: tuple[str, str], **more: Any) -> Condition:
    return Condition(type="time", from_=window[0], to=window[1], **more)


def split(variants: list[Variant], *, has_winner: bool, **more: Any) -> dict[str, Any]:
    winner = variants[-1].key if has_winner else None
    return {"variants": tuple(variants), "winner": winner, **more}


TEXTS: Final = st.text("abcäב .-é", min_size=1, max_size=8).map(str.strip).filter(bool)
LISTS: Final = st.lists(TEXTS, min_size=1, max_size=5, unique=True).map(tuple)
KNOWN: Final[dict[Any, list[str]]] = {
    "country": ["DE", "AT", "EU", "US", "XK", "continent:EU", "continent:NA"],
    "region": ["DE-BY", "US-CA"],
    "device": ["mobile", "other"],
    "os": ["iOS", "Windows"],
    "browser": ["Chrome", "Samsung Internet"],
    "language": ["de", "en-GB", "zh-Hant", "tlh", "no", "nb"],
    "referrer": ["t.co", "xn--bcher-kva.example"],
    "ip": ["203.0.113.7", "198.51.100.0/24", "2001:db8::/32"],
}
CONDITIONS: Final = st.one_of(
    *(
        st.builds(
            Condition,
            type=st.just(kind),
            values=st.lists(st.sampled_from(known), min_size=1, unique=True).map(tuple),
            negated=st.booleans(),
        )
        for kind, known in KNOWN.items()
    ),
    st.builds(Condition, type=st.just("city"), values=LISTS),
    st.builds(
        Condition,
        type=st.just("query"),
        key=TEXTS,
        values=st.one_of(st.none(), LISTS, LISTS.map(lambda each: (*each, "")), st.just(("",))),
        negated=st.booleans(),
    ),
    st.builds(
        make_window,
        st.sampled_from([("22:00", "06:30"), ("09:00", "24:00"), ("00:00", "12:00")]),
        days=st.sampled_from([None, (1, 5, 7)]),
        timezone=st.sampled_from(["UTC", "Asia/Kolkata"]),
        negated=st.booleans(),
    ),
    st.just(Condition(type="time", days=(6, 7), timezone="UTC")),
    st.builds(Condition, type=st.sampled_from(["after", "before"]), at=st.integers(0, NEW_YEAR)),
)
VARIANTS: Final = st.lists(
    st.builds(
        Variant,
        key=st.sampled_from("abcdef"),
        url=st.just("https://a.example/x"),
        weight=st.integers(1, 1000),
    ),
    min_size=2,
    max_size=5,
    unique_by=lambda each: each.key,
)
DESTINATIONS: Final[st.SearchStrategy[dict[str, Any]]] = st.one_of(
    st.just({"url": "https://a.example/?x=1"}),
    st.builds(
        split,
        VARIANTS,
        sticky=st.booleans(),
        has_winner=st.booleans(),
        test_ends_at=st.one_of(st.none(), st.integers(0, NEW_YEAR)),
    ),
)


@given(st.lists(CONDITIONS, max_size=4), DESTINATIONS, st.booleans(), st.one_of(st.none(), TEXTS))
def test_saving_a_form_as_it_is_shown_changes_nothing(
    conditions: list[Condition], destination: dict[str, Any], is_active: bool, name: str | None
) -> None:
    rule = Rule(
        id="4f2a",
        name=name,
        is_active=is_active,
        conditions=tuple(conditions),
        **destination,
    )
    wire, faults = build_rule(read_form(send(write_form(rule, BERLIN))), BERLIN, rule)
    assert faults == {}
    wanted, faults = read_rules(write_rules((rule,)))
    assert read_rules([wire]) == (wanted, faults)
    assert faults == {}
