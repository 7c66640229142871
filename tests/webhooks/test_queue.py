"""The lines in which receivers wait, each time with others beside the one that moves."""

from typing import Any

import pytest

from shorty.storage.database import Database, Transaction
from shorty.webhooks import queue
from shorty.webhooks.model import URGENT, Health
from shorty.webhooks.queue import Line
from tests.reading import reader
from tests.support import NOW

ONE, TWO = Line(host="one.example", is_quick=False), Line(host="two.example", is_quick=False)
QUICK = Line(host="one.example", is_quick=True)


@pytest.fixture
async def db(db: Database) -> Database:
    """Receivers 1 and 2 on one host, 3 on another, and 4, a quick one, on the first; none waits."""

    def work(tx: Transaction) -> None:
        tx.execute("insert into workspaces (id, name, plan, created_at) values (1, 'W', '', 0)")
        for receiver_id, line in enumerate((ONE, ONE, TWO, QUICK), start=1):
            tx.execute(
                "insert into webhook_receivers (id, workspace_id, url, host, is_quick, created_at)"
                " values ($1, 1, $2, $3, $4, 0)",
                receiver_id,
                f"https://{line.host}/{receiver_id}",
                line.host,
                int(line.is_quick),
            )

    await db.write(work)
    return db


async def line_up(db: Database, *times: tuple[int, int]) -> None:
    def work(tx: Transaction) -> None:
        for receiver_id, at in times:
            queue.line_up(tx, receiver_id, at)

    await db.write(work)


def read(db: Database, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in reader(db).find_all(sql)]


def list_lines(db: Database) -> list[tuple[Any, ...]]:
    return read(db, "select host, is_quick, next_at from webhook_lines order by host, is_quick")


RECEIVERS = "select id, next_at, busy_until from webhook_receivers order by id"


async def test_queueing_one_receiver_moves_no_other(db: Database) -> None:
    await line_up(db, (2, NOW), (4, NOW + 5))
    assert read(db, RECEIVERS) == [
        (1, None, None),
        (2, NOW, None),
        (3, None, None),
        (4, NOW + 5, None),
    ]
    assert list_lines(db) == [("one.example", 0, NOW), ("one.example", 1, NOW + 5)]


async def test_a_time_in_line_is_brought_forward_and_never_put_off(db: Database) -> None:
    await line_up(db, (1, NOW + 9), (1, NOW + 3), (1, NOW + 5), (2, NOW + 7), (3, NOW + 8))
    assert [row[1] for row in read(db, RECEIVERS)] == [NOW + 3, NOW + 7, NOW + 8, None]
    assert list_lines(db) == [("one.example", 0, NOW + 3), ("two.example", 0, NOW + 8)]


async def test_who_lines_up_brings_no_other_line_back_that_has_had_its_turn(db: Database) -> None:
    await line_up(db, (1, NOW))
    await db.write(lambda tx: queue.move_line(tx, ONE, NOW + 2))
    await line_up(db, (3, NOW + 9))
    assert list_lines(db) == [("one.example", 0, NOW + 2), ("two.example", 0, NOW + 9)]


async def test_who_has_waited_longest_is_next(db: Database) -> None:
    await line_up(db, (1, NOW + 2), (2, NOW + 1), (3, NOW), (4, NOW + 2))
    find = queue.find_due_lines
    assert await find(db, NOW + 2, is_quick=False, limit=9) == [TWO, ONE]
    assert await find(db, NOW + 2, is_quick=False, limit=1) == [TWO]
    assert await find(db, NOW, is_quick=False, limit=9) == [TWO]
    assert await find(db, NOW + 2, is_quick=True, limit=9) == [QUICK]
    assert await find(db, NOW + 1, is_quick=True, limit=9) == []

    def find_first(line: Line, now: int) -> int | None:
        row = reader(db).find_one(queue.FIND_FIRST_RECEIVER, line.host, int(line.is_quick), now)
        return None if row is None else row["id"]

    assert find_first(ONE, NOW + 2) == 2
    assert find_first(ONE, NOW) is None
    assert (find_first(TWO, NOW), find_first(QUICK, NOW + 2)) == (3, 4)


@pytest.mark.parametrize(
    ("looked_at", "next_at"), [(0, NOW + 3), (3, NOW + 5), (5, NOW + 8), (8, None)]
)
async def test_the_next_time_is_that_of_either_kind(
    db: Database, looked_at: int, next_at: int | None
) -> None:
    await line_up(db, (1, NOW), (3, NOW + 5), (4, NOW + 3))
    await line_up(db, (1, NOW))
    await db.write(
        lambda tx: tx.execute(
            "update webhook_lines set next_at = $1 where host = $2 and is_quick = 0",
            NOW + 8,
            ONE.host,
        )
    )
    assert await queue.find_next_time(db, NOW + looked_at) == next_at


async def test_a_line_moves_to_the_time_of_its_first_and_never_before_now(db: Database) -> None:
    await line_up(db, (1, NOW), (2, NOW + 4), (3, NOW), (4, NOW))
    await db.write(lambda tx: queue.move_line(tx, ONE, NOW + 2))
    others = [("one.example", 1, NOW), ("two.example", 0, NOW)]
    assert list_lines(db) == [("one.example", 0, NOW + 2), *others]
    await db.write(lambda tx: queue.move_receiver(tx, 1, Health(), None, NOW))
    await db.write(lambda tx: queue.move_line(tx, ONE, NOW + 2))
    assert list_lines(db) == [("one.example", 0, NOW + 4), *others]
    await db.write(lambda tx: queue.move_receiver(tx, 2, Health(), NOW + 6, NOW))
    await db.write(lambda tx: queue.move_line(tx, ONE, NOW + 2))
    assert list_lines(db) == others
    assert read(db, RECEIVERS) == [
        (1, None, None),
        (2, None, NOW + 6),
        (3, NOW, None),
        (4, NOW, None),
    ]


async def test_a_receivers_place_is_that_of_its_own_queue(db: Database) -> None:
    insert = (
        "insert into webhook_deliveries (message_id, workspace_id, receiver_id, status, due_at,"
        " created_at, queued_at) values ('', 1, $1, $2, $3, 0, 0)"
    )
    rows = [(1, 0, NOW + 7), (1, 0, NOW + 6), (1, 1, NOW + 1), (2, 0, NOW + 2)]
    await db.write(lambda tx: tx.execute_many(insert, rows))
    await db.write(lambda tx: queue.move_receiver(tx, 1, Health(), NOW + 3, NOW))
    assert read(db, RECEIVERS)[:2] == [(1, NOW + 6, NOW + 3), (2, None, None)]


@pytest.mark.parametrize(
    ("first_due", "health", "busy_until", "next_at"),
    [
        (None, Health(held_until=NOW + 5), NOW + 9, None),
        (URGENT, Health(held_until=NOW + 5), NOW + 9, NOW),
        (NOW - 5, Health(), None, NOW),
        (NOW + 5, Health(), None, NOW + 5),
        (NOW + 5, Health(held_until=NOW + 7), NOW + 6, NOW + 7),
        (NOW + 5, Health(held_until=NOW + 7), NOW + 8, NOW + 8),
        (NOW - 5, Health(held_until=NOW + 7, stopped_at=NOW), None, NOW),
        (NOW - 5, Health(held_until=NOW + 7, stopped_at=NOW), NOW + 3, NOW + 3),
    ],
)
def test_when_a_queue_is_looked_at(
    first_due: int | None, health: Health, busy_until: int | None, next_at: int | None
) -> None:
    assert queue.plan_look(first_due, health, busy_until, NOW) == next_at
