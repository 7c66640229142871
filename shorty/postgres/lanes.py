"""Lanes on PostgreSQL: advisory locks that a transaction takes before its first row.

They are free again when the transaction ends, however it ends. Every transaction is READ COMMITTED,
so that what follows the lock sees what the lane's former holder committed.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from shorty.storage.database import Lane, LaneHolder
from shorty.storage.write_queue import Job

# The first of the two keys of an advisory lock, in which shorty's lanes are apart from the locks of
# other programs that use the same database; "shor" in ASCII. The second is the lane.
NAMESPACE: Final = 0x73686F72
TAKE_LANE: Final = "select pg_advisory_xact_lock($1, $2)"
# Of the lock that a node has as long as it runs; the parameter is its name.
NAME_KEY: Final = "hashtextextended('shorty node ' || $1, 0)"
DEFAULT: Final = (Lane.MAIN,)

# A prepared transaction has no process.
LIST_HOLDERS: Final = """
with lanes as (
  select objid as lane, pid, granted from pg_locks
  where locktype = 'advisory' and classid = $1 and objsubid = 2
    and database = (select oid from pg_database where datname = current_database())
)
select h.lane, h.pid, a.usename as role, coalesce(a.application_name, '') as program,
  coalesce(a.state, '') as state,
  cast(coalesce(extract(epoch from clock_timestamp() - a.xact_start), 0) * 1000 as bigint)
    as held_ms,
  (select count(*) from lanes w where w.lane = h.lane and not w.granted) as waiting
from lanes h left join pg_stat_activity a on a.pid = h.pid
where h.granted and h.lane between 1 and $2
order by a.xact_start, h.pid, h.lane
"""


def read_holder(row: Iterable[Any]) -> LaneHolder:
    lane, pid, role, program, state, held_ms, waiting = row
    return LaneHolder(Lane(lane), pid, role, program, state, held_ms, waiting)


def order_lanes(lanes: Collection[Lane]) -> tuple[Lane, ...]:
    """In the order in which they are taken; MAIN if none is named."""
    return tuple(sorted(set(lanes))) or DEFAULT


def group_by_lanes(jobs: Sequence[Job]) -> list[list[Job]]:
    """Those of the same lanes, so that a job with more of them keeps no others waiting."""
    groups: dict[Sequence[Lane], list[Job]] = {}
    for job in jobs:
        groups.setdefault(job.lanes, []).append(job)
    return list(groups.values())
