"""Fills in the sums of domains for the days before they were kept, the latest day first.

Until a day is done, the sums of its domain's links are added up instead. See
manual/decisions/2026-11-30-sums-by-domain.md.
"""

from typing import Final

from shorty.clicks.rebuild import sum_up_domains
from shorty.clicks.recounts import TakenOverError
from shorty.clicks.stats_store import find_domains_done
from shorty.durations import DAY_MS
from shorty.storage.database import Database, Lane

NOTE_DONE: Final = "update domain_sums set done_since = $1 where id = 1"

# The latest quarter hour or day before $1 that has sums of any workspace.
FIND_EARLIER: Final = """
select max(at) as at from (
  select (select max(d.day) from click_days d where d.owner = -w.id and d.day < $1) as at
  from workspaces w
  union all
  select max(q.at) from click_quarters q where q.at < $1
) latest
"""


async def fill_day(db: Database) -> int:
    """Fills in the latest day that is not done; returns 0 if all are.

    Or if another process recalculates the day meanwhile; then it is filled in the next time.
    """
    done_since = await find_domains_done(db)
    if not done_since:
        return 0
    (row,) = await db.find_all(FIND_EARLIER, done_since)
    day = 0 if row["at"] is None else row["at"] // DAY_MS * DAY_MS
    if day:
        try:
            await sum_up_domains(db, day)
        except TakenOverError:
            return 0
    await db.write(lambda tx: tx.execute(NOTE_DONE, day), Lane.CLICKS)
    return 1
