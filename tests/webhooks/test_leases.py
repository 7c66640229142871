"""Turns, leases and their results, each time with a second receiver beside the first."""

from typing import Any

import pytest

from shorty.storage.database import Database
from shorty.webhooks import queue
from shorty.webhooks.leases import (
    LONGEST_WAIT_MS,
    TURN_DELIVERIES,
    DueDelivery,
    Lease,
    Tried,
    Turn,
    claim_turn,
    claim_turns,
    finish_turn,
    judge_delivery,
    void_leases,
)
from shorty.webhooks.model import DEAD, DELIVERED, QUEUED, Outcome, Reason
from shorty.webhooks.queue import Line
from shorty.webhooks.service import redeliver
from tests.reading import reader
from tests.support import NOW
from tests.webhooks.making import OWNER, click, insert_calling_links, move_links

HOST = "hooks.example"
SLOW = Line(host=HOST, is_quick=False)
QUICK = Line(host=HOST, is_quick=True)
LEASE_MS = 63_000
OTHERS = [(2, 0, None, NOW), (4, 0, None, NOW), (6, 0, None, NOW)]
"""The second receiver's queue, as returned by `list_queue`."""


@pytest.fixture
async def db(db: Database) -> Database:
    """Receivers 1 and 2 of two workspaces on one host: 1, 3, 5 and 2, 4, 6 are queued for them."""
    await insert_calling_links(db, f"https://{HOST}/one", f"https://{HOST}/two")
    await move_links(db, 2)
    await click(db, 1, 2, 1, 2, 1, 2)
    return db


def make_lease(at: int = NOW, worker: str = "one") -> Lease:
    return Lease(worker=worker, begun_at=at, until=at + LEASE_MS)


async def claim(db: Database, line: Line = SLOW, at: int = NOW, worker: str = "one") -> Turn | None:
    return await db.write(lambda tx: claim_turn(tx, line, make_lease(at, worker)))


async def claim_some(db: Database, line: Line = SLOW, at: int = NOW, worker: str = "one") -> Turn:
    turn = await claim(db, line, at, worker)
    assert turn is not None
    return turn


def make_outcome(status: int, at: int = NOW, ms: int = 100) -> Outcome:
    return Outcome(at=at, duration_ms=ms, status=status, error=None, body="Thanks")


async def finish(
    db: Database, turn: Turn, *statuses: int, at: int = NOW + 100, next_try_at: int | None = None
) -> None:
    """The turn's first deliveries got these answers, the others were not attempted."""
    tried = [
        Tried(delivery=delivery, outcome=make_outcome(status), next_try_at=next_try_at)
        for delivery, status in zip(turn.deliveries, statuses, strict=False)
    ]
    await db.write(lambda tx: finish_turn(tx, turn, tried, at))


async def run(db: Database, sql: str, *parameters: Any) -> None:
    await db.write(lambda tx: tx.execute(sql, *parameters))


async def make_quick(db: Database, receiver_id: int) -> None:
    await run(db, "update webhook_receivers set is_quick = 1 where id = $1", receiver_id)
    await db.write(lambda tx: queue.advance_line(tx, receiver_id))


def read(db: Database, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in reader(db).find_all(sql)]


def list_queue(db: Database, receiver_id: int) -> list[tuple[Any, ...]]:
    """Id, status, worker and due time of each delivery of a receiver."""
    return read(
        db,
        "select id, status, leased_by, due_at from webhook_deliveries"  # noqa: S608 - a number
        f" where receiver_id = {receiver_id} order by id",
    )


def list_receivers(db: Database) -> list[tuple[Any, ...]]:
    return read(
        db, "select id, failures, is_quick, busy_until, next_at from webhook_receivers order by id"
    )


async def test_a_slow_receiver_has_one_delivery_and_one_turn_at_a_time(db: Database) -> None:
    first, second, third = [await claim(db) for _ in range(3)]
    assert first and second  # noqa: PT018 - neither is useful without the other
    assert third is None
    assert [each.id for each in first.deliveries] == [1]
    assert [each.id for each in second.deliveries] == [2]
    assert (first.receiver.workspace_id, second.receiver.workspace_id) == (1, 2)
    secrets = read(db, "select workspace_id, secret from webhook_secrets order by workspace_id")
    assert secrets == [(1, *first.secrets), (2, *second.secrets)]
    until = NOW + LEASE_MS
    assert list_queue(db, 1) == [(1, 0, "one", until), (3, 0, None, NOW), (5, 0, None, NOW)]
    assert list_receivers(db) == [(1, 0, 0, until, until), (2, 0, 0, until, until)]
    assert read(db, "select * from webhook_lines") == [(HOST, 0, until)]


async def test_the_lease_and_the_place_in_line_of_one_receiver_move_alone(db: Database) -> None:
    await claim_some(db)
    until = NOW + LEASE_MS
    assert list_queue(db, 2) == OTHERS
    assert list_receivers(db) == [(1, 0, 0, until, until), (2, 0, 0, None, NOW)]
    assert read(db, "select * from webhook_lines") == [(HOST, 0, NOW)]


async def test_a_quick_receiver_gets_many_per_turn_oldest_first(db: Database) -> None:
    await make_quick(db, 1)
    await click(db, *[1] * TURN_DELIVERIES)
    await run(db, "update webhook_deliveries set due_at = $1 where id = 5", NOW - 1)
    turn = await claim_some(db, QUICK)
    assert [each.id for each in turn.deliveries][:3] == [5, 1, 3]
    assert len(turn.deliveries) == TURN_DELIVERIES
    assert turn.receiver.id == 1
    assert list_receivers(db)[0] == (1, 0, 1, None, NOW)
    assert list_queue(db, 2) == OTHERS


async def test_each_line_has_a_turn(db: Database) -> None:
    await make_quick(db, 2)
    lease = make_lease()
    turns = await db.write(lambda tx: claim_turns(tx, [SLOW, QUICK, QUICK], lease))
    assert [(each.line, each.receiver.id) for each in turns] == [(SLOW, 1), (QUICK, 2)]


async def test_what_is_not_due_yet_is_not_taken(db: Database) -> None:
    assert await claim(db, at=NOW - 1) is None
    assert list_queue(db, 2) == OTHERS


async def test_a_lease_that_ran_out_is_taken_by_another_worker_and_not_before(db: Database) -> None:
    await run(db, "delete from webhook_deliveries where id <> 1")
    late = await claim_some(db)
    assert await claim(db, at=NOW + LEASE_MS - 1, worker="two") is None
    turn = await claim_some(db, at=NOW + LEASE_MS, worker="two")
    assert [each.id for each in turn.deliveries] == [1]
    before = list_queue(db, 1), list_receivers(db)
    assert before[0] == [(1, 0, "two", NOW + 2 * LEASE_MS)]
    await finish(db, late, 500, at=NOW + LEASE_MS + 1, next_try_at=NOW + 1)
    assert list_queue(db, 1) == before[0]
    assert list_receivers(db)[0][:3] == before[1][0][:3]
    assert read(db, "select * from webhook_tries") == []
    await finish(db, turn, 200)
    assert list_queue(db, 1)[0][:3] == (1, DELIVERED, None)


async def test_what_another_worker_leased_meanwhile_is_not_released(db: Database) -> None:
    await make_quick(db, 1)
    late = await claim_some(db, QUICK)
    await claim_some(db, QUICK, at=NOW + LEASE_MS, worker="two")
    before = list_queue(db, 1)
    assert {each[2] for each in before} == {"two"}
    await finish(db, late, at=NOW + LEASE_MS + 1)
    assert list_queue(db, 1) == before


@pytest.mark.parametrize(("now", "due_at"), [(NOW + 100, NOW), (NOW - 100, NOW - 100)])
async def test_deliveries_without_an_attempt_return_to_the_queue(
    db: Database, now: int, due_at: int
) -> None:
    await make_quick(db, 1)
    await make_quick(db, 2)
    turn, other = sorted(
        [await claim_some(db, QUICK) for _ in range(2)], key=lambda turn: turn.receiver.url
    )
    leased = list_queue(db, 2)
    await finish(db, turn, 204, at=now)
    assert list_queue(db, 1) == [(1, DELIVERED, None, NOW), *((n, 0, None, due_at) for n in (3, 5))]
    assert list_queue(db, 2) == leased
    assert {each.id for each in other.deliveries} == {2, 4, 6}
    assert list_receivers(db)[0] == (1, 0, 1, None, max(now, due_at))
    assert read(db, "select * from webhook_lines where is_quick = 1") == [
        (HOST, 1, max(now, due_at))
    ]


async def test_an_attempt_is_stored_with_all_details(db: Database) -> None:
    turn = await claim_some(db)
    await finish(db, turn, 500, next_try_at=NOW + 5_000)
    columns = "id, status, reason, attempts, step, due_at, ended_at, leased_by"
    sql = f"select {columns} from webhook_deliveries where attempts > 0"  # noqa: S608 - the names above
    assert read(db, sql) == [(1, QUEUED, None, 1, 1, NOW + 5_000, None, None)]
    assert list_receivers(db) == [(1, 1, 0, None, NOW + 100), (2, 0, 0, None, NOW)]
    await run(db, "delete from webhook_receivers where id = 2")
    await run(db, "delete from webhook_deliveries where id in (3, 5)")
    again = await claim_some(db, at=NOW + 5_000)
    assert (again.deliveries[0].attempts, again.deliveries[0].step) == (1, 1)
    await finish(db, again, 200, at=NOW + 5_100)
    assert read(db, sql) == [(1, DELIVERED, None, 2, 1, NOW + 5_000, NOW + 100, None)]
    assert read(db, "select * from webhook_tries order by number") == [
        (1, 1, NOW, 100, 500, None, "Thanks"),
        (1, 2, NOW, 100, 200, None, "Thanks"),
    ]
    assert read(db, "select next_at from webhook_receivers where id = 1") == [(None,)]


async def test_of_two_receivers_on_one_host_the_one_that_failed_is_judged(db: Database) -> None:
    first, second = await claim_some(db), await claim_some(db)
    await finish(db, second, 410)
    await finish(db, first, 200)
    state = "select id, is_quick, stopped_at, busy_until from webhook_receivers order by id"
    assert read(db, state) == [(1, 1, None, None), (2, 0, NOW + 100, None)]


async def test_the_failures_of_one_receiver_do_not_count_for_another(db: Database) -> None:
    first, second = await claim_some(db), await claim_some(db)
    await finish(db, first, 500, next_try_at=NOW + 5_000)
    await finish(db, second, 500, next_try_at=NOW + 5_000)
    assert read(db, "select id, failures from webhook_receivers order by id") == [(1, 1), (2, 1)]


@pytest.mark.parametrize(
    ("status", "next_try_at", "judged"),
    [
        (200, None, (DELIVERED, None)),
        (200, NOW, (DELIVERED, None)),
        (410, NOW, (DEAD, "receiver-stopped")),
        (500, NOW, (QUEUED, None)),
        (500, None, (DEAD, "tries-used-up")),
    ],
)
def test_what_becomes_of_a_delivery(
    status: int, next_try_at: int | None, judged: tuple[int, Reason | None]
) -> None:
    delivery = DueDelivery(id=1, message_id="msg_1", attempts=0, step=0, due_at=NOW, body=b"")
    tried = Tried(delivery=delivery, outcome=make_outcome(status), next_try_at=next_try_at)
    assert judge_delivery(tried) == judged


ENDED = (
    "select id, reason, ended_at, leased_by from webhook_deliveries where status = 2 order by id"
)


async def test_a_stopped_receivers_queue_ends_except_urgent_and_leased_deliveries(
    db: Database,
) -> None:
    await claim_some(db, worker="two")
    await run(db, "update webhook_receivers set stopped_at = $1 where id = 1", NOW)
    await db.write(lambda tx: redeliver(tx, OWNER, 5, NOW))
    await run(db, "delete from webhook_receivers where id = 2")
    assert await claim(db, at=NOW + 7) is None
    assert read(db, ENDED) == [(3, "receiver-stopped", NOW + 7, None)]
    turn = await claim_some(db, at=NOW + 8)
    assert [each.id for each in turn.deliveries] == [5]
    assert list_queue(db, 1)[0] == (1, QUEUED, "two", NOW + LEASE_MS)
    assert list_queue(db, 2) == OTHERS
    ran_out = NOW + 8 + LEASE_MS
    assert await claim(db, at=ran_out) is None
    assert read(db, ENDED)[0] == (1, "receiver-stopped", ran_out, None)


async def test_a_paused_receivers_queue_ends_after_a_week(db: Database) -> None:
    await run(db, "update webhook_receivers set paused_at = $1 where id = 1", NOW)
    await run(db, "update webhook_deliveries set queued_at = $1 where id = 3", NOW + 1)
    await run(db, "update webhook_deliveries set due_at = 0 where id = 5")
    await run(db, "update webhook_receivers set next_at = $1 where id = 2", NOW + 2)
    now = NOW + LONGEST_WAIT_MS
    assert await claim(db, at=now) is None
    assert read(db, ENDED) == [(1, "waited-too-long", now, None)]
    assert list_queue(db, 2) == OTHERS
    await run(db, "update webhook_receivers set next_at = $1 where id = 2", now + 2)
    turn = await claim_some(db, at=now)
    assert [each.id for each in turn.deliveries] == [5]


async def test_a_paused_receivers_leased_delivery_is_left_to_its_worker(
    db: Database,
) -> None:
    await make_quick(db, 1)
    await claim_some(db, QUICK, at=NOW + LONGEST_WAIT_MS, worker="two")
    await run(db, "update webhook_receivers set paused_at = $1, next_at = $1 where id = 1", NOW)
    assert await claim(db, QUICK, at=NOW + LONGEST_WAIT_MS + 1) is None
    assert read(db, ENDED) == []


async def test_one_whose_click_was_removed_ends_and_the_others_are_sent(db: Database) -> None:
    await make_quick(db, 1)
    await run(
        db, "delete from clicks where id = (select click_id from webhook_deliveries where id = 3)"
    )
    turn = await claim_some(db, QUICK)
    assert [each.id for each in turn.deliveries] == [1, 5]
    assert read(db, ENDED) == [(3, "click-removed", NOW, None)]


async def test_a_receiver_that_is_held_has_no_turn_but_for_the_urgent(db: Database) -> None:
    await run(db, "update webhook_receivers set held_until = $1 where id = 1", NOW + 50)
    turn = await claim(db)
    assert turn is None
    assert read(db, "select next_at from webhook_receivers where id = 1") == [(NOW + 50,)]
    await db.write(lambda tx: redeliver(tx, OWNER, 5, NOW))
    await run(db, "update webhook_receivers set next_at = $1 where id = 2", NOW + 1)
    assert [each.id for each in (await claim_some(db)).deliveries] == [5]
    await finish(db, await claim_some(db, at=NOW + 50), 200, at=NOW + 50)
    assert list_receivers(db)[1][0] == 2


async def test_what_a_killed_worker_held_is_free_at_once(db: Database) -> None:
    await run(db, "update webhook_deliveries set receiver_id = 1 where id = 6")
    first, second = await claim_some(db), await claim_some(db)
    assert {first.receiver.id, second.receiver.id} == {1, 2}
    assert await db.write(lambda tx: void_leases(tx, NOW + 9)) == 2
    assert list_queue(db, 1)[0] == (1, 0, None, NOW + 9)
    assert list_queue(db, 2) == [(2, 0, None, NOW + 9), (4, 0, None, NOW)]
    assert list_receivers(db) == [(1, 0, 0, None, NOW + 9), (2, 0, 0, None, NOW + 9)]
    assert read(db, "select * from webhook_lines") == [(HOST, 0, NOW + 9)]
    assert await db.write(lambda tx: void_leases(tx, NOW + 10)) == 0
