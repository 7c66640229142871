"""Removes single clicks after the plan's number of whole UTC days. Sums are kept for ever.

Clicks are removed in small steps. Before the first click of a day is removed, the day is marked as
incomplete, so that it is never recalculated. The sums of expired public links are removed too.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from shorty.clicks.rollups import QUARTER_MS
from shorty.clicks.weeks import delete_sums
from shorty.config import Plan
from shorty.durations import DAY_MS
from shorty.plans import find_plan
from shorty.storage.database import Database, Lane, Transaction
from shorty.storage.statements import fill_up, number_places

CLICKS_AT_ONCE: Final = 2000
WORKSPACES_AT_ONCE: Final = 200

LIST_WORKSPACES: Final = """
select w.id, w.plan, coalesce(r.done_before, 0) as done_before
from workspaces w left join click_removals r on r.workspace_id = w.id
order by w.id
"""

BEGIN_REMOVAL: Final = """
insert into click_removals (workspace_id, begun_before, done_before) values ($1, $2, 0)
on conflict (workspace_id) do update set begun_before = excluded.begun_before
where click_removals.begun_before < excluded.begun_before
"""

NOTE_REMOVAL: Final = """
update click_removals set done_before = $2 where workspace_id = $1 and done_before < $2
"""

FIND_STEP: Final = """
select at from clicks where at >= $1 and at < $2 order by at limit 1 offset $3
"""

DELETE_CLICKS: Final = f"""
delete from clicks where at >= $1 and at < $2 and exists (
  select 1 from link_counters k
  where k.link_id = clicks.link_id and k.workspace_id in ({number_places(WORKSPACES_AT_ONCE, 3)})
)
"""  # noqa: S608 - parameters' numbers

DELETE_DAYS: Final = "delete from click_days where owner = $1"
DELETE_QUARTER: Final = "delete from click_quarters where at = $1 and owner = $2"
CLEAR_COUNTER: Final = """
update link_counters set clicks = 0, scans = 0, bio_clicks = 0, bots = 0, total = 0
where link_id = $1
"""

LIST_REMOVALS: Final = "select workspace_id, begun_before from click_removals"


async def remove_old_clicks(
    db: Database, plans: Mapping[str, Plan], now: int, brief: Mapping[int, int] | None = None
) -> bool:
    """Removes some clicks that are past their retention; returns whether more may remain.

    `brief` maps workspaces to days that override the plan's.
    """
    behind: dict[tuple[int, int], list[int]] = {}
    for row in await db.find_all(LIST_WORKSPACES):
        days = find_plan(plans, row["plan"]).click_retention_days
        days = (brief or {}).get(row["id"], days)
        if days is not None and row["done_before"] < (end := find_first_kept(days, now)):
            behind.setdefault((row["done_before"], end), []).append(row["id"])
    if not behind:
        return False
    # Workspaces at the same point share one pass over the clicks.
    (start, end), workspace_ids = min(behind.items())
    together = workspace_ids[:WORKSPACES_AT_ONCE]
    await db.write(lambda tx: remove_step(tx, together, start, end), Lane.CLICKS)
    return True


def find_first_kept(days: int, now: int) -> int:
    return (now // DAY_MS - days) * DAY_MS


def remove_step(tx: Transaction, workspace_ids: Sequence[int], start: int, end: int) -> int:
    """Removes the workspaces' oldest clicks from `start` up to `end`; returns how many."""
    tx.execute_many(BEGIN_REMOVAL, [(each, end) for each in workspace_ids])
    row = tx.find_one(FIND_STEP, start, end, CLICKS_AT_ONCE)
    until = end if row is None else max(row["at"], start + 1)
    filled = fill_up(workspace_ids, WORKSPACES_AT_ONCE)
    removed = tx.execute(DELETE_CLICKS, start, until, *filled)
    tx.execute_many(NOTE_REMOVAL, [(each, until) for each in workspace_ids])
    return removed


def forget_sums(tx: Transaction, link_id: int, start: int, end: int) -> None:
    """Deletes the sums of a link whose clicks were all between `start` and `end`."""
    quarters = range(start // QUARTER_MS * QUARTER_MS, end + 1, QUARTER_MS)
    tx.execute_many(DELETE_QUARTER, [(at, link_id) for at in quarters])
    tx.execute(DELETE_DAYS, link_id)
    delete_sums(tx, link_id)
    tx.execute(CLEAR_COUNTER, link_id)


def list_removals(tx: Transaction) -> dict[int, int]:
    """The moment before which each workspace's clicks may be removed; others keep all clicks."""
    return {row["workspace_id"]: row["begun_before"] for row in tx.find_all(LIST_REMOVALS)}
