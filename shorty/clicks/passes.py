"""Every statement about passes: how many visits a link with `maxClicks` has let through, over all
nodes.

The number is a row of `link_passes`, which is raised before a visit is let through. It begins with
the link's stored count, when a visit needs it for the first time, and is kept if the limit is taken
away. When visits without a pass are stored, as of a node that did not know of the limit yet, they
are added.

SQLite's only node counts in memory (`clicks.limited`), and so these are PostgreSQL's statements.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from shorty.clicks.model import PERSON, Click, has_pass
from shorty.clicks.waiting import read_visits
from shorty.storage.database import Database, Transaction

# The rows are locked in the order of their ids, here and in ADD_USED: in any other, two nodes could
# wait for each other. The link's stored limit counts too, as a node may remember an older one.
TAKE: Final = """
with held as (
  select p.link_id, p.used, a.visits, least(a.most, k.max_clicks) as most
  from unnest(cast($1 as bigint[]), cast($2 as bigint[]), cast($3 as bigint[]))
    as a (link_id, visits, most)
  join link_passes p on p.link_id = a.link_id
  join link_counters k on k.link_id = a.link_id
  where p.used < least(a.most, k.max_clicks)
  order by p.link_id for update of p
)
update link_passes p set used = least(h.used + h.visits, h.most)
from held h where p.link_id = h.link_id
returning p.link_id, p.used - h.used as passes
"""

GIVE_BACK: Final = "update link_passes set used = used - $2 where link_id = $1"

FIND_USED: Final = """
select link_id, used from link_passes where link_id = any(cast($1 as bigint[]))
"""

BEGIN_COUNT: Final = """
insert into link_passes (link_id, used)
select link_id, total from link_counters where link_id = $1
on conflict (link_id) do nothing
"""

ADD_USED: Final = """
with held as (
  select p.link_id, a.visits
  from unnest(cast($1 as bigint[]), cast($2 as bigint[])) as a (link_id, visits)
  join link_passes p on p.link_id = a.link_id
  order by p.link_id for update of p
)
update link_passes p set used = p.used + h.visits from held h where p.link_id = h.link_id
"""


class Asked(NamedTuple):
    """How many visits want to pass, and how many the link allows in all."""

    visits: int
    most: int


async def take_passes(db: Database, asked: Mapping[int, Asked]) -> dict[int, int]:
    """How many of the visits each link may let through; links with none are left out.

    Raises StorageUnavailableError, after which the passes may be used up all the same.
    """
    visits, most = zip(*asked.values(), strict=True)
    rows = await db.run_alone(TAKE, _join(asked), _join(visits), _join(most))
    return {row["link_id"]: row["passes"] for row in rows}


async def give_back_passes(db: Database, link_id: int, count: int) -> None:
    """For visits that were not let through after all."""
    await db.run_alone(GIVE_BACK, link_id, count)


async def find_used(db: Database, link_ids: Iterable[int]) -> dict[int, int]:
    """The numbers; links whose number no visit has needed yet are left out."""
    rows = await db.run_alone(FIND_USED, _join(link_ids))
    return {row["link_id"]: row["used"] for row in rows}


def begin_count(tx: Transaction, link_id: int) -> None:
    """Called in the lane of clicks, so that none is stored meanwhile."""
    tx.send(BEGIN_COUNT, link_id)


def add_used(tx: Transaction, clicks: Sequence[Click], payloads: Sequence[bytes] = ()) -> None:
    """Adds the clicks of persons without a pass; `payloads` are what the clicks were read from."""
    if not tx.dialect.is_shared:
        return
    visits = Counter(click.link_id for click in clicks if click.kind == PERSON)
    for visit in read_visits(payload for payload in payloads if has_pass(payload)):
        visits[visit.link_id] -= 1
    added = {link_id: count for link_id, count in visits.items() if count > 0}
    if added:
        tx.send(ADD_USED, _join(added), _join(added.values()))


def _join(numbers: Iterable[int]) -> str:
    return f"{{{','.join(map(str, numbers))}}}"
