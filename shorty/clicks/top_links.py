"""Finds the links of a workspace with the most clicks in a period.

Sums are kept by link, and a workspace may have a million links. So only the links with the most
clicks of all time and the newest are compared: the shorter the period, the more of them. In a small
workspace these are all its links.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from shorty.clicks.breakdown import count_clicks
from shorty.clicks.days import NOTHING, Totals, add_totals, read_series
from shorty.clicks.moments import write_moments
from shorty.clicks.rollups import QUARTER_MS
from shorty.clicks.stats import find_day, read_totals
from shorty.clicks.stats_store import SUMS, Scope
from shorty.durations import DAY_MS
from shorty.storage.database import Database, Row
from shorty.storage.statements import number_places

FEWEST: Final = 40  # of each kind
MOST: Final = 400
MOST_LOOKED_AT: Final = 5000
ANY_DOMAIN: Final = -1
DAYS_OF_LINKS: Final = 12_000  # this many take about 15 ms

LIST_CANDIDATES: Final = """
select link_id from (
  select link_id from link_counters where workspace_id = $1 and is_live = 1
  order by total desc, link_id desc limit $2
) most
union
select id from (
  select id from links where workspace_id = $1 and deleted_at is null
  order by created_at desc, id desc limit $2
) newest
"""

LIST_CANDIDATES_OF_TAG: Final = """
select l.id as link_id from link_tags t
cross join links l
cross join link_counters k
where t.tag_id = $3 and l.id = t.link_id and l.workspace_id = $1 and l.deleted_at is null
  and (cast($4 as bigint) = -1 or l.domain_id = $4) and k.link_id = l.id
order by k.total desc, l.id desc limit $2
"""

# A small domain's links may be far down among the most clicked: it is looked for so far.
LIST_CANDIDATES_OF_DOMAIN: Final = """
select link_id from (
  select m.link_id from (
    select link_id, total from link_counters where workspace_id = $1 and is_live = 1
    order by total desc, link_id desc limit $4
  ) m
  cross join links l
  where l.id = m.link_id and l.domain_id = $3
  order by m.total desc, m.link_id desc limit $2
) most
union
select id from (
  select id from links where workspace_id = $1 and domain_id = $3 and deleted_at is null
  order by created_at desc, id desc limit $2
) newest
"""

SUM_DAYS: Final = f"""
select s.owner, {SUMS} from click_days s
where s.day >= $1 and s.day < $2 and s.owner in
"""  # noqa: S608 - columns of our own
LIST_DIVIDED_DAYS: Final = """
select owner, day, series from click_days where day in ($1, $2) and owner in
"""
SUM_QUARTERS: Final = f"""
{write_moments("$1", "$2")}
select s.owner, {SUMS} from moments m cross join click_quarters s
where s.at = m.at and s.owner in
"""  # noqa: S608 - columns of our own


class LinkCount(NamedTuple):
    link_id: int
    clicks: int
    visitors: int


def count_candidates(start: int, end: int) -> int:
    """How many most-clicked and how many newest links are compared."""
    days = max(1, (end - start) // DAY_MS)
    return max(FEWEST, min(MOST, DAYS_OF_LINKS // days))


async def list_top_links(
    db: Database, scope: Scope, start: int, end: int, limit: int, *, has_bots: bool
) -> list[LinkCount]:
    """The scope's links with clicks from `start` up to `end`, most clicked first.

    Of a domain, these are the links that are on it, with all their clicks.
    """
    rows = await _list_candidates(db, scope, count_candidates(start, end))
    if not rows:
        return []
    sums = await _sum_up(db, [row["link_id"] for row in rows], start, end)
    counts = [
        LinkCount(link_id, count_clicks(totals, has_bots=has_bots), totals[1])
        for link_id, totals in sums.items()
    ]
    found = [each for each in counts if each.clicks]
    return sorted(found, key=lambda each: (-each.clicks, -each.link_id))[:limit]


async def _list_candidates(db: Database, scope: Scope, count: int) -> list[Row]:
    if scope.tag_id is not None:
        domain_id = scope.domain_id or ANY_DOMAIN
        return await db.find_all(
            LIST_CANDIDATES_OF_TAG, scope.workspace_id, 2 * count, scope.tag_id, domain_id
        )
    if scope.domain_id is not None:
        return await db.find_all(
            LIST_CANDIDATES_OF_DOMAIN, scope.workspace_id, count, scope.domain_id, MOST_LOOKED_AT
        )
    return await db.find_all(LIST_CANDIDATES, scope.workspace_id, count)


async def _sum_up(db: Database, ids: Sequence[int], start: int, end: int) -> dict[int, Totals]:
    first_whole, end_whole = find_day(start + DAY_MS - 1), find_day(end)
    slots = f"({number_places(len(ids), 3)})"
    by_owner = f"{slots} group by s.owner"
    async with db.open_snapshot() as snapshot:
        days = await snapshot.find_all(f"{SUM_DAYS}{by_owner}", first_whole, end_whole, *ids)
        divided = await snapshot.find_all(
            f"{LIST_DIVIDED_DAYS}{slots}", find_day(start), end_whole, *ids
        )
        quarters = await snapshot.find_all(f"{SUM_QUARTERS}{by_owner}", start, end, *ids)
    parts = [(row["owner"], read_totals(row)) for row in (*days, *quarters)]
    for row in divided:
        if not first_whole <= row["day"] < end_whole:
            parts += _read_part(row, start, end)
    sums: dict[int, Totals] = {}
    for owner, totals in parts:
        sums[owner] = add_totals((sums.get(owner, NOTHING), totals))
    return sums


def _read_part(row: Row, start: int, end: int) -> list[tuple[int, Totals]]:
    """The quarter hours of a day that are in the period."""
    return [
        (row["owner"], totals)
        for number, totals in read_series(row["series"])
        if start <= row["day"] + number * QUARTER_MS < end
    ]
