"""Owns turns: which deliveries a receiver's turn takes from its queue, and what each results in.

A turn's deliveries are leased to one worker: no other sends them until the lease ends.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from shorty.durations import WEEK_MS
from shorty.log import log_committed
from shorty.storage.database import Asked, Row, Transaction
from shorty.webhooks import queue, store
from shorty.webhooks.model import (
    DEAD,
    DELIVERED,
    QUEUED,
    URGENT,
    Health,
    Outcome,
    Reason,
    Receiver,
    ReceiverStatus,
)
from shorty.webhooks.queue import Line
from shorty.webhooks.rules import judge_health

TURN_DELIVERIES: Final = 16
ENDED_AT_ONCE: Final = 500
LONGEST_WAIT_MS: Final = WEEK_MS  # while a receiver is paused

FIND_DUE: Final = f"""
select d.id, d.message_id, d.attempts, d.step, d.due_at, {store.CONTENT_COLUMNS}
from webhook_deliveries d {store.JOIN_CONTENT}
where d.receiver_id = $1 and d.status = 0 and d.due_at <= $2 order by d.due_at, d.id limit $3
"""  # noqa: S608 - our own columns
LEASE: Final = "update webhook_deliveries set leased_by = $2, due_at = $3 where id = $1"
END: Final = """
update webhook_deliveries set status = 2, reason = $2, ended_at = $3, leased_by = null where id = $1
"""
# Includes leased deliveries only if their lease has expired.
END_FOR_STOPPED: Final = """
update webhook_deliveries set status = 2, reason = $2, ended_at = $3, leased_by = null where id in (
  select id from webhook_deliveries
  where receiver_id = $1 and status = 0 and due_at > 0 and (leased_by is null or due_at <= $3)
  limit $4)
"""
# Only reads the oldest deliveries, because later ones are never overdue first.
END_FOR_PAUSED: Final = """
update webhook_deliveries set status = 2, reason = $2, ended_at = $3, leased_by = null where id in (
  select id from (
    select id, due_at, queued_at, leased_by from webhook_deliveries
    where receiver_id = $1 and status = 0 order by id limit $4) as oldest
  where due_at > 0 and (leased_by is null or due_at <= $3) and queued_at <= $5)
"""
FIND_RECEIVER: Final = "select * from webhook_receivers where id = $1"
SET_HEALTH: Final = """
update webhook_receivers set
  failures = $2, is_quick = $3, held_until = $4, paused_at = $5, stopped_at = $6
where id = $1
"""
# Changes nothing if the lease was lost, because another attempt is then in progress.
RECORD: Final = """
update webhook_deliveries set
  status = $3, reason = $4, attempts = $5, step = $6, due_at = $7, ended_at = $8, leased_by = null
where id = $1 and leased_by = $2
"""
INSERT_TRY: Final = """
insert into webhook_tries (delivery_id, number, at, duration_ms, status, error, body)
values ($1, $2, $3, $4, $5, $6, $7)
"""
RELEASE: Final = """
update webhook_deliveries set due_at = $3, leased_by = null where id = $1 and leased_by = $2
"""
VOID_LEASES: Final = """
update webhook_deliveries set due_at = $1, leased_by = null where leased_by is not null
returning receiver_id
"""
END_TURNS: Final = "update webhook_receivers set busy_until = null where busy_until is not null"


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """Ends at `until`, or earlier if the worker is done."""

    worker: str
    begun_at: int
    until: int


class DueDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """`step` counts the failed attempts since it was queued."""

    id: int
    message_id: str
    attempts: int
    step: int
    due_at: int
    body: bytes


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """The deliveries sent to one receiver before others have their turns."""

    line: Line
    lease: Lease
    receiver: Receiver
    secrets: tuple[str, ...]
    deliveries: tuple[DueDelivery, ...]


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of an attempt, and the time of the next one, if any."""

    delivery: DueDelivery
    outcome: Outcome
    next_try_at: int | None


def claim_turns(tx: Transaction, due: Sequence[Line], lease: Lease) -> list[Turn]:
    """Claims at most one turn per line. Every line moves on, even if it had no delivery."""
    return [turn for line in due if (turn := claim_turn(tx, line, lease)) is not None]


def claim_turn(tx: Transaction, line: Line, lease: Lease) -> Turn | None:
    row = queue.find_first_receiver(tx, line, lease.begun_at)
    turn = None if row is None else take_turn(tx, line, row, lease)
    queue.move_line(tx, line, lease.begun_at)
    return turn


def take_turn(tx: Transaction, line: Line, row: Row, lease: Lease) -> Turn | None:
    receiver, busy_until, now = store.read_receiver(dict(row)), row["busy_until"], lease.begun_at
    health = receiver.health
    is_ready = health.stopped_at is None and max(health.held_until or 0, busy_until or 0) <= now
    ended = end_hopeless(tx, receiver, now) if is_ready or health.stopped_at else 0
    rows = [] if ended else find_due(tx, receiver, now if is_ready else URGENT)
    deliveries = lease_deliveries(tx, rows, lease)
    if deliveries and not health.is_quick:
        busy_until = lease.until  # a slow receiver has one turn at a time
    queue.move_receiver(tx, receiver.id, health, busy_until, now)
    if ended:
        queue.line_up(tx, receiver.id, now)
    if not deliveries:
        return None
    secrets = store.find_or_make_secrets(tx, receiver.workspace_id, now)
    return Turn(
        line=line,
        lease=lease,
        receiver=receiver,
        secrets=tuple(secret["secret"] for secret in secrets),
        deliveries=deliveries,
    )


def end_hopeless(tx: Transaction, receiver: Receiver, now: int) -> int:
    """Ends a small batch of a stopped receiver's deliveries, or of a paused one's overdue ones.

    Keeps urgent deliveries. Returns how many ended.
    """
    reason: Reason
    if receiver.health.stopped_at is not None:
        reason = "receiver-stopped"
        return tx.execute(END_FOR_STOPPED, receiver.id, reason, now, ENDED_AT_ONCE)
    if receiver.health.paused_at is not None:
        reason = "waited-too-long"
        oldest = now - LONGEST_WAIT_MS
        return tx.execute(END_FOR_PAUSED, receiver.id, reason, now, ENDED_AT_ONCE, oldest)
    return 0


def find_due(tx: Transaction, receiver: Receiver, until: int) -> list[Row]:
    most = TURN_DELIVERIES if receiver.health.is_quick else 1
    return tx.find_all(FIND_DUE, receiver.id, until, most)


def lease_deliveries(tx: Transaction, rows: Sequence[Row], lease: Lease) -> tuple[DueDelivery, ...]:
    """Leases the deliveries whose click still exists; ends the others."""
    leased: list[DueDelivery] = []
    for row in rows:
        body = store.read_body(row)
        if body is None:
            reason: Reason = "click-removed"
            tx.send(END, row["id"], reason, lease.begun_at)
            continue
        tx.send(LEASE, row["id"], lease.worker, lease.until)
        leased.append(
            DueDelivery(
                id=row["id"],
                message_id=row["message_id"],
                attempts=row["attempts"],
                step=row["step"],
                due_at=row["due_at"],
                body=body,
            )
        )
    return tuple(leased)


def finish_turn(tx: Transaction, turn: Turn, tried: Sequence[Tried], now: int) -> None:
    """Stores the results of a turn. Deliveries without an attempt return to the queue."""
    row = tx.find_one(FIND_RECEIVER, turn.receiver.id)
    if row is None:
        return
    before = health = store.read_health(dict(row))
    recorded = [ask_to_record(tx, turn.lease, each) for each in tried]
    for each, asked in zip(tried, recorded, strict=True):
        if asked.count():  # the lease was still valid
            insert_try(tx, each)
            health = judge_health(health, each.outcome)
    for delivery in turn.deliveries[len(tried) :]:
        # It was due then, but the clock may have been set back since.
        tx.send(RELEASE, delivery.id, turn.lease.worker, min(delivery.due_at, now))
    if health != before:
        save_health(tx, turn.receiver.id, health)
    if (status := health.status) != before.status:
        _log_status(tx, turn.receiver, status)
    queue.move_receiver(tx, turn.receiver.id, health, None, now)
    if health.stopped_at is not None:
        queue.line_up(tx, turn.receiver.id, now)
    queue.advance_line(tx, turn.receiver.id)


def _log_status(tx: Transaction, receiver: Receiver, status: ReceiverStatus) -> None:
    """Without the path and the query of its URL, which may be secret."""
    host, workspace_id = receiver.host, receiver.workspace_id
    if status == "stopped":
        log_committed(tx, "endpoint_stopped", host=host, workspace_id=workspace_id)
    else:
        log_committed(
            tx,
            "endpoint_paused" if status == "paused" else "endpoint_recovered",
            host=host,
            workspace_id=workspace_id,
        )


def ask_to_record(tx: Transaction, lease: Lease, tried: Tried) -> Asked:
    """Changes the delivery if its lease is still valid."""
    delivery, outcome = tried.delivery, tried.outcome
    status, reason = judge_delivery(tried)
    return tx.ask(
        RECORD,
        delivery.id,
        lease.worker,
        status,
        reason,
        delivery.attempts + 1,
        delivery.step + (not outcome.is_success),
        tried.next_try_at or delivery.due_at,
        None if status == QUEUED else outcome.ended_at,
    )


def insert_try(tx: Transaction, tried: Tried) -> None:
    delivery, outcome = tried.delivery, tried.outcome
    tx.send(
        INSERT_TRY,
        delivery.id,
        delivery.attempts + 1,
        outcome.at,
        outcome.duration_ms,
        outcome.status,
        outcome.error,
        outcome.body,
    )


def judge_delivery(tried: Tried) -> tuple[int, Reason | None]:
    if tried.outcome.is_success:
        return DELIVERED, None
    if tried.outcome.is_stop:
        return DEAD, "receiver-stopped"
    return (DEAD, "tries-used-up") if tried.next_try_at is None else (QUEUED, None)


def save_health(tx: Transaction, receiver_id: int, health: Health) -> None:
    tx.send(
        SET_HEALTH,
        receiver_id,
        health.failures,
        int(health.is_quick),
        health.held_until,
        health.paused_at,
        health.stopped_at,
    )


def void_leases(tx: Transaction, now: int) -> int:
    """Returns the deliveries leased by earlier workers to the queue; returns how many."""
    receiver_ids = [row["receiver_id"] for row in tx.find_all(VOID_LEASES, now)]
    tx.send(END_TURNS)
    for receiver_id in dict.fromkeys(receiver_ids):
        queue.line_up(tx, receiver_id, now)
    return len(receiver_ids)
