"""How pools are shared: concurrently, in turn, with bounded queues."""

import asyncio
import threading
from contextlib import nullcontext

import pytest

from shorty.errors import BusyError
from shorty.pools import FairSlots, WorkerThreads, close_worker_threads


def make_slots(
    slots: int = 1,
    slots_per_owner: int = 1,
    waiting: int = 8,
    waiting_per_owner: int = 4,
    patience_s: float = 60,
) -> FairSlots:
    return FairSlots(
        slots=slots,
        slots_per_owner=slots_per_owner,
        waiting=waiting,
        waiting_per_owner=waiting_per_owner,
        patience_s=patience_s,
    )


class Crowd:
    """Callers of one pool, and the order in which they got a slot."""

    def __init__(self, slots: FairSlots) -> None:
        self.slots = slots
        self.served: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def ask(self, *owners: str) -> None:
        for owner in owners:
            self.tasks.append(asyncio.create_task(self._wait(owner)))
            await asyncio.sleep(0)

    async def _wait(self, owner: str) -> None:
        await self.slots.acquire(owner)
        self.served.append(owner)

    async def release(self, *owners: str) -> None:
        for owner in owners:
            self.slots.release(owner)
            await asyncio.sleep(0)

    async def leave(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def give_back_all(pool: WorkerThreads) -> None:
    """Waits for each slot, because a thread ends a moment after its caller was cancelled."""
    for _ in range(pool.slots.slots):
        await pool.slots.acquire("last")
    for _ in range(pool.slots.slots):
        pool.slots.release("last")
    assert (pool.slots.taken, pool.slots.waiting) == (0, 0)


async def test_owners_are_served_in_turn_however_many_jobs_one_has() -> None:
    crowd = Crowd(make_slots())
    await crowd.ask("a", "a", "a", "a", "b", "c", "b")
    await crowd.release("a", "a", "b", "c", "a", "b", "a")
    assert crowd.served == ["a", "a", "b", "c", "a", "b", "a"]
    assert (crowd.slots.taken, crowd.slots.waiting) == (0, 0)


async def test_no_owner_exceeds_its_share_even_with_free_slots() -> None:
    crowd = Crowd(make_slots(slots=2))
    await crowd.ask("a", "a", "b")
    assert crowd.served == ["a", "b"]
    await crowd.release("b")
    assert crowd.served == ["a", "b"]
    await crowd.release("a")
    assert crowd.served == ["a", "b", "a"]


async def test_one_owner_may_use_all_slots_where_its_share_is_all() -> None:
    crowd = Crowd(make_slots(slots=2, slots_per_owner=2))
    await crowd.ask("a", "a", "b")
    assert crowd.served == ["a", "a"]
    await crowd.release("a")
    assert crowd.served == ["a", "a", "b"]


async def test_an_owner_with_too_many_waiting_jobs_is_refused_at_once() -> None:
    crowd = Crowd(make_slots(waiting_per_owner=2))
    await crowd.ask("a", "a", "a")
    with pytest.raises(BusyError) as caught:
        await crowd.slots.acquire("a")
    assert caught.value.retry_after_s == 2
    await crowd.ask("b")
    assert crowd.slots.waiting == 3
    await crowd.leave()


async def test_in_a_full_queue_the_owner_with_the_most_jobs_makes_room() -> None:
    crowd = Crowd(make_slots(waiting=4))
    await crowd.ask("a", "a", "a", "a", "b")
    assert crowd.slots.waiting == 4
    await crowd.ask("c")
    await asyncio.wait(crowd.tasks[1:], return_when=asyncio.FIRST_EXCEPTION)
    assert isinstance(crowd.tasks[3].exception(), BusyError)
    await crowd.release("a", "a", "b", "c")
    assert crowd.served == ["a", "a", "b", "c", "a"]


async def test_a_full_queue_of_owners_with_one_job_each_refuses_the_newcomer() -> None:
    crowd = Crowd(make_slots(waiting=3))
    await crowd.ask("a", "b", "c", "d")
    with pytest.raises(BusyError):
        await crowd.slots.acquire("e")
    await crowd.leave()


async def test_who_waits_too_long_is_refused_and_leaves_the_queue() -> None:
    slots = make_slots(patience_s=0.01)
    await slots.acquire("a")
    with pytest.raises(BusyError):
        await slots.acquire("b")
    assert slots.waiting == 0
    slots.release("a")
    await slots.acquire("b")
    assert slots.taken == 1


async def test_a_cancelled_caller_gives_its_place_and_its_slot_back() -> None:
    crowd = Crowd(make_slots())
    await crowd.ask("a", "b", "c")
    crowd.tasks[1].cancel()
    await asyncio.sleep(0)
    await crowd.release("a")
    assert crowd.served == ["a", "c"]
    await crowd.ask("d")
    crowd.slots.release("c")
    crowd.tasks[3].cancel()  # its slot was assigned, but it has not run since
    await asyncio.gather(*crowd.tasks, return_exceptions=True)
    assert crowd.served == ["a", "c"]
    assert (crowd.slots.taken, crowd.slots.waiting) == (0, 0)


async def test_slots_are_reused() -> None:
    slots = make_slots(slots=2, slots_per_owner=2, patience_s=0.01)

    async def work(error: type[BaseException] | None) -> None:
        async with slots.take("a"):
            await asyncio.sleep(0)
            if error is not None:
                raise error

    for error in (None, ZeroDivisionError, KeyboardInterrupt, asyncio.CancelledError) * 3:
        with nullcontext() if error is None else pytest.raises(error):
            await work(error)
        async with slots.take("a"), slots.take("a"):
            waits = asyncio.create_task(work(None))
            with pytest.raises(BusyError):
                await waits
            waits = asyncio.create_task(work(None))
            await asyncio.sleep(0)
            waits.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waits
        assert (slots.taken, slots.waiting) == (0, 0)


async def test_threads_are_reused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    pool = WorkerThreads("test-often", threads=2)
    go_on = threading.Event()
    for _ in range(3):
        with monkeypatch.context() as broken:
            broken.setattr("shorty.pools.ThreadPoolExecutor", fail)
            with pytest.raises(ZeroDivisionError):
                await pool.run("a", lambda: None)
        assert pool.slots.taken == 0
        go_on.clear()
        tasks = [asyncio.create_task(pool.run("a", lambda: go_on.wait(10))) for _ in range(2)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert pool.slots.taken == 2  # their threads are still working
        fails = asyncio.create_task(pool.run("b", lambda: 1 // 0))
        await asyncio.sleep(0)
        assert (pool.slots.taken, pool.slots.waiting) == (2, 1)
        go_on.set()
        with pytest.raises(ZeroDivisionError):
            await fails
        assert await pool.run("a", lambda: 7) == 7
        await give_back_all(pool)
        pool.close()


async def test_threads_return_and_raise_what_their_work_does() -> None:
    pool = WorkerThreads("test-plain", threads=1)
    assert await pool.run("a", lambda: threading.current_thread().name) == "test-plain_0"
    with pytest.raises(ZeroDivisionError):
        await pool.run("a", lambda: 1 // 0)
    assert pool.slots.taken == 0
    pool.close()


async def test_a_slot_is_given_back_where_no_thread_can_be_had() -> None:
    pool = WorkerThreads("test-none", threads=1)
    pool._find_executor().shutdown()  # pyright: ignore[reportPrivateUsage]
    for _ in range(3):
        with pytest.raises(RuntimeError):
            await pool.run("a", lambda: None)
    assert pool.slots.taken == 0
    pool.close()


async def test_never_more_jobs_run_than_threads_also_when_callers_go_away() -> None:
    pool = WorkerThreads("test-bounded", threads=2, waiting=4, waiting_per_owner=4)
    go_on, lock, running, most = threading.Event(), threading.Lock(), 0, 0

    def work() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        go_on.wait(10)
        with lock:
            running -= 1

    tasks: list[asyncio.Task[None]] = []
    for _ in range(20):
        tasks.append(asyncio.create_task(pool.run("a", work)))
        await asyncio.sleep(0)
        tasks[0].cancel()
        tasks[1 % len(tasks)].cancel()
    assert (pool.slots.taken, pool.slots.waiting) == (2, 4)
    go_on.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes].count(BusyError) == 14
    assert most == 2
    await give_back_all(pool)
    pool.close()


async def test_a_closed_pool_leaves_no_thread_and_starts_others_when_asked() -> None:
    pool = WorkerThreads("test-closing", threads=1)
    for _ in range(2):
        thread = await pool.run("a", threading.current_thread)
        pool.close()
        thread.join(10)
        assert not thread.is_alive()
    pool.close()


async def test_all_threads_end_with_the_app() -> None:
    pools = [WorkerThreads(f"test-ending-{number}", threads=1) for number in range(2)]
    threads = [await pool.run("a", threading.current_thread) for pool in pools]
    close_worker_threads()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
