"""Reads on an event loop: each on a connection of its own, or many together on one."""

import asyncio
import os
import select
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Any, Final, TypeVar

import psycopg

from shorty.errors import StorageUnavailableError
from shorty.postgres.connections import SETTINGS, connect_async, is_fatal
from shorty.postgres.pipeline import Answer, LostConnectionError, Pipeline
from shorty.postgres.values import write_read_parameters
from shorty.storage.database import Row, Value

T = TypeVar("T")

READERS: Final = 6
# While the server is away, one read in so many seconds calls it, and the others fail at once.
PAUSE_S: Final = 0.1
# uvloop 0.23 at times never watches a socket that it was given: seen after restarts of the server,
# on Linux 6.18. Why is not known.
LOOK_S: Final = 0.5


class Asked(Answer):
    """An answer that is awaited on an event loop."""

    __slots__ = ("future",)

    def __init__(self, future: "asyncio.Future[None]") -> None:
        super().__init__()
        self.future = future

    def finish(self) -> None:
        super().finish()
        if not self.future.done():  # else its caller was cancelled
            self.future.set_result(None)


class AsyncPipeline(Pipeline):
    """Statements of any number of callers, which change nothing or are `is_alone`.

    What is asked in one turn of the event loop leaves in one packet. What the server skips, because
    of a fault in it, is asked again: it is one transaction, but for what is alone.

    `on_message` gets the payload of each notification.
    """

    def __init__(
        self,
        connection: psycopg.AsyncConnection[Any],
        on_message: Callable[[str], object] | None = None,
    ) -> None:
        super().__init__(connection)
        self._on_message = on_message
        self._loop = asyncio.get_running_loop()
        # A copy, which the driver can't close: only an open one can be taken out of the event loop.
        self._socket = os.dup(self.pgconn.socket)
        self._is_ending = False
        self._is_watched = True
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._next_look: asyncio.TimerHandle | None = None
        self._loop.add_reader(self._socket, self._take)

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits for an answer, not even one who was cancelled."""
        return self.lost is None and not any(isinstance(each, Asked) for each in self._waiting)

    async def ask(
        self,
        sql: str,
        values: Sequence[bytes | None] = (),
        *,
        is_kept: bool = True,
        is_alone: bool = False,
    ) -> Answer:
        """Raises LostConnectionError, or the psycopg.Error of the statement's fault."""
        while True:
            asked = Asked(self._loop.create_future())
            self._send(sql, values, asked, is_kept=is_kept, is_alone=is_alone)
            await asked.future
            if asked.is_good:
                return asked
            if not asked.is_skipped:
                error = self.describe_fault(asked)
                if is_fatal(error):
                    raise self.note_loss(error)
                if not self.forget_stale(asked, error):
                    raise error

    def _send(
        self,
        sql: str,
        values: Sequence[bytes | None],
        asked: Asked,
        *,
        is_kept: bool,
        is_alone: bool,
    ) -> None:
        """Raises LostConnectionError."""
        try:
            if is_alone and self._is_ending:
                self.send_sync()
            self.send(sql, values, asked, is_kept=is_kept)
            if is_alone:
                self.send_sync()
        except psycopg.OperationalError as error:
            asked.future.cancel()  # nobody waits for it
            raise self._fail(error) from None
        if not self._is_ending:
            self._is_ending = True
            self._loop.call_soon(self._end_turn)
        if self._next_look is None:
            self._next_look = self._loop.call_later(LOOK_S, self._look)

    async def find_all(
        self, sql: str, values: Sequence[bytes | None], *, is_alone: bool = False
    ) -> list[Row]:
        return self.read_rows(await self.ask(sql, values, is_alone=is_alone))

    def close(self) -> None:
        self._fail(None)
        self.pgconn.finish()

    def _look(self) -> None:
        """Has the socket watched anew where an answer is there that nobody has heard of."""
        self._next_look = None
        if self.lost or not self._waiting:
            return
        if self._poll.poll(0):
            self._loop.remove_reader(self._socket)
            self._loop.add_reader(self._socket, self._take)
            self._take()
        if self.lost is None and self._waiting:
            self._next_look = self._loop.call_later(LOOK_S, self._look)

    def _end_turn(self) -> None:
        self._is_ending = False
        if self.lost is None:
            self._flush(is_end=True)

    def _flush(self, *, is_end: bool = False) -> None:
        """A connection that sending has found to be lost is no longer read: it fails here."""
        try:
            if is_end:
                self.send_sync()  # costs a system call each
            is_left = self.pgconn.flush()
        except psycopg.OperationalError as error:
            self._fail(error)
            return
        if is_left:
            self._loop.add_writer(self._socket, self._flush)
        else:
            self._loop.remove_writer(self._socket)

    def _take(self) -> None:
        try:
            self.pgconn.consume_input()
            self.receive()
        except psycopg.OperationalError as error:
            with suppress(psycopg.OperationalError):
                self.receive()  # what the server said last tells more than the end
            self._fail(error)
            return
        if self.find_loss():
            self._fail(None)
        self.fault = None  # its sync has ended it
        while self._on_message and (message := self.pgconn.notifies()):
            self._on_message(message.extra.decode())

    def _fail(self, error: BaseException | None) -> LostConnectionError:
        loss = self.find_loss() or self.note_loss(error)
        if self._is_watched:
            self._is_watched = False
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            os.close(self._socket)
            if self._next_look:
                self._next_look.cancel()
        for each in self._waiting:
            if isinstance(each, Asked) and not each.future.done():
                each.future.set_exception(loss)
        self._waiting.clear()
        return loss


class Dialler:
    """Connects for reads, which fail at once while the server is known to be away."""

    def __init__(self, conninfo: str) -> None:
        self.conninfo = conninfo
        self._away_until = 0.0
        self._error: psycopg.Error | None = None

    def require_presence(self) -> None:
        if self._error and monotonic() < self._away_until:
            raise StorageUnavailableError from self._error

    def note_absence(self, error: psycopg.Error) -> None:
        self._error, self._away_until = error, monotonic() + PAUSE_S

    async def connect(self) -> AsyncPipeline:
        """Raises StorageUnavailableError."""
        self.require_presence()
        try:
            return AsyncPipeline(await connect_async(self.conninfo, SETTINGS))
        except psycopg.Error as error:
            self.note_absence(error)
            raise StorageUnavailableError from error


class ReaderPool:
    """Connections that read, each for one caller at a time, opened when they are first needed."""

    def __init__(self, dialler: Dialler, count: int = READERS) -> None:
        self._dialler = dialler
        self._idle: asyncio.LifoQueue[AsyncPipeline | None] = asyncio.LifoQueue()
        for _ in range(count):
            self._idle.put_nowait(None)
        self._open = count
        self._closing = asyncio.Lock()

    @asynccontextmanager
    async def borrow(self) -> AsyncGenerator[AsyncPipeline]:
        """Reserves a connection. Raises StorageUnavailableError."""
        held = await self._idle.get()
        try:
            if held is None or not held.is_idle:
                held = None
                held = await self._dialler.connect()
            yield held
        finally:
            if held and not held.is_idle:
                held.close()
                held = None
            self._idle.put_nowait(held)

    async def find_all(self, sql: str, values: Sequence[bytes | None]) -> list[Row]:
        try:
            async with self.borrow() as reader:
                return await reader.find_all(sql, values)
        except LostConnectionError:
            # While it was idle, or with the read under way, which changed nothing.
            async with self.borrow() as reader:
                return await reader.find_all(sql, values)

    async def close(self) -> None:
        """Waits for the reads under way. Closing again does nothing."""
        async with self._closing:
            while self._open:
                if held := await self._idle.get():
                    held.close()
                self._open -= 1


class UnreadError(BaseException):
    """Ends a function at a read that is still to be awaited; it is nothing that it may handle."""

    def __init__(self, sql: str, parameters: Sequence[Value]) -> None:
        super().__init__(sql)
        self.sql = sql
        self.parameters = parameters


class RepeatedReader:
    """`storage.database.Reader`: answers the first reads, and raises UnreadError at the next."""

    def __init__(self, answers: Sequence[list[Row]]) -> None:
        self._answers = iter(answers)

    def find_one(self, sql: str, *parameters: Value) -> Row | None:
        rows = self.find_all(sql, *parameters)
        return rows[0] if rows else None

    def find_all(self, sql: str, *parameters: Value) -> list[Row]:
        if (rows := next(self._answers, None)) is None:
            raise UnreadError(sql, parameters)
        return rows


class SharedConnection:
    """One connection for the statements of many callers at once."""

    def __init__(self, dialler: Dialler) -> None:
        self._dialler = dialler
        self._pipeline: AsyncPipeline | None = None
        self._connecting = asyncio.Lock()

    async def run_alone(self, sql: str, values: Sequence[bytes | None]) -> list[Row]:
        """A statement that is its own transaction.

        Raises LostConnectionError where it may have run.
        """
        return await (await self._connect()).find_all(sql, values, is_alone=True)

    async def find_all(self, sql: str, values: Sequence[bytes | None]) -> list[Row]:
        """A read, for what somebody waits for; again where the connection was lost."""
        try:
            return await (await self._connect()).find_all(sql, values)
        except LostConnectionError:
            return await (await self._connect()).find_all(sql, values)

    async def run(self, work: Callable[[RepeatedReader], T]) -> T:
        """Runs `work` up to its first read, then from the beginning up to the next, and so on."""
        answers: list[list[Row]] = []
        while True:
            try:
                return work(RepeatedReader(answers))
            except UnreadError as unread:
                sql, values = unread.sql, write_read_parameters(unread.parameters)
            answers.append(await self.find_all(sql, values))

    async def _connect(self) -> AsyncPipeline:
        if self._pipeline and self._pipeline.lost is None:
            return self._pipeline
        async with self._connecting:
            if self._pipeline is None or self._pipeline.lost:
                self.close()
                self._pipeline = await self._dialler.connect()
            return self._pipeline

    def close(self) -> None:
        if self._pipeline:
            self._pipeline.close()
            self._pipeline = None
