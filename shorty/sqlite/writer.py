"""The only thread that writes: commits queued writes in groups and answers on their loops."""

import errno
import os
import sqlite3
import threading
from pathlib import Path
from time import monotonic
from typing import Final

import structlog

from shorty.errors import StorageUnavailableError
from shorty.sqlite.connections import BUSY_TIMEOUT_MS, describe_failure
from shorty.sqlite.transaction import SqliteTransaction
from shorty.storage.changes import Subscribers
from shorty.storage.write_queue import Job, WriteQueue, answer, describe_rollback, fail_all

BATCH: Final = 256
TRY_MS: Final = 100
PATIENCE_S: Final = (BUSY_TIMEOUT_MS - TRY_MS) / 1000
PRIMARY_CODE: Final = 0xFF  # the part of an extended SQLite error code that names its kind

Identity = tuple[int, int]  # device and inode

log = structlog.get_logger(__name__)


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

    def __init__(
        self,
        connection: sqlite3.Connection,
        file: OpenedFile,
        subscribers: Subscribers,
        patience_s: float,
    ) -> None:
        super().__init__(name="shorty-writer", daemon=True)
        self.connection = connection
        self._file = file
        self._is_replaced = False
        self._is_log_empty = False
        self.transaction = SqliteTransaction(connection, subscribers)
        self.queue = WriteQueue()
        self._patience_s = patience_s

    def run(self) -> None:
        self.connection.execute(f"pragma busy_timeout = {TRY_MS}")
        while jobs := self.queue.take(BATCH):
            self._run_group(jobs)
            answer(jobs)
        self._is_in_place()  # the last chance to empty the log

    def _run_group(self, jobs: list[Job]) -> None:
        reads = [job for job in jobs if not job.in_transaction]
        for job in reads:
            self._run_outside(job)
        answer(reads)
        writes = [job for job in jobs if job.in_transaction]
        if not self._is_in_place():
            fail_all(writes, self._file.describe_change())
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
                    fail_all(jobs[:done], describe_rollback(job.error))
                    return jobs[done:]
            if jobs:
                self.transaction.finish()
                self.connection.execute("commit")
        except Exception as error:  # noqa: BLE001 - each caller handles it
            if self.connection.in_transaction:
                self.connection.execute("rollback")
            fail_all(jobs, describe_failure(error))
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
        before = monotonic() - self._patience_s
        overdue = [job for job in jobs if job.is_overdue(before)]
        overdue += self.queue.remove(lambda job: job.is_overdue(before))
        fail_all(overdue, error)
        answer(overdue)
        return [job for job in jobs if not job.is_overdue(before)]

    def _run_in_savepoint(self, job: Job) -> None:
        try:
            job.result = self.transaction.attempt(lambda: job.work(self.transaction))
            job.next = self.transaction.take_next()
        except Exception as error:  # noqa: BLE001 - the caller handles it
            job.error = describe_failure(error)
