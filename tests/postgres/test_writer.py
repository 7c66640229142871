"""Tests the writer's thread: groups, lanes, and the result of each write, also in rare cases."""

# The tests watch the writer's thread.
# pyright: reportPrivateUsage=false

import asyncio
import threading
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from shorty.errors import StorageUnavailableError
from shorty.postgres.connections import COMMAND, name_command
from shorty.postgres.database import PostgresDatabase
from shorty.postgres.lanes import NAMESPACE
from shorty.postgres.numbers import STEP
from shorty.postgres.writer import GROUP
from shorty.storage.database import Lane, Transaction
from tests.postgres.support import (
    ADD,
    PATIENCE_S,
    Work,
    add,
    ask_aside,
    hold_writer,
    list_names,
    send,
    write_as_one_group,
)

pytestmark = pytest.mark.postgres_only
NUMBER = "select groups from writers where node = 'here/main'"
ORPHAN = "insert into parts (thing_id, name) values (7, 'orphan')"


def fail(tx: Transaction) -> None:
    tx.execute(ADD, "failed")
    raise LookupError


async def test_the_writes_of_a_group_share_one_transaction(db: PostgresDatabase, url: str) -> None:
    def find_transaction(tx: Transaction) -> object:
        found = tx.find_one("select cast(pg_current_xact_id() as text) as id")
        assert found is not None
        return found["id"]

    answers = await write_as_one_group(db, *[find_transaction] * GROUP)
    assert len(set(answers)) == 1
    assert ask_aside(url, NUMBER) == [(STEP + 2,)]


async def test_each_write_of_several_groups_gets_its_own_answer(db: PostgresDatabase) -> None:
    wanted = [f"{number:04}" for number in range(2 * GROUP + 1)]
    works = [fail if name == "0100" else add(name) for name in wanted]
    answers = await write_as_one_group(db, *works)
    assert answers == [LookupError if name == "0100" else name for name in wanted]
    assert await list_names(db) == sorted({*wanted} - {"0100"})


async def test_a_write_that_fails_leaves_the_others_of_its_group(db: PostgresDatabase) -> None:
    answers = await write_as_one_group(db, add("a"), add("a"), fail, add("b"), lambda _: None)
    assert answers == ["a", psycopg.errors.UniqueViolation, LookupError, "b", None]
    assert await list_names(db) == ["a", "b"]


@pytest.mark.parametrize(
    "works",
    [
        [send("a"), send("a"), send("b")],
        [send("a"), send("a"), add("b")],
        [send("a"), send("a"), fail, add("b")],
    ],
    ids=["seen at the commit", "seen by another write", "seen after another write failed"],
)
async def test_a_fault_in_what_was_only_sent_is_that_of_its_write(
    db: PostgresDatabase, works: list[Work]
) -> None:
    answers = await write_as_one_group(db, *works)
    assert answers[:2] == ["a", psycopg.errors.UniqueViolation]
    assert answers[-1] == "b"
    assert await list_names(db) == ["a", "b"]


async def test_a_fault_in_what_part_of_a_write_sent_is_that_of_the_part(
    db: PostgresDatabase,
) -> None:
    def work(tx: Transaction) -> str:
        tx.send(ADD, "first")
        try:
            tx.attempt(lambda: tx.send(ADD, "first"))
        except psycopg.errors.UniqueViolation:
            return "told"
        tx.execute(ADD, "second")
        return "not told"

    assert await db.write(work) == "told"
    assert await list_names(db) == ["first"]


async def test_a_constraint_that_fails_at_the_commit_fails_its_write_alone(
    db: PostgresDatabase,
) -> None:
    def orphan(tx: Transaction) -> None:
        tx.execute("set constraints all deferred")
        tx.execute(ORPHAN)

    answers = await write_as_one_group(db, add("a"), orphan, add("b"))
    assert answers == ["a", psycopg.errors.ForeignKeyViolation, "b"]
    assert await list_names(db) == ["a", "b"]


async def test_a_deadlock_runs_each_write_again(db: PostgresDatabase, url: str) -> None:
    await write_as_one_group(db, add("a"), add("b"))
    update = "update things set size = coalesce(size, 0) + 1 where name = $1"
    with closing(psycopg.connect(url)) as other:
        other.execute("update things set size = 10 where name = 'b'")
        is_first = threading.Event()

        def take_both(tx: Transaction) -> int:
            tx.execute(update, "a")
            is_first.set()
            return tx.execute(update, "b")

        tasks = [asyncio.create_task(db.write(work)) for work in (add("c"), take_both)]
        await asyncio.to_thread(is_first.wait, PATIENCE_S)
        try:  # one of the two is chosen to fail, and shorty's is repeated if it is that
            await asyncio.to_thread(other.execute, "update things set size = 20 where name = 'a'")
            other.commit()
        except psycopg.errors.DeadlockDetected:
            other.rollback()
        assert await asyncio.gather(*tasks) == ["c", 1]
    found = await db.find_one("select size from things where name = 'b'")
    assert found is not None
    assert found["size"] in {1, 11}


async def test_a_write_goes_on_without_its_caller(db: PostgresDatabase) -> None:
    followed: list[str] = []

    def work(tx: Transaction) -> None:
        add("a")(tx)
        tx.after_commit(lambda: followed.append("a"))

    async with hold_writer(db):
        task = asyncio.create_task(db.write(work))
        await asyncio.sleep(0)
        task.cancel()
    await db.write(add("b"))
    assert task.cancelled()
    assert (await list_names(db), followed) == (["a", "b"], ["a"])


async def test_closing_finishes_what_was_queued(url: str, tmp_path: Path) -> None:
    db = PostgresDatabase(url, "here", tmp_path)
    async with hold_writer(db):
        tasks = [asyncio.create_task(db.write(add(f"{number:03}"))) for number in range(200)]
        await asyncio.sleep(0)
        closing_it = asyncio.create_task(db.close())
        await asyncio.sleep(0)
    await asyncio.gather(closing_it, *tasks)
    assert ask_aside(url, "select count(*) from things") == [(200,)]


async def test_a_statement_that_takes_too_long_fails_its_write_alone(
    db: PostgresDatabase,
) -> None:
    def sleep(tx: Transaction) -> None:
        tx.execute("set local statement_timeout = '50ms'")
        tx.execute("select pg_sleep(60)")

    answers = await write_as_one_group(db, add("a"), sleep, add("b"))
    assert answers == ["a", StorageUnavailableError, "b"]
    assert await list_names(db) == ["a", "b"]


async def test_a_lane_that_another_session_keeps_fails_the_group(
    db: PostgresDatabase, url: str
) -> None:
    await db.write(lambda tx: tx.execute("set lock_timeout = '50ms'"))
    with closing(psycopg.connect(url)) as other:
        other.execute(f"select pg_advisory_lock({NAMESPACE}, {Lane.MAIN:d})".encode())
        tasks = [asyncio.create_task(db.write(work)) for work in (add("a"), send("b"), fail)]
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(each) for each in answers] == [StorageUnavailableError] * 3
    assert await db.write(add("d")) == "d"
    assert await list_names(db) == ["d"]


async def test_writes_are_refused_when_another_process_takes_the_name(
    db: PostgresDatabase, url: str, tmp_path: Path
) -> None:
    await db.write(add("a"))
    assert db.is_in_place()
    other = PostgresDatabase(url, "here", tmp_path)
    await other.write(add("b"))
    for _ in range(2):
        with pytest.raises(StorageUnavailableError):
            await db.write(add("c"))
    assert not db.is_in_place()
    await other.write(add("d"))
    await other.close()
    assert await list_names(db) == ["a", "b", "d"]


async def test_a_row_that_was_deleted_is_put_back(db: PostgresDatabase, url: str) -> None:
    await write_as_one_group(db, add("a"))
    ask_aside(url, "delete from writers")
    assert await db.write(add("b")) == "b"
    assert ask_aside(url, NUMBER) == [(STEP + 3,)]


async def test_a_database_that_went_back_is_written_again(db: PostgresDatabase, url: str) -> None:
    """As after the loss of a server whose replica had not received everything."""
    await write_as_one_group(db, add("a"))
    ask_aside(url, "update writers set groups = groups - 2")
    assert await db.write(add("b")) == "b"
    assert ask_aside(url, NUMBER) == [(STEP + 1,)]


async def test_a_command_has_a_row_of_its_own_until_another_runs_days_later(
    url: str, tmp_path: Path
) -> None:
    for name in ("first", "second"):
        command = PostgresDatabase(url, name_command(), tmp_path)
        await command.find_all("select 1")
        assert len(ask_aside(url, "select 1 from writers")) == (name == "second")
        await command.write(add(name))
        await command.close()
        assert len(ask_aside(url, "select 1 from writers")) == 1 + (name == "second")
    ask_aside(url, "update writers set added_at = added_at - 86400001")
    ask_aside(url, "insert into writers values ('here', 1, 0)")
    command = PostgresDatabase(url, name_command(), tmp_path)
    await command.write(add("third"))
    await command.close()
    names = sorted(row[0] for row in ask_aside(url, "select node from writers"))
    assert len(names) == 2
    assert names[0].startswith(COMMAND)
    assert names[1] == "here"
