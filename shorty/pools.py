"""Owns shared pools: how many jobs run at once, who is next, how many may wait and how long.

Each job belongs to an owner (a workspace, a network). Owners are served in turn, so that an owner
with many jobs delays another's by at most one job each. A job that does not fit the queue is
refused at once.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from shorty.errors import BusyError

T = TypeVar("T")

RETRY_AFTER_S: Final = 2
_OPEN: Final[set["WorkerThreads"]] = set()


class FairSlots:
    """A number of slots, of which one owner may use `slots_per_owner` at once.

    If the queue is full, the newest job of the owner with the most waiting jobs is refused in
    favour of an owner with fewer. Belongs to one event loop at a time.
    """

    def __init__(
        self,
        *,
        slots: int,
        slots_per_owner: int,
        waiting: int,
        waiting_per_owner: int,
        patience_s: float,
    ) -> None:
        self.slots = slots
        self._slots_per_owner = slots_per_owner
        self.most_waiting = waiting
        self._most_waiting_per_owner = waiting_per_owner
        self._patience_s = patience_s
        self._taken: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @property
    def taken(self) -> int:
        return self._taken.total()

    @property
    def waiting(self) -> int:
        return sum(map(len, self._waiting.values()))

    @asynccontextmanager
    async def take(self, owner: str) -> AsyncGenerator[None]:
        """Uses a slot.

        Raises BusyError if the queue is full, or if no slot becomes free in time.
        """
        await self.acquire(owner)
        try:
            yield
        finally:
            self.release(owner)

    async def acquire(self, owner: str) -> None:
        """The same as `take`, for a slot that `release` gives back."""
        if self._may_start(owner):
            self._taken[owner] += 1
            return
        turn = self._line_up(owner)
        try:
            async with asyncio.timeout(self._patience_s):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.release(owner)  # the slot was assigned just as the caller was cancelled
            else:
                self._leave(owner, turn)
            if isinstance(error, TimeoutError):
                raise BusyError(RETRY_AFTER_S) from None
            raise

    def release(self, owner: str) -> None:
        self._taken[owner] -= 1
        if not self._taken[owner]:
            del self._taken[owner]
        self._serve()

    def _may_start(self, owner: str) -> bool:
        """Owners that wait while a slot is free use their whole share, so they may be overtaken."""
        return self.taken < self.slots and self._taken[owner] < self._slots_per_owner

    def _line_up(self, owner: str) -> "asyncio.Future[None]":
        own = len(self._waiting.get(owner, ()))
        if own >= self._most_waiting_per_owner:
            raise BusyError(RETRY_AFTER_S)
        if self.waiting >= self.most_waiting:
            self._make_room(own)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append(turn)
        return turn

    def _make_room(self, own: int) -> None:
        """Refuses the newest job of the longest queue, unless the new job's would be as long."""
        longest = max(self._waiting.values(), key=len)
        if len(longest) <= own + 1:
            raise BusyError(RETRY_AFTER_S)
        longest.pop().set_exception(BusyError(RETRY_AFTER_S))

    def _leave(self, owner: str, turn: "asyncio.Future[None]") -> None:
        queue = self._waiting.get(owner, deque())
        if turn in queue:
            queue.remove(turn)
        if not queue:
            self._waiting.pop(owner, None)

    def _serve(self) -> None:
        while (owner := next(filter(self._may_start, self._waiting), None)) is not None:
            queue = self._waiting[owner]
            turn = queue.popleft()
            if queue:
                self._waiting.move_to_end(owner)
            else:
                del self._waiting[owner]
            if not turn.done():  # a cancelled one may still be in the queue
                self._taken[owner] += 1
                turn.set_result(None)


class WorkerThreads:
    """Threads for one purpose, shared as in FairSlots; jobs are short and cannot be cancelled."""

    def __init__(
        self,
        name: str,
        *,
        threads: int,
        waiting: int = 64,
        waiting_per_owner: int = 8,
        patience_s: float = 10.0,
    ) -> None:
        self.name = name
        self._threads = threads
        self._executor: ThreadPoolExecutor | None = None
        self.slots = FairSlots(
            slots=threads,
            slots_per_owner=threads,
            waiting=waiting,
            waiting_per_owner=waiting_per_owner,
            patience_s=patience_s,
        )

    async def run(self, owner: str, work: Callable[[], T]) -> T:
        """The result of `work`, which runs in a thread.

        Raises what `work` raises, and BusyError. A cancelled caller's slot stays in use until its
        thread is free, so that no more than `threads` jobs use memory.
        """
        await self.slots.acquire(owner)
        try:
            job = asyncio.get_running_loop().run_in_executor(self._find_executor(), work)
        except BaseException:
            self.slots.release(owner)
            raise
        job.add_done_callback(lambda _: self.slots.release(owner))
        return await asyncio.shield(job)

    def close(self) -> None:
        """Lets the threads end once they are idle; a later `run` starts new ones."""
        _OPEN.discard(self)
        executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=False)

    def _find_executor(self) -> ThreadPoolExecutor:
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self._threads, thread_name_prefix=self.name)
            _OPEN.add(self)
        return self._executor


def close_worker_threads() -> None:
    """Called before the process ends."""
    for each in list(_OPEN):
        each.close()
