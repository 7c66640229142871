"""Reads in threads, for functions that read and do not await."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, LifoQueue
from typing import Any, Final, TypeVar

import psycopg

from shorty.errors import StorageUnavailableError
from shorty.postgres.connections import SETTINGS, connect, describe_failure
from shorty.postgres.pipeline import BlockingPipeline
from shorty.postgres.readers import Dialler
from shorty.postgres.values import write_read_parameters
from shorty.storage.database import Row, Value

THREADS: Final = 4

T = TypeVar("T")


class ThreadReader:
    """`storage.database.Reader`: a connection that one thread uses at a time."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.pipeline = BlockingPipeline(connection)

    def find_one(self, sql: str, *parameters: Value) -> Row | None:
        rows = self.find_all(sql, *parameters)
        return rows[0] if rows else None

    def find_all(self, sql: str, *parameters: Value) -> list[Row]:
        try:
            return self._find_all(sql, parameters)
        except psycopg.Error as error:
            raise describe_failure(error) from error

    def _find_all(self, sql: str, parameters: tuple[Value, ...]) -> list[Row]:
        while True:
            answer = self.pipeline.send(sql, write_read_parameters(parameters))
            self.pipeline.wait(answer)
            if (fault := self.pipeline.take_fault()) is None:
                return self.pipeline.read_rows(answer)
            if not self.pipeline.forget_stale(answer, fault[1]):
                raise fault[1]


class ThreadReaders:
    """As many connections as threads, opened when they are first needed."""

    def __init__(self, dialler: Dialler) -> None:
        self._dialler = dialler
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="shorty-reader")
        self._idle: LifoQueue[ThreadReader] = LifoQueue()

    async def run(self, work: Callable[[ThreadReader], T]) -> T:
        """Runs `work` again on another connection if its own is lost."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, work)

    def close(self) -> None:
        """Waits for the reads under way."""
        self._threads.shutdown()
        while not self._idle.empty():
            self._idle.get_nowait().pipeline.close()

    def _run(self, work: Callable[[ThreadReader], T]) -> T:
        reader = self._take()
        try:
            return work(reader)
        except StorageUnavailableError:
            if reader.pipeline.lost is None:
                raise
        finally:
            self._give_back(reader)
        reader = self._connect()
        try:
            return work(reader)
        finally:
            self._give_back(reader)

    def _take(self) -> ThreadReader:
        try:
            return self._idle.get_nowait()
        except Empty:
            return self._connect()

    def _give_back(self, reader: ThreadReader) -> None:
        if reader.pipeline.lost:
            reader.pipeline.close()
        else:
            self._idle.put_nowait(reader)

    def _connect(self) -> ThreadReader:
        self._dialler.require_presence()
        try:
            return ThreadReader(connect(self._dialler.conninfo, SETTINGS))
        except psycopg.Error as error:
            self._dialler.note_absence(error)
            raise StorageUnavailableError from error
