"""Owns sums of weeks and of seasons, for owners with many values per day: a year is read fast.

They repeat what the days contain. A *season* is eight weeks. Each is summed up once it is over, and
again after one of its days has changed; until then it is *due*, and readers add up its parts.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from shorty.clicks.days import Day, add_counts, add_totals
from shorty.clicks.rollups import decode_counts, encode_counts
from shorty.durations import DAY_MS, WEEK_MS
from shorty.storage.database import Database, Lane, Row, Transaction

FIRST_MONDAY: Final = 4 * DAY_MS  # 1970-01-05
WEEKS_AT_ONCE: Final = 8
WEEKS_OF_SEASON: Final = 8
# Bytes of a day's values, about fifty of them. Weeks of smaller days are quickly added up.
BUSY_BYTES: Final = 1000


# The statements of both tables.
FIND: Final = """
select day, clicks, visitors, bots, scans, bio_clicks, persons, programs
from {table} where owner = $1 and day >= $2 and day <= $3 and is_due = 0 order by day
"""

LIST_DUE: Final = """
select owner, day from {table} where is_due = 1 and day <= $1 order by day limit $2
"""

NOTE_BUSY: Final = """
insert into {table} (owner, day, is_due) values ($1, $2, 1)
on conflict (owner, day) do update set is_due = 1
"""

NOTE_CHANGED: Final = """
update {table} set is_due = 1 where owner = $1 and day = $2 and is_due = 0
"""

PUT: Final = """
update {table} set
  is_due = 0, clicks = $3, visitors = $4, bots = $5, scans = $6, bio_clicks = $7,
  persons = $8, programs = $9
where owner = $1 and day = $2
"""

DELETE: Final = "delete from {table} where owner = $1"

LIST_DAYS: Final = """
select day, clicks, visitors, bots, scans, bio_clicks, persons, programs
from click_days where owner = $1 and day >= $2 and day < $3
"""


class Level(NamedTuple):
    """Sums of days in a table of their own, each of `length` milliseconds.

    `at_once` of them are summed up in one transaction.
    """

    length: int
    at_once: int
    find: str
    list_due: str
    note_busy: str
    note_changed: str
    put: str
    delete: str

    def find_start(self, day: int) -> int:
        """When the week or season of a UTC day begins: on a Monday."""
        return (day - FIRST_MONDAY) // self.length * self.length + FIRST_MONDAY


def _build_level(table: str, length: int, at_once: int) -> Level:
    statements = FIND, LIST_DUE, NOTE_BUSY, NOTE_CHANGED, PUT, DELETE
    return Level(length, at_once, *(each.format(table=table) for each in statements))


WEEKS: Final = _build_level("click_weeks", WEEK_MS, WEEKS_AT_ONCE)
# One at a time, because each has as many values as eight weeks.
SEASONS: Final = _build_level("click_seasons", WEEKS_OF_SEASON * WEEK_MS, 1)
# The order in which they are summed up, because seasons are read from weeks.
LEVELS: Final = (WEEKS, SEASONS)


def find_week(day: int) -> int:
    """The Monday of a UTC day's week."""
    return WEEKS.find_start(day)


def note_changed_days(tx: Transaction, day: int, days: Iterable[tuple[int, Day]]) -> None:
    """Marks the weeks and seasons of changed days as due."""
    busy: list[int] = []
    others: list[int] = []
    for owner, each in days:
        size = len(each.persons or b"") + len(each.programs or b"")
        (busy if size >= BUSY_BYTES else others).append(owner)
    for level in LEVELS:
        start = level.find_start(day)
        tx.execute_many(level.note_busy, [(owner, start) for owner in busy])
        tx.execute_many(level.note_changed, [(owner, start) for owner in others])


def note_removed_day(tx: Transaction, owner: int, day: int) -> None:
    for level in LEVELS:
        tx.execute(level.note_changed, owner, level.find_start(day))


def delete_sums(tx: Transaction, owner: int) -> None:
    """Deletes those of every week and season."""
    for level in LEVELS:
        tx.execute(level.delete, owner)


async def sum_some_weeks(db: Database, now: int) -> int:
    """Sums up some of the past weeks that are due, or a season; returns how many."""
    for level in LEVELS:
        last = now // DAY_MS * DAY_MS - level.length
        due = await db.find_all(level.list_due, last, level.at_once)
        if due:
            await db.write(
                lambda tx, level=level, due=due: [
                    _sum_up(tx, level, row["owner"], row["day"]) for row in due
                ],
                Lane.CLICKS,
            )
            return len(due)
    return 0


def _sum_up(tx: Transaction, level: Level, owner: int, day: int) -> None:
    rows = _list_parts(tx, level, owner, day)
    totals = add_totals(read_totals(row) for row in rows)
    persons, programs = (
        encode_counts(add_counts(decode_counts(row[name]) for row in rows))
        for name in ("persons", "programs")
    )
    tx.execute(level.put, owner, day, *totals, persons, programs)


def _list_parts(tx: Transaction, level: Level, owner: int, day: int) -> Sequence[Row]:
    """The days of a week; a season's weeks, and the days of those weeks that have no sums."""
    end = day + level.length
    days = tx.find_all(LIST_DAYS, owner, day, end)
    if level is WEEKS:
        return days
    weeks = tx.find_all(WEEKS.find, owner, day, end - WEEK_MS)
    known = {week["day"] for week in weeks}
    return [*weeks, *(each for each in days if find_week(each["day"]) not in known)]


def read_totals(row: Row) -> tuple[int, int, int, int, int]:
    return row["clicks"], row["visitors"], row["bots"], row["scans"], row["bio_clicks"]
