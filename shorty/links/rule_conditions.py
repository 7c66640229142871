"""Compiles the conditions of all rules of a link so that one look answers one kind for all rules.

A number stands for a set of rules: bit n is the rule n. So fifty rules cost a visit hardly more
than one: each kind of condition is looked up once, whatever the rules are.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import IPv6Address
from itertools import zip_longest
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from shorty.links.places import list_countries
from shorty.links.rule_visitor import Address, Query, fold_name
from shorty.links.rules import Condition, ConditionType, Rule

MINUTE_MS: Final = 60_000
WALL_CLOCKS: Final = 1024

# Of each rule that has one: its bit, and its condition of some type.
Entries = Sequence[tuple[int, Condition]]
Fits = Callable[[Any], int | None]


class Layer(NamedTuple):
    """At most one condition of each rule, all of one type.

    `fact` is the visitor's attribute that they ask for; `fits` gives the rules whose condition a
    known value of it fits (None or 0: none of them), before `negated` ones are turned round.
    `places` are the index of the condition in each rule that has one.
    """

    fact: str
    asks: int
    negated: int
    fits: Fits
    places: Mapping[int, int]

    def find_held(self, value: Any) -> int:
        """Among the rules that ask, those whose condition holds."""
        return 0 if value is None else ((self.fits(value) or 0) ^ self.negated) & self.asks


def build_layers(rules: Sequence[Rule]) -> list[Layer]:
    """In the order in which they are best looked at: what is costly to find out comes last."""
    layers: list[Layer] = []
    for kind, fact in _FACTS.items():
        found = [
            [
                (number, place, each)
                for place, each in enumerate(rule.conditions)
                if each.type == kind
            ]
            for number, rule in enumerate(rules)
        ]
        for row in zip_longest(*found):
            entries = [each for each in row if each is not None]
            layers.append(_build_layer(kind, fact, entries))
    return layers


def _build_layer(
    kind: ConditionType, fact: str, entries: Sequence[tuple[int, int, Condition]]
) -> Layer:
    bits = [(1 << number, condition) for number, _, condition in entries]
    return Layer(
        fact=fact,
        asks=sum(bit for bit, _ in bits),
        negated=sum(bit for bit, condition in bits if condition.negated),
        fits=_FITS[kind](bits),
        places={number: place for number, place, _ in entries},
    )


def _index(entries: Entries, read: Callable[[str], Iterable[str]]) -> dict[str, int]:
    """The rules of each value, as `read` spells it."""
    found: dict[str, int] = {}
    for bit, condition in entries:
        for value in {each for given in condition.values or () for each in read(given)}:
            found[value] = found.get(value, 0) | bit
    return found


def _fit_values(read: Callable[[str], Iterable[str]]) -> Callable[[Entries], Fits]:
    return lambda entries: _index(entries, read).get


def _fit_languages(entries: Entries) -> Fits:
    find = _index(entries, lambda value: [value.replace("_", "-").lower()]).get

    def fits(languages: frozenset[str]) -> int:
        held = 0
        for each in languages:
            held |= find(each, 0)
        return held

    return fits


def _fit_query(entries: Entries) -> Fits:
    present: dict[str, int] = {}
    values: dict[str, dict[str, int]] = {}
    for bit, condition in entries:
        key = condition.key or ""
        of_key = values.setdefault(key, {})
        if condition.values is None:
            present[key] = present.get(key, 0) | bit
        for value in condition.values or ():
            of_key[value] = of_key.get(value, 0) | bit

    def fits(query: Query) -> int:
        held = 0
        if not query:
            return held
        for key in values.keys() & query.keys():
            held |= present.get(key, 0)
            for value in query[key]:
                held |= values[key].get(value, 0)
        return held

    return fits


def _fit_referrer(entries: Entries) -> Fits:
    find = _index(entries, lambda value: [value.lower().removeprefix("www.")]).get

    def fits(host: str) -> int:
        held = 0
        while host:
            held |= find(host, 0)
            host = host.partition(".")[2]
        return held

    return fits


def _fit_time(entries: Entries) -> Fits:
    """Over midnight, the day is that of the start. The clock is the one on the wall.

    So an hour that daylight saving repeats counts twice, and one that it skips not at all.
    All visitors of the same minute get the same answer.
    """
    windows = [(bit, _read_window(condition)) for bit, condition in entries]
    known = (-1, 0)

    def fits(now: int) -> int:
        nonlocal known
        minute = now // MINUTE_MS
        at, held = known
        if at != minute:
            held = sum(bit for bit, window in windows if window(minute))
            known = (minute, held)
        return held

    return fits


def _read_window(condition: Condition) -> Callable[[int], bool]:
    zone = condition.timezone or "UTC"
    days = frozenset(condition.days or range(1, 8))
    start, end = _read_minutes(condition.from_ or "00:00"), _read_minutes(condition.to or "24:00")

    def holds(minute_since_1970: int) -> bool:
        day, minute = read_wall_clock(minute_since_1970, zone)
        if start < end:
            return start <= minute < end and day in days
        if minute >= start:
            return day in days
        return minute < end and (day - 2) % 7 + 1 in days

    return holds


def _fit_ranges(ranges: Iterable[tuple[int, int | None, int]]) -> Callable[[int], int]:
    """Of ranges from a number up to another (None: without an end), those that contain a number.

    Cut into pieces that lie in the same ranges throughout, of which one is looked up.
    """
    changes: dict[int, tuple[int, int]] = {}
    for start, end, bit in ranges:
        _note_change(changes, start, bit, begins=True)
        if end is not None:
            _note_change(changes, end, bit, begins=False)
    bounds = sorted(changes)
    held = [0, *_add_up(changes[each] for each in bounds)]
    return lambda number: held[bisect_right(bounds, number)]


def _note_change(changes: dict[int, tuple[int, int]], at: int, bit: int, *, begins: bool) -> None:
    first, last = changes.get(at, (0, 0))
    changes[at] = (first | bit, last) if begins else (first, last | bit)


def _add_up(changes: Iterable[tuple[int, int]]) -> Iterator[int]:
    """What holds after each change; ranges of one rule don't overlap."""
    held = 0
    for begin, end in changes:
        held = held & ~end | begin
        yield held


def _fit_after(entries: Entries) -> Fits:
    return _fit_ranges(((condition.at or 0) + 1, None, bit) for bit, condition in entries)


def _fit_before(entries: Entries) -> Fits:
    find = _fit_ranges((condition.at or 0, None, bit) for bit, condition in entries)
    everybody = sum(bit for bit, _ in entries)
    return lambda now: everybody & ~find(now)


def _fit_address(entries: Entries) -> Fits:
    ranges: dict[int, list[tuple[int, int, int]]] = {4: [], 6: []}
    for bit, condition in entries:
        for version, start, end in _merge(condition.values or ()):
            ranges[version].append((start, end, bit))
    find = {version: _fit_ranges(each) for version, each in ranges.items()}
    return lambda address: _look_up(find, address)


def _look_up(find: Mapping[int, Callable[[int], int]], address: Address) -> int:
    return find[address.version](int(address))


def _merge(values: Iterable[str]) -> list[tuple[int, int, int]]:
    """Networks as ranges, with the version, that neither overlap nor touch."""
    merged: list[tuple[int, int, int]] = []
    for version, start, end in sorted(map(_read_range, values)):
        last = merged[-1] if merged else (0, 0, 0)
        if version == last[0] and start <= last[2]:
            merged[-1] = (version, last[1], max(end, last[2]))
        else:
            merged.append((version, start, end))
    return merged


def _read_range(network: str) -> tuple[int, int, int]:
    """The version, the first address and the one after the last, of what `read_network` returned.

    `ip_network` takes several times as long, and the first visitor of a link waits for thousands.
    """
    address, _, length = network.partition("/")
    if ":" in address:
        version, bits, start = 6, 128, int(IPv6Address(address))
    else:
        version, bits, start = 4, 32, int.from_bytes(map(int, address.split(".")))
    return version, start, start + (1 << bits - int(length or bits))


# What is costly to find out comes last.
_FACTS: Final[Mapping[ConditionType, str]] = {
    "after": "now",
    "before": "now",
    "time": "now",
    "query": "query",
    "language": "languages",
    "referrer": "referrer_host",
    "device": "device",
    "os": "os",
    "browser": "browser",
    "country": "country",
    "region": "region",
    "city": "city",
    "ip": "address",
}
_FITS: Final[Mapping[ConditionType, Callable[[Entries], Fits]]] = {
    "after": _fit_after,
    "before": _fit_before,
    "time": _fit_time,
    "query": _fit_query,
    "language": _fit_languages,
    "referrer": _fit_referrer,
    "device": _fit_values(lambda value: [fold_name(value)]),
    "os": _fit_values(lambda value: [fold_name(value)]),
    "browser": _fit_values(lambda value: [fold_name(value)]),
    "country": _fit_values(list_countries),
    "region": _fit_values(lambda value: [value.upper()]),
    "city": _fit_values(lambda value: [fold_name(value)]),
    "ip": _fit_address,
}


def _read_minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)


@lru_cache(maxsize=WALL_CLOCKS)
def read_wall_clock(minute: int, zone: str) -> tuple[int, int]:
    """The day of the week from 1, and the minute of the day; clocks change at whole minutes."""
    moment = datetime.fromtimestamp(minute * 60, UTC).astimezone(ZoneInfo(zone))
    return moment.isoweekday(), moment.hour * 60 + moment.minute
