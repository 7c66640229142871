"""Puts together what is asked for at the same moment, so that it shares one write."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import Final, Generic, TypeAlias, TypeVar

A = TypeVar("A")
B = TypeVar("B")
Work: TypeAlias = Callable[[Sequence[A], float], Awaitable[Sequence[B | Exception]]]
"""Is given a batch, and the monotonic time at which the first of it was asked for."""
_Waiting: TypeAlias = tuple[A, float, asyncio.Future[B]]

MOST: Final = 256


class Batcher(Generic[A, B]):
    """While one batch is being written, the next one gathers."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting[A, B]] = []
        self._task: asyncio.Task[None] | None = None

    async def run(self, item: A, work: Work[A, B]) -> B:
        """What `work` answers for the item; it gets a batch and answers in the batch's order.

        Raises what stands in the item's place, or what `work` raises.
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
    except Exception as error:  # noqa: BLE001 - it is the callers' to handle
        answers = [error] * len(batch)
    except BaseException:
        for _, _, future in batch:
            future.cancel()
        raise
    for (_, _, future), answer in zip(batch, answers, strict=True):
        _answer(future, answer)


def _answer(future: asyncio.Future[B], answer: B | Exception) -> None:
    if future.done():
        return  # its caller is gone
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
