"""Deliveries to real servers, well-behaved and not."""

# These decisions are not visible from outside.
# pyright: reportPrivateUsage=false

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from ipaddress import IPv4Address
from typing import Any
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from shorty.errors import StorageUnavailableError
from shorty.fetch import Fetcher
from shorty.storage.database import Database, Lane
from shorty.webhooks import service
from shorty.webhooks import worker as worker_module
from shorty.webhooks.model import Delivery
from shorty.webhooks.outbox import Outbox
from tests.clicks.making import insert_links, wait_until
from tests.reading import reader
from tests.support import NOW, break_table, mend_table
from tests.webhooks.making import (
    OWNER,
    Clock,
    click,
    count_by_status,
    insert_calling_links,
    list_all,
    make_outbox,
    move_links,
    open_worker,
    run_worker,
    wait_for_deliveries,
    wait_until_ended,
    wait_until_tried,
)
from tests.webhooks.receiver import (
    Receiver,
    Respond,
    answer,
    hang,
    reset,
    run_receiver,
    stream_without_end,
)

HOUR = 3_600_000
SET_LINE = """
insert into webhook_lines values ('nobody.example', 0, $1)
on conflict (host, is_quick) do update set next_at = excluded.next_at
"""
EVERY_ADDRESS = str(IPv4Address(0))  # of this machine: 127.0.0.2, 127.0.0.3 …


@pytest.fixture
async def receiver(db: Database) -> AsyncGenerator[Receiver]:
    """Behaves well until a test says otherwise; link 1 calls it."""
    async with run_receiver() as receiver:
        await insert_calling_links(db, receiver.url)
        yield receiver


def answer_with(receiver: Receiver, *responses: Respond) -> None:
    receiver.responses = list(responses)


async def get_only(db: Database) -> Delivery:
    (delivery,) = await list_all(db)
    return delivery


# A receiver that behaves


async def test_a_click_is_sent_once_and_signed(db: Database, receiver: Receiver) -> None:
    clock = Clock(time.time_ns() // 1_000_000)
    outbox = await click(db, 1, at=clock.now)
    async with run_worker(db, outbox, clock):
        (message,) = await receiver.wait_for(1)
        await wait_until_ended(db)
    secret = await db.write(lambda tx: service.get_secret(tx, OWNER, clock.now))
    assert message.verify(secret.secret) == message.event
    assert message.headers["content-type"] == "application/json"
    assert message.headers["user-agent"].startswith("shorty/")
    assert message.event["type"] == "link.clicked"
    delivery = await get_only(db)
    assert (delivery.status, delivery.attempts, delivery.message_id) == ("delivered", 1, message.id)
    assert len(receiver.messages) == 1


async def test_it_is_woken_by_a_click(db: Database, receiver: Receiver) -> None:
    outbox = make_outbox()
    async with run_worker(db, outbox):
        for number in (1, 2):
            await click(db, 1, outbox=outbox)
            await receiver.wait_for(number)


async def test_connections_are_kept(db: Database, receiver: Receiver) -> None:
    outbox = await click(db, *[1] * 40)
    async with run_worker(db, outbox):
        await wait_until_ended(db)
    assert len(receiver.messages) == 40
    assert receiver.connections <= 8


async def test_after_a_rotation_both_secrets_verify_for_a_day(
    db: Database, receiver: Receiver
) -> None:
    clock = Clock(time.time_ns() // 1_000_000)
    old = await db.write(lambda tx: service.get_secret(tx, OWNER, clock.now))
    new = await db.write(lambda tx: service.rotate_secret(tx, OWNER, clock.now))
    assert new.previous_until == clock.now + 24 * HOUR
    outbox = make_outbox()
    async with run_worker(db, outbox, clock):
        await click(db, 1, at=clock.now, outbox=outbox)
        (message,) = await receiver.wait_for(1)
        for secret in (old, new):
            assert message.verify(secret.secret)
        clock.now += 24 * HOUR
        await click(db, 1, at=clock.now, outbox=outbox)
        _, late = await receiver.wait_for(2)
    assert len(late.headers["webhook-signature"].split(" ")) == 1


async def test_what_becomes_due_while_it_looks_is_not_overslept(
    db: Database, receiver: Receiver
) -> None:
    outbox = await click(db, 1, at=NOW + 5)
    outbox.news.clear()
    moments = iter([NOW, NOW])  # one for the start, one for the look
    async with run_worker(db, outbox, Clock(read=lambda: next(moments, NOW + 10))):
        await receiver.wait_for(1)


# Receivers that misbehave


@pytest.mark.parametrize(
    ("response", "status", "error"),
    [
        (answer(500, b"oh no"), 500, None),
        (answer(404), 404, None),
        (answer(429), 429, None),
        (
            answer(301, b"", "Location: http://127.0.0.1:1/"),
            301,
            "The endpoint redirects; redirects are not followed.",
        ),
        (reset, None, "The host 127.0.0.1 closed the connection or did not answer with HTTP."),
        (hang, None, "No complete response within 0.2 s."),
    ],
)
async def test_a_failed_delivery_is_retried_later(
    db: Database, receiver: Receiver, response: Respond, status: int | None, error: str | None
) -> None:
    answer_with(receiver, response, answer(200))
    outbox, clock = await click(db, 1), Clock()
    async with run_worker(db, outbox, clock, timeout_s=0.2, retries_s=(5,)):
        (tried,) = await wait_until_tried(db)
        assert tried.status == "queued"
        assert tried.last_try
        assert (tried.last_try.outcome.status, tried.last_try.outcome.error) == (status, error)
        wait_ms = (tried.next_try_at or 0) - tried.last_try.outcome.ended_at
        assert 5_000 <= wait_ms <= 6_000
        clock.now = tried.next_try_at or 0
        outbox.news.set()
        await wait_until_ended(db)
    assert (await get_only(db)).status == "delivered"
    assert receiver.ids == [tried.message_id] * 2
    assert receiver.messages[0].body == receiver.messages[1].body


async def test_a_body_without_end_is_cut(db: Database, receiver: Receiver) -> None:
    answer_with(receiver, stream_without_end)
    outbox = await click(db, 1)
    async with run_worker(db, outbox):
        await wait_until_ended(db)
    last_try = (await get_only(db)).last_try
    assert last_try
    assert last_try.outcome.body == "x" * 1000


async def test_it_is_dead_after_the_last_attempt(db: Database, receiver: Receiver) -> None:
    answer_with(receiver, answer(500))
    outbox, clock = await click(db, 1), Clock()
    async with run_worker(db, outbox, clock, retries_s=(1, 1)):
        for tries in (1, 2, 3):
            await wait_until_tried(db, tries)
            clock.now += HOUR
            outbox.news.set()
    delivery = await get_only(db)
    assert (delivery.status, delivery.reason, delivery.attempts) == ("dead", "tries-used-up", 3)
    record = await service.get_record(db, OWNER, delivery.id, NOW)
    assert [each.number for each in record.tries] == [1, 2, 3]
    assert len(receiver.messages) == 3


async def test_retry_after_delays_the_whole_receiver(db: Database, receiver: Receiver) -> None:
    answer_with(receiver, answer(429, b"", "Retry-After: 600"), answer(200))
    outbox, clock = await click(db, 1), Clock()
    async with run_worker(db, outbox, clock, retries_s=(1,)):
        await wait_until_tried(db)
        await click(db, 1, outbox=outbox)
        clock.now += 599_000
        outbox.news.set()
        first, second = await wait_for_deliveries(db, lambda found: len(found) == 2)
        assert (first.next_try_at or 0) >= NOW + 600_000
        assert second.next_try_at == first.receiver.health.held_until
        assert first.receiver.health.status == "active"
        clock.now += 10_000
        outbox.news.set()
        await wait_until_ended(db)
    assert len(receiver.messages) == 3


async def test_410_stops_the_receiver_and_ends_its_queue(db: Database, receiver: Receiver) -> None:
    answer_with(receiver, answer(410))
    outbox = await click(db, *[1] * 30)
    with capture_logs() as logs:
        async with run_worker(db, outbox):
            await wait_until_ended(db)
            await click(db, 1, outbox=outbox)
            assert len(await list_all(db)) == 30
    assert [(each["event"], each["host"], each["workspace_id"]) for each in logs] == [
        ("endpoint_stopped", urlsplit(receiver.url).netloc, 1)
    ]
    assert len(receiver.messages) == 1
    assert {(each.status, each.reason) for each in await list_all(db)} == {
        ("dead", "receiver-stopped")
    }


async def test_another_receiver_on_the_host_continues_after_410(db: Database) -> None:
    async with run_receiver(answer(410), answer(200)) as receiver:
        await insert_calling_links(db, f"{receiver.url}?1", f"{receiver.url}?2")
        outbox = await click(db, 1)
        async with run_worker(db, outbox):
            await wait_until_ended(db)
            await click(db, 1, 2, 2, outbox=outbox)
            await wait_until_ended(db)
    assert await count_by_status(db) == {"dead": 1, "delivered": 2}


async def test_who_keeps_failing_is_paused_and_probed_until_it_is_well(
    db: Database, receiver: Receiver
) -> None:
    answer_with(receiver, answer(503))
    outbox, clock = await click(db, *[1] * 30), Clock()
    with capture_logs() as logs:
        await see_a_pause_and_its_end(db, receiver, outbox, clock)
    assert [(each["event"], each["host"], each["workspace_id"]) for each in logs] == [
        ("endpoint_paused", urlsplit(receiver.url).netloc, 1),
        ("endpoint_recovered", urlsplit(receiver.url).netloc, 1),
    ]


async def see_a_pause_and_its_end(
    db: Database, receiver: Receiver, outbox: Outbox, clock: Clock
) -> None:
    async with run_worker(db, outbox, clock):
        await receiver.wait_for(5)
        found = await wait_for_deliveries(
            db, lambda found: found[0].receiver.health.status == "paused"
        )
        held_until = found[0].receiver.health.held_until or 0
        assert sorted(each.attempts for each in found) == [0] * 25 + [1] * 5
        assert {each.next_try_at for each in found if not each.attempts} == {held_until}
        clock.now = held_until
        outbox.news.set()
        await receiver.wait_for(6)  # one probe, no more
        found = await wait_for_deliveries(
            db, lambda found: (found[0].receiver.health.held_until or 0) > held_until
        )
        answer_with(receiver, answer(200))
        clock.now = (found[0].receiver.health.held_until or 0) + HOUR
        outbox.news.set()
        found = await wait_until_ended(db)
    assert {each.status for each in found} == {"delivered"}
    assert found[0].receiver.health.status == "active"
    assert len(receiver.messages) == 6 + 30


async def test_what_waited_a_week_for_a_paused_receiver_is_dead(
    db: Database, receiver: Receiver
) -> None:
    answer_with(receiver, answer(503))
    outbox, clock = await click(db, *[1] * 20), Clock()
    async with run_worker(db, outbox, clock):
        await wait_for_deliveries(db, lambda found: found[0].receiver.health.status == "paused")
        clock.now += 7 * 24 * HOUR
        await click(db, 1, outbox=outbox, at=clock.now)
        await receiver.wait_for(6)
    found = await list_all(db)
    assert {(each.status, each.reason) for each in found[:20]} == {("dead", "waited-too-long")}
    assert found[20].reason is None


# Forbidden IP addresses


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "http://2130706433:{port}/",
        "http://0x7f.1:{port}/",
        "http://localhost:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
    ],
)
async def test_private_receivers_are_refused_and_may_become_public_later(
    db: Database, url: str
) -> None:
    async with run_receiver() as receiver:
        port = receiver.url.split(":")[2].split("/")[0]
        await insert_calling_links(db, url.format(port=port))
        outbox = await click(db, 1)
        async with run_worker(db, outbox, fetcher=Fetcher()):
            (tried,) = await wait_until_tried(db)
    assert receiver.connections == 0
    assert tried.status == "queued"
    assert tried.last_try
    assert "not on the public internet" in (tried.last_try.outcome.error or "")


async def test_a_redirect_into_the_private_network_is_not_followed(
    db: Database, receiver: Receiver
) -> None:
    async with run_receiver() as inside:
        answer_with(receiver, answer(307, b"", f"Location: {inside.url}"))
        outbox = await click(db, 1)
        async with run_worker(db, outbox):
            await wait_until_tried(db)
    assert inside.connections == 0


async def test_an_unusable_url_does_not_block_others(db: Database) -> None:
    async with run_receiver() as receiver:
        await insert_calling_links(db, "http://127.0.0.1:0/", receiver.url)
        outbox = await click(db, 1, 2)
        async with run_worker(db, outbox):
            await receiver.wait_for(1)
            broken, _ = await wait_until_tried(db)
    assert broken.status == "queued"
    assert broken.last_try


# Fairness


async def test_a_hanging_receiver_does_not_block_others(db: Database) -> None:
    async with run_receiver(hang) as hanging, run_receiver() as well:
        urls = [f"{hanging.url}?{number}" for number in range(12)]
        await insert_calling_links(db, *urls, well.url)
        outbox = await click(db, *range(1, 13))
        async with run_worker(db, outbox, concurrency=4, timeout_s=60.0):
            await hanging.wait_for(1)
            for number in range(1, 21):
                await click(db, 13, outbox=outbox)
                await well.wait_for(number)
            assert len(hanging.messages) == 1


async def test_many_hosts_that_hang_leave_half_of_the_slots(db: Database) -> None:
    hosts = [f"127.0.0.{number}" for number in range(2, 12)]
    async with run_receiver() as well, run_receiver(hang, host=EVERY_ADDRESS) as hanging:
        port = hanging.url.split(":")[2]
        await insert_calling_links(db, well.url, *(f"http://{host}:{port}" for host in hosts))
        outbox = await click(db, 1)
        async with run_worker(db, outbox, concurrency=4, timeout_s=60.0):
            await wait_until_ended(db)  # so that it is known to be quick
            await click(db, *range(2, 12), outbox=outbox)
            await hanging.wait_for(2)
            await click(db, *[1] * 50, outbox=outbox)
            await well.wait_for(51)
            assert len(hanging.messages) == 2


async def test_concurrency_stays_within_the_limit(db: Database) -> None:
    async with run_receiver(hang, host=EVERY_ADDRESS) as hanging:
        port = hanging.url.split(":")[2]
        urls = [f"http://127.0.{net}.{host}:{port}" for net in range(3) for host in range(1, 7)]
        await insert_calling_links(db, *urls)
        outbox = await click(db, *range(1, 19), *range(1, 19))
        async with run_worker(db, outbox, concurrency=4, timeout_s=0.1):
            await hanging.wait_for(12)
    assert hanging.busiest <= 4


async def test_a_large_queue_does_not_block_a_small_one_on_the_same_host(db: Database) -> None:
    async with run_receiver() as receiver:
        await insert_calling_links(db, f"{receiver.url}?large", f"{receiver.url}?small")
        outbox = await click(db, *[1] * 2000, 2)
        async with run_worker(db, outbox, concurrency=2):
            messages = await receiver.wait_for(150)
    assert any(message.path.endswith("small") for message in messages[:100])


async def test_only_turns_in_progress_are_in_memory(db: Database) -> None:
    async with run_receiver() as receiver:
        await insert_calling_links(db, receiver.url)
        outbox = await click(db, 1)
        async with run_worker(db, outbox, concurrency=4, timeout_s=60.0):
            await wait_until_ended(db)  # so that it is known to be quick and its turns are long
            answer_with(receiver, hang)
            await click(db, *[1] * 5000, outbox=outbox)
            await receiver.wait_for(3)
            (row,) = await db.find_all(
                "select count(*) as leased from webhook_deliveries where leased_by is not null"
            )
            assert row["leased"] == 2 * 16


# Slow receivers, and clocks that advance


class Clocks(Clock):
    """Both clocks advance only when a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.monotonic = 10.0

    def read_monotonic(self) -> float:
        return self.monotonic

    def pass_by(self, seconds: float) -> None:
        self.now += round(seconds * 1000)
        self.monotonic += seconds

    def take_time(self, seconds: float, respond: Respond) -> Respond:
        """Like `respond`, but that much later by these clocks."""

        async def respond_late(writer: asyncio.StreamWriter) -> None:
            self.pass_by(seconds)
            await respond(writer)

        return respond_late


def read_leases(db: Database) -> list[tuple[int, int]]:
    """Which deliveries are leased, and until when."""
    sql = "select id, due_at from webhook_deliveries where leased_by is not null order by id"
    return [(row["id"], row["due_at"]) for row in reader(db).find_all(sql)]


def look(into: list[Any], read: Callable[[], object], respond: Respond) -> Respond:
    """Like `respond`, and also records the state when the message has arrived."""

    async def look_and_respond(writer: asyncio.StreamWriter) -> None:
        into.append(read())
        await respond(writer)

    return look_and_respond


async def test_a_slow_receiver_gets_one_delivery_at_a_time_and_its_attempts_are_timed(
    db: Database, receiver: Receiver
) -> None:
    clocks = Clocks()
    leases: list[Any] = []
    late = clocks.take_time(2.5, answer(200))
    answer_with(receiver, look(leases, lambda: read_leases(db), late))
    outbox = await click(db, 1, 1, 1)
    async with run_worker(db, outbox, clocks, read_monotonic=clocks.read_monotonic):
        found = await wait_until_ended(db)
    lease_ms = (1 + 2 + 60) * 1000  # a turn, the time limit and a margin
    begun = [NOW, NOW + 2_500, NOW + 5_000]
    assert leases == [[(n, at + lease_ms)] for n, at in enumerate(begun, start=1)]
    outcomes = [each.last_try.outcome for each in found if each.last_try]
    assert [(each.at, each.duration_ms) for each in outcomes] == [(at, 2_500) for at in begun]
    assert [each.ended_at for each in found] == [at + 2_500 for at in begun]
    assert receiver.ids == [each.message_id for each in found]
    assert int(receiver.messages[2].headers["webhook-timestamp"]) == (NOW + 5_000) // 1000


async def test_a_turn_that_takes_long_leaves_the_rest_to_the_next(
    db: Database, receiver: Receiver
) -> None:
    clocks = Clocks()
    leases: list[Any] = []
    outbox = await click(db, 1)
    async with run_worker(db, outbox, clocks, read_monotonic=clocks.read_monotonic, concurrency=1):
        await wait_until_ended(db)  # so that it is known to be quick and its turns are long
        late = clocks.take_time(0.5, answer(200))
        answer_with(receiver, look(leases, lambda: [n for n, _ in read_leases(db)], late))
        await click(db, *[1] * 5, outbox=outbox)
        await wait_until_ended(db)
    # The third delivery exceeds a second.
    assert leases == [[2, 3, 4, 5, 6]] * 3 + [[5, 6]] * 2


async def test_a_failure_ends_the_turn_and_the_rest_is_released(
    db: Database, receiver: Receiver
) -> None:
    clocks = Clocks()
    leases: list[Any] = []
    outbox = await click(db, 1)
    async with run_worker(db, outbox, clocks, read_monotonic=clocks.read_monotonic):
        await wait_until_ended(db)
        statuses = (200, 500, 200)
        answer_with(
            receiver,
            *(look(leases, lambda: [n for n, _ in read_leases(db)], answer(s)) for s in statuses),
            hang,
        )
        await click(db, *[1] * 4, outbox=outbox)
        await receiver.wait_for(5)
        found = await list_all(db)
    # The deliveries behind the failure were released, and the next turn has only one.
    assert leases == [[2, 3, 4, 5], [2, 3, 4, 5], [4]]
    assert [each.status for each in found[:4]] == ["delivered", "delivered", "queued", "delivered"]
    assert found[2].attempts == 1


async def test_a_receiver_that_takes_longer_than_its_pause_counts_from_its_answer(
    db: Database, receiver: Receiver
) -> None:
    clocks = Clocks()
    answer_with(receiver, clocks.take_time(90, answer(503, b"", "Retry-After: 60")))
    async with (
        run_receiver() as other,
        run_worker(
            db,
            outbox := make_outbox(),
            clocks,
            read_monotonic=clocks.read_monotonic,
            retries_s=(30, 30),
        ),
    ):
        sql = "update links set webhook_urls = $1 where id = 2"
        await db.write(insert_links(2))
        await db.write(lambda tx: tx.execute(sql, other.url))
        await click(db, 1, outbox=outbox)
        (tried,) = await wait_until_tried(db)
        assert tried.next_try_at == NOW + 150_000
        assert tried.receiver.health.held_until == NOW + 150_000
        clocks.pass_by(59.999)
        outbox.news.set()
        await click(db, 2, outbox=outbox)
        await other.wait_for(1)
        clocks.pass_by(0.001)
        outbox.news.set()
        found = await wait_for_deliveries(db, lambda found: found[0].attempts == 2)
    again = found[0].last_try
    assert again
    assert again.outcome.at == NOW + 150_000
    assert len(receiver.messages) == 2


async def test_it_sleeps_until_the_first_is_due_and_half_a_minute_at_most(
    db: Database, receiver: Receiver
) -> None:
    async with open_worker(db, make_outbox()) as worker:
        for due_at, seconds in ((None, 30), (NOW + 1_500, 1.5), (NOW + 40_000, 30), (NOW, 0)):
            if due_at is not None:
                await db.write(lambda tx, at=due_at: tx.execute(SET_LINE, at))
            assert await worker._find_sleep(NOW - 1) == seconds


# Slots


async def test_slots_are_returned_after_success_failure_and_unexpected_errors(
    db: Database,
) -> None:
    async with run_receiver(answer(200)) as well, run_receiver(answer(500)) as failing:
        urls = [well.url, failing.url, "http://127.0.0.1:0/", f"{well.url}?2"]
        await insert_calling_links(db, *urls)
        await move_links(db, 4)
        outbox = make_outbox()
        with capture_logs() as logs:
            async with run_worker(db, outbox, concurrency=1) as worker:
                await db.write(
                    lambda tx: tx.execute(
                        "insert into webhook_secrets values (9, 2, 'whsec_x', null)"
                    )
                )
                for number in range(1, 5):
                    await click(db, 1, 2, 3, 4, outbox=outbox)
                    await well.wait_for(number)
                await wait_for_deliveries(
                    db, lambda found: len(found) == 12 and all(each.attempts for each in found)
                )
                await wait_until(lambda: worker._slots.free == 1)
    failed = [each for each in logs if each["event"] == "webhook_turn_failed"]
    assert failed
    assert all(isinstance(each["exc_info"], Exception) for each in failed)
    assert {message.path for message in well.messages} == {"/hook"}


async def test_slots_are_given_back_where_turns_cannot_be_claimed(
    db: Database, receiver: Receiver
) -> None:
    outbox = await click(db, 1, 1)
    await break_table(db, "webhook_secrets")
    with capture_logs() as logs:
        async with run_worker(db, outbox, concurrency=1):
            for _ in range(3):
                outbox.news.set()
                await wait_until(lambda: not outbox.news.is_set())
            await wait_until(lambda: bool(logs))
            assert receiver.messages == []
            await mend_table(db, "webhook_secrets")
            outbox.news.set()
            await wait_until_ended(db)
    assert [each["event"] for each in logs] == ["webhooks_wait"]


async def test_lines_with_nothing_to_send_take_no_slots(db: Database, receiver: Receiver) -> None:
    outbox = make_outbox()
    async with run_worker(db, outbox, concurrency=1) as worker:
        for _ in range(5):  # a time in a line may be too early
            await db.write(lambda tx: tx.execute(SET_LINE, NOW - 1))
            outbox.news.set()
            await wait_until(lambda: not reader(db).find_all("select 1 from webhook_lines"))
        await wait_until(lambda: worker._slots.free == 1)
        await click(db, 1, outbox=outbox)
        await wait_until_ended(db)


# Stopping, and what follows


async def test_deliveries_in_progress_at_a_stop_may_finish(
    db: Database, receiver: Receiver
) -> None:
    outbox = await click(db, 1)
    async with run_worker(db, outbox, grace_s=10):
        await receiver.wait_for(1)
    assert await count_by_status(db) == {"delivered": 1}


async def test_a_hanging_receiver_does_not_delay_the_stop(db: Database, receiver: Receiver) -> None:
    answer_with(receiver, hang, answer(200))
    outbox = await click(db, 1)
    async with run_worker(db, outbox, timeout_s=60.0):
        await receiver.wait_for(1)
    assert await count_by_status(db) == {"queued": 1}
    async with run_worker(db, outbox):
        await wait_until_ended(db)
    assert receiver.ids == [receiver.ids[0]] * 2


async def test_a_killed_workers_leases_are_void_and_duplicates_keep_their_id(
    db: Database, receiver: Receiver
) -> None:
    answer_with(receiver, hang, answer(200))
    outbox = await click(db, *[1] * 20)
    async with run_worker(db, outbox, timeout_s=60.0):
        await receiver.wait_for(1)
        # For the database the first worker is still active. The next one has its own `news`, like
        # another
        # process: each takes what it waits for.
        with capture_logs() as logs:
            async with run_worker(db, make_outbox()):
                found = await wait_until_ended(db)
    assert {"event": "webhooks_resumed", "log_level": "info", "deliveries": 1} in logs
    assert {each.status for each in found} == {"delivered"}
    assert len(receiver.messages) == 21
    assert set(receiver.ids) == {each.message_id for each in found}


async def test_what_a_worker_finds_out_after_its_lease_was_lost_is_not_written_down(
    db: Database, receiver: Receiver
) -> None:
    clocks, go_on = Clocks(), asyncio.Event()

    async def answer_late(writer: asyncio.StreamWriter) -> None:
        await go_on.wait()
        await answer(500)(writer)

    answer_with(receiver, answer_late, answer(200))
    outbox = await click(db, 1)
    async with run_worker(db, outbox, clocks, grace_s=5, timeout_s=60.0):
        await receiver.wait_for(1)
        (lease,) = read_leases(db)
        async with run_worker(db, make_outbox(), clocks):
            (delivered,) = await wait_until_ended(db)
        go_on.set()
    assert lease == (1, NOW + 121_000)
    record = await service.get_record(db, OWNER, delivered.id, NOW)
    assert record.delivery == delivered
    assert [each.outcome.status for each in record.tries] == [200]


@pytest.mark.parametrize("table", ["webhook_tries", "webhook_secrets"])
async def test_it_continues_once_the_database_accepts_writes_and_logs_the_wait_once(
    db: Database, receiver: Receiver, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result of an attempt cannot be stored, or no turn can be claimed."""
    monkeypatch.setattr(worker_module, "STORAGE_RETRY_S", 0.001)
    outbox = await click(db, 1)

    async def wait_for_failures(number: int) -> None:
        failures.clear()
        await wait_until(lambda: len(failures) >= number)

    failures: list[str] = []
    write = db.write

    async def count_failures(work: Any, *lanes: Lane) -> Any:
        try:
            return await write(work, *lanes)
        except StorageUnavailableError as error:
            failures.append(str(error.__cause__))
            raise

    await break_table(db, table)
    monkeypatch.setattr(db, "write", count_failures)
    with capture_logs() as logs:
        async with run_worker(db, outbox) as worker:
            await wait_for_failures(3)
            await mend_table(db, table)
            await wait_until_ended(db)
            # Until the worker has noticed, another failure belongs to the same wait.
            await wait_until(lambda: not worker._waits)
            await break_table(db, table)
            await click(db, 1, outbox=outbox)
            await wait_for_failures(3)
            await mend_table(db, table)
            await wait_until_ended(db)
    reason = f"no such table: {table}" if db.here else f"permission denied for table {table}"
    said = [(each["event"], each["reason"]) for each in logs]
    # On PostgreSQL the engine says itself that it ran a group's writes alone.
    assert [each for each in said if each[0] != "writes_repeated"] == [
        ("webhooks_wait", reason)
    ] * 2
    assert len(receiver.messages) == 2
