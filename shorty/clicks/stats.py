"""Answers what the roll-ups say of a period: totals by interval, and how many of which value.

A period is made up of its whole UTC days, of quarter hours out of the days it begins and ends in,
and of the quarter hours that are not folded into days yet. No answer looks at single clicks.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from shorty.clicks import stats_store
from shorty.clicks.days import NOTHING, Counts, Day, Totals, add_totals, read_series, unfold_day
from shorty.clicks.rollups import DAY_MS, OTHER, QUARTER_MS, decode_counts
from shorty.clicks.stats_store import Scope
from shorty.storage.database import Database, Row
from shorty.storage.snapshot import open_snapshot

WORD_FOR_OTHERS: Final = "other"


class Count(NamedTuple):
    """What there was of one value; None: of clicks that do not say."""

    value: str | None
    clicks: int
    visitors: int


class ValueCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Totals, and how many clicks there were of each value; see `rollups` for the values' keys."""

    totals: Totals
    persons: Counts
    programs: Counts

    def list_counts(
        self, kind: str, *, of_visitors: str = "", has_bots: bool = False, has_unknown: bool = True
    ) -> list[Count]:
        """Every value of a kind, the most frequent first; visitors are counted of two kinds."""
        clicks = _pick(self.persons, kind)
        total, visitors, bots, *_ = self.totals
        if has_bots:
            _add_into(clicks, _pick(self.programs, kind))
            total += bots
        seen = _pick(self.persons, of_visitors) if of_visitors else {}
        counts = [Count(value, count, seen.get(value, 0)) for value, count in clicks.items()]
        unknown = total - sum(clicks.values())
        if has_unknown and unknown:
            counts.append(Count(None, unknown, visitors - sum(seen.values())))
        return sorted(counts, key=lambda count: (-count.clicks, count.value or ""))


def _pick(counts: Counts, kind: str) -> Counts:
    """Those of one kind, by what a caller is shown."""
    return {
        WORD_FOR_OTHERS if key[1:] == OTHER else key[1:]: count
        for key, count in counts.items()
        if key[0] == kind
    }


class _Slots:
    """Totals of each slot: those of `bounds[i]` up to `bounds[i + 1]`."""

    def __init__(self, bounds: Sequence[int]) -> None:
        self.bounds = bounds
        self.totals: list[Totals] = [NOTHING] * (len(bounds) - 1)

    def find(self, at: int) -> int:
        return bisect_right(self.bounds, at) - 1

    def add(self, at: int, totals: Totals) -> None:
        slot = self.find(at)
        if 0 <= slot < len(self.totals):
            self.totals[slot] = add_totals((self.totals[slot], totals))

    def holds_whole(self, day: int) -> bool:
        return self.find(day) == self.find(day + DAY_MS - 1)


async def count_by_slot(db: Database, scope: Scope, bounds: Sequence[int]) -> list[Totals]:
    """The totals between each of these moments and the next."""
    slots = _Slots(bounds)
    first, end = find_day(bounds[0]), bounds[-1]
    divided: list[int] = []
    async with open_snapshot(db) as snapshot:
        for row in await stats_store.find_days(snapshot, scope, first, end):
            if slots.holds_whole(row["day"]):
                slots.add(row["day"], read_totals(row))
            else:
                divided.append(row["day"])
        if divided:
            async for rows in stats_store.read_series(snapshot, scope, divided):
                for row in rows:
                    for number, totals in read_series(row["series"]):
                        slots.add(row["day"] + number * QUARTER_MS, totals)
        for row in await stats_store.find_quarters(snapshot, scope, bounds[0], end):
            slots.add(row["at"], read_totals(row))
    return slots.totals


async def count_values(db: Database, scope: Scope, start: int, end: int) -> ValueCounts:
    """All that is counted from `start` up to `end`."""
    sums = _ValueSums()
    first_whole, end_whole = find_day(start + DAY_MS - 1), find_day(end)
    edges = {find_day(start), end_whole} if end_whole < end else {find_day(start)}
    divided = [day for day in sorted(edges) if not first_whole <= day < end_whole]
    async with open_snapshot(db) as snapshot:
        if first_whole < end_whole:
            async for rows in stats_store.read_day_values(snapshot, scope, first_whole, end_whole):
                sums.add_rows(rows)
        if divided:
            async for rows in stats_store.read_day_quarters(snapshot, scope, divided):
                for row in rows:
                    sums.add_part(row, start, end)
        async for rows in stats_store.read_quarter_values(snapshot, scope, start, end):
            sums.add_rows(rows)
    return sums.finish()


def find_day(at: int) -> int:
    return at // DAY_MS * DAY_MS


def read_totals(row: Row) -> Totals:
    return row["clicks"], row["visitors"], row["bots"], row["scans"], row["bio_clicks"]


class _ValueSums:
    def __init__(self) -> None:
        self.totals = NOTHING
        self.persons: Counts = {}
        self.programs: Counts = {}

    def add(self, totals: Totals, persons: Counts, programs: Counts) -> None:
        self.totals = add_totals((self.totals, totals))
        _add_into(self.persons, persons)
        _add_into(self.programs, programs)

    def add_rows(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self.add(
                read_totals(row), decode_counts(row["persons"]), decode_counts(row["programs"])
            )

    def add_part(self, row: Row, start: int, end: int) -> None:
        """Those quarters of a day's row that lie in the period."""
        first, last = ((at - row["day"]) // QUARTER_MS for at in (start, end))
        for quarter in unfold_day(read_day(row), first, last):
            self.add(quarter.totals, quarter.persons, quarter.programs)

    def finish(self) -> ValueCounts:
        return ValueCounts(totals=self.totals, persons=self.persons, programs=self.programs)


def read_day(row: Row) -> Day:
    return Day(read_totals(row), row["series"], row["persons"], row["programs"], row["quarters"])


def _add_into(sums: Counts, counts: Counts) -> None:
    for key, count in counts.items():
        sums[key] = sums.get(key, 0) + count
