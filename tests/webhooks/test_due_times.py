"""A clock that was ahead leaves no delivery stuck after it was set back."""

import time
from collections.abc import AsyncGenerator

import pytest
from structlog.testing import capture_logs

from shorty.storage.database import Database, Transaction
from shorty.webhooks.due_times import find_longest_wait, pull_in
from tests.clicks.making import wait_until
from tests.reading import reader
from tests.support import DAY, NOW
from tests.webhooks.making import (
    Clock,
    click,
    insert_calling_links,
    list_all,
    make_outbox,
    run_worker,
    wait_until_ended,
    wait_until_tried,
)
from tests.webhooks.receiver import Receiver, answer, hang, run_receiver

YEARS = 3 * 365 * DAY


@pytest.fixture
async def receiver(db: Database) -> AsyncGenerator[Receiver]:
    async with run_receiver() as receiver:
        await insert_calling_links(db, receiver.url)
        yield receiver


async def test_what_was_left_by_a_clock_ahead_is_sent_at_the_next_start(
    db: Database, receiver: Receiver
) -> None:
    receiver.responses = [answer(503), answer(200)]
    outbox = await click(db, 1, at=NOW + YEARS)
    async with run_worker(db, outbox, Clock(NOW + YEARS)):
        await wait_until_tried(db)
    with capture_logs() as logs:
        async with run_worker(db, outbox, Clock(NOW)):
            await wait_until_ended(db)
    assert {"event": "webhooks_pulled_in", "log_level": "warning", "deliveries": 1} in logs


async def test_setting_the_clock_back_pulls_in_distant_due_times(
    db: Database, receiver: Receiver
) -> None:
    receiver.responses = [answer(503), answer(200)]
    clock = Clock(NOW + YEARS)
    outbox = await click(db, 1, at=NOW + YEARS)
    async with run_worker(db, outbox, clock, read_monotonic=lambda: 10.0):
        await wait_until_tried(db)
        clock.now = NOW
        outbox.news.set()
        await wait_until_ended(db)
    assert len(receiver.messages) == 2


async def test_setting_the_clock_back_shortens_leases_to_new_ones(
    db: Database, receiver: Receiver
) -> None:
    receiver.responses[:] = [hang]
    clock = Clock(NOW + YEARS)
    outbox = await click(db, 1, at=NOW + YEARS)
    async with run_worker(db, outbox, clock, read_monotonic=lambda: 10.0, timeout_s=20.0):
        await receiver.wait_for(1)
        (lease_end,) = list_times(db)
        clock.now = NOW
        outbox.news.set()
        await wait_until(lambda: list_times(db) == [lease_end - YEARS])


async def test_clicks_of_the_time_before_that_are_queued_late_are_pulled_in_too(
    db: Database, receiver: Receiver
) -> None:
    clock, monotonic = Clock(NOW + YEARS), [10.0]
    outbox = make_outbox()
    async with run_worker(db, outbox, clock, read_monotonic=lambda: monotonic[0]):
        await wait_until(lambda: not outbox.news.is_set())
        clock.now = NOW
        outbox.news.set()
        await wait_until(lambda: not outbox.news.is_set())
        await click(db, 1, outbox=outbox, at=NOW + YEARS)
        monotonic[0] += 60
        clock.now += 60_000
        outbox.news.set()
        await wait_until_ended(db)


async def test_a_receiver_paused_by_a_fast_clock_recovers(db: Database, receiver: Receiver) -> None:
    receiver.responses = [answer(503)] * 5
    ahead = Clock(NOW + YEARS)
    outbox = await click(db, *[1] * 5, at=NOW + YEARS)
    async with run_worker(db, outbox, ahead):
        await wait_until_tried(db)
    receiver.responses = [answer(200)]
    assert {each.receiver.health.status for each in await list_all(db)} == {"paused"}
    start = time.monotonic()
    goes_on = Clock(read=lambda: NOW + int((time.monotonic() - start) * 1000))
    async with run_worker(db, outbox, goes_on):
        (*_, last) = await wait_until_ended(db)
    assert last.receiver.health.status == "active"


def list_times(db: Database) -> list[int]:
    return [
        row["due_at"]
        for row in reader(db).find_all("select due_at from webhook_deliveries order by id")
    ]


async def test_what_is_due_within_the_longest_wait_stays_as_it_is(
    db: Database, receiver: Receiver
) -> None:
    longest = find_longest_wait([5, 86_400])
    assert longest == 1.2 * DAY
    await click(db, 1, at=NOW + longest)
    await click(db, 1, at=NOW + longest + 1)

    def work(tx: Transaction) -> int:
        return pull_in(tx, NOW, longest, NOW + 1)

    assert await db.write(work) == 1
    assert list_times(db) == [NOW + longest, NOW]
    assert await db.write(work) == 0


async def test_a_lease_ends_no_later_than_a_new_one(db: Database, receiver: Receiver) -> None:
    await click(db, 1, 1, at=NOW)
    await db.write(
        lambda tx: tx.execute(
            "update webhook_deliveries set leased_by = 'w', due_at = $1 where id = 1", NOW + YEARS
        )
    )
    assert await db.write(lambda tx: pull_in(tx, NOW, DAY, NOW + 70_000)) == 0
    assert list_times(db) == [NOW + 70_000, NOW]
