"""Tests the queue of a writer's thread, in one thread."""

import asyncio
from threading import Timer
from time import monotonic

from shorty.storage.write_queue import Job, WriteQueue


def make_jobs(count: int) -> list[Job]:
    loop = asyncio.get_running_loop()
    return [Job(lambda _: None, loop.create_future(), float(place)) for place in range(count)]


async def test_jobs_are_taken_in_their_order_and_in_groups() -> None:
    jobs, queue = make_jobs(5), WriteQueue()
    for job in jobs:
        queue.put(job)
    assert [queue.take(2), queue.take(2), queue.take(2)] == [jobs[:2], jobs[2:4], jobs[4:]]


async def test_taking_waits_for_a_job_or_for_the_time_to_be_over() -> None:
    (job,), queue = make_jobs(1), WriteQueue()
    assert queue.take(1, timeout_s=0.01) == []
    assert not queue.is_finished
    timer = Timer(0.05, queue.put, [job])
    timer.start()
    begun = monotonic()
    assert queue.take(1, timeout_s=20) == [job]
    assert monotonic() - begun < 10
    timer.join()


async def test_a_closed_queue_is_finished_once_it_is_empty() -> None:
    jobs, queue = make_jobs(3), WriteQueue()
    for job in jobs:
        queue.put(job)
    queue.close()
    assert queue.take(2) == jobs[:2]
    assert not queue.is_finished
    assert queue.take(2) == jobs[2:]
    assert queue.is_finished
    assert queue.take(2) == []


async def test_waiting_jobs_are_removed_by_what_they_are() -> None:
    jobs, queue = make_jobs(4), WriteQueue()
    for job in jobs:
        queue.put(job)
    assert queue.remove(lambda job: job.asked_at < 2) == jobs[:2]
    assert queue.take(9) == jobs[2:]
