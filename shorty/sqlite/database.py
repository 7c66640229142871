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
from shorty.sqlite.connections import connect, describe_failure, number_parameters
from shorty.sqlite.migrations import list_migrations
from shorty.sqlite.search import SQLITE
from shorty.sqlite.snapshot import SqliteSnapshot, hold_snapshot
from shorty.sqlite.writer import PATIENCE_S, OpenedFile, Writer
from shorty.storage.changes import AnythingChanged, Hear, Subscribers
from shorty.storage.database import Lane, LaneHolder, Reader, Row, Transaction, Value
from shorty.storage.write_queue import Job

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

T = TypeVar("T")

READERS: Final = 3
NODE: Final = "local"  # a file has one node, whatever the host is called


class QuickReader:
    """Reads in the calling thread, whichever it is: about 10 µs by key."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def find_one(self, sql: str, *parameters: Value) -> Row | None:
        rows = self.find_all(sql, *parameters)
        return rows[0] if rows else None

    def find_all(self, sql: str, *parameters: Value) -> list[Row]:
        try:
            with self._lock:
                return self._connection.execute(number_parameters(sql), parameters).fetchall()
        except sqlite3.Error as error:
            raise describe_failure(error) from error


class SqliteDatabase:
    """`storage.database.Database` over one file. Look-ups read in the calling thread."""

    dialect = SQLITE
    node = NODE
    notice_s = 0.5
    # No other process serves this file.
    can_cache = True
    stale_s = 0.0
    is_keeper = True
    live_nodes = 1

    def __init__(
        self,
        path: Path,
        folder: Path,
        writer: sqlite3.Connection,
        quick: sqlite3.Connection,
        readers: list[aiosqlite.Connection],
        patience_s: float,
        opened: AsyncExitStack,
    ) -> None:
        self.path = path
        self.name = str(path)
        self._folder = folder
        self._file = OpenedFile(path)
        self._subscribers = Subscribers()
        self._data_version = -1
        self._writer = Writer(writer, self._file, self._subscribers, patience_s)
        self.here = QuickReader(quick)
        self._opened = opened
        self._idle: asyncio.Queue[aiosqlite.Connection] = asyncio.Queue()
        for reader in readers:
            self._idle.put_nowait(reader)
        self._writer.start()

    @classmethod
    async def open(
        cls, path: Path, *, folder: Path | None = None, patience_s: float = PATIENCE_S
    ) -> "SqliteDatabase":
        """Opens a database whose schema is up to date (see `migrations.prepare_database`).

        The node's own files are in `folder`, by default beside the database. A write waits up to
        `patience_s` for another process's lock.
        """
        async with AsyncExitStack() as opened:  # closes them where a later one cannot be opened
            writer = opened.enter_context(closing(connect(path)))
            quick = opened.enter_context(closing(connect(path, read_only=True)))
            readers = [
                await opened.enter_async_context(_prepare_reader(path)) for _ in range(READERS)
            ]
            return cls(
                path, folder or path.parent, writer, quick, readers, patience_s, opened.pop_all()
            )

    @property
    def newest_schema(self) -> int:
        return list_migrations()[-1].version

    def place(self, ending: str) -> Path:
        return self._folder / f"{self.path.name}.{ending}"

    async def write(
        self,
        work: Callable[[Transaction], T],
        *_lanes: Lane,
        asked_at: float | None = None,
    ) -> T:
        """Also raises StorageUnavailableError if the database's file was replaced."""
        return await self._send(work, asked_at, in_transaction=True)

    async def run_alone(self, sql: str, *parameters: Value) -> list[Row]:
        return await self._send(lambda tx: tx.find_all(sql, *parameters), in_transaction=True)

    def subscribe(self, hear: Hear) -> None:
        self._subscribers.add(hear)

    async def join(self, describe: Callable[[], str]) -> None:
        """The lock of the file is `serve`'s to take."""

    async def notice_changes(self) -> None:
        version = await self.find_data_version()
        if version != self._data_version:
            self._data_version = version
            self._subscribers.publish([AnythingChanged()])

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

    @asynccontextmanager
    async def open_snapshot(self) -> "AsyncGenerator[SqliteSnapshot]":
        """Reserves a reader until the end."""
        async with self.borrow_reader() as reader, hold_snapshot(reader) as snapshot:
            yield snapshot

    async def read(self, work: Callable[[Reader], T]) -> T:
        return work(self.here)

    async def read_by_key(self, work: Callable[[Reader], T]) -> T:
        return work(self.here)

    async def keep_day_key(self, day: int, fresh: bytes, oldest: int) -> None:  # noqa: ARG002
        return None

    async def list_lane_holders(self) -> list[LaneHolder]:
        return []

    async def is_readable(self) -> bool:
        try:
            found = self.here.find_all("select count(*) as migrations from schema_migrations")
        except StorageUnavailableError:
            return False
        return bool(found)

    def is_in_place(self) -> bool:
        """Whether the path is still the file that was opened; otherwise writes are refused."""
        return self._file.is_in_place()

    async def close(self) -> None:
        """Finishes the queued writes, then closes every connection."""
        self._writer.queue.close()
        await asyncio.to_thread(self._writer.join)
        await self._opened.aclose()


def _prepare_reader(path: Path) -> aiosqlite.Connection:
    """Opened, in a thread of its own, when it is entered."""
    return aiosqlite.Connection(lambda: connect(path, read_only=True), iter_chunk_size=256)
