"""Turns the form of a rule into what the API takes, and names faults by the fields of the form."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

from shorty.links.rules import Rule
from shorty.web.destinations import complete_destination
from shorty.web.formatting import read_input, write_input
from shorty.web.rule_forms import (
    BOXES,
    MOMENTS,
    USUAL_WEIGHT,
    ConditionRow,
    RuleForm,
    VariantRow,
    list_filled,
)
from shorty.web.rule_lists import FINDERS, LINES, split_list
from shorty.webcore.times import format_optional_time

Wire: TypeAlias = dict[str, Any]
"""A rule as the API takes it."""

_DAYS: Final = frozenset("1234567")
_PATH: Final = re.compile(r"(conditions|variants)\[(\d+)\](?:\.(\w+))?(?:\[(\d+)\])?")


class _Moments:
    """Reads moments, which people write to the minute, and notes the faults of others."""

    def __init__(
        self, zone: ZoneInfo, faults: dict[str, str], stored: Mapping[str, tuple[str, int]]
    ) -> None:
        self._zone = zone
        self._faults = faults
        self._stored = stored

    def __call__(self, name: str, text: str, *, is_needed: bool = False) -> str | None:
        written, at = self._stored.get(name, ("", None))
        if at is None or text != written:
            at = self._read(name, text, is_needed=is_needed)
        return format_optional_time(at)

    def _read(self, name: str, text: str, *, is_needed: bool) -> int | None:
        try:
            at = read_input(text, self._zone)
        except (ValueError, OverflowError):
            at, is_needed = None, True
        if at is None and is_needed:
            self._faults[name] = "must be a date and time"
        return at


def build_rule(
    form: RuleForm, zone: ZoneInfo, before: Rule | None = None
) -> tuple[Wire, dict[str, str]]:
    """The rule, and what could not be read of it, by the form's fields.

    Of `before`, the rule as the form showed it, what a form has no room for stays: its id, and the
    seconds of a moment that nobody has touched.
    """
    faults: dict[str, str] = {}
    read = _Moments(zone, faults, _list_moments(before, zone))
    filled = list_filled(form)
    rule: Wire = {
        "name": form.name or None,
        "isActive": form.is_active,
        "conditions": [_build_condition(row, read) for row in form.conditions],
    }
    if before is not None:
        rule["id"] = before.id
    if len(filled) > 1:
        rule["variants"] = _build_variants(filled, faults)
        rule["sticky"] = form.sticky
        rule["winner"] = form.winner or None
        rule["testEndsAt"] = read("test_ends_at", form.test_ends_at)
    else:
        rule["url"] = complete_destination(filled[0].url) if filled else ""
    return rule, faults


def name_faults(faults: Mapping[str, str], form: RuleForm) -> dict[str, str]:
    """Faults of a rule, by their paths below it, under the names of the form's fields."""
    named: dict[str, str] = {}
    for path, fault in faults.items():
        name, text = _find_field(path, fault, form)
        named.setdefault(name, text)
    return named


def list_values(row: ConditionRow) -> list[str]:
    """As the API names them."""
    if row.type in BOXES:
        return list(row.values)
    read = FINDERS.get(row.type, str)
    return [read(each) for each in split_list(row.text, is_lines=row.type in LINES)]


def _build_condition(row: ConditionRow, read: _Moments) -> Wire:
    built: Wire = {"type": row.type}
    if row.negated:
        built["not"] = True
    if row.type in MOMENTS:
        built["at"] = read(f"{row.part}-at", row.at, is_needed=True)
    elif row.type == "time":
        given = {"from": row.from_, "to": row.to, "timezone": row.timezone}
        built |= {name: text for name, text in given.items() if text}
        if row.days:
            built["days"] = [int(day) if day in _DAYS else day for day in row.days]
    elif row.type == "query":
        built["key"] = row.key
        values = [*list_values(row), *([""] if row.takes_empty else [])]
        if values:
            built["values"] = values
    else:
        built["values"] = list_values(row)
    return built


def _build_variants(rows: Iterable[VariantRow], faults: dict[str, str]) -> list[dict[str, Any]]:
    built: list[dict[str, Any]] = []
    for row in rows:
        weight = row.weight or USUAL_WEIGHT
        if not (weight.isascii() and weight.isdigit()) or len(weight) > 9:  # noqa: PLR2004 past any limit
            faults[f"{row.part}-weight"] = "must be a whole number from 1 to 1000"
            weight = "1"
        built.append({"key": row.key, "url": complete_destination(row.url), "weight": int(weight)})
    return built


def _list_moments(rule: Rule | None, zone: ZoneInfo) -> dict[str, tuple[str, int]]:
    """Of a stored rule, by the form's fields: as written there, and exactly."""
    if rule is None:
        return {}
    moments = {f"c{place}-at": each.at for place, each in enumerate(rule.conditions)}
    moments["test_ends_at"] = rule.test_ends_at
    return {name: (write_input(at, zone), at) for name, at in moments.items() if at is not None}


def _find_field(path: str, fault: str, form: RuleForm) -> tuple[str, str]:
    found = _PATH.fullmatch(path)
    if found is None:
        fields = {"url": form.variants[0].part + "-url", "testEndsAt": "test_ends_at"}
        return fields.get(path, path), fault
    kind, place, member, index = found.groups()
    rows = form.conditions if kind == "conditions" else list_filled(form)
    if int(place) >= len(rows):
        return kind, fault
    row = rows[int(place)]
    if index is not None and isinstance(row, ConditionRow) and member == "values":
        fault = _quote_value(row, int(index), fault)
    return f"{row.part}-{member or ('values' if kind == 'conditions' else 'url')}", fault


def _quote_value(row: ConditionRow, index: int, fault: str) -> str:
    if row.type in BOXES:
        return fault
    written = split_list(row.text, is_lines=row.type in LINES)
    return f"“{written[index]}” {fault}" if index < len(written) else fault
