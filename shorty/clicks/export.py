"""Reads single clicks of a period, the oldest first, however many there are."""

from collections.abc import AsyncGenerator
from typing import Final

from shorty.clicks.model import BOT, PERSON
from shorty.clicks.stats_store import Scope
from shorty.storage.database import Database, Row, Value

CLICKS_AT_ONCE: Final = 2000
EVERYTHING: Final = -1

FIND_STEP: Final = """
select at from clicks where at >= $1 and at < $2 order by at limit 1 offset $3
"""

LIST_CLICKS: Final = """
select c.id, c.at, c.link_id, d.host, l.slug, c.visitor, c.kind, c.source, c.country, c.city,
  c.referrer, c.browser, c.os, c.device, c.utm
from clicks c join links l on l.id = c.link_id join domains d on d.id = l.domain_id
where c.at >= $1 and c.at < $2 and l.workspace_id = $3 and c.kind in ($4, $5)
  and ($6 = -1 or c.link_id = $6) and ($7 = -1 or l.domain_id = $7)
  and ($8 = -1 or exists (
    select 1 from link_tags t where t.link_id = c.link_id and t.tag_id = $8
  ))
order by c.at, c.id
"""


async def read_clicks(
    db: Database, scope: Scope, start: int, end: int, *, has_bots: bool
) -> AsyncGenerator[list[Row]]:
    """Lists of some of them, in constant memory.

    No reader is held in between, so that a slow caller keeps nobody from the database.
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
