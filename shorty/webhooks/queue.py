"""Decides who is next: every statement about the lines in which receivers wait for their turns.

A host has two lines, one for its quick receivers and one for the others, so that neither waits for
the other. Receivers wait in their host's lines. After a look, a receiver and its line go to the
end. A time in a line may be too early, which costs a look, but is never too late.
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
order by next_at, id limit 1
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
    """A host's quick receivers, or its other ones."""

    host: str
    is_quick: bool


def line_up(tx: Transaction, receiver_id: int, at: int) -> None:
    """Schedules a look at the receiver's queue for `at`, unless an earlier one is scheduled."""
    tx.send(LINE_UP, receiver_id, at)
    advance_line(tx, receiver_id)


def advance_line(tx: Transaction, receiver_id: int) -> None:
    """Moves the receiver's line forward to the receiver's own due time."""
    tx.send(ADVANCE_LINE, receiver_id)


async def find_due_lines(db: Database, now: int, *, is_quick: bool, limit: int) -> list[Line]:
    """Lines that have waited longest come first."""
    rows = await db.find_all(FIND_DUE_LINES, int(is_quick), now, limit)
    return [Line(host=row["host"], is_quick=is_quick) for row in rows]


async def find_next_time(db: Database, now: int) -> int | None:
    """When the next line becomes due, not counting those due now."""
    rows = [await db.find_one(FIND_NEXT_TIME, is_quick, now) for is_quick in (0, 1)]
    return min((row["next_at"] for row in rows if row and row["next_at"] is not None), default=None)


def find_first_receiver(tx: Transaction, line: Line, now: int) -> Row | None:
    return tx.find_one(FIND_FIRST_RECEIVER, line.host, int(line.is_quick), now)


def move_receiver(
    tx: Transaction, receiver_id: int, health: Health, busy_until: int | None, now: int
) -> None:
    """Moves a receiver to its queue's place in the line, or out of the line if it is empty."""
    row = tx.find_one(FIND_FIRST_DUE, receiver_id)
    next_at = plan_look(row["due_at"] if row else None, health, busy_until, now)
    tx.send(MOVE_RECEIVER, receiver_id, next_at, busy_until)


def plan_look(
    first_due: int | None, health: Health, busy_until: int | None, now: int
) -> int | None:
    """When to look at a queue whose first delivery is due at `first_due`; None if it is empty."""
    if first_due is None:
        return None
    if first_due == URGENT:
        return now
    held_until = health.held_until if health.stopped_at is None else None
    return max(now, first_due, held_until or 0, busy_until or 0)


def move_line(tx: Transaction, line: Line, now: int) -> None:
    """Moves a line behind the others that are due, or deletes it if no receiver waits in it."""
    row = tx.find_one(FIND_LINE_START, line.host, int(line.is_quick))
    if row is None or row["next_at"] is None:
        tx.send(DELETE_LINE, line.host, int(line.is_quick))
    else:
        tx.send(MOVE_LINE, line.host, int(line.is_quick), max(now, row["next_at"]))
