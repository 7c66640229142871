"""Calls at the same time are done together."""

import asyncio
from collections.abc import Sequence
from time import monotonic

import pytest

from shorty.storage.batcher import MOST, Batcher


class Writer:
    """Doubles numbers in batches; odd ones fail alone, 1000 fails the whole batch."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.times: list[float] = []
        self.started = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def write(self, numbers: Sequence[int], asked_at: float) -> list[int | Exception]:
        self.batches.append([*numbers])
        self.times.append(asked_at)
        self.started.set()
        await self.go_on.wait()
        if 1000 in numbers:
            raise RuntimeError("all")
        return [ValueError(f"odd: {number}") if number % 2 else number * 2 for number in numbers]


async def test_each_gets_its_own_answer() -> None:
    together, writer = Batcher[int, int](), Writer()
    answers = await asyncio.gather(
        *(together.run(number, writer.write) for number in (2, 4, 3, 6)), return_exceptions=True
    )
    assert answers[:2] == [4, 8]
    assert answers[3] == 12
    assert str(answers[2]) == "odd: 3"
    assert writer.batches == [[2, 4, 3, 6]]


async def test_while_one_batch_is_written_the_next_gathers() -> None:
    together, writer = Batcher[int, int](), Writer()
    writer.go_on.clear()
    tasks = [asyncio.ensure_future(together.run(2, writer.write))]
    await writer.started.wait()
    tasks += [asyncio.ensure_future(together.run(number, writer.write)) for number in (4, 6)]
    gone = asyncio.ensure_future(together.run(8, writer.write))
    await asyncio.sleep(0)
    gone.cancel()
    before_going_on = monotonic()
    writer.go_on.set()
    assert await asyncio.gather(*tasks) == [4, 8, 12]
    assert writer.batches == [[2], [4, 6, 8]]
    assert writer.times[1] < before_going_on  # since the call, not since the batch was started
    assert gone.cancelled()


async def test_a_failed_batch_raises_for_its_own_callers_only() -> None:
    together, writer = Batcher[int, int](), Writer()
    answers = await asyncio.gather(
        *(together.run(number, writer.write) for number in (2, 1000)), return_exceptions=True
    )
    assert [str(answer) for answer in answers] == ["all", "all"]
    assert await together.run(4, writer.write) == 8


async def test_a_batch_has_a_limit() -> None:
    together, writer = Batcher[int, int](), Writer()
    wanted = range(0, 4 * MOST, 2)
    answers = await asyncio.gather(
        *(together.run(number, writer.write) for number in wanted if number != 1000)
    )
    assert answers == [2 * number for number in wanted if number != 1000]
    assert max(map(len, writer.batches)) == MOST


async def test_a_failure_does_not_stop_the_rest() -> None:
    together, writer = Batcher[int, int](), Writer()
    with pytest.raises(ValueError, match="odd: 5"):
        await together.run(5, writer.write)
    assert await together.run(6, writer.write) == 12


async def test_it_continues_after_a_cancelled_batch() -> None:
    together, writer = Batcher[int, int](), Writer()

    async def give_up(numbers: Sequence[int], asked_at: float) -> list[int | Exception]:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await together.run(2, give_up)
    assert await together.run(4, writer.write) == 8
