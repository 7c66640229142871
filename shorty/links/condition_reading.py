"""Reads the conditions of a rule from decoded JSON, each type with its own members."""

from collections.abc import Mapping
from typing import Any, Final, cast

from shorty.links.json_reading import JsonReader
from shorty.links.rule_values import (
    LAST_MINUTE,
    READERS,
    read_clock,
    read_moment,
    read_query_value,
    read_zone,
)
from shorty.links.rules import CONDITION_TYPES, Condition, ConditionType

MOST_CONDITIONS: Final = 10
MOST_VALUES: Final = 50
KEY_LENGTH: Final = 100
DAYS: Final = 7
START_OF_DAY: Final = "00:00"

_OF_ALL_CONDITIONS: Final = ("type", "not")
_OF_CONDITIONS: Final[dict[ConditionType, tuple[str, ...]]] = {
    **dict.fromkeys(READERS, ("values",)),
    "query": ("key", "values"),
    "time": ("days", "from", "to", "timezone"),
    "after": ("at",),
    "before": ("at",),
}


class ConditionReader(JsonReader):
    def read_conditions(self, given: object, path: str) -> tuple[Condition, ...]:
        items = self.read_list(given, path, MOST_CONDITIONS, "conditions")
        found = (self._read_condition(each, f"{path}[{n}]") for n, each in enumerate(items))
        return tuple(condition for condition in found if condition is not None)

    def _read_condition(self, given: object, path: str) -> Condition | None:
        if not isinstance(given, dict):
            self.note(path, "must be an object")
            return None
        item = cast("dict[str, object]", given)
        kind = item.get("type")
        if kind not in CONDITION_TYPES:
            fault = (
                "is required" if kind is None else f"must be one of {', '.join(CONDITION_TYPES)}"
            )
            self.note(f"{path}.type", fault)
            return None
        self.check_names(item, path, (*_OF_ALL_CONDITIONS, *_OF_CONDITIONS[kind]))
        negated = self.read_flag(item, path, "not", default=False)
        return Condition(type=kind, negated=negated, **self._read_members(kind, item, path))

    def _read_members(
        self, kind: ConditionType, item: Mapping[str, object], path: str
    ) -> dict[str, Any]:
        if kind == "time":
            return self._read_window(item, path)
        if kind in {"after", "before"}:
            return {"at": self.read_text(item, path, "at", read_moment)}
        if kind == "query":
            key = self.read_text(item, path, "key", _read_key)
            if item.get("values") is None:
                return {"key": key}
            return {"key": key, "values": self._read_values(kind, item, path)}
        return {"values": self._read_values(kind, item, path)}

    def _read_values(
        self, kind: ConditionType, item: Mapping[str, object], path: str
    ) -> tuple[str, ...]:
        path = f"{path}.values"
        items = self.read_list(item.get("values"), path, MOST_VALUES, "values")
        if not items:
            self.note(path, f"must be 1 to {MOST_VALUES} values")
        read = (
            self.read_value(each, f"{path}[{n}]", READERS[kind]) for n, each in enumerate(items)
        )
        return tuple(dict.fromkeys(value for value in read if value is not None))

    def _read_window(self, item: Mapping[str, object], path: str) -> dict[str, Any]:
        days = self._read_days(item.get("days"), f"{path}.days")
        start = self.read_optional(item, path, "from", read_clock)
        end = self.read_optional(item, path, "to", read_clock)
        zone = self.read_optional(item, path, "timezone", read_zone)
        if start == LAST_MINUTE:
            self.note(f"{path}.from", "must be before 24:00")
        if all(item.get(name) is None for name in ("days", "from", "to")):
            self.note(f"{path}.from", "is required, unless there are days")
        members = {"days": days, "timezone": zone or "UTC"}
        if start is None and end is None:
            return members
        start, end = start or START_OF_DAY, end or LAST_MINUTE
        if start == end != LAST_MINUTE:
            self.note(f"{path}.to", "must not be the same as from")
        return members | {"from_": start, "to": end}

    def _read_days(self, given: object, path: str) -> tuple[int, ...] | None:
        if given is None:
            return None
        items = self.read_list(given, path, DAYS, "days")
        if not items:
            self.note(path, "must be 1 to 7 days")
        days = {self.read_number(each, f"{path}[{n}]", DAYS) for n, each in enumerate(items)}
        return tuple(sorted(days))


def _read_key(text: str) -> str:
    if not text:
        raise ValueError("must not be empty")
    if len(text) > KEY_LENGTH:
        raise ValueError(f"may be at most {KEY_LENGTH} characters long")
    return read_query_value(text)
