from datetime import datetime
from typing import Annotated, Literal

import msgspec
import pytest
from msgspec import UNSET, Meta, UnsetType

from shorty.errors import InvalidFieldsError
from shorty.webcore.fields import (
    convert_fields,
    telling_camel_case,
)


class Thing(msgspec.Struct, kw_only=True, rename="camel"):
    long_name: Annotated[str, Meta(min_length=1, max_length=5)]
    count: Annotated[int, Meta(ge=1, le=9)] | None = None
    is_on: bool = False
    kind: Literal["a", "b"] | None = None
    parts: Annotated[list[Annotated[str, Meta(max_length=2)]], Meta(max_length=2)] | UnsetType = (
        UNSET
    )
    at: datetime | None = None


def find_faults(**values: object) -> dict[str, str]:
    with pytest.raises(InvalidFieldsError) as raised:
        convert_fields({"longName": "x"} | values, Thing)
    return raised.value.fields


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("longName", 1, "must be text"),
        ("longName", None, "must be text"),
        ("longName", "", "is required"),
        ("longName", "toolong", "must be text of at most 5 characters"),
        ("count", "1", "must be a whole number or null"),
        ("count", 1.5, "must be a whole number or null"),
        ("count", 0, "must be a whole number of at least 1"),
        ("isOn", "true", "must be true or false"),
        ("kind", "c", 'must be "a" or "b"'),
        ("parts", "a", "must be a list"),
        ("parts", ["a", 1], "must be text (at [1])"),
        ("parts", ["a", "abc"], "must be text of at most 2 characters (at [1])"),
        ("parts", ["a", "b", "c"], "must be a list of at most 2 items"),
        ("at", "tomorrow", "must be a time such as 2026-12-31T23:59:59Z"),
        ("long_name", "x", "is not a known field; did you mean longName?"),
        ("LongNam", "x", "is not a known field; did you mean longName?"),
        ("other", "x", "is not a known field"),
        ("longName" * 9, "x", "is not a known field"),
    ],
)
def test_a_fault_is_told_in_plain_words(name: str, value: object, fault: str) -> None:
    assert find_faults(**{name: value}) == {name: fault}


def test_only_a_few_unknown_fields_are_compared_with_the_known_ones() -> None:
    faults = find_faults(**{f"long_nam{letter}": 1 for letter in "abcdef"})
    near = [fault for fault in faults.values() if fault.endswith("; did you mean longName?")]
    assert (len(near), len(faults)) == (3, 6)


def test_all_faults_are_found_at_once() -> None:
    with pytest.raises(InvalidFieldsError) as raised:
        convert_fields({"count": [], "isOn": 1, "what": 1}, Thing)
    assert set(raised.value.fields) == {"longName", "count", "isOn", "what"}
    assert raised.value.fields["longName"] == "is required"


def test_good_fields_become_the_struct_and_absent_ones_their_defaults() -> None:
    thing = convert_fields({"longName": "x", "count": None, "parts": ["a"]}, Thing)
    assert (thing.long_name, thing.count, thing.parts, thing.is_on) == ("x", None, ["a"], False)
    assert convert_fields({"longName": "x"}, Thing).parts is UNSET


def test_text_of_forms_and_queries_is_read_as_what_it_means() -> None:
    thing = convert_fields({"longName": "1", "count": "7", "isOn": "true"}, Thing, is_text=True)
    assert (thing.long_name, thing.count, thing.is_on) == ("1", 7, True)


def test_unknown_fields_may_be_ignored() -> None:
    thing = convert_fields({"longName": "x", "more": 1}, Thing, ignores_unknown=True)
    assert thing.long_name == "x"


def test_a_domains_faults_are_told_in_the_callers_spelling() -> None:
    with pytest.raises(InvalidFieldsError) as raised, telling_camel_case:
        raise InvalidFieldsError({"root_redirect": "no", "host": "no"})
    assert raised.value.fields == {"rootRedirect": "no", "host": "no"}
