"""Lists a link's latest single clicks, newest first, without an index of clicks by link.

Such an index would write one more page per click. The sums show in which quarter hours the link was
clicked; only their clicks are read, up to a limit per page.
"""

from typing import Final, NamedTuple

from shorty.clicks.days import read_series
from shorty.clicks.model import BOT, PERSON, Click
from shorty.clicks.moments import write_moments
from shorty.clicks.rollups import QUARTER_MS
from shorty.clicks.stats import find_day
from shorty.storage.database import Database, Row

MOST_QUARTERS: Final = 60
MOST_LOOKED_AT: Final = 30_000  # clicks of all links: about 30 ms

# Of days that are not folded yet. Two index steps per quarter hour, latest first.
LIST_FRESH_QUARTERS: Final = f"""
{write_moments("$2", "$3", is_descending=True)}
select s.at, s.clicks, s.bots from moments m cross join click_quarters s
where s.at = m.at and s.owner = $1
"""  # noqa: S608 - parameters' numbers

LIST_DAYS: Final = """
select day, series from click_days where owner = $1 and day >= $2 and day <= $3
order by day desc limit $4
"""

# Answered from the index alone.
COUNT_CLICKS: Final = """
select count(*) as clicks from clicks where at >= $1 and at < $2
"""

# The page ends at a click, not at a moment, which several clicks may share.
LIST_CLICKS: Final = """
select id, link_id, at, visitor, kind, source, country, referrer, browser, os, device, utm, city,
  coalesce(domain_id, 0) as domain_id, rule_id, variant
from clicks
where at >= $1 and at < $2 and at <= $3 and (at < $3 or id < $4)
  and link_id = $5 and kind in ($6, $7)
order by at desc, id desc limit $8
"""

FIND_REMOVED: Final = """
select done_before from click_removals where workspace_id = $1
"""


class Place(NamedTuple):
    """Where a page starts: with clicks older than this one, or with the newest."""

    at: int = 2**53
    id: int = 0


class LatestClicks(NamedTuple):
    clicks: list[Click]
    next: Place | None  # where older ones may follow


async def list_latest_clicks(
    db: Database, workspace_id: int, link_id: int, before: Place, limit: int, *, has_bots: bool
) -> LatestClicks:
    """May return fewer than `limit` clicks although more follow; see `next`."""
    quarters = await _list_quarters(db, workspace_id, link_id, before, has_bots=has_bots)
    kinds = (PERSON, BOT if has_bots else PERSON)
    rows: list[Row] = []
    looked_at = 0
    for index, quarter in enumerate(quarters):
        end = quarter + QUARTER_MS
        counted = await db.find_one(COUNT_CLICKS, quarter, end)
        looked_at += counted["clicks"] if counted else 0
        if index and (index == MOST_QUARTERS or looked_at > MOST_LOOKED_AT):
            return LatestClicks(_read_clicks(rows), Place(quarters[index - 1]))
        wanted = limit + 1 - len(rows)
        rows += await db.find_all(LIST_CLICKS, quarter, end, *before, link_id, *kinds, wanted)
        if len(rows) > limit:
            last = rows[limit - 1]
            return LatestClicks(_read_clicks(rows[:limit]), Place(last["at"], last["id"]))
    return LatestClicks(_read_clicks(rows), None)


async def _list_quarters(
    db: Database, workspace_id: int, link_id: int, before: Place, *, has_bots: bool
) -> list[int]:
    """The starts of the quarter hours that have such clicks, latest first."""
    removed = await db.find_one(FIND_REMOVED, workspace_id)
    first = 0 if removed is None else removed["done_before"]
    fresh = await db.find_all(LIST_FRESH_QUARTERS, link_id, first, before.at + 1)
    days = await db.find_all(
        LIST_DAYS, link_id, find_day(first), find_day(before.at), MOST_QUARTERS + 1
    )
    found = {row["at"] for row in fresh if row["clicks"] or (has_bots and row["bots"])}
    for row in days:
        for number, (clicks, _, bots, *_) in read_series(row["series"]):
            if clicks or (has_bots and bots):
                found.add(row["day"] + number * QUARTER_MS)
    return sorted((at for at in found if at <= before.at), reverse=True)


def _read_clicks(rows: list[Row]) -> list[Click]:
    return [Click(*(row[name] for name in Click._fields)) for row in rows]
