"""Reads Shlink's redirect rules as rules in the form of the links API."""

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address, ip_network
from typing import Final, TypeAlias, cast

from shorty.transfer.json_file import Entry, as_object, parse_text
from shorty.transfer.times import parse_set_time, write_time

WireRule: TypeAlias = dict[str, object]
WireCondition: TypeAlias = dict[str, object]

# Its own names of devices, and what analytics calls them. Its parser knows one Linux.
DEVICES: Final[Mapping[str, WireCondition]] = {
    "android": {"type": "os", "values": ["Android"]},
    "ios": {"type": "os", "values": ["iOS"]},
    "mobile": {"type": "os", "values": ["Android", "iOS"]},
    "windows": {"type": "os", "values": ["Windows"]},
    "macos": {"type": "os", "values": ["macOS"]},
    "linux": {"type": "os", "values": ["Linux", "Ubuntu", "Debian", "Fedora"]},
    "chromeos": {"type": "os", "values": ["Chrome OS"]},
    "desktop": {"type": "device", "values": ["desktop"]},
}
_BROWSERS: Final = {
    "chrome": "Chrome",
    "firefox": "Firefox",
    "edge": "Edge",
    "safari": "Safari",
    "opera": "Opera",
    "android_browser": "Android Browser",
}
_WILDCARDS: Final = re.compile(r"(?=(?:[^.]+\.){3}[^.]+$)\d+(?:\.\d+)*(?:\.\*)+", re.ASCII)


def read_shlink_rules(value: object) -> list[WireRule]:
    """Of the list `redirectRules`, or the answer of the API that has it; in their order.

    Raises ValueError with what shorty does not have.
    """
    answer = as_object(value)
    found = answer.get("redirectRules") if answer is not None else value
    if isinstance(found, list):
        return [
            _read_rule(rule) for rule in sorted(cast("list[object]", found), key=_read_priority)
        ]
    raise ValueError("they are no list of rules")


def _read_priority(rule: object) -> int:
    fields = as_object(rule) or {}
    priority = fields.get("priority")
    return priority if isinstance(priority, int) else 0


def _read_rule(rule: object) -> WireRule:
    fields = as_object(rule)
    conditions = fields.get("conditions") if fields else None
    if fields is None or not isinstance(conditions, list):
        raise ValueError("one of them has no list of conditions")
    read = [_read_condition(each) for each in cast("list[object]", conditions)]
    return {"url": parse_text(fields.get("longUrl")), "conditions": read}


def _read_condition(condition: object) -> WireCondition:
    fields = as_object(condition) or {}
    kind = parse_text(fields.get("type"))
    read = _READERS.get(kind)
    if read is None:
        raise ValueError(f"shorty has no condition like {kind[:40]!r}")
    return read(fields)


def _read_device(fields: Entry) -> WireCondition:
    value = parse_text(fields.get("matchValue")).lower()
    if value not in DEVICES:
        raise ValueError(f"shorty knows no device {value[:40]!r}")
    return DEVICES[value]


def _read_browser(fields: Entry) -> WireCondition:
    value = parse_text(fields.get("matchValue")).lower()
    if value not in _BROWSERS:
        raise ValueError(f"shorty knows no browser {value[:40]!r}")
    return {"type": "browser", "values": [_BROWSERS[value]]}


def _read_language(fields: Entry) -> WireCondition:
    return {"type": "language", "values": [parse_text(fields.get("matchValue")).replace("_", "-")]}


def _read_query(fields: Entry) -> WireCondition:
    values = [parse_text(fields.get("matchValue"))]
    return {"type": "query", "key": parse_text(fields.get("matchKey")), "values": values}


def _read_any_value(fields: Entry) -> WireCondition:
    return {"type": "query", "key": _find_key(fields)}


def _read_no_value(fields: Entry) -> WireCondition:
    return {"type": "query", "key": _find_key(fields), "values": [""]}


def _find_key(fields: Entry) -> str:
    """Links that Shlink imported itself have it in the place of the value."""
    return parse_text(fields.get("matchKey")) or parse_text(fields.get("matchValue"))


def _read_address(fields: Entry) -> WireCondition:
    """Wildcards behind the last number are a network; others are none."""
    text = parse_text(fields.get("matchValue"))
    if "*" in text:
        if not _WILDCARDS.fullmatch(text):
            raise ValueError(f"shorty has no IP addresses like {text[:40]!r}")
        text = f"{text.replace('*', '0')}/{32 - 8 * text.count('*')}"
    elif "/" not in text:
        return {"type": "ip", "values": [str(ip_address(text))]}
    return {"type": "ip", "values": [str(ip_network(text, strict=False))]}


def _read_country(fields: Entry) -> WireCondition:
    return {"type": "country", "values": [parse_text(fields.get("matchValue")).upper()]}


def _read_city(fields: Entry) -> WireCondition:
    return {"type": "city", "values": [parse_text(fields.get("matchValue"))]}


def _read_moment(kind: str) -> Callable[[Entry], WireCondition]:
    def read(fields: Entry) -> WireCondition:
        at = parse_set_time(parse_text(fields.get("matchValue")))
        if at is None:
            raise ValueError("one of their dates is missing")
        return {"type": kind, "at": write_time(at)}

    return read


_READERS: Final[Mapping[str, Callable[[Entry], WireCondition]]] = {
    "device": _read_device,
    "browser": _read_browser,
    "language": _read_language,
    "query-param": _read_query,
    "any-value-query-param": _read_any_value,
    "valueless-query-param": _read_no_value,
    "ip-address": _read_address,
    "geolocation-country-code": _read_country,
    "geolocation-city-name": _read_city,
    "before-date": _read_moment("before"),
    "after-date": _read_moment("after"),
}
