"""The only thread that writes: commits queued writes in groups and answers on their loops."""

import errno
import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Final, TypeVar

import structlog

from shorty.errors import StorageUnavailableError
from shorty.storage.connections import BUSY_TIMEOUT_MS, describe_failure
from shorty.storage.transaction import Transaction

if TYPE_CHECKING:
    import asyncio

BATCH: Final = 256
TRY_MS: Final = 100
PATIENCE_S: Final = (BUSY_TIMEOUT_MS - TRY_MS) / 1000
PRIMARY_CODE: Final = 0xFF  # the part of an extended SQLite error code that names its kind

IN_ONE_TURN: Final = 1024  # items that take a microsecond or two each

T = TypeVar("T")
Identity = tuple[int, int]  # device and inode

log = structlog.get_logger(__name__)


class Job:
    """A queued write: its function, caller, monotonic time of the request, and result."""

    __slots__ = (
        *("asked_at", "error", "future", "in_transaction"),
        *("loop", "next", "result", "work"),
    )

    def __init__(
        self,
        work: Callable[[Transaction], object],
        future: "asyncio.Future[object]",
        asked_at: float,
        *,
        in_transaction: bool,
    ) -> None:
        self.work = work
        self.future = future
        self.loop = future.get_loop()
        self.in_transaction = in_transaction
        self.asked_at = asked_at
        self.result: object = None
        self.next: list[Callable[[], object]] = []
        self.error: BaseException | None = None

    def is_overdue(self, before: float) -> bool:
        """Whether it has waited for the lock since then; a job that only reads needs no lock."""
        return self.in_transaction and self.asked_at <= before

    def answer(self) -> None:
        if self.error is None and self.next:
            self._follow()
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)

    def _follow(self) -> None:
        try:
            for work in self.next:
                work()
        except Exception as error:  # noqa: BLE001 - the caller handles it
            self.error = error


def _answer_all(jobs: list[Job]) -> None:
    for job in jobs:
        job.answer()


def _answer(jobs: list[Job]) -> None:
    if jobs:
        jobs[0].loop.call_soon_threadsafe(_answer_all, jobs)


class OpenedFile:
    """Whether the database's path is still the file that was opened. Created right after opening.

    Another process may replace or delete the file while the server runs. Whatever SQLite then
    writes is lost with the unlinked file. Its log is worse: it keeps its name, and would be
    replayed into the new file at that path. `Writer` prevents both.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._identity = _identify(path)

    def is_in_place(self) -> bool:
        """Usable in any thread; takes about 2 µs."""
        return _identify(self.path) == self._identity

    def describe_change(self) -> StorageUnavailableError:
        error = StorageUnavailableError()
        error.__cause__ = OSError(errno.ESTALE, "Another file is in its place", str(self.path))
        return error


def _identify(path: Path) -> Identity | None:
    """None if no file is visible at the path."""
    try:
        found = os.stat(path)  # noqa: PTH116 - a third faster, and called at every commit
    except OSError:
        return None
    return found.st_dev, found.st_ino


class Writer(threading.Thread):
    """Commits queued writes in groups, each in its own savepoint.

    A write that fails is rolled back alone and gets its own error. After a full disk or an I/O
    error SQLite may have rolled back everything; then every write of the group so far fails with
    it.

    While another process has locked the database, each write waits `patience_s` from its own
    request, however many are queued before it.

    If the database's file was replaced, all writes are refused: they would be lost with the
    unlinked file.
    """

    def __init__(self, connection: sqlite3.Connection, file: OpenedFile, patience_s: float) -> None:
        super().__init__(name="shorty-writer", daemon=True)
        self.connection = connection
        self._file = file
        self._is_replaced = False
        self._is_log_empty = False
        self.transaction = Transaction(connection)
        self.queue: SimpleQueue[Job | None] = SimpleQueue()
        self._patience_s = patience_s
        self._waiting: deque[Job] = deque()
        self._is_closing = False

    def run(self) -> None:
        self.connection.execute(f"pragma busy_timeout = {TRY_MS}")
        while jobs := self._take_group():
            self._run_group(jobs)
            _answer(jobs)
        self._is_in_place()  # the last chance to empty the log

    def _take_group(self) -> list[Job]:
        """Waits for the next jobs; empty only when the writer is closing."""
        if not self._waiting and not self._is_closing:
            self._keep(self.queue.get())
        self._collect()
        return [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]

    def _collect(self) -> None:
        while True:
            try:
                self._keep(self.queue.get_nowait())
            except Empty:
                return

    def _keep(self, job: Job | None) -> None:
        if job is None:
            self._is_closing = True
        else:
            self._waiting.append(job)

    def _run_group(self, jobs: list[Job]) -> None:
        reads = [job for job in jobs if not job.in_transaction]
        for job in reads:
            self._run_outside(job)
        _answer(reads)
        writes = [job for job in jobs if job.in_transaction]
        if not self._is_in_place():
            _fail_all(writes, self._file.describe_change())
            return
        while writes:
            writes = self._run_transaction(writes)

    def _is_in_place(self) -> bool:
        is_in_place = self._file.is_in_place()
        if is_in_place == self._is_replaced:
            self._is_replaced, self._is_log_empty = not is_in_place, False
            note = log.info if is_in_place else log.error
            note("database_back" if is_in_place else "database_replaced", file=str(self._file.path))
        if not (is_in_place or self._is_log_empty):
            self._is_log_empty = self._empty_log()
        return is_in_place

    def _empty_log(self) -> bool:
        """Checkpoints the log into the file that was opened; returns whether all of it was written.

        Otherwise SQLite would leave the log beside the new file at that path and replay it when
        that file is next opened, which corrupts it.
        """
        try:
            is_busy, *_ = self.connection.execute("pragma wal_checkpoint(truncate)").fetchone()
        except sqlite3.Error as error:
            log.warning("database_log_kept", file=str(self._file.path), reason=str(error))
            return False
        return not is_busy

    def _run_outside(self, job: Job) -> None:
        try:
            job.result = job.work(self.transaction)
        except Exception as error:  # noqa: BLE001 - the caller handles it
            job.error = describe_failure(error)

    def _run_transaction(self, jobs: list[Job]) -> list[Job]:
        """Runs the jobs in one transaction; returns those that need another transaction."""
        try:
            jobs = self._begin(jobs)
            for done, job in enumerate(jobs, start=1):
                self._run_in_savepoint(job)
                if not self.connection.in_transaction:
                    self.transaction.forget_late()
                    _fail_all(jobs[:done], describe_rollback(job.error))
                    return jobs[done:]
            if jobs:
                self.transaction.finish()
                self.connection.execute("commit")
        except Exception as error:  # noqa: BLE001 - each caller handles it
            if self.connection.in_transaction:
                self.connection.execute("rollback")
            _fail_all(jobs, describe_failure(error))
        return []

    def _begin(self, jobs: list[Job]) -> list[Job]:
        """Begins a transaction; returns the jobs still waiting for it. If empty, none has begun."""
        while jobs:
            try:
                self.connection.execute("begin immediate")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & PRIMARY_CODE != sqlite3.SQLITE_BUSY:
                    raise
                jobs = self._give_up(jobs, describe_failure(error))
            else:
                break
        return jobs

    def _give_up(self, jobs: list[Job], error: BaseException) -> list[Job]:
        """Fails the jobs whose wait is over, and returns the rest of `jobs`."""
        self._collect()
        before = monotonic() - self._patience_s
        overdue = [job for job in (*jobs, *self._waiting) if job.is_overdue(before)]
        _fail_all(overdue, error)
        _answer(overdue)
        self._waiting = deque(job for job in self._waiting if not job.is_overdue(before))
        return [job for job in jobs if not job.is_overdue(before)]

    def _run_in_savepoint(self, job: Job) -> None:
        try:
            job.result = self.transaction.attempt(lambda: job.work(self.transaction))
            job.next = self.transaction.take_next()
        except Exception as error:  # noqa: BLE001 - the caller handles it
            job.error = describe_failure(error)


def describe_rollback(error: BaseException | None) -> StorageUnavailableError:
    """The error for writes rolled back with another; only that one's caller gets its own error."""
    if isinstance(error, StorageUnavailableError):
        return error
    unavailable = StorageUnavailableError()
    unavailable.__cause__ = error
    return unavailable


def _fail_all(jobs: list[Job], error: BaseException) -> None:
    for job in jobs:
        job.error = job.error or error


def take_turns(things: Sequence[T], size: int = IN_ONE_TURN) -> Iterator[Sequence[T]]:
    """Cuts long work in the writer's thread into pieces, and yields the processor between them.

    For work that waits for nothing: the kernel lets a busy thread run for about three milliseconds
    before the threads that answer visitors.
    """
    for first in range(0, len(things), size):
        if first:
            os.sched_yield()
        yield things[first : first + size]
