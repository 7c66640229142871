"""The queue of a writer's thread: writes from any thread, taken in groups by one.

Their answers are given on the loops of their callers.
"""

from collections import deque
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from shorty.errors import StorageUnavailableError
from shorty.storage.database import Lane, Transaction

if TYPE_CHECKING:
    import asyncio


class Job:
    """A queued write: its function, caller, monotonic time of the request, and result."""

    __slots__ = (
        *("asked_at", "error", "future", "in_transaction", "lanes"),
        *("loop", "next", "result", "work"),
    )

    def __init__(
        self,
        work: Callable[[Transaction], object],
        future: "asyncio.Future[object]",
        asked_at: float,
        *,
        lanes: Sequence[Lane] = (),
        in_transaction: bool = True,
    ) -> None:
        self.work = work
        self.future = future
        self.loop = future.get_loop()
        self.in_transaction = in_transaction
        self.lanes = lanes
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


class WriteQueue:
    """Jobs in the order of their requests. All but `put` and `close` is the writer's thread's."""

    def __init__(self) -> None:
        self._arriving: SimpleQueue[Job | None] = SimpleQueue()
        self._waiting: deque[Job] = deque()
        self._is_closing = False

    def put(self, job: Job) -> None:
        self._arriving.put(job)

    def close(self) -> None:
        """What was put before is still taken."""
        self._arriving.put(None)

    @property
    def is_finished(self) -> bool:
        return self._is_closing and not self._waiting

    def take(self, most: int, timeout_s: float | None = None) -> list[Job]:
        """Waits for the next jobs; empty when the time is over, or for ever when closed."""
        if not self._waiting and not self._is_closing:
            try:
                self._keep(self._arriving.get(timeout=timeout_s))
            except Empty:
                return []
        self.collect()
        return [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]

    def collect(self) -> None:
        """Takes in what has arrived, without waiting."""
        while True:
            try:
                self._keep(self._arriving.get_nowait())
            except Empty:
                return

    def remove(self, is_wanted: Callable[[Job], bool]) -> list[Job]:
        """The waiting jobs of that kind, which are then no longer waiting."""
        self.collect()
        removed = [job for job in self._waiting if is_wanted(job)]
        self._waiting = deque(job for job in self._waiting if not is_wanted(job))
        return removed

    def _keep(self, job: Job | None) -> None:
        if job is None:
            self._is_closing = True
        else:
            self._waiting.append(job)


def answer(jobs: list[Job]) -> None:
    """Hands the results to the callers, on their loop; all jobs have the same."""
    if jobs:
        jobs[0].loop.call_soon_threadsafe(_answer_all, jobs)


def _answer_all(jobs: list[Job]) -> None:
    for job in jobs:
        job.answer()


def fail_all(jobs: Sequence[Job], error: BaseException) -> None:
    """Gives the error to the jobs that have none of their own."""
    for job in jobs:
        job.error = job.error or error


def describe_rollback(error: BaseException | None) -> StorageUnavailableError:
    """The error for writes rolled back with another; only that one's caller gets its own error."""
    if isinstance(error, StorageUnavailableError):
        return error
    unavailable = StorageUnavailableError()
    unavailable.__cause__ = error
    return unavailable
