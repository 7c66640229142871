"""The one thread that writes: commits the waiting writes in groups and answers on their loops."""

import sqlite3
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final

from shorty.errors import StorageUnavailableError
from shorty.storage.connections import describe_failure
from shorty.storage.transaction import Transaction

if TYPE_CHECKING:
    import asyncio

BATCH: Final = 256


class Job:
    """A waiting write: what to run, whom to answer, and what came of it."""

    __slots__ = ("error", "future", "in_transaction", "loop", "result", "work")

    def __init__(
        self,
        work: Callable[[Transaction], object],
        future: "asyncio.Future[object]",
        *,
        in_transaction: bool,
    ) -> None:
        self.work = work
        self.future = future
        self.loop = future.get_loop()
        self.in_transaction = in_transaction
        self.result: object = None
        self.error: BaseException | None = None

    def answer(self) -> None:
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


def _answer_all(jobs: list[Job]) -> None:
    for job in jobs:
        job.answer()


class Writer(threading.Thread):
    """Commits the waiting writes in groups, each in a savepoint of its own.

    One that fails rolls back alone and gets its own error. After a full disk or an I/O error SQLite
    may have rolled back everything: then every write of the group so far failed with it.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(name="shorty-writer", daemon=True)
        self.connection = connection
        self.transaction = Transaction(connection)
        self.queue: SimpleQueue[Job | None] = SimpleQueue()

    def run(self) -> None:
        while (job := self.queue.get()) is not None:
            jobs, is_last = self._take_waiting(job)
            self._run_group(jobs)
            jobs[0].loop.call_soon_threadsafe(_answer_all, jobs)
            if is_last:
                return

    def _take_waiting(self, first: Job) -> tuple[list[Job], bool]:
        jobs = [first]
        while len(jobs) < BATCH:
            try:
                job = self.queue.get_nowait()
            except Empty:
                break
            if job is None:
                return jobs, True
            jobs.append(job)
        return jobs, False

    def _run_group(self, jobs: list[Job]) -> None:
        for job in jobs:
            if not job.in_transaction:
                self._run_outside(job)
        writes = [job for job in jobs if job.in_transaction]
        while writes:
            writes = self._run_transaction(writes)

    def _run_outside(self, job: Job) -> None:
        try:
            job.result = job.work(self.transaction)
        except Exception as error:  # noqa: BLE001 - it is the caller's to handle
            job.error = describe_failure(error)

    def _run_transaction(self, jobs: list[Job]) -> list[Job]:
        """Runs the jobs in one transaction and returns those that must be run in another."""
        try:
            self.connection.execute("begin immediate")
            for done, job in enumerate(jobs, start=1):
                self._run_in_savepoint(job)
                if not self.connection.in_transaction:
                    self.transaction.forget_late()
                    _fail_all(jobs[:done], job.error or StorageUnavailableError())
                    return jobs[done:]
            self.transaction.finish()
            self.connection.execute("commit")
        except sqlite3.Error as error:
            self.transaction.forget_late()
            if self.connection.in_transaction:
                self.connection.execute("rollback")
            _fail_all(jobs, describe_failure(error))
        return []

    def _run_in_savepoint(self, job: Job) -> None:
        try:
            job.result = self.transaction.attempt(lambda: job.work(self.transaction))
        except Exception as error:  # noqa: BLE001 - it is the caller's to handle
            job.error = describe_failure(error)


def _fail_all(jobs: list[Job], error: BaseException) -> None:
    for job in jobs:
        job.error = job.error or error
