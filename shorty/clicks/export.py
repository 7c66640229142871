"""Streams single clicks: of a period by time, or of a workspace in storage order."""

from collections.abc import AsyncGenerator
from typing import Final, NamedTuple

from shorty.clicks.model import BOT, PERSON
from shorty.clicks.stats_store import Scope
from shorty.storage.database import Database, Row, Rows, Value

CLICKS_AT_ONCE: Final = 2000
EVERYTHING: Final = -1

FIND_STEP: Final = """
select at from clicks where at >= $1 and at < $2 order by at limit 1 offset $3
"""

# PostgreSQL would take a parameter that is first compared with a literal for one of 32 bits.
LIST_CLICKS: Final = """
select c.id, c.at, c.link_id, d.host, l.slug, c.visitor, c.kind, c.source, c.country, c.city,
  c.referrer, c.browser, c.os, c.device, c.utm, c.rule_id, c.variant
from clicks c
join links l on l.id = c.link_id
left join former_domains f on f.link_id = c.link_id
join domains d on d.id = coalesce(c.domain_id, f.domain_id, l.domain_id)
where c.at >= $1 and c.at < $2 and l.workspace_id = $3 and c.kind in ($4, $5)
  and (cast($6 as bigint) = -1 or c.link_id = $6) and (cast($7 as bigint) = -1 or d.id = $7)
  and (cast($8 as bigint) = -1 or exists (
    select 1 from link_tags t where t.link_id = c.link_id and t.tag_id = $8
  ))
order by c.at, c.id
"""

FIND_IDS: Final = """
select coalesce(min(id), 0) as first, coalesce(max(id), -1) as last from clicks
"""

LIST_STORED: Final = """
select c.link_id, c.at, c.visitor, c.kind, c.source, c.country, c.referrer, c.browser, c.os,
  c.device, c.utm, c.city, c.rule_id, c.variant, d.host
from clicks c
join links l on l.id = c.link_id
left join former_domains f on f.link_id = c.link_id
left join domains d on d.id = coalesce(c.domain_id, f.domain_id) and d.id <> l.domain_id
where c.id >= $1 and c.id < $2 and l.workspace_id = $3 and l.deleted_at is null and l.is_public = 0
order by c.id
"""


class ClickIds(NamedTuple):
    """The range of all clicks' ids."""

    first: int
    end: int


async def find_click_ids(rows: Rows) -> ClickIds:
    found = await rows.find_all(FIND_IDS)
    return ClickIds(found[0]["first"], found[0]["last"] + 1)


async def read_stored_clicks(
    rows: Rows, workspace_id: int, ids: ClickIds
) -> AsyncGenerator[tuple[int, list[Row]]]:
    """The next id to read, and the clicks before it of the workspace's live, lasting links.

    Clicks are in storage order, so that loading them in this order gives the same sums.
    """
    for first in range(*ids, CLICKS_AT_ONCE):
        end = min(first + CLICKS_AT_ONCE, ids.end)
        yield end, await rows.find_all(LIST_STORED, first, end, workspace_id)


async def read_clicks(
    db: Database, scope: Scope, start: int, end: int, *, has_bots: bool
) -> AsyncGenerator[list[Row]]:
    """Lists of clicks, in constant memory.

    No reader is reserved between lists, so that a slow caller does not block others.
    """
    narrowings = (scope.link_id, scope.domain_id, scope.tag_id)
    wanted: list[Value] = [scope.workspace_id, PERSON, BOT if has_bots else PERSON]
    wanted += [EVERYTHING if each is None else each for each in narrowings]
    while start < end:
        step = await db.find_one(FIND_STEP, start, end, CLICKS_AT_ONCE)
        until = end if step is None else max(step["at"], start + 1)
        rows = await db.find_all(LIST_CLICKS, start, until, *wanted)
        if rows:
            yield rows
        start = until
