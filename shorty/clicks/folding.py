"""Folds the quarter hours of past days into one row per day, a few links at a time.

Readers add up folded and unfolded sums, which together are the same at every commit. Clicks that
arrive late are folded into their day's row later.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Final

from shorty.clicks.days import Day, Quarter, fold_quarters, read_quarter, unfold_day
from shorty.clicks.moments import write_moments
from shorty.clicks.rollup_store import read_stored
from shorty.clicks.stats import read_day
from shorty.clicks.weeks import note_changed_days
from shorty.durations import DAY_MS
from shorty.storage.database import Database, Lane, Row, Transaction

OWNERS_AT_ONCE: Final = 32

FIND_OLDEST: Final = "select min(at) as at from click_quarters"

_MOMENTS: Final = write_moments("$1", "$2")
# Two index steps per quarter hour of the day: its first owner from $3 on, then the least of them.
FIND_OWNERS: Final = f"""
{_MOMENTS}
select min(owner) as first from (
  select (select min(q.owner) from click_quarters q where q.at = m.at and q.owner >= $3) as owner
  from moments m where m.at is not null
) f
"""  # noqa: S608 - parameters' numbers

LIST_QUARTERS: Final = f"""
{_MOMENTS}
select s.* from moments m cross join click_quarters s
where s.at = m.at and s.owner >= $3 and s.owner < $4
"""  # noqa: S608 - parameters' numbers

DELETE_QUARTER: Final = "delete from click_quarters where at = $1 and owner = $2"

FIND_DAY: Final = "select * from click_days where owner = $1 and day = $2"

PUT_DAY: Final = """
insert into click_days (
  owner, day, clicks, visitors, bots, scans, bio_clicks, series, persons, programs, quarters,
  eighths
) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
on conflict (owner, day) do update set
  clicks = excluded.clicks, visitors = excluded.visitors, bots = excluded.bots,
  scans = excluded.scans, bio_clicks = excluded.bio_clicks, series = excluded.series,
  persons = excluded.persons, programs = excluded.programs, quarters = excluded.quarters,
  eighths = excluded.eighths
"""


async def fold_some(db: Database, now: int) -> int:
    """Folds part of the oldest past day; returns how many quarter hours it folded."""
    oldest = await db.find_one(FIND_OLDEST)
    if oldest is None or oldest["at"] is None or oldest["at"] >= now // DAY_MS * DAY_MS:
        return 0
    day = oldest["at"] // DAY_MS * DAY_MS
    return await db.write(lambda tx: fold_part(tx, day), Lane.CLICKS)


def fold_part(tx: Transaction, day: int) -> int:
    """Folds the day's next owners; returns how many quarter hours they had."""
    row = tx.find_one(FIND_OWNERS, day, day + DAY_MS, -(2**62))
    if row is None or row["first"] is None:
        return 0
    return fold_owners(tx, day, row["first"], row["first"] + OWNERS_AT_ONCE)


def fold_owners(tx: Transaction, day: int, first: int, end: int) -> int:
    """Folds the day of each owner from `first` up to `end`."""
    rows = tx.find_all(LIST_QUARTERS, day, day + DAY_MS, first, end)
    days: list[tuple[int, Day]] = []
    for owner, found in groupby(sorted(rows, key=itemgetter("owner")), key=itemgetter("owner")):
        days.append((owner, fold_into_day(tx, owner, day, found)))
    put_days(tx, day, days)
    tx.execute_many(DELETE_QUARTER, [(row["at"], row["owner"]) for row in rows])
    return len(rows)


def fold_into_day(tx: Transaction, owner: int, day: int, rows: Iterable[Row]) -> Day:
    stored = tx.find_one(FIND_DAY, owner, day)
    earlier: list[Quarter] = [] if stored is None else unfold_day(read_day(stored))
    return fold_quarters(
        [*earlier, *(read_quarter(day, row["at"], read_stored(row)) for row in rows)]
    )


def put_days(tx: Transaction, day: int, days: Sequence[tuple[int, Day]]) -> None:
    rows = [(owner, day, *each.totals, *each[1:]) for owner, each in days]
    tx.execute_many(PUT_DAY, rows)
    note_changed_days(tx, day, days)
