"""Tests the writer's thread: the result of each write of a group, also in rare cases."""

# The tests block the writer's thread, and watch and obstruct its connection.
# pyright: reportPrivateUsage=false

import asyncio
import sqlite3
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, closing
from typing import Final

import pytest

from shorty.errors import StorageUnavailableError
from shorty.sqlite.connections import connect
from shorty.sqlite.database import SqliteDatabase
from shorty.sqlite.writer import BATCH
from shorty.storage.database import Transaction

PATIENCE_S: Final = 20
ADD: Final = "insert into server_state (name, value) values ($1, $2)"
ORPHAN: Final = (
    "insert into members (workspace_id, user_id, role, created_at) values (7, 7, 'owner', 0)"
)
TOO_LARGE: Final = 2**63

Work = Callable[[Transaction], object]


@asynccontextmanager
async def hold_writer(db: SqliteDatabase, *, is_locked: bool = True) -> AsyncGenerator[None]:
    """Writes inside the block form one group, which runs after the block.

    Another process may lock the database meanwhile, unless this one already has.
    """
    is_held, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def hold(_: Transaction) -> None:
        loop.call_soon_threadsafe(is_held.set)
        assert go_on.wait(PATIENCE_S)

    holding = asyncio.ensure_future(db._send(hold, in_transaction=is_locked))
    await is_held.wait()
    try:
        yield
    finally:
        go_on.set()
        await holding


async def ask(db: SqliteDatabase, *works: Work) -> list[asyncio.Task[object]]:
    tasks = [asyncio.create_task(db.write(work)) for work in works]
    await asyncio.sleep(0)
    return tasks


async def write_as_one_group(db: SqliteDatabase, *works: Work) -> list[object]:
    """Each result, or the kind of the error."""
    async with hold_writer(db):
        tasks = await ask(db, *works)
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    return [type(each) if isinstance(each, BaseException) else each for each in answers]


def add(name: str) -> Work:
    """Adds a row at once and another one late, and returns the name."""

    def work(tx: Transaction) -> str:
        tx.execute_late(ADD, f"{name} late", "")
        tx.execute(ADD, name, "")
        return name

    return work


async def list_names(db: SqliteDatabase) -> list[str]:
    return [row["name"] for row in await db.find_all("select name from server_state order by name")]


async def fill_disk(db: SqliteDatabase) -> None:
    """Prevents the file from growing from now on."""
    pages = await db.write(lambda tx: tx.find_one("pragma page_count"))
    assert pages is not None
    await db.write(lambda tx: tx.find_one(f"pragma max_page_count = {pages[0]}"))


def write_too_much(tx: Transaction) -> None:
    tx.execute_late(ADD, "much late", "")
    tx.execute(ADD, "much", "x" * 1_000_000)


def write_too_much_and_explain(tx: Transaction) -> None:
    try:
        write_too_much(tx)
    except sqlite3.OperationalError as error:
        raise LookupError("in words of its own") from error


def write_too_much_and_be_content(tx: Transaction) -> str:
    try:
        write_too_much(tx)
    except sqlite3.OperationalError:
        return "done"
    raise AssertionError("the disk is not full")


@pytest.mark.parametrize(
    ("meet", "own"),
    [
        (write_too_much, StorageUnavailableError),
        (write_too_much_and_explain, LookupError),
        (write_too_much_and_be_content, StorageUnavailableError),
    ],
)
async def test_writes_rolled_back_with_another_fail_and_later_ones_run(
    db: SqliteDatabase, meet: Work, own: type[Exception]
) -> None:
    await fill_disk(db)
    answers = await write_as_one_group(db, add("before"), meet, add("behind"), add("last"))
    assert answers == [StorageUnavailableError, own, "behind", "last"]
    assert await list_names(db) == ["behind", "behind late", "last", "last late"]


async def test_a_write_that_failed_by_itself_keeps_its_error_when_all_is_rolled_back(
    db: SqliteDatabase,
) -> None:
    def fail(tx: Transaction) -> None:
        raise LookupError

    await fill_disk(db)
    answers = await write_as_one_group(db, fail, add("before"), write_too_much)
    assert answers == [LookupError, StorageUnavailableError, StorageUnavailableError]
    assert await list_names(db) == []


async def test_each_write_of_several_groups_gets_its_own_answer(db: SqliteDatabase) -> None:
    wanted = [f"{number:04}" for number in range(2 * BATCH + 1)]

    def fail(tx: Transaction) -> None:
        add("failed")(tx)
        raise LookupError

    works = [fail if name == "0300" else add(name) for name in wanted]
    answers = await write_as_one_group(db, *works)
    assert answers == [LookupError if name == "0300" else name for name in wanted]
    kept = await list_names(db)
    assert kept == sorted({*wanted, *(f"{name} late" for name in wanted)} - {"0300", "0300 late"})


async def test_a_group_is_committed_once_and_no_larger_than_its_limit(db: SqliteDatabase) -> None:
    ran: list[str] = []
    async with hold_writer(db):
        tasks = await ask(db, *(add(f"{number:04}") for number in range(BATCH + 1)))
        db._writer.connection.set_trace_callback(lambda sql: ran.append(sql.lower()))
    await asyncio.gather(*tasks)
    db._writer.connection.set_trace_callback(None)
    ends = [number for number, sql in enumerate(ran) if sql == "commit"]
    assert len(ends) == 3  # of the blocking write, of the first group, of the second
    starts = [number for number, sql in enumerate(ran) if sql.startswith("savepoint")]
    assert sum(ends[0] < number < ends[1] for number in starts) == BATCH
    assert sum(ends[1] < number < ends[2] for number in starts) == 1


def leave_late(*parameters: str | int) -> Work:
    return lambda tx: tx.execute_late(ADD, *parameters)


def leave_orphan(tx: Transaction) -> None:
    """Refused only at the commit."""
    tx.execute("pragma defer_foreign_keys = on")
    tx.execute(ORPHAN)


@pytest.mark.parametrize(
    ("last", "error"),
    [
        (leave_late("before", ""), sqlite3.IntegrityError),
        (leave_late("large", TOO_LARGE), OverflowError),
        (leave_late("odd", "\ud800"), UnicodeEncodeError),
        (leave_late("too few"), sqlite3.ProgrammingError),
        (leave_orphan, sqlite3.IntegrityError),
    ],
)
async def test_a_commit_that_fails_keeps_nothing_and_the_next_group_is_written(
    db: SqliteDatabase, last: Work, error: type[Exception]
) -> None:
    assert await write_as_one_group(db, add("before"), last) == [error, error]
    assert await list_names(db) == []
    assert await write_as_one_group(db, add("next")) == ["next"]
    assert await list_names(db) == ["next", "next late"]


async def test_a_cancelled_callers_write_continues_and_others_are_answered(
    db: SqliteDatabase,
) -> None:
    def fail(tx: Transaction) -> None:
        raise LookupError

    async with hold_writer(db):
        tasks = await ask(db, add("first"), add("gone"), fail, add("last"))
        for task in tasks[1:3]:
            task.cancel()
        await asyncio.wait(tasks[1:3])
    assert [await tasks[0], await tasks[3]] == ["first", "last"]
    assert [task.cancelled() for task in tasks] == [False, True, True, False]
    names = ["first", "gone", "last"]
    assert await list_names(db) == sorted([*names, *(f"{name} late" for name in names)])


async def test_what_only_reads_does_not_wait_for_another_process_as_its_group_does(
    db: SqliteDatabase,
) -> None:
    with closing(connect(db.path)) as other:
        async with hold_writer(db, is_locked=False):
            other.execute("begin immediate")
            (write,) = await ask(db, add("a"))
            version = asyncio.create_task(db.find_data_version())
            await asyncio.sleep(0)
        assert await version > 0
        assert not write.done()
    assert await write == "a"


async def test_writes_that_cannot_begin_fail_and_later_ones_do_not(db: SqliteDatabase) -> None:
    db._writer.connection.execute("pragma query_only = on")
    for name in ("a", "b"):
        with pytest.raises(StorageUnavailableError):
            await db.write(add(name))
    db._writer.connection.execute("pragma query_only = off")
    assert await db.write(add("c")) == "c"
    assert await list_names(db) == ["c", "c late"]


async def test_a_question_that_fails_fails_alone_and_as_a_write_does(db: SqliteDatabase) -> None:
    def fail(_: Transaction) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    async with hold_writer(db):
        failing = asyncio.create_task(db._send(fail, in_transaction=False))
        version = asyncio.create_task(db.find_data_version())
        (written,) = await ask(db, add("a"))
    with pytest.raises(StorageUnavailableError):
        await failing
    assert await version > 0
    assert await written == "a"
