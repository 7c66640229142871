"""Owns the sums of a UTC day: folds quarter hours into one row, and reads parts of that row."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final, NamedTuple

import msgspec

from shorty.clicks.rollups import (
    MOST_VALUES_OF_DAY,
    OTHER,
    QUARTER_MS,
    Counts,
    Encoded,
    Stored,
    decode_counts,
    encode_counts,
)

Totals = tuple[int, int, int, int, int]  # clicks, visitors, bots, scans, bio clicks
EncodedSums = tuple[Totals, Encoded | None, Encoded | None]

QUARTERS: Final = 96
THREE_HOURS: Final = QUARTERS // 8
FEWEST_IN_THREE_HOURS: Final = 4  # quarter hours; fewer are quickly added up
NOTHING: Final[Totals] = (0, 0, 0, 0, 0)

_encode = msgspec.msgpack.Encoder().encode
_decode_series = msgspec.msgpack.Decoder(list[tuple[int, int, int, int, int, int]]).decode
# Values are encoded twice, so that a reader need not decode those it does not want.
_decode_values = msgspec.msgpack.Decoder(list[tuple[int, bytes | None, bytes | None]]).decode
_decode_values_once = msgspec.msgpack.Decoder(list[tuple[int, msgspec.Raw, msgspec.Raw]]).decode


class Quarter(NamedTuple):
    """One quarter hour of a day's row; the day's first is number 0."""

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
    eighths: bytes | None


def read_quarter(day: int, at: int, stored: Stored) -> Quarter:
    number = (at - day) // QUARTER_MS
    persons, programs = decode_counts(stored.persons), decode_counts(stored.programs)
    return Quarter(number, stored.totals, persons, programs)


def fold_quarters(quarters: Iterable[Quarter]) -> Day:
    """The row of a day; quarter hours with the same number are added up."""
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
        # A day with a single quarter hour has the same values.
        _encode_values([each for each in ordered if ordered[1:]]),
        _fold_three_hours(ordered),
    )


def _fold_three_hours(quarters: Iterable[Quarter]) -> bytes | None:
    """The values of each three hours with several quarter hours, for readers of part of a day."""
    three_hours: list[Quarter] = []
    for number, found in groupby(quarters, key=lambda quarter: quarter.number // THREE_HOURS):
        parts = list(found)
        if len(parts) >= FEWEST_IN_THREE_HOURS:
            persons = cap_values(add_counts(part.persons for part in parts))
            programs = cap_values(add_counts(part.programs for part in parts))
            three_hours.append(Quarter(number, NOTHING, persons, programs))
    return _encode_values(three_hours) if three_hours else None


def _encode_values(parts: Iterable[Quarter]) -> bytes:
    return _encode(
        [(part.number, encode_counts(part.persons), encode_counts(part.programs)) for part in parts]
    )


def unfold_day(day: Day) -> list[Quarter]:
    values = _read_values(day.quarters)
    quarters: list[Quarter] = []
    for number, totals in read_series(day.series):
        persons, programs = values.get(number, (day.persons, day.programs))
        quarters.append(Quarter(number, totals, decode_counts(persons), decode_counts(programs)))
    return quarters


def read_part(day: Day, first: int, end: int) -> Iterator[EncodedSums]:
    """The sums from quarter hour `first` up to `end`, with values still encoded."""
    quarters, three_hours = _read_values(day.quarters), _read_values(day.eighths)
    for span, found in groupby(read_series(day.series), key=lambda each: each[0] // THREE_HOURS):
        parts = [(number, totals) for number, totals in found if first <= number < end]
        is_whole = first <= span * THREE_HOURS and (span + 1) * THREE_HOURS <= end
        if is_whole and span in three_hours:
            yield add_totals(totals for _, totals in parts), *three_hours[span]
            continue
        for number, totals in parts:
            # A day with a single quarter hour has the same values.
            persons, programs = quarters.get(number, (day.persons, day.programs))
            yield totals, persons, programs


def _read_values(encoded: bytes | None) -> dict[int, tuple[Encoded | None, Encoded | None]]:
    """The values of persons and of programs, by number."""
    if encoded is None:
        return {}
    try:
        decoded = _decode_values(encoded)
    except msgspec.ValidationError:  # the former format
        decoded = _decode_values_once(encoded)
    return {number: (persons, programs) for number, persons, programs in decoded}


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
        add_into(total, each)
    return total


def add_into(sums: Counts, counts: Counts) -> None:
    """Adds `counts` to `sums` without sharing any part of `counts`."""
    for kind, values in counts.items():
        of_kind = sums.get(kind)
        if of_kind is None:
            sums[kind] = values.copy()
        else:
            # Faster than `update` with maps in C, most of all for the few values of a quiet link.
            for value, count in values.items():
                of_kind[value] = of_kind.get(value, 0) + count


def cap_values(counts: Counts) -> Counts:
    """Keeps the most frequent values of each kind and adds the rest to OTHER."""
    return {kind: _cap_kind(values) for kind, values in counts.items()}


def _cap_kind(values: dict[str, int]) -> dict[str, int]:
    if len(values) <= MOST_VALUES_OF_DAY:
        return values
    ordered = sorted(
        (item for item in values.items() if item[0] != OTHER), key=lambda item: (-item[1], item[0])
    )
    kept = dict(ordered[:MOST_VALUES_OF_DAY])
    others = sum(count for _, count in ordered[MOST_VALUES_OF_DAY:]) + values.get(OTHER, 0)
    return {**kept, OTHER: others} if others else kept
