"""Owns the sums of a UTC day: how quarter hours are folded into one row, and read out of it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from shorty.clicks.rollups import (
    MOST_VALUES_OF_DAY,
    OTHER,
    QUARTER_MS,
    Stored,
    decode_counts,
    encode_counts,
)

Totals = tuple[int, int, int, int, int]  # clicks, visitors, bots, scans, bio clicks
Counts = dict[str, int]

QUARTERS: Final = 96
NOTHING: Final[Totals] = (0, 0, 0, 0, 0)

_encode = msgspec.msgpack.Encoder().encode
_decode_series = msgspec.msgpack.Decoder(list[tuple[int, int, int, int, int, int]]).decode
_decode_quarters = msgspec.msgpack.Decoder(list[tuple[int, msgspec.Raw, msgspec.Raw]]).decode
_decode_counts = msgspec.msgpack.Decoder(Counts).decode


class Quarter(NamedTuple):
    """What a day's row holds of one of its quarter hours; the first has the number 0."""

    number: int
    totals: Totals
    persons: Counts
    programs: Counts


class Day(NamedTuple):
    """The columns of a day's row."""

    totals: Totals
    series: bytes
    persons: bytes | None
    programs: bytes | None
    quarters: bytes


def read_quarter(day: int, at: int, stored: Stored) -> Quarter:
    number = (at - day) // QUARTER_MS
    persons, programs = decode_counts(stored.persons), decode_counts(stored.programs)
    return Quarter(number, stored.totals, persons, programs)


def fold_quarters(quarters: Iterable[Quarter]) -> Day:
    """The row of a day; quarters of the same number are added up."""
    joined: dict[int, Quarter] = {}
    for quarter in quarters:
        earlier = joined.get(quarter.number)
        joined[quarter.number] = quarter if earlier is None else add_quarters(earlier, quarter)
    ordered = sorted(joined.values())
    return Day(
        add_totals(quarter.totals for quarter in ordered),
        _encode([(quarter.number, *quarter.totals) for quarter in ordered]),
        encode_counts(cap_values(add_counts(quarter.persons for quarter in ordered))),
        encode_counts(cap_values(add_counts(quarter.programs for quarter in ordered))),
        # A single quarter's values are the day's.
        _encode([(each.number, each.persons, each.programs) for each in ordered if ordered[1:]]),
    )


def unfold_day(day: Day, first: int = 0, end: int = QUARTERS) -> list[Quarter]:
    """The quarters from number `first` up to `end`; the others' values are not even decoded."""
    values = {number: rest for number, *rest in _decode_quarters(day.quarters)}
    return [
        Quarter(number, totals, *_read_values(day, values.get(number)))
        for number, totals in read_series(day.series)
        if first <= number < end
    ]


def _read_values(day: Day, values: Sequence[msgspec.Raw] | None) -> tuple[Counts, Counts]:
    if values is None:
        return decode_counts(day.persons), decode_counts(day.programs)
    persons, programs = values
    return _decode_counts(persons), _decode_counts(programs)


def read_series(series: bytes) -> list[tuple[int, Totals]]:
    """The totals of each quarter hour that has any, by its number."""
    return [(number, (a, b, c, d, e)) for number, a, b, c, d, e in _decode_series(series)]


def add_quarters(one: Quarter, other: Quarter) -> Quarter:
    return Quarter(
        one.number,
        add_totals((one.totals, other.totals)),
        add_counts((one.persons, other.persons)),
        add_counts((one.programs, other.programs)),
    )


def add_totals(totals: Iterable[Totals]) -> Totals:
    clicks = visitors = bots = scans = bio_clicks = 0
    for each in totals:
        clicks += each[0]
        visitors += each[1]
        bots += each[2]
        scans += each[3]
        bio_clicks += each[4]
    return clicks, visitors, bots, scans, bio_clicks


def add_counts(counts: Iterable[Counts]) -> Counts:
    total: Counts = {}
    for each in counts:
        for key, count in each.items():
            total[key] = total.get(key, 0) + count
    return total


def cap_values(counts: Counts) -> Counts:
    """Keeps the most frequent values of each kind; the rest of them are others."""
    if len(counts) <= MOST_VALUES_OF_DAY:
        return counts
    kept: Counts = {}
    kinds: Counter[str] = Counter()
    for key, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        kind = key[0]
        place = key
        if key[1:] == OTHER or kinds[kind] >= MOST_VALUES_OF_DAY:
            place = kind + OTHER
        else:
            kinds[kind] += 1
        kept[place] = kept.get(place, 0) + count
    return kept
