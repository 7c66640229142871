"""Queued writes: what a writer's thread runs, and answers on the loops of their callers."""

from collections.abc import Callable, Sequence
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
