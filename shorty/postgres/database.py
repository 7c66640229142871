"""A database of a PostgreSQL server: a writer for each lane, and connections that read."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import TypeVar

from shorty.errors import StorageUnavailableError
from shorty.postgres.connections import name_lane, write_conninfo, write_name
from shorty.postgres.lanes import (
    LIST_HOLDERS,
    NAMESPACE,
    LaneHolder,
    order_lanes,
    read_holder,
)
from shorty.postgres.listener import NOTICE_S, Listener
from shorty.postgres.migrations import list_migrations
from shorty.postgres.readers import Dialler, ReaderPool, SharedConnection
from shorty.postgres.search import POSTGRES
from shorty.postgres.snapshot import PostgresSnapshot, explaining, hold_snapshot
from shorty.postgres.threads import ThreadReaders
from shorty.postgres.values import write_parameters, write_read_parameters
from shorty.postgres.writer import PATIENCE_S, Writer
from shorty.storage.changes import Hear, Subscribers
from shorty.storage.database import Lane, Reader, Row, Transaction, Value
from shorty.storage.write_queue import Job

T = TypeVar("T")

STALE_S = 600.0

COUNT_MIGRATIONS = "select count(*) as migrations from schema_migrations"

FORGET_KEYS = "delete from visitor_keys where day < $1"
KEEP_KEY = "insert into visitor_keys (day, key) values ($1, $2) on conflict (day) do nothing"
FIND_KEY = "select key from visitor_keys where day = $1"


class PostgresDatabase:
    """`storage.database.Database` over a server. Reads fail at once while it is away."""

    dialect = POSTGRES
    notice_s = NOTICE_S
    here: Reader | None = None

    def __init__(
        self,
        url: str,
        node: str,
        folder: Path,
        *,
        writer: str | None = None,
        patience_s: float = PATIENCE_S,
        listen: str = "",
        stale_s: float = STALE_S,
    ) -> None:
        """Belongs to the running event loop; connects when something is asked.

        The node's own files are in `folder`. It writes under the node's name, in each lane by a
        thread and a connection of its own; with a name for the only `writer`, by that alone. A
        write waits up to `patience_s` for a server that went away. Changes are heard at the URL
        `listen`, if that is another; what is cached is used for `stale_s` without the server.
        Raises psycopg.ProgrammingError for a faulty URL.
        """
        conninfo = write_conninfo(url, node)
        self.name = write_name(url)
        self.node = node
        self.stale_s = stale_s
        self._folder = folder
        self._subscribers = Subscribers()
        self._conninfo, self._patience_s = conninfo, patience_s
        self._only_writer = writer
        self._writers: dict[str, Writer] = {}
        dialler = Dialler(conninfo)
        self._readers = ReaderPool(dialler)
        self._shared = SharedConnection(dialler)
        self._alone = SharedConnection(dialler)
        self._threads = ThreadReaders(dialler)
        self._listener = Listener(
            write_conninfo(listen, node) if listen else conninfo,
            node,
            self._subscribers,
            can_reach=self.is_readable,
            stale_s=stale_s,
        )

    def place(self, ending: str) -> Path:
        return self._folder / f"shorty.{ending}"

    async def write(
        self, work: Callable[[Transaction], T], *lanes: Lane, asked_at: float | None = None
    ) -> T:
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        job = Job(work, future, asked_at or monotonic(), lanes=order_lanes(lanes))
        self._find_writer(job.lanes[0]).queue.put(job)
        # If the caller is cancelled, the write continues and its result is dropped.
        return await future  # pyright: ignore[reportReturnType]

    async def find_one(self, sql: str, *parameters: Value) -> Row | None:
        rows = await self.find_all(sql, *parameters)
        return rows[0] if rows else None

    async def find_all(self, sql: str, *parameters: Value) -> list[Row]:
        with explaining():
            return await self._readers.find_all(sql, write_read_parameters(parameters))

    async def look_up(self, sql: str, *parameters: Value) -> Row | None:
        """A read by key that somebody waits for: those of many callers leave together."""
        rows = await self.look_up_all(sql, *parameters)
        return rows[0] if rows else None

    async def look_up_all(self, sql: str, *parameters: Value) -> list[Row]:
        with explaining():
            return await self._shared.find_all(sql, write_read_parameters(parameters))

    async def read(self, work: Callable[[Reader], T]) -> T:
        return await self._threads.run(work)

    async def read_by_key(self, work: Callable[[Reader], T]) -> T:
        with explaining():
            return await self._shared.run(work)

    @asynccontextmanager
    async def open_snapshot(self) -> AsyncGenerator[PostgresSnapshot]:
        """Reserves a connection until the end."""
        async with self._readers.borrow() as reader, hold_snapshot(reader) as snapshot:
            yield snapshot

    async def run_alone(self, sql: str, *parameters: Value) -> list[Row]:
        with explaining():
            return await self._alone.run_alone(sql, write_parameters(parameters))

    def subscribe(self, hear: Hear) -> None:
        self._subscribers.add(hear)

    async def join(self, describe: Callable[[], str]) -> None:
        await self._listener.join(describe)

    async def notice_changes(self) -> None:
        await self._listener.notice_changes()

    @property
    def can_cache(self) -> bool:
        return self._listener.can_cache

    @property
    def is_keeper(self) -> bool:
        return self._listener.is_keeper

    @property
    def newest_schema(self) -> int:
        return list_migrations()[-1].version

    @property
    def live_nodes(self) -> int:
        return self._listener.live_nodes

    async def keep_day_key(self, day: int, fresh: bytes, oldest: int) -> bytes | None:
        def keep(tx: Transaction) -> bytes | None:
            tx.send(FORGET_KEYS, oldest)
            tx.send(KEEP_KEY, day, fresh)
            row = tx.find_one(FIND_KEY, day)
            return None if row is None else row["key"]

        return await self.write(keep)

    async def is_readable(self) -> bool:
        try:
            return bool(await self.look_up_all(COUNT_MIGRATIONS))
        except StorageUnavailableError:
            return False

    def is_in_place(self) -> bool:
        """Whether this process is the only one that writes under its node's name."""
        return not any(writer.numbers.is_taken for writer in self._writers.values())

    async def list_lane_holders(self) -> list[LaneHolder]:
        """Who is in a lane now, over all processes, the longest first."""
        return [read_holder(row) for row in await self.find_all(LIST_HOLDERS, NAMESPACE, len(Lane))]

    async def close(self) -> None:
        """Finishes the queued writes and the reads under way, then closes every connection."""
        for writer in self._writers.values():
            writer.queue.close()
        for writer in self._writers.values():
            await asyncio.to_thread(writer.join)
        await self._listener.close()
        self._alone.close()
        await self._readers.close()
        self._shared.close()
        await asyncio.to_thread(self._threads.close)

    def _find_writer(self, lane: Lane) -> Writer:
        """The thread for writes whose first lane that is."""
        name = self._only_writer or name_lane(self.node, lane)
        writer = self._writers.get(name)
        if writer is None:
            writer = self._writers[name] = Writer(
                self._conninfo, name, self._subscribers, self._patience_s
            )
            writer.start()
        return writer
