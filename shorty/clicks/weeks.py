"""Owns weekly sums, for owners with many values per day, which make reading a year fast.

They repeat what the days contain. A week is summed up once it is over, and again after one of its
days has changed; until then it is *due*, and readers add up its days instead.
"""

from collections.abc import Iterable
from typing import Final

from shorty.clicks.days import Day, add_counts, add_totals
from shorty.clicks.rollups import decode_counts, encode_counts
from shorty.durations import DAY_MS, WEEK_MS
from shorty.storage.database import Database, Lane, Row, Transaction

FIRST_MONDAY: Final = 4 * DAY_MS  # 1970-01-05
WEEKS_AT_ONCE: Final = 8
# Bytes of a day's values, about fifty of them. Weeks of smaller days are quickly added up.
BUSY_BYTES: Final = 1000

NOTE_BUSY: Final = """
insert into click_weeks (owner, day, is_due) values ($1, $2, 1)
on conflict (owner, day) do update set is_due = 1
"""

NOTE_CHANGED: Final = """
update click_weeks set is_due = 1 where owner = $1 and day = $2 and is_due = 0
"""

LIST_DUE: Final = """
select owner, day from click_weeks where is_due = 1 and day <= $1 order by day limit $2
"""

LIST_DAYS: Final = """
select clicks, visitors, bots, scans, bio_clicks, persons, programs
from click_days where owner = $1 and day >= $2 and day < $3
"""

PUT_WEEK: Final = """
update click_weeks set
  is_due = 0, clicks = $3, visitors = $4, bots = $5, scans = $6, bio_clicks = $7,
  persons = $8, programs = $9
where owner = $1 and day = $2
"""


def find_week(day: int) -> int:
    """The Monday of a UTC day's week."""
    return (day - FIRST_MONDAY) // WEEK_MS * WEEK_MS + FIRST_MONDAY


def note_changed_days(tx: Transaction, day: int, days: Iterable[tuple[int, Day]]) -> None:
    """Marks the weeks of changed days as due."""
    week = find_week(day)
    busy: list[tuple[int, int]] = []
    others: list[tuple[int, int]] = []
    for owner, each in days:
        size = len(each.persons or b"") + len(each.programs or b"")
        (busy if size >= BUSY_BYTES else others).append((owner, week))
    tx.execute_many(NOTE_BUSY, busy)
    tx.execute_many(NOTE_CHANGED, others)


def note_removed_day(tx: Transaction, owner: int, day: int) -> None:
    tx.execute(NOTE_CHANGED, owner, find_week(day))


async def sum_some_weeks(db: Database, now: int) -> int:
    """Sums up some of the past weeks that are due; returns how many."""
    last = now // DAY_MS * DAY_MS - WEEK_MS
    due = await db.find_all(LIST_DUE, last, WEEKS_AT_ONCE)
    if due:
        await db.write(
            lambda tx: [sum_week(tx, row["owner"], row["day"]) for row in due], Lane.CLICKS
        )
    return len(due)


def sum_week(tx: Transaction, owner: int, day: int) -> None:
    rows = tx.find_all(LIST_DAYS, owner, day, day + WEEK_MS)
    totals = add_totals(read_totals(row) for row in rows)
    persons, programs = (
        encode_counts(add_counts(decode_counts(row[name]) for row in rows))
        for name in ("persons", "programs")
    )
    tx.execute(PUT_WEEK, owner, day, *totals, persons, programs)


def read_totals(row: Row) -> tuple[int, int, int, int, int]:
    return row["clicks"], row["visitors"], row["bots"], row["scans"], row["bio_clicks"]
