"""The queue of a writer's thread: jobs from any thread, taken in groups by one."""

from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue

from shorty.storage.write_jobs import Job


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
