"""What a rule may say: each limit from both sides, each fault by its path."""

import json
from typing import Any

import pytest
from hypothesis import given

from shorty.links.rule_reading import MOST_BYTES, read_rules
from shorty.links.rule_writing import write_rules
from shorty.links.rules import (
    CONDITION_TYPES,
    Condition,
    Rule,
    Variant,
    decode_rules,
    encode_rules,
    list_destinations,
)
from tests.links.wild_rules import rule_lists

Json = dict[str, Any]
URL = "https://example.com/a"
ALWAYS: Json = {"url": URL}
GERMANS: Json = {"type": "country", "values": ["DE"]}
AB: Json = {
    "variants": [
        {"key": "a", "url": "https://example.com/a", "weight": 60},
        {"key": "b", "url": "https://example.com/b", "weight": 40},
    ]
}


def find_faults(*rules: object) -> dict[str, str]:
    return read_rules(list(rules))[1]


def read_one(**condition: Any) -> Condition:
    rules, faults = read_rules([{"url": URL, "conditions": [condition]}])
    assert faults == {}
    return rules[0].conditions[0]


def find_condition_faults(**condition: Any) -> dict[str, str]:
    """By their paths in the condition."""
    faults = find_faults({"url": URL, "conditions": [condition]})
    return {path.removeprefix("rules[0].conditions[0]."): fault for path, fault in faults.items()}


def test_the_rules_of_the_contract_are_read() -> None:
    given: list[Json] = [
        {
            "id": "4f2a",
            "name": "German phones",
            "isActive": True,
            "url": "https://example.de/app",
            "conditions": [
                {"type": "country", "values": ["DE", "AT"]},
                {"type": "device", "values": ["mobile"]},
            ],
        },
        {
            "id": "77c1",
            "url": "https://example.com/open",
            "conditions": [
                {
                    "type": "time",
                    "timezone": "Europe/Berlin",
                    "days": [1, 2, 3, 4, 5],
                    "from": "09:00",
                    "to": "17:00",
                }
            ],
        },
        {
            **AB,
            "id": "b90e",
            "sticky": True,
            "testEndsAt": "2027-01-31T00:00:00Z",
            "winner": None,
            "conditions": [],
        },
    ]
    rules, faults = read_rules(given)
    assert faults == {}
    assert rules == (
        Rule(
            id="4f2a",
            name="German phones",
            url="https://example.de/app",
            conditions=(
                Condition(type="country", values=("DE", "AT")),
                Condition(type="device", values=("mobile",)),
            ),
        ),
        Rule(
            id="77c1",
            url="https://example.com/open",
            conditions=(
                Condition(
                    type="time",
                    days=(1, 2, 3, 4, 5),
                    from_="09:00",
                    to="17:00",
                    timezone="Europe/Berlin",
                ),
            ),
        ),
        Rule(
            id="b90e",
            variants=(
                Variant(key="a", url="https://example.com/a", weight=60),
                Variant(key="b", url="https://example.com/b", weight=40),
            ),
            sticky=True,
            test_ends_at=1_801_353_600_000,
        ),
    )
    assert list_destinations(rules) == [
        ("rules[0].url", "https://example.de/app"),
        ("rules[1].url", "https://example.com/open"),
        ("rules[2].variants[0].url", "https://example.com/a"),
        ("rules[2].variants[1].url", "https://example.com/b"),
    ]


@given(rule_lists())
def test_what_is_answered_can_be_sent_back_and_stored(wild: list[Json]) -> None:
    rules, faults = read_rules(wild)
    assert faults == {}
    written = write_rules(rules)
    assert read_rules(json.loads(json.dumps(written))) == (rules, {})
    assert decode_rules(encode_rules(rules)) == rules
    assert len(written) == len(wild)
    for told, sent in zip(written, wild, strict=True):
        assert told["id"] == sent.get("id", told["id"])
        assert told["isActive"] is (sent.get("isActive") is not False)
        assert ("url" in told) is (not sent.get("variants"))
        assert len(told["conditions"]) == len(sent["conditions"])


@pytest.mark.parametrize("nothing", [None, []])
def test_null_and_an_empty_list_are_no_rules(nothing: object) -> None:
    assert read_rules(nothing) == ((), {})
    assert encode_rules(()) is None
    assert decode_rules(None) == ()


@pytest.mark.parametrize("wrong", ["x", 5, True, {"url": URL}])
def test_rules_are_a_list(wrong: object) -> None:
    assert read_rules(wrong)[1] == {"rules": "must be a list"}


def test_rules_without_ids_get_some_that_no_other_has() -> None:
    rules, faults = read_rules([GERMAN_RULE, GERMAN_RULE, {**ALWAYS, "id": "own"}])
    assert faults == {}
    ids = [rule.id for rule in rules]
    assert len(set(ids)) == 3
    assert ids[2] == "own"
    assert all(len(each) == 8 for each in ids[:2])


def test_a_number_is_an_id_too() -> None:
    assert read_rules([{**ALWAYS, "id": 77}])[0][0].id == "77"


GERMAN_RULE: Json = {"url": URL, "conditions": [GERMANS]}


FAULTY: list[Any] = [
    ([5], {"rules[0]": "must be an object"}),
    ([{}], {"rules[0].url": "is required, unless there are variants"}),
    ([{"url": "ftp://x/"}], {"rules[0].url"}),
    ([{"url": 5}], {"rules[0].url": "must be text"}),
    ([{"url": URL + "x" * 8192}], {"rules[0].url"}),
    ([{**AB, **ALWAYS}], {"rules[0].variants": "must not be given beside url"}),
    ([{**ALWAYS, "sticky": True}], {"rules[0].sticky": "needs variants"}),
    ([{**ALWAYS, "winner": "a"}], {"rules[0].winner": "needs variants"}),
    ([{**ALWAYS, "testEndsAt": "2030-01-01"}], {"rules[0].testEndsAt": "needs variants"}),
    ([{**AB, "sticky": "yes"}], {"rules[0].sticky": "must be true or false"}),
    ([{**AB, "winner": "c"}], {"rules[0].winner"}),
    ([{**AB, "winner": 1}], {"rules[0].winner": "must be text"}),
    ([{**AB, "testEndsAt": "soon"}], {"rules[0].testEndsAt"}),
    ([{**ALWAYS, "isActive": 1}], {"rules[0].isActive": "must be true or false"}),
    ([{**ALWAYS, "id": "a b"}], {"rules[0].id"}),
    ([{**ALWAYS, "id": "x" * 33}], {"rules[0].id"}),
    ([{**ALWAYS, "id": True}], {"rules[0].id"}),
    ([{**ALWAYS, "id": ""}], {"rules[0].id"}),
    (
        [{**GERMAN_RULE, "id": "a"}, {**ALWAYS, "id": "a"}],
        {"rules[1].id": "is that of rules[0] too"},
    ),
    ([{**ALWAYS, "name": "x" * 101}], {"rules[0].name"}),
    ([{**ALWAYS, "name": 5}], {"rules[0].name": "must be text"}),
    ([{**ALWAYS, "foo_bar": 1}], {"rules[0].foo_bar"}),
    ([{**ALWAYS, "conditions": {}}], {"rules[0].conditions": "must be a list"}),
    ([{**ALWAYS, "conditions": [5]}], {"rules[0].conditions[0]": "must be an object"}),
    ([{"variants": AB["variants"][:1]}], {"rules[0].variants": "must be 2 to 10 variants"}),
    ([{"variants": "ab"}], {"rules[0].variants": "must be a list"}),
    ([{"variants": [5, 6]}], {"rules[0].variants[0]", "rules[0].variants[1]"}),
]


@pytest.mark.parametrize(("rules", "faults"), FAULTY)
def test_faults_have_the_path_of_what_is_wrong(rules: list[Any], faults: Any) -> None:
    found = find_faults(*rules)
    assert (found if isinstance(faults, dict) else set(found)) == faults


@pytest.mark.parametrize(
    ("variant", "path"),
    [
        ({"key": ""}, "key"),
        ({"key": "a b"}, "key"),
        ({"key": "x" * 33}, "key"),
        ({"key": 5}, "key"),
        ({"key": None}, "key"),
        ({"key": "a"}, "key"),
        ({"url": None}, "url"),
        ({"url": "javascript:alert(1)"}, "url"),
        ({"weight": None}, "weight"),
        ({"weight": 0}, "weight"),
        ({"weight": 1001}, "weight"),
        ({"weight": 1.5}, "weight"),
        ({"weight": "5"}, "weight"),
        ({"weight": True}, "weight"),
        ({"share": 1}, "share"),
    ],
)
def test_each_member_of_a_variant_is_judged(variant: Json, path: str) -> None:
    first, second = AB["variants"]
    found = find_faults({"variants": [first, second | variant]})
    assert list(found) == [f"rules[0].variants[1].{path}"]


def test_weights_are_1_to_1000_and_may_be_written_as_any_number() -> None:
    first, second = AB["variants"]
    rules, faults = read_rules([{"variants": [first | {"weight": 1}, second | {"weight": 1000.0}]}])
    assert faults == {}
    assert [variant.weight for variant in rules[0].variants] == [1, 1000]


def make_variants(count: int) -> Json:
    return {"variants": [{"key": f"k{n}", "url": URL, "weight": 1} for n in range(count)]}


@pytest.mark.parametrize(
    ("most", "too_many", "path"),
    [
        ([GERMAN_RULE] * 50, [GERMAN_RULE] * 51, "rules"),
        (
            [{"url": URL, "conditions": [GERMANS] * 10}],
            [{"url": URL, "conditions": [GERMANS] * 11}],
            "rules[0].conditions",
        ),
        (
            [
                {
                    "url": URL,
                    "conditions": [{"type": "city", "values": [f"c{n}" for n in range(50)]}],
                }
            ],
            [
                {
                    "url": URL,
                    "conditions": [{"type": "city", "values": [f"c{n}" for n in range(51)]}],
                }
            ],
            "rules[0].conditions[0].values",
        ),
        ([make_variants(10)], [make_variants(11)], "rules[0].variants"),
    ],
)
def test_each_number_of_things_has_an_end(
    most: list[Json], too_many: list[Json], path: str
) -> None:
    assert read_rules(most)[1] == {}
    assert path in read_rules(too_many)[1]


def test_all_limits_at_once_are_within_the_size_of_a_link() -> None:
    condition = {"type": "ip", "values": [f"203.0.113.{n}" for n in range(50)]}
    rule = {"url": URL, "conditions": [condition] * 10}
    assert read_rules([rule] * 50)[1] == {}


def test_all_rules_of_a_link_together_have_a_size() -> None:
    condition = {"type": "query", "key": "k", "values": [f"{n:03}" + "x" * 400 for n in range(50)]}
    rule = {"url": URL, "conditions": [condition] * 10}
    most = MOST_BYTES // (50 * 10 * 410)
    assert read_rules([rule] * most)[1] == {}
    assert list(read_rules([rule] * (most + 1))[1]) == ["rules"]


def test_of_very_many_faults_a_hundred_are_told() -> None:
    condition = {"type": "country", "values": ["??"] * 50}
    assert len(find_faults(*[{"url": URL, "conditions": [condition] * 10}] * 50)) == 100


class TestOrder:
    def test_a_rule_without_conditions_may_be_the_last_one(self) -> None:
        assert find_faults(GERMAN_RULE, ALWAYS) == {}

    def test_it_may_not_come_before_another(self) -> None:
        found = find_faults(ALWAYS, GERMAN_RULE, {**ALWAYS, "conditions": []}, GERMAN_RULE)
        assert list(found) == ["rules[0].conditions", "rules[2].conditions"]

    def test_those_that_are_off_do_not_matter(self) -> None:
        off = {**ALWAYS, "isActive": False}
        assert find_faults(off, GERMAN_RULE, ALWAYS, {**GERMAN_RULE, "isActive": False}, off) == {}

    def test_one_whose_conditions_cannot_be_read_is_not_called_empty(self) -> None:
        found = find_faults({"url": URL, "conditions": [{"type": "moon"}]}, GERMAN_RULE)
        assert list(found) == ["rules[0].conditions[0].type"]


class TestConditions:
    def test_their_types_are_those_of_the_contract(self) -> None:
        told = find_condition_faults(type="moon")["type"]
        assert all(kind in told for kind in CONDITION_TYPES)
        assert find_condition_faults() == {"type": "is required"}
        assert list(find_condition_faults(type=["country"])) == ["type"]

    def test_not_turns_one_round(self) -> None:
        assert read_one(**GERMANS).negated is False
        assert read_one(**GERMANS, **{"not": True}).negated is True
        assert find_condition_faults(**GERMANS, **{"not": "no"}) == {"not": "must be true or false"}

    @pytest.mark.parametrize("kind", CONDITION_TYPES)
    def test_no_type_has_the_members_of_another(self, kind: str) -> None:
        members = {"values", "key", "days", "from", "to", "timezone", "at", "negated"}
        own = {"query": {"key", "values"}, "time": {"days", "from", "to", "timezone"}}
        own |= {"after": {"at"}, "before": {"at"}}
        for name in members - own.get(kind, {"values"}):
            assert name in find_condition_faults(type=kind, **{name: "x"})
            assert name not in find_condition_faults(type=kind, **{name: None})

    @pytest.mark.parametrize(
        "kind", [kind for kind in CONDITION_TYPES if kind not in {"time", "after", "before"}]
    )
    def test_values_are_texts_and_some(self, kind: str) -> None:
        key = {"key": "k"} if kind == "query" else {}
        assert list(find_condition_faults(type=kind, values=[], **key)) == ["values"]
        assert list(find_condition_faults(type=kind, values="x", **key)) == ["values"]
        assert find_condition_faults(type=kind, values=[None, 5], **key) == {
            "values[0]": "must be text",
            "values[1]": "must be text",
        }
        if kind != "query":
            assert list(find_condition_faults(type=kind)) == ["values"]

    def test_the_same_value_twice_is_one(self) -> None:
        assert read_one(type="country", values=["de", "AT", "DE"]).values == ("DE", "AT")


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("country", " de", "DE"),
        ("country", "xk", "XK"),
        ("country", "eu", "EU"),
        ("country", "Continent:af", "continent:AF"),
        ("region", "de-by", "DE-BY"),
        ("region", "GB-ENG", "GB-ENG"),
        ("region", "AT-9", "AT-9"),
        ("city", "  São   Paulo ", "São Paulo"),
        ("device", "Mobile", "mobile"),
        ("os", "IOS", "iOS"),
        ("os", "macos", "macOS"),
        ("os", "Haiku", "Haiku"),
        ("browser", "samsung internet", "Samsung Internet"),
        ("browser", "Ladybird", "Ladybird"),
        ("language", "DE", "de"),
        ("language", "pt_br", "pt-BR"),
        ("language", "zh-hANT-tw", "zh-Hant-TW"),
        ("language", "de-1996", "de-1996"),
        ("referrer", "Example.COM.", "example.com"),
        ("referrer", "bücher.example", "xn--bcher-kva.example"),
        ("referrer", "192.0.2.1", "192.0.2.1"),
        ("ip", "203.0.113.7", "203.0.113.7"),
        ("ip", "203.0.113.0/24", "203.0.113.0/24"),
        ("ip", "2001:DB8:0::/32", "2001:db8::/32"),
        ("ip", "::ffff:203.0.113.7", "203.0.113.7"),
        ("ip", "::ffff:203.0.113.0/120", "203.0.113.0/24"),
        ("ip", "::/0", "::/0"),
    ],
)
def test_each_kind_of_value_has_one_spelling(kind: str, text: str, value: str) -> None:
    assert read_one(type=kind, values=[text]).values == (value,)


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        ("country", "", "country code"),
        ("country", "DEU", "country code"),
        ("country", "ZZ", "country code"),
        ("country", "UK", "did you mean GB?"),
        ("country", "XX", "unknown country"),
        ("country", "t1", "unknown country"),
        ("country", "continent:XX", "continent:AF"),
        ("region", "DE", "ISO 3166-2"),
        ("region", "ZZ-A", "ISO 3166-2"),
        ("region", "DE-ABCD", "ISO 3166-2"),
        ("region", "Bavaria", "ISO 3166-2"),
        ("city", " ", "empty"),
        ("city", "x" * 101, "100"),
        ("city", "a\0b", "stored"),
        ("device", "phone", "desktop, mobile, tablet or other"),
        ("os", "", "empty"),
        ("browser", "x" * 101, "100"),
        ("language", "*", "language tag"),
        ("language", "english", "language tag"),
        ("language", "de-", "language tag"),
        ("language", "\uff44\uff45", "language tag"),
        ("query", "x" * 501, "500"),
        ("query", "\ud800", "stored"),
        ("referrer", "https://example.com/", "only a host"),
        ("referrer", "example.com:8080", "only a host"),
        ("referrer", "example.com/path", "only a host"),
        ("referrer", "", "only a host"),
        ("referrer", f"{'a' * 250}.example", "only a host"),
        ("ip", "203.0.113.7/24", "did you mean 203.0.113.0/24?"),
        ("ip", "203.0.113", "IP address"),
        ("ip", "203.0.113.0/33", "IP address"),
        ("ip", "fe80::1%eth0", "IP address"),
        ("ip", "fe80::1%eth0/128", "IP address"),
        ("ip", "example.com", "IP address"),
    ],
)
def test_values_that_are_none_of_their_kind_say_what_would_be(
    kind: str, text: str, says: str
) -> None:
    key = {"key": "k"} if kind == "query" else {}
    faults = find_condition_faults(type=kind, values=[text], **key)
    assert list(faults) == ["values[0]"]
    assert says in faults["values[0]"]


class TestQuery:
    def test_without_values_the_parameter_has_to_be_there(self) -> None:
        assert read_one(type="query", key="src") == Condition(type="query", key="src")

    def test_values_and_keys_are_kept_as_they_are(self) -> None:
        found = read_one(type="query", key="src[] ", values=["", " A", "a"])
        assert found == Condition(type="query", key="src[] ", values=("", " A", "a"))

    @pytest.mark.parametrize("key", [None, "", "x" * 101, "\0", 5])
    def test_a_key_is_needed(self, key: object) -> None:
        assert list(find_condition_faults(type="query", key=key)) == ["key"]


class TestTime:
    def test_days_are_in_order_and_once(self) -> None:
        found = read_one(type="time", days=[7, 1, 7.0])
        assert found == Condition(type="time", days=(1, 7), timezone="UTC")

    def test_an_end_that_is_left_out_is_that_of_the_day(self) -> None:
        start = read_one(type="time", **{"from": "9:30"}, timezone="asia/kolkata")
        assert (start.from_, start.to, start.timezone) == ("09:30", "24:00", "Asia/Kolkata")
        end = read_one(type="time", to="06:00")
        assert (end.from_, end.to) == ("00:00", "06:00")

    def test_it_may_go_over_midnight(self) -> None:
        found = read_one(type="time", **{"from": "22:00"}, to="06:00", days=[5])
        assert (found.from_, found.to) == ("22:00", "06:00")

    @pytest.mark.parametrize(
        ("members", "path"),
        [
            ({}, "from"),
            ({"timezone": "UTC"}, "from"),
            ({"days": []}, "days"),
            ({"days": "mon"}, "days"),
            ({"days": [0]}, "days[0]"),
            ({"days": [1, 8]}, "days[1]"),
            ({"days": [True]}, "days[0]"),
            ({"days": [1] * 8}, "days"),
            ({"from": "24:00"}, "from"),
            ({"from": "25:00"}, "from"),
            ({"from": "9"}, "from"),
            ({"from": 9}, "from"),
            ({"from": "09:00", "to": "09:00"}, "to"),
            ({"from": "09:00", "to": "17:60"}, "to"),
            ({"to": "00:00"}, "to"),
            ({"days": [1], "timezone": "Mars/Olympus"}, "timezone"),
            ({"days": [1], "timezone": "../etc/passwd"}, "timezone"),
            ({"days": [1], "timezone": 1}, "timezone"),
        ],
    )
    def test_a_window_that_is_none_is_a_fault(self, members: Json, path: str) -> None:
        assert list(find_condition_faults(type="time", **members)) == [path]


class TestMoments:
    def test_they_are_in_utc_where_no_zone_is_given(self) -> None:
        for text in ("2030-01-01T08:00:00+01:00", "2030-01-01T07:00", "2030-01-01T07:00:00.000Z"):
            assert read_one(type="after", at=text).at == 1_893_481_200_000

    def test_they_are_written_as_the_api_writes_times(self) -> None:
        rules, _ = read_rules(
            [{"url": URL, "conditions": [{"type": "before", "at": "2030-01-01"}]}]
        )
        assert write_rules(rules)[0]["conditions"] == [
            {"type": "before", "at": "2030-01-01T00:00:00.000Z"}
        ]

    @pytest.mark.parametrize("at", [None, "", "soon", 5, "0001-01-01T00:00:00+14:00"])
    def test_one_that_is_none_is_a_fault(self, at: object) -> None:
        assert list(find_condition_faults(type="after", at=at)) == ["at"]
