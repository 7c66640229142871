"""Owns the SQLite file: one writer thread and a few readers."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Final, TypeVar

import aiosqlite

from shorty.errors import StorageUnavailableError
from shorty.storage.connections import (
    Row,
    Value,
    connect,
    describe_failure,
    number_parameters,
)
from shorty.storage.transaction import Transaction
from shorty.storage.writer import PATIENCE_S, Job, OpenedFile, Writer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

__all__ = ["Database", "Row", "Transaction", "Value"]

T = TypeVar("T")

READERS: Final = 3


class Database:
    """The open database: `write` changes it, `find_…` awaits a read, `look_up…` reads at once."""

    def __init__(
        self,
        path: Path,
        writer: sqlite3.Connection,
        quick: sqlite3.Connection,
        readers: list[aiosqlite.Connection],
        patience_s: float,
        opened: AsyncExitStack,
    ) -> None:
        self.path = path
        self._file = OpenedFile(path)
        self._writer = Writer(writer, self._file, patience_s)
        self._quick = quick
        self._quick_lock = threading.Lock()
        self._opened = opened
        self._idle: asyncio.Queue[aiosqlite.Connection] = asyncio.Queue()
        for reader in readers:
            self._idle.put_nowait(reader)
        self._writer.start()

    @classmethod
    async def open(cls, path: Path, patience_s: float = PATIENCE_S) -> "Database":
        """Opens a database whose schema is up to date (see `migrations.prepare_database`).

        A write waits up to `patience_s` for another process's lock.
        """
        async with AsyncExitStack() as opened:  # closes them where a later one cannot be opened
            writer = opened.enter_context(closing(connect(path)))
            quick = opened.enter_context(closing(connect(path, read_only=True)))
            readers = [
                await opened.enter_async_context(_prepare_reader(path)) for _ in range(READERS)
            ]
            return cls(path, writer, quick, readers, patience_s, opened.pop_all())

    async def write(self, work: Callable[[Transaction], T], asked_at: float | None = None) -> T:
        """Runs `work` in the writer's thread, inside a transaction; returns after the commit.

        Raises what `work` raises, and then keeps none of its changes. Raises
        StorageUnavailableError if the database is locked, full or broken, or its file was replaced.
        The wait for a lock is measured from `asked_at`, a monotonic time, or from now.
        """
        return await self._send(work, asked_at, in_transaction=True)

    async def find_data_version(self) -> int:
        """A number that changes if and only if another process has committed."""

        def ask(tx: Transaction) -> int:
            row = tx.find_one("pragma data_version")
            return row[0] if row else 0

        return await self._send(ask, in_transaction=False)

    async def _send(
        self,
        work: Callable[[Transaction], T],
        asked_at: float | None = None,
        *,
        in_transaction: bool,
    ) -> T:
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        job = Job(work, future, asked_at or monotonic(), in_transaction=in_transaction)
        self._writer.queue.put(job)
        # If the caller is cancelled, the write continues and its result is dropped.
        return await future  # pyright: ignore[reportReturnType]

    async def find_one(self, sql: str, *parameters: Value) -> Row | None:
        rows = await self.find_all(sql, *parameters)
        return rows[0] if rows else None

    async def find_all(self, sql: str, *parameters: Value) -> list[Row]:
        async with self.borrow_reader() as reader:
            try:
                return list(await reader.execute_fetchall(number_parameters(sql), parameters))
            except sqlite3.Error as error:
                raise describe_failure(error) from error

    @asynccontextmanager
    async def borrow_reader(self) -> "AsyncGenerator[aiosqlite.Connection]":
        """Reserves a reader, for example to stream rows."""
        reader = await self._idle.get()
        try:
            yield reader
        finally:
            self._idle.put_nowait(reader)

    def look_up(self, sql: str, *parameters: Value) -> Row | None:
        """Reads in the calling thread, about 10 µs by key: for reads that a visitor waits for."""
        rows = self.look_up_all(sql, *parameters)
        return rows[0] if rows else None

    def look_up_all(self, sql: str, *parameters: Value) -> list[Row]:
        try:
            with self._quick_lock:
                return self._quick.execute(number_parameters(sql), parameters).fetchall()
        except sqlite3.Error as error:
            raise describe_failure(error) from error

    def is_readable(self) -> bool:
        try:
            return bool(self.look_up("select count(*) as migrations from schema_migrations"))
        except StorageUnavailableError:
            return False

    def is_in_place(self) -> bool:
        """Whether the path is still the file that was opened; otherwise writes are refused."""
        return self._file.is_in_place()

    async def close(self) -> None:
        """Finishes the queued writes, then closes every connection."""
        self._writer.queue.put(None)
        await asyncio.to_thread(self._writer.join)
        await self._opened.aclose()


def _prepare_reader(path: Path) -> aiosqlite.Connection:
    """Opened, in a thread of its own, when it is entered."""
    return aiosqlite.Connection(lambda: connect(path, read_only=True), iter_chunk_size=256)
