"""Who is next: every statement about the lines in which receivers wait for their turns.

Hosts stand in two lines, one for their quick receivers and one for the others, so that neither
waits for the other; receivers stand in their host's line. Whoever was looked at goes to the end. A
time in line may be too early, which costs a look, but is never too late.
"""

from typing import Final

import msgspec

from shorty.storage.database import Database, Row, Transaction
from shorty.webhooks.model import URGENT, Health

LINE_UP: Final = """
update webhook_receivers set next_at = $2 where id = $1 and (next_at is null or next_at > $2)
"""
ADVANCE_LINE: Final = """
insert into webhook_lines (host, is_quick, next_at)
select host, is_quick, next_at from webhook_receivers where id = $1 and next_at is not null
on conflict (host, is_quick) do update set next_at = excluded.next_at
where webhook_lines.next_at > excluded.next_at
"""
FIND_DUE_LINES: Final = """
select host, is_quick from webhook_lines where is_quick = $1 and next_at <= $2
order by next_at limit $3
"""
FIND_NEXT_TIME: Final = """
select min(next_at) as next_at from webhook_lines where is_quick = $1 and next_at > $2
"""
FIND_FIRST_RECEIVER: Final = """
select * from webhook_receivers where host = $1 and is_quick = $2 and next_at <= $3
order by next_at limit 1
"""
FIND_LINE_START: Final = """
select min(next_at) as next_at from webhook_receivers
where host = $1 and is_quick = $2 and next_at is not null
"""
MOVE_LINE: Final = "update webhook_lines set next_at = $3 where host = $1 and is_quick = $2"
DELETE_LINE: Final = "delete from webhook_lines where host = $1 and is_quick = $2"
FIND_FIRST_DUE: Final = """
select min(due_at) as due_at from webhook_deliveries where receiver_id = $1 and status = 0
"""
MOVE_RECEIVER: Final = "update webhook_receivers set next_at = $2, busy_until = $3 where id = $1"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """The quick receivers of a host, or its others."""

    host: str
    is_quick: bool


def line_up(tx: Transaction, receiver_id: int, at: int) -> None:
    """Has the receiver's queue looked at when it is `at`, if not before."""
    tx.execute(LINE_UP, receiver_id, at)
    advance_line(tx, receiver_id)


def advance_line(tx: Transaction, receiver_id: int) -> None:
    """Brings the receiver's line forward to when the receiver itself is due."""
    tx.execute(ADVANCE_LINE, receiver_id)


async def find_due_lines(db: Database, now: int, *, is_quick: bool, limit: int) -> list[Line]:
    """Who has waited longest comes first."""
    rows = await db.find_all(FIND_DUE_LINES, int(is_quick), now, limit)
    return [Line(host=row["host"], is_quick=is_quick) for row in rows]


async def find_next_time(db: Database, now: int) -> int | None:
    """When the first of those lines is due that are not due now."""
    rows = [await db.find_one(FIND_NEXT_TIME, is_quick, now) for is_quick in (0, 1)]
    return min((row["next_at"] for row in rows if row and row["next_at"] is not None), default=None)


def find_first_receiver(tx: Transaction, line: Line, now: int) -> Row | None:
    return tx.find_one(FIND_FIRST_RECEIVER, line.host, int(line.is_quick), now)


def move_receiver(
    tx: Transaction, receiver_id: int, health: Health, busy_until: int | None, now: int
) -> None:
    """Sends a receiver to where its queue belongs in line: out of it, if the queue is empty."""
    row = tx.find_one(FIND_FIRST_DUE, receiver_id)
    next_at = plan_look(row["due_at"] if row else None, health, busy_until, now)
    tx.execute(MOVE_RECEIVER, receiver_id, next_at, busy_until)


def plan_look(
    first_due: int | None, health: Health, busy_until: int | None, now: int
) -> int | None:
    """When to look at a queue whose first delivery is due then; None where it is empty."""
    if first_due is None:
        return None
    if first_due == URGENT:
        return now
    held_until = health.held_until if health.stopped_at is None else None
    return max(now, first_due, held_until or 0, busy_until or 0)


def move_line(tx: Transaction, line: Line, now: int) -> None:
    """Sends a line behind the others that are due, or away where nobody stands in it."""
    row = tx.find_one(FIND_LINE_START, line.host, int(line.is_quick))
    if row is None or row["next_at"] is None:
        tx.execute(DELETE_LINE, line.host, int(line.is_quick))
    else:
        tx.execute(MOVE_LINE, line.host, int(line.is_quick), max(now, row["next_at"]))
