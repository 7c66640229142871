"""Coalesces calls that arrive at the same time, so that they share one write."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import Final, Generic, TypeAlias, TypeVar

A = TypeVar("A")
B = TypeVar("B")
Work: TypeAlias = Callable[[Sequence[A], float], Awaitable[Sequence[B | Exception]]]
"""Called with a batch and the monotonic time at which its first item was added."""
_Waiting: TypeAlias = tuple[A, float, asyncio.Future[B]]

MOST: Final = 256


class Batcher(Generic[A, B]):
    """Collects the next batch while the current one is being written."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting[A, B]] = []
        self._task: asyncio.Task[None] | None = None

    async def run(self, item: A, work: Work[A, B]) -> B:
        """The result of `work` for the item; `work` returns a batch's results in the same order.

        Raises the exception that `work` returns in the item's place, or the one that it raises.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[B] = loop.create_future()
        self._waiting.append((item, monotonic(), future))
        if self._task is None:
            self._task = loop.create_task(self._run(work))
        return await future

    async def _run(self, work: Work[A, B]) -> None:
        try:
            while self._waiting:
                batch = self._waiting[:MOST]
                del self._waiting[:MOST]
                await _write(batch, work)
        finally:
            self._task = None


async def _write(batch: Sequence[_Waiting[A, B]], work: Work[A, B]) -> None:
    try:
        answers = await work([item for item, _, _ in batch], batch[0][1])
    except Exception as error:  # noqa: BLE001 - each caller handles it
        answers = [error] * len(batch)
    except BaseException:
        for _, _, future in batch:
            future.cancel()
        raise
    for (_, _, future), answer in zip(batch, answers, strict=True):
        _answer(future, answer)


def _answer(future: asyncio.Future[B], answer: B | Exception) -> None:
    if future.done():
        return  # its caller was cancelled
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
