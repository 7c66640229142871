"""Other products' rules in the form of ours, and what can't be put so."""

from typing import Any

import pytest

from shorty.transfer.shlink_rules import read_shlink_rules
from shorty.transfer.tables import fold_column
from shorty.transfer.targets import UnknownTargetsError, find_rules

A, B = "https://a.example/", "https://b.example/"
IOS: dict[str, Any] = {"type": "os", "values": ["iOS"]}
ANDROID: dict[str, Any] = {"type": "os", "values": ["Android"]}


def find(destination: str = A, **fields: Any) -> list[dict[str, Any]]:
    return find_rules({fold_column(name): value for name, value in fields.items()}, destination)


def lead(url: str, *conditions: dict[str, Any]) -> dict[str, Any]:
    return {"url": url, "conditions": list(conditions)}


def read_one(**condition: Any) -> Any:
    """What one of Shlink's conditions becomes."""
    rule: dict[str, Any]
    (rule,) = read_shlink_rules([{"longUrl": A, "priority": 1, "conditions": [condition]}])
    assert rule["url"] == A
    (read,) = rule["conditions"]
    return read


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        ("android", ANDROID),
        ("ios", IOS),
        ("mobile", {"type": "os", "values": ["Android", "iOS"]}),
        ("windows", {"type": "os", "values": ["Windows"]}),
        ("macos", {"type": "os", "values": ["macOS"]}),
        ("linux", {"type": "os", "values": ["Linux", "Ubuntu", "Debian", "Fedora"]}),
        ("chromeos", {"type": "os", "values": ["Chrome OS"]}),
        ("desktop", {"type": "device", "values": ["desktop"]}),
    ],
)
def test_devices_of_shlink_are_systems_here(device: str, expected: dict[str, object]) -> None:
    assert read_one(type="device", matchKey=None, matchValue=device) == expected


@pytest.mark.parametrize(
    ("kind", "key", "value", "expected"),
    [
        ("language", None, "de", {"type": "language", "values": ["de"]}),
        ("language", None, "pt_BR", {"type": "language", "values": ["pt-BR"]}),
        ("query-param", "src", "mail", {"type": "query", "key": "src", "values": ["mail"]}),
        ("any-value-query-param", "src", None, {"type": "query", "key": "src"}),
        ("any-value-query-param", None, "src", {"type": "query", "key": "src"}),
        ("valueless-query-param", "src", None, {"type": "query", "key": "src", "values": [""]}),
        ("ip-address", None, "192.0.2.7", {"type": "ip", "values": ["192.0.2.7"]}),
        ("ip-address", None, "192.0.2.7/24", {"type": "ip", "values": ["192.0.2.0/24"]}),
        ("ip-address", None, "192.0.2.*", {"type": "ip", "values": ["192.0.2.0/24"]}),
        ("ip-address", None, "192.0.*.*", {"type": "ip", "values": ["192.0.0.0/16"]}),
        ("ip-address", None, "10.*.*.*", {"type": "ip", "values": ["10.0.0.0/8"]}),
        ("geolocation-country-code", None, "de", {"type": "country", "values": ["DE"]}),
        ("geolocation-city-name", None, "Bonn", {"type": "city", "values": ["Bonn"]}),
        ("browser", None, "firefox", {"type": "browser", "values": ["Firefox"]}),
        (
            *("before-date", None, "2030-01-01T01:00:00+01:00"),
            {"type": "before", "at": "2030-01-01T00:00:00.000Z"},
        ),
        (
            *("after-date", None, "2030-01-01T00:00:00+00:00"),
            {"type": "after", "at": "2030-01-01T00:00:00.000Z"},
        ),
    ],
)
def test_conditions_of_shlink_are_ours(
    kind: str, key: str | None, value: str | None, expected: dict[str, object]
) -> None:
    assert read_one(type=kind, matchKey=key, matchValue=value) == expected


def test_rules_of_shlink_come_in_the_order_of_their_priority() -> None:
    android = {"type": "device", "matchKey": None, "matchValue": "android"}
    rules = [
        {"longUrl": B, "priority": 2, "conditions": [android]},
        {"longUrl": A, "priority": 1, "conditions": [android, {**android, "matchValue": "ios"}]},
    ]
    expected = [lead(A, ANDROID, IOS), lead(B, ANDROID)]
    assert read_shlink_rules(rules) == expected
    assert read_shlink_rules({"defaultLongUrl": A, "redirectRules": rules}) == expected
    assert find(hasRedirectRules=True, redirectRules=rules) == expected


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ({"type": "moon", "matchValue": "full"}, "no condition like 'moon'"),
        ({"type": "device", "matchValue": "fridge"}, "no device 'fridge'"),
        ({"type": "browser", "matchValue": "lynx"}, "no browser 'lynx'"),
        ({"type": "ip-address", "matchValue": "192.*.2.7"}, "no IP addresses like '192.*.2.7'"),
        ({"type": "ip-address", "matchValue": "1.2.*"}, "no IP addresses like '1.2.*'"),
        ({"type": "ip-address", "matchValue": "::/zero"}, "'::/zero'"),
        ({"type": "before-date", "matchValue": "soon"}, "'soon'"),
        ({"type": "after-date", "matchValue": None}, "dates is missing"),
        ("de", "no condition like ''"),
    ],
)
def test_what_of_shlink_cannot_be_put_so_is_said(condition: object, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("*", r"\*")):
        read_shlink_rules([{"longUrl": A, "conditions": [condition]}])


@pytest.mark.parametrize("rules", ["yes", {"rules": []}, ["x"], [{"longUrl": A}], [None]])
def test_what_is_no_list_of_rules_is_said(rules: object) -> None:
    with pytest.raises(ValueError, match="list of"):
        read_shlink_rules(rules)


def test_rules_that_the_file_lacks_are_said() -> None:
    assert find(hasRedirectRules=False) == []
    with pytest.raises(ValueError, match="the file lacks them"):
        find(hasRedirectRules=True)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, []),
        ({"ios": None, "android": "", "geo": {}, "testVariants": None}, []),
        ({"geo": "null", "iosUrl": "NULL", "deviceLongUrls": {"ios": None}}, []),
        ({"ios": "17", "android": 3}, []),
        ({"apple": "pie", "google": "yes"}, []),
        ({"ios": A}, [lead(A, IOS)]),
        ({"Android URL": A, "iPhone URL": B}, [lead(B, IOS), lead(A, ANDROID)]),
        ({"apple": A, "google": B}, [lead(A, IOS), lead(B, ANDROID)]),
        (
            {"iosUrl": A, "ipadUrl": B},
            [lead(B, IOS, {"type": "device", "values": ["tablet"]}), lead(A, IOS)],
        ),
        ({"mobileUrl": A}, [lead(A, {"type": "device", "values": ["mobile"]})]),
        ({"desktop_url": A}, [lead(A, {"type": "device", "values": ["desktop"]})]),
        (
            {"deviceLongUrls": {"android": A, "ios": None, "desktop": B}},
            [lead(A, ANDROID), lead(B, {"type": "device", "values": ["desktop"]})],
        ),
        (
            {"geo": {"US": A, "de": B, "CA": A, "FR": None}},
            [
                lead(A, {"type": "country", "values": ["US", "CA"]}),
                lead(B, {"type": "country", "values": ["DE"]}),
            ],
        ),
        ({"geo": f'{{"US": "{A}"}}'}, [lead(A, {"type": "country", "values": ["US"]})]),
        ({"rules": f'[{{"url": "{A}"}}]'}, [{"url": A}]),
    ],
)
def test_fields_with_a_destination_are_rules(
    fields: dict[str, Any], expected: list[dict[str, object]]
) -> None:
    assert find(**fields) == expected


def test_many_countries_are_conditions_of_fifty() -> None:
    codes = [f"{a}{b}" for a in "ABCD" for b in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"][:101]
    rules = find(geo=dict.fromkeys(codes, A))
    values: list[list[str]] = [rule["conditions"][0]["values"] for rule in rules]
    assert [len(part) for part in values] == [50, 50, 1]
    assert [code for part in values for code in part] == codes


def test_variants_keep_their_shares_and_their_visitors() -> None:
    variants = [{"url": A, "percentage": 60}, {"url": B, "percentage": "40%"}]
    ours = {
        "variants": [{"key": "a", "url": A, "weight": 60}, {"key": "b", "url": B, "weight": 40}],
        "sticky": True,
        "conditions": [],
    }
    assert find(testVariants=variants) == [ours]
    assert find(testVariants=variants, ios=A, geo={"US": B}) == [
        lead(A, IOS),
        lead(B, {"type": "country", "values": ["US"]}),
        ours,
    ]


def test_a_second_destination_has_its_share() -> None:
    assert find(splitURL=B, splitPercent=30, destination=A) == [
        {
            "variants": [
                {"key": "a", "url": A, "weight": 70},
                {"key": "b", "url": B, "weight": 30},
            ],
            "conditions": [],
        }
    ]
    assert find(splitURL=B, splitPercent=100) == [lead(B)]
    assert find(splitURL=None, splitPercent=50) == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"ios": "myapp://open"}, "'myapp://open' is not a URL"),
        ({"android": {"url": A}}, "is not a URL"),
        ({"geo": "DE"}, "can't be read as JSON"),
        ({"geo": "[" * 100_000}, "can't be read as JSON"),
        ({"geo": [A]}, "no object of names and URLs"),
        ({"deviceTargeting": {"fridge": A}}, "no device 'fridge'"),
        ({"testVariants": {"a": A}}, "no list of variants"),
        ({"testVariants": [{"url": A}]}, "not a share in whole percent"),
        ({"testVariants": [{"url": A, "percentage": 33.3}]}, "not a share in whole percent"),
        ({"testVariants": [{"percentage": 50}]}, "is not a URL"),
        ({"testVariants": [{"url": A, "percentage": 5}] * 11}, "more than 10 variants"),
        ({"splitURL": B}, "not a share in whole percent"),
        ({"splitURL": B, "splitPercent": 50, "destination": "mailto:a@b.example"}, "not a URL"),
        ({"rules": '["x"]'}, "no list of rules"),
        ({"redirectRules": "[{}]x"}, "can't be read as JSON"),
    ],
)
def test_what_is_no_rule_of_ours_is_said(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        find(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"deepLinks": [{"os": "ios"}]},
        {"blocked_countries": "DE"},
        {"is_regex": "1"},
        {"ios": A, "allowed_ips": "192.0.2.7"},
    ],
)
def test_a_field_that_is_not_understood_is_not_passed_over(fields: dict[str, Any]) -> None:
    with pytest.raises(UnknownTargetsError):
        find(**fields)
