"""Counts the clicks of one value, such as a country, over time.

The sums have the clicks of each value, but not of two values together: of the clicks from Germany
it is not known which came by phone. A city is the exception, since its name starts with its
country. Visitors are known of countries and cities alone.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import msgspec

from shorty.clicks import stats_store
from shorty.clicks.days import Totals, read_part
from shorty.clicks.rollups import OTHER, QUARTER_MS, Counts, Encoded, decode_some
from shorty.clicks.stats import Slots, find_day, read_day
from shorty.clicks.stats_store import Part, Scope
from shorty.clicks.weeks import read_totals
from shorty.durations import DAY_MS
from shorty.storage.database import Database, Row, Snapshot


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Which values of a kind to count: the one that `fits` is, or those for which it is true; None
    for clicks without a value.

    `visitors` is the kind that counts visitors of the same values, if there is one.
    """

    kind: str
    fits: str | Callable[[str], bool] | None
    visitors: str = ""

    def count(self, sums: "EncodedSums") -> Totals:
        """The chosen ones among these sums: clicks, visitors and bots."""
        clicks, visitors, bots, *_ = sums.totals
        persons = decode_some(sums.persons, (self.kind, self.visitors))
        programs = decode_some(sums.programs, (self.kind,))
        return (
            self._pick(persons, self.kind, clicks),
            self._pick(persons, self.visitors, visitors) if self.visitors else 0,
            self._pick(programs, self.kind, bots),
            0,
            0,
        )

    def _pick(self, counts: Counts, kind: str, total: int) -> int:
        values, fits = counts.get(kind, {}), self.fits
        if fits is None:
            return total - sum(values.values())
        if isinstance(fits, str):
            return values.get(fits, 0) if fits != OTHER else 0
        return sum(n for value, n in values.items() if value != OTHER and fits(value))


class EncodedSums(NamedTuple):
    totals: Totals
    persons: Encoded | None
    programs: Encoded | None


async def count_value_by_slot(
    db: Database, scope: Scope, bounds: Sequence[int], choice: Choice
) -> list[Totals]:
    """The totals of the chosen values between each moment in `bounds` and the next.

    Scans and clicks on bio pages are not kept by value.
    """
    slots = Slots(bounds)
    async with db.open_snapshot() as snapshot:
        for part in await stats_store.divide_period(snapshot, scope, bounds[0], bounds[-1]):
            await _add_days(snapshot, part, slots, choice, bounds)
            quarters = stats_store.read_quarter_values(snapshot, *part)
            async for rows in quarters:
                for row in rows:
                    slots.add(row["at"], choice.count(_read_sums(row)))
    return slots.finish()


async def _add_days(
    snapshot: Snapshot, part: Part, slots: Slots, choice: Choice, bounds: Sequence[int]
) -> None:
    scope, start, end = part
    days = range(find_day(start), end, DAY_MS)
    divided = [day for day in days if not slots.holds_whole(day)]
    if len(divided) < len(days):
        async for rows in stats_store.read_day_values(snapshot, scope, find_day(start), end):
            for row in rows:
                if slots.holds_whole(row["day"]):
                    slots.add(row["day"], choice.count(_read_sums(row)))
    if divided:
        async for rows in stats_store.read_day_quarters(snapshot, scope, divided):
            for row in rows:
                _add_divided(row, slots, choice, bounds)


def _add_divided(row: Row, slots: Slots, choice: Choice, bounds: Sequence[int]) -> None:
    """Adds the parts of a day that belong to different slots."""
    day, content = row["day"], read_day(row)
    within = [each for each in bounds if day < each < day + DAY_MS]
    ends = [day, *within, day + DAY_MS]
    for start, end in pairwise(ends):
        first, last = (start - day) // QUARTER_MS, (end - day) // QUARTER_MS
        for sums in read_part(content, first, last):
            slots.add(start, choice.count(EncodedSums(*sums)))


def _read_sums(row: Row) -> EncodedSums:
    return EncodedSums(read_totals(row), row["persons"], row["programs"])
