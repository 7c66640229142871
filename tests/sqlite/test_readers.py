"""The database's few readers are returned however their use ends, and read the current state."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import pytest

from shorty.errors import StorageUnavailableError
from shorty.sqlite.database import READERS, SqliteDatabase

PATIENCE_S = 20
ADD = "insert into server_state (name, value) values ($1, '')"
NAMES = "select name from server_state"

Way = Callable[[SqliteDatabase], Awaitable[object]]


class GivingUpError(Exception):
    """An exception that a caller raises in the middle."""


async def succeed(db: SqliteDatabase) -> None:
    await db.find_all(NAMES)


async def fail(db: SqliteDatabase) -> None:
    with pytest.raises(StorageUnavailableError):
        await db.find_all("select no_such_column from server_state")


async def raise_in_a_block(db: SqliteDatabase) -> None:
    with suppress(GivingUpError):
        async with db.borrow_reader():
            raise GivingUpError


async def take_a_snapshot(db: SqliteDatabase) -> None:
    async with db.open_snapshot() as snapshot:
        await snapshot.find_all(NAMES)


async def raise_in_a_snapshot(db: SqliteDatabase) -> None:
    with suppress(GivingUpError):
        async with db.open_snapshot() as snapshot:
            await snapshot.find_all(NAMES)
            raise GivingUpError


async def fail_in_a_snapshot(db: SqliteDatabase) -> None:
    with pytest.raises(StorageUnavailableError):
        async with db.open_snapshot() as snapshot:
            await snapshot.find_all("select no_such_column from server_state")


async def end_the_snapshot_itself(db: SqliteDatabase) -> None:
    async with db.open_snapshot() as snapshot:
        await snapshot.find_all("rollback")


async def read_pieces_of_a_snapshot(db: SqliteDatabase) -> list[object]:
    async with db.open_snapshot() as snapshot:
        return [piece async for piece in snapshot.read_pieces(NAMES, size=1)]


async def leave_pieces_unread(db: SqliteDatabase) -> None:
    async with db.open_snapshot() as snapshot:
        pieces = snapshot.read_pieces(NAMES, size=1)
        assert len(await anext(pieces)) == 1
        await pieces.aclose()


def cancel(work: Callable[[SqliteDatabase], Any]) -> Way:
    """Cancels it at the first step that runs in another thread."""

    async def run(db: SqliteDatabase) -> None:
        task = asyncio.ensure_future(work(db))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()

    run.__name__ = f"cancel_{work.__name__}"
    return run


async def cancel_in_a_snapshot(db: SqliteDatabase) -> None:
    is_in = asyncio.Event()

    async def wait() -> None:
        async with db.open_snapshot() as snapshot:
            await snapshot.find_all(NAMES)
            is_in.set()
            await asyncio.Event().wait()

    task = asyncio.ensure_future(wait())
    await is_in.wait()
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()


WAYS: list[Way] = [
    succeed,
    fail,
    raise_in_a_block,
    take_a_snapshot,
    raise_in_a_snapshot,
    fail_in_a_snapshot,
    end_the_snapshot_itself,
    read_pieces_of_a_snapshot,
    leave_pieces_unread,
    cancel(succeed),
    cancel(take_a_snapshot),
    cancel_in_a_snapshot,
]


@asynccontextmanager
async def borrow_all(db: SqliteDatabase) -> AsyncGenerator[list[Any]]:
    async with AsyncExitStack() as stack, asyncio.timeout(PATIENCE_S):
        yield [await stack.enter_async_context(db.borrow_reader()) for _ in range(READERS)]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_a_returned_reader_reads_the_current_state(db: SqliteDatabase, way: Way) -> None:
    await db.write(lambda tx: tx.execute(ADD, "before"))
    for _ in range(2 * READERS + 1):
        async with asyncio.timeout(PATIENCE_S):
            await way(db)
    await db.write(lambda tx: tx.execute(ADD, "after"))
    async with borrow_all(db) as readers:
        assert len({id(reader) for reader in readers}) == READERS
        for reader in readers:
            found = await reader.execute_fetchall(f"{NAMES} order by name")
            assert [row["name"] for row in found] == ["after", "before"]
            assert not reader.in_transaction


async def test_a_cancelled_wait_for_a_reader_keeps_none(db: SqliteDatabase) -> None:
    async with borrow_all(db):
        waiting = [asyncio.ensure_future(db.find_all(NAMES)) for _ in range(READERS)]
        await asyncio.sleep(0)
        for task in waiting[:2]:
            task.cancel()
        await asyncio.wait(waiting[:2])
    assert await asyncio.wait_for(waiting[2], PATIENCE_S) == []
    async with borrow_all(db) as readers:
        assert len(readers) == READERS


async def test_a_snapshot_stays_as_it_was(db: SqliteDatabase) -> None:
    async with db.open_snapshot() as snapshot:
        assert await snapshot.find_all(NAMES) == []
        await db.write(lambda tx: tx.execute(ADD, "meanwhile"))
        assert await snapshot.find_all(NAMES) == []
    assert len(await db.find_all(NAMES)) == 1


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (4, [2, 2]), (5, [2, 2, 1])])
async def test_pieces_have_their_size_and_the_last_one_the_rest(
    db: SqliteDatabase, count: int, sizes: list[int]
) -> None:
    names = [f"{number}" for number in range(count)]
    for name in names:
        await db.write(lambda tx, name=name: tx.execute(ADD, name))
    async with db.open_snapshot() as snapshot:
        read = snapshot.read_pieces(f"{NAMES} where name >= $1 order by name", "0", size=2)
        pieces = [[row["name"] for row in piece] async for piece in read]
    assert [len(piece) for piece in pieces] == sizes
    assert [name for piece in pieces for name in piece] == names


async def test_unreadable_pieces_raise_like_other_reads(db: SqliteDatabase) -> None:
    async with db.open_snapshot() as snapshot:
        with pytest.raises(StorageUnavailableError):
            await anext(snapshot.read_pieces("select no_such_column from server_state", size=1))
