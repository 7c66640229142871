"""Answers questions about a period from the roll-ups: totals by interval, and counts by value.

A period consists of its whole UTC days, of quarter hours from the rows of its first and last day,
and of quarter hours that are not yet folded into days. Single clicks are never read.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from heapq import nlargest
from itertools import pairwise
from typing import Final, NamedTuple

import msgspec

from shorty.clicks import stats_store
from shorty.clicks.days import (
    NOTHING,
    Day,
    Totals,
    add_into,
    add_totals,
    read_part,
    read_series,
)
from shorty.clicks.rollups import OTHER, QUARTER_MS, Counts, Encoded, decode_some
from shorty.clicks.stats_store import Part, Scope
from shorty.clicks.weeks import SEASONS, WEEKS, Level, read_totals
from shorty.durations import DAY_MS
from shorty.storage.database import Database, Row, Snapshot

WORD_FOR_OTHERS: Final = "other"


class Count(NamedTuple):
    """The counts of one value; None is the value of clicks without one."""

    value: str | None
    clicks: int
    visitors: int


class ValueCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Totals, and the clicks of each value, by the kinds that were asked for.

    The counts of bots are present only if they were asked for.
    """

    totals: Totals
    persons: Counts
    programs: Counts

    def list_counts(
        self,
        kind: str,
        *,
        of_visitors: str = "",
        has_bots: bool = False,
        has_unknown: bool = True,
        limit: int | None = None,
    ) -> list[Count]:
        """Values of a kind, most frequent first; two kinds also count visitors."""
        clicks = _pick(self.persons, kind)
        total, visitors, bots, *_ = self.totals
        if has_bots:
            for value, count in _pick(self.programs, kind).items():
                clicks[value] = clicks.get(value, 0) + count
            total += bots
        of_value: dict[str | None, int] = {**clicks}
        seen: dict[str | None, int] = {**_pick(self.persons, of_visitors)} if of_visitors else {}
        unknown = total - sum(clicks.values())
        if has_unknown and unknown:
            of_value[None], seen[None] = unknown, visitors - sum(seen.values())
        return [
            Count(value, of_value[value], seen.get(value, 0))
            for value in _list_most_frequent(of_value, limit)
        ]


def _list_most_frequent(counts: Mapping[str | None, int], limit: int | None) -> list[str | None]:
    """None comes first among equal counts, then alphabetical order."""
    found = list(counts)
    if limit is not None and limit < len(found):
        # Only the largest of perhaps a thousand values need sorting.
        fewest = nlargest(limit, counts.values())[-1]
        found = [value for value in found if counts[value] >= fewest]
    values: list[str | None] = [*sorted(value for value in found if value is not None)]
    if None in counts:
        values.insert(0, None)
    # Two sorts with C keys are three times as fast as one with a Python key.
    values.sort(key=counts.__getitem__, reverse=True)
    return values[:limit]


def _pick(counts: Counts, kind: str) -> dict[str, int]:
    """The counts of one kind, by the values that a caller sees."""
    values = counts.get(kind, {}).copy()
    if OTHER in values:
        values[WORD_FOR_OTHERS] = values.get(WORD_FOR_OTHERS, 0) + values.pop(OTHER)
    return values


class Slots:
    """Totals of each slot, from `bounds[i]` up to `bounds[i + 1]`."""

    def __init__(self, bounds: Sequence[int]) -> None:
        self._bounds = bounds
        # Added in place, because many links have hundreds of thousands of quarter hours.
        self._totals = [[*NOTHING] for _ in bounds[1:]]

    def add(self, at: int, totals: Totals) -> None:
        slot = self._find(at)
        if 0 <= slot < len(self._totals):
            sums = self._totals[slot]
            for place, count in enumerate(totals):
                sums[place] += count

    def add_quarters(self, day: int, quarters: Iterable[tuple[int, Totals]]) -> None:
        for number, totals in quarters:
            self.add(day + number * QUARTER_MS, totals)

    @property
    def hold_days(self) -> bool:
        """Whether any UTC day is whole; none is by hours, nor by the days of most time zones."""
        return any(
            find_day(start + DAY_MS - 1) + DAY_MS <= end for start, end in pairwise(self._bounds)
        )

    def holds_whole(self, day: int) -> bool:
        return self._find(day) == self._find(day + DAY_MS - 1)

    def finish(self) -> list[Totals]:
        return [(a, b, c, d, e) for a, b, c, d, e in self._totals]

    def _find(self, at: int) -> int:
        return bisect_right(self._bounds, at) - 1


async def count_by_slot(db: Database, scope: Scope, bounds: Sequence[int]) -> list[Totals]:
    """The totals between each moment in `bounds` and the next."""
    slots = Slots(bounds)
    async with db.open_snapshot() as snapshot:
        for part in await stats_store.divide_period(snapshot, scope, bounds[0], bounds[-1]):
            await _add_slots(snapshot, part, slots)
    return slots.finish()


async def _add_slots(snapshot: Snapshot, part: Part, slots: Slots) -> None:
    scope, start, end = part
    divided: list[int] = []
    if slots.hold_days:
        for row in await stats_store.find_days(snapshot, scope, find_day(start), end):
            if slots.holds_whole(row["day"]):
                slots.add(row["day"], read_totals(row))
            else:
                divided.append(row["day"])
    else:
        divided += range(find_day(start), end, DAY_MS)
    if divided:
        async for rows in stats_store.read_series(snapshot, scope, divided):
            for row in rows:
                slots.add_quarters(row["day"], read_series(row["series"]))
    for row in await stats_store.find_quarters(snapshot, scope, start, end):
        slots.add(row["at"], read_totals(row))


async def count_values(
    db: Database,
    scope: Scope,
    start: int,
    end: int,
    kinds: Collection[str] | None = None,
    *,
    has_bots: bool = True,
) -> ValueCounts:
    """The counts from `start` up to `end`, with the values of `kinds` and of bots if asked for.

    None means all kinds. Fewer kinds are faster.
    """
    sums = _ValueSums(kinds, has_bots=has_bots)
    async with db.open_snapshot() as snapshot:
        for part in await stats_store.divide_period(snapshot, scope, start, end):
            await _add_values(snapshot, part, sums)
    return sums.finish()


async def _add_values(snapshot: Snapshot, part: Part, sums: "_ValueSums") -> None:
    scope, start, end = part
    first_whole, end_whole = find_day(start + DAY_MS - 1), find_day(end)
    edges = {find_day(start), end_whole} if end_whole < end else {find_day(start)}
    divided = [day for day in sorted(edges) if not first_whole <= day < end_whole]
    for first, last in await sums.add_weeks(snapshot, scope, first_whole, end_whole):
        async for rows in stats_store.read_day_values(snapshot, scope, first, last):
            sums.add_rows(rows)
    if divided:
        async for rows in stats_store.read_day_quarters(snapshot, scope, divided):
            for row in rows:
                sums.add_part(row, start, end)
    async for rows in stats_store.read_quarter_values(snapshot, scope, start, end):
        sums.add_rows(rows)


def find_day(at: int) -> int:
    return at // DAY_MS * DAY_MS


class _ValueSums:
    def __init__(self, kinds: Collection[str] | None, *, has_bots: bool) -> None:
        self._kinds = kinds
        self._has_bots = has_bots
        self.totals = NOTHING
        self.persons: Counts = {}
        self.programs: Counts = {}

    def add(self, totals: Totals, persons: Encoded | None, programs: Encoded | None) -> None:
        self.totals = add_totals((self.totals, totals))
        add_into(self.persons, decode_some(persons, self._kinds))
        if self._has_bots:
            add_into(self.programs, decode_some(programs, self._kinds))

    async def add_weeks(
        self, snapshot: Snapshot, scope: Scope, first: int, end: int
    ) -> list[tuple[int, int]]:
        """Adds the stored seasons from the day `first` up to `end`, and between them the weeks;
        returns the ranges left over.
        """
        left = [(first, end)]
        for level in (SEASONS, WEEKS):
            left = [
                each
                for start, stop in left
                for each in await self._add_sums(snapshot, scope, level, start, stop)
            ]
        return left

    async def _add_sums(
        self, snapshot: Snapshot, scope: Scope, level: Level, first: int, end: int
    ) -> list[tuple[int, int]]:
        left: list[tuple[int, int]] = []
        for row in await stats_store.find_sums(snapshot, scope, level, first, end):
            self.add_rows([row])
            left.append((first, row["day"]))
            first = row["day"] + level.length
        return [(start, stop) for start, stop in (*left, (first, end)) if start < stop]

    def add_rows(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self.add(read_totals(row), row["persons"], row["programs"])

    def add_part(self, row: Row, start: int, end: int) -> None:
        """Adds the quarter hours of a day's row that are in the period."""
        first, last = ((at - row["day"]) // QUARTER_MS for at in (start, end))
        for each in read_part(read_day(row), first, last):
            self.add(*each)

    def finish(self) -> ValueCounts:
        return ValueCounts(totals=self.totals, persons=self.persons, programs=self.programs)


def read_day(row: Row) -> Day:
    return Day(
        read_totals(row),
        row["series"],
        row["persons"],
        row["programs"],
        row["quarters"],
        row["eighths"],
    )
