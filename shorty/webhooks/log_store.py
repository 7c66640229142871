"""Every statement about the log: lists, shows, redelivers and deletes deliveries."""

from collections.abc import Sequence
from typing import Any, Final

from shorty.storage.database import Database, Row, Transaction
from shorty.webhooks import store
from shorty.webhooks.model import (
    STATUSES,
    URGENT,
    Delivery,
    DeliveryFilter,
    Health,
    Outcome,
    Receiver,
    Status,
    Try,
    name_status,
)

SELECT_DELIVERY: Final = """
select d.id, d.message_id, d.workspace_id, d.link_id, d.status, d.reason, d.attempts, d.due_at,
  d.leased_by, d.created_at, d.ended_at,
  r.id as receiver_id, r.url, r.host, r.failures, r.is_quick, r.held_until, r.paused_at,
  r.stopped_at, r.created_at as receiver_since,
  t.number, t.at, t.duration_ms, t.status as answer_status, t.error, t.body
from webhook_deliveries d
join webhook_receivers r on r.id = d.receiver_id
left join webhook_tries t on t.delivery_id = d.id and t.number = d.attempts
"""
FIND_DELIVERY: Final = f"{SELECT_DELIVERY} where d.id = $1 and d.workspace_id = $2"
# A sign before a column excludes its index, because the other index reads fewer rows.
OF_WORKSPACE: Final = "d.workspace_id = $1"
OF_RECEIVER: Final = "+d.workspace_id = $1 and d.receiver_id = $4"
OF_LINK: Final = "+d.workspace_id = $1 and d.link_id = $4"
OF_BOTH: Final = "+d.workspace_id = $1 and d.link_id = $4 and +d.receiver_id = $5"
LIST_TRIES: Final = """
select number, at, duration_ms, status as answer_status, error, body from webhook_tries
where delivery_id = $1 order by number
"""
FIND_CONTENT: Final = f"""
select {store.CONTENT_COLUMNS} from webhook_deliveries d {store.JOIN_CONTENT} where d.id = $1
"""  # noqa: S608 - our own columns
# Does not change a delivery that is being sent.
QUEUE_AGAIN: Final = """
update webhook_deliveries set
  status = 0, reason = null, step = 0, due_at = 0, queued_at = $2, ended_at = null
where id = $1 and leased_by is null
"""

DELETE_OLD: Final = """
delete from webhook_deliveries where id in (
  select id from webhook_deliveries where ended_at <= $1 order by ended_at limit $2
) returning id, receiver_id, link_id
"""
DELETE_TRIES: Final = "delete from webhook_tries where delivery_id = $1"
FIND_FIRST_OF_LINK: Final = """
select snapshot_id from webhook_deliveries where link_id = $1 and status = $2 order by id limit 1
"""
DELETE_SNAPSHOTS: Final = "delete from webhook_snapshots where link_id = $1 and id < $2"
DELETE_IDLE_RECEIVER: Final = """
delete from webhook_receivers where id = $1
  and not exists (select 1 from webhook_deliveries where receiver_id = $1)
"""
NO_SNAPSHOT: Final = 2**63 - 1


async def find_delivery(
    db: Database, workspace_id: int, delivery_id: int, now: int
) -> Delivery | None:
    row = await db.find_one(FIND_DELIVERY, delivery_id, workspace_id)
    return None if row is None else read_delivery(row, now)


def find_written(tx: Transaction, workspace_id: int, delivery_id: int, now: int) -> Delivery | None:
    row = tx.find_one(FIND_DELIVERY, delivery_id, workspace_id)
    return None if row is None else read_delivery(row, now)


def write_list(which: str, statuses: Sequence[Status] = STATUSES) -> str:
    """The newest of these deliveries with an id below $2, at most $3.

    Each status has its own range of the indexes. One statement reads them all, so that a delivery
    whose status changes meanwhile is neither missed nor listed twice.
    """
    parts = [
        f"select * from ({SELECT_DELIVERY} where {which} and d.status = {STATUSES.index(status)}"  # noqa: S608 - our own words
        f" and d.id < $2 order by d.id desc limit $3) as {status}"
        for status in statuses
    ]
    return f"{' union all '.join(parts)} order by id desc limit $3"


async def list_deliveries(
    db: Database, workspace_id: int, wanted: DeliveryFilter, receiver_id: int | None, now: int
) -> list[Delivery]:
    statuses = STATUSES if wanted.status is None else (wanted.status,)
    which, found = _choose(wanted.link_id, receiver_id)
    sql = write_list(which, statuses)
    rows = await db.find_all(sql, workspace_id, wanted.before, wanted.limit, *found)
    return [read_delivery(row, now) for row in rows]


def _choose(link_id: int | None, receiver_id: int | None) -> tuple[str, list[int]]:
    if link_id is None:
        return (OF_WORKSPACE, []) if receiver_id is None else (OF_RECEIVER, [receiver_id])
    return (OF_LINK, [link_id]) if receiver_id is None else (OF_BOTH, [link_id, receiver_id])


async def list_tries(db: Database, delivery_id: int) -> list[Try]:
    return [read_try(row) for row in await db.find_all(LIST_TRIES, delivery_id)]


async def find_body(db: Database, delivery_id: int) -> bytes | None:
    """None if the click was removed."""
    row = await db.find_one(FIND_CONTENT, delivery_id)
    return None if row is None else store.read_body(row)


def has_body(tx: Transaction, delivery_id: int) -> bool:
    row = tx.find_one(FIND_CONTENT, delivery_id)
    return row is not None and store.read_body(row) is not None


def read_try(row: Row) -> Try:
    outcome = Outcome(
        at=row["at"],
        duration_ms=row["duration_ms"],
        status=row["answer_status"],
        error=row["error"],
        body=row["body"],
    )
    return Try(number=row["number"], outcome=outcome)


def read_delivery(row: Row, now: int) -> Delivery:
    values: dict[str, Any] = dict(row)
    health = store.read_health(values)
    return Delivery(
        id=row["id"],
        message_id=row["message_id"],
        workspace_id=row["workspace_id"],
        receiver=Receiver(
            id=row["receiver_id"],
            workspace_id=row["workspace_id"],
            url=row["url"],
            host=row["host"],
            health=health,
            created_at=row["receiver_since"],
        ),
        link_id=row["link_id"],
        status=name_status(row["status"]),
        reason=row["reason"],
        attempts=row["attempts"],
        created_at=row["created_at"],
        next_try_at=plan_try(values, health, now),
        ended_at=row["ended_at"],
        last_try=None if row["number"] is None else read_try(row),
    )


def plan_try(values: dict[str, Any], health: Health, now: int) -> int | None:
    """The expected time of the next attempt; None during an attempt or if none is planned."""
    if values["ended_at"] is not None or values["leased_by"] is not None:
        return None
    if values["due_at"] == URGENT:
        return now
    if health.stopped_at is not None:
        return None
    return max(values["due_at"], health.held_until or 0)


def queue_again(tx: Transaction, delivery_id: int, now: int) -> None:
    tx.execute(QUEUE_AGAIN, delivery_id, now)


def delete_old(tx: Transaction, ended_before: int, most: int) -> int:
    """Deletes deliveries that ended long ago, and the rows that only they used."""
    rows = tx.find_all(DELETE_OLD, ended_before, most)
    tx.execute_many(DELETE_TRIES, [(row["id"],) for row in rows])
    for link_id in {row["link_id"] for row in rows} - {None}:
        delete_unused_snapshots(tx, link_id)
    tx.execute_many(
        DELETE_IDLE_RECEIVER, [(each,) for each in {row["receiver_id"] for row in rows}]
    )
    return len(rows)


def delete_unused_snapshots(tx: Transaction, link_id: int) -> None:
    """Later deliveries use later snapshots, so those before the first delivery's are unused."""
    rows = [tx.find_one(FIND_FIRST_OF_LINK, link_id, status) for status in range(len(STATUSES))]
    first = min((row["snapshot_id"] for row in rows if row is not None), default=NO_SNAPSHOT)
    tx.execute(DELETE_SNAPSHOTS, link_id, first)
