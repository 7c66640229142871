"""The log stays fast however long it is, and unused rows are deleted."""

import re
from typing import Any

import msgspec
import pytest

from shorty.accounts.model import Actor
from shorty.errors import NotFoundError
from shorty.storage.database import Database, Transaction
from shorty.webhooks import leases, log_store, queue
from shorty.webhooks.log_store import write_list
from shorty.webhooks.model import Delivery, DeliveryFilter, Health, Outcome, Receiver, Try
from shorty.webhooks.service import (
    DELETED_AT_ONCE,
    KEPT_MS,
    delete_old_deliveries,
    get_record,
    list_deliveries,
    list_receivers,
    redeliver,
)
from tests.support import NOW, build_actor
from tests.webhooks.making import (
    OWNER,
    click,
    count_by_status,
    insert_calling_links,
    list_all,
    move_links,
    run_worker,
    wait_until_ended,
)
from tests.webhooks.receiver import answer, run_receiver


async def count(db: Database, table: str) -> int:
    (row,) = await db.find_all(f"select count(*) as number from {table}")  # noqa: S608 - our own names
    return row["number"]


async def list_searches(db: Database, sql: str) -> list[str]:
    """How the statement searches the tables of webhooks, except look-ups by id."""
    parameters = [1] * len(set(re.findall(r"\$\d", sql)))
    steps = [row["detail"] for row in await db.find_all(f"explain query plan {sql}", *parameters)]
    return [step for step in steps if " webhook_" in step and "PRIMARY KEY" not in step]


async def test_what_ended_a_month_ago_is_deleted_with_all_that_belongs_to_it(db: Database) -> None:
    async with run_receiver() as receiver:
        await insert_calling_links(db, receiver.url)
        outbox = await click(db, 1, 1)
        async with run_worker(db, outbox):
            await wait_until_ended(db)
    ended_at = max(each.ended_at or 0 for each in await list_all(db))
    assert await delete_old_deliveries(db, ended_at + KEPT_MS - 100_000) == 0
    assert await delete_old_deliveries(db, ended_at + KEPT_MS) == 2
    for table in ("deliveries", "tries", "snapshots", "receivers"):
        assert await count(db, f"webhook_{table}") == 0


async def test_what_others_still_need_stays(db: Database) -> None:
    async with run_receiver() as receiver:
        await insert_calling_links(db, receiver.url)
        outbox = await click(db, 1)
        async with run_worker(db, outbox):
            await wait_until_ended(db)
            await db.write(lambda tx: tx.execute("update links set title = 'New'"))
            await click(db, 1, at=NOW + KEPT_MS)
    assert await delete_old_deliveries(db, NOW + KEPT_MS + 60_000) == 1
    assert await count_by_status(db) == {"queued": 1}
    assert await count(db, "webhook_receivers") == 1
    (snapshot,) = await db.find_all("select link from webhook_snapshots")
    assert '"New"' in snapshot["link"]


async def test_it_is_deleted_in_small_batches(db: Database) -> None:
    await insert_calling_links(db, "https://hooks.example/")
    await click(db, *[1] * (DELETED_AT_ONCE + 10))
    await db.write(
        lambda tx: tx.execute("update webhook_deliveries set status = 2, ended_at = $1", NOW)
    )
    deleted = [await delete_old_deliveries(db, NOW + KEPT_MS) for _ in range(3)]
    assert deleted == [DELETED_AT_ONCE, 10, 0]


async def test_what_is_queued_for_a_stopped_receiver_ends_in_small_batches(db: Database) -> None:
    async with run_receiver(answer(410)) as receiver:
        await insert_calling_links(db, receiver.url)
        outbox = await click(db, *[1] * (2 * leases.ENDED_AT_ONCE + 10))
        async with run_worker(db, outbox):
            # The last look finds an empty queue; stopped before it, a worker leaves it to the next.
            while await count(db, "webhook_receivers where next_at is not null"):
                await wait_until_ended(db)
    assert len(receiver.messages) == 1
    assert await count(db, "webhook_deliveries where status = 2") == 2 * leases.ENDED_AT_ONCE + 10


OTHER = build_actor(workspace_id=2)


@pytest.fixture
async def log(db: Database) -> Database:
    """Links 1 and 2 of the first workspace and link 3 of the second call two receivers each.

    Deliveries 1 to 4 are of links 1 and 2, 5 is of link 3, and then the same again; all have ended.
    """
    one, two = "https://one.example/", "https://two.example/"
    await insert_calling_links(db, f"{one},{two}", f"{one},{two}", one)
    await move_links(db, 3)
    await click(db, 1, 2, 3)
    await click(db, 1, 2, 3)

    def work(tx: Transaction) -> None:
        tx.execute(
            "update webhook_deliveries set status = 1 + id % 2, attempts = 2, step = 1,"
            " ended_at = $1 + id, reason = 'tries-used-up'",
            NOW,
        )
        tx.execute(
            "insert into webhook_tries select d.id, n.value, cast($1 as bigint) + n.value, d.id,"
            " 500 + d.id, null, 'No ' || d.id"
            " from webhook_deliveries d, (select 1 as value union all select 2) n",
            NOW,
        )

    await db.write(work)
    return db


@pytest.mark.parametrize(
    ("actor", "wanted", "ids"),
    [
        (OWNER, DeliveryFilter(), [9, 8, 7, 6, 4, 3, 2, 1]),
        (OTHER, DeliveryFilter(), [10, 5]),
        (OWNER, DeliveryFilter(before=7, limit=3), [6, 4, 3]),
        (OWNER, DeliveryFilter(status="delivered"), [8, 6, 4, 2]),
        (OWNER, DeliveryFilter(status="dead"), [9, 7, 3, 1]),
        (OWNER, DeliveryFilter(status="queued"), []),
        (OWNER, DeliveryFilter(link_id=1), [7, 6, 2, 1]),
        (OWNER, DeliveryFilter(link_id=3), []),
        (OTHER, DeliveryFilter(link_id=1), []),
        (OTHER, DeliveryFilter(link_id=3), [10, 5]),
        (OWNER, DeliveryFilter(receiver_id=2), [9, 7, 4, 2]),
        (OTHER, DeliveryFilter(receiver_id=2), []),
        (OTHER, DeliveryFilter(receiver_id=3), [10, 5]),
        (OWNER, DeliveryFilter(url="https://one.example/"), [8, 6, 3, 1]),
        (OTHER, DeliveryFilter(url="https://one.example/"), [10, 5]),
        (OTHER, DeliveryFilter(url="https://two.example/"), []),
        (OTHER, DeliveryFilter(url="https://one.example/\0"), []),
        (OWNER, DeliveryFilter(link_id=2, receiver_id=1), [8, 3]),
        (OWNER, DeliveryFilter(link_id=2, receiver_id=1, status="dead", before=8), [3]),
        (OTHER, DeliveryFilter(link_id=2, receiver_id=1), []),
    ],
)
async def test_a_filter_finds_only_matching_deliveries(
    log: Database, actor: Actor, wanted: DeliveryFilter, ids: list[int]
) -> None:
    found = await list_deliveries(log, actor, wanted, NOW)
    assert [each.id for each in found] == ids


async def test_a_delivery_is_shown_with_its_own_receiver_and_tries(log: Database) -> None:
    record = await get_record(log, OWNER, 7, NOW)
    receiver = Receiver(
        id=2,
        workspace_id=1,
        url="https://two.example/",
        host="two.example",
        health=Health(),
        created_at=NOW,
    )
    tries = tuple(
        Try(
            number=number,
            outcome=Outcome(at=NOW + number, duration_ms=7, status=507, error=None, body="No 7"),
        )
        for number in (1, 2)
    )
    delivery = Delivery(
        id=7,
        message_id=record.delivery.message_id,
        workspace_id=1,
        receiver=receiver,
        link_id=1,
        status="dead",
        reason="tries-used-up",
        attempts=2,
        created_at=NOW,
        next_try_at=None,
        ended_at=NOW + 7,
        last_try=tries[1],
    )
    assert (record.delivery, record.tries) == (delivery, tries)
    assert (await list_deliveries(log, OWNER, DeliveryFilter(), NOW))[2] == delivery
    assert b'"id":"1"' in (record.body or b"")
    for actor, stranger in ((OWNER, 5), (OTHER, 7)):
        with pytest.raises(NotFoundError):
            await get_record(log, actor, stranger, NOW)


async def test_one_is_sent_again_and_the_others_stay_as_they_are(log: Database) -> None:
    before = await list_all(log)
    again = await log.write(lambda tx: redeliver(tx, OWNER, 6, NOW + 50))
    values = {"status": "queued", "reason": None, "ended_at": None, "next_try_at": NOW + 50}
    assert again == msgspec.structs.replace(before[4], **values)
    after = await list_all(log)
    assert [each for each in after if each.id != 6] == [each for each in before if each.id != 6]
    (row,) = await log.find_all(
        "select id, step, due_at, queued_at from webhook_deliveries where status = 0"
    )
    assert tuple(row) == (6, 0, 0, NOW + 50)


async def test_what_is_being_sent_is_left_to_its_worker(log: Database) -> None:
    lease = "update webhook_deliveries set leased_by = 'w', status = 0, due_at = $1 where id = 6"
    await log.write(lambda tx: tx.execute(lease, NOW + 60))
    await log.write(lambda tx: redeliver(tx, OWNER, 6, NOW))
    (row,) = await log.find_all("select due_at, leased_by from webhook_deliveries where id = 6")
    assert tuple(row) == (NOW + 60, "w")


async def test_old_ones_go_with_their_own_tries_snapshots_and_receivers_alone(
    log: Database,
) -> None:
    await log.write(lambda tx: tx.execute("update links set title = 'New'"))
    await click(log, 1, 3)
    # Of the first click, the delivery that ended first; then all of the second workspace except its
    # newest.
    assert await delete_old_deliveries(log, NOW + 4 + KEPT_MS) == 4
    assert await count(log, "webhook_snapshots") == 5
    assert await delete_old_deliveries(log, NOW + 7 + KEPT_MS) == 3
    left = await log.find_all("select id from webhook_deliveries order by id")
    assert [row["id"] for row in left] == [8, 9, 10, 11, 12, 13]
    tries = await log.find_all("select delivery_id, number from webhook_tries order by 1, 2")
    assert [tuple(row) for row in tries] == [(each, n) for each in (8, 9, 10) for n in (1, 2)]
    snapshots = await log.find_all("select link_id from webhook_snapshots order by id")
    assert [row["link_id"] for row in snapshots] == [2, 3, 1, 3]
    assert [each.id for each in await list_receivers(log, OWNER, 0, 10)] == [1, 2]
    await log.write(lambda tx: tx.execute("update webhook_deliveries set status = 1, ended_at = 1"))
    await log.write(
        lambda tx: tx.execute("update webhook_deliveries set ended_at = null where id = 10")
    )
    assert await delete_old_deliveries(log, NOW + KEPT_MS) == 5
    receivers = await log.find_all("select id from webhook_receivers")
    assert [row["id"] for row in receivers] == [3]
    assert await count(log, "webhook_snapshots") == 2


@pytest.mark.parametrize(
    ("values", "health", "planned"),
    [
        ({"due_at": NOW + 5}, Health(), NOW + 5),
        ({"due_at": NOW + 5}, Health(held_until=NOW + 9), NOW + 9),
        ({"due_at": NOW + 9}, Health(held_until=NOW + 5), NOW + 9),
        ({"due_at": NOW + 5}, Health(stopped_at=1), None),
        ({"due_at": 0}, Health(stopped_at=1, held_until=NOW + 9), NOW),
        ({"due_at": 0, "leased_by": "w"}, Health(), None),
        ({"due_at": NOW, "ended_at": NOW}, Health(), None),
    ],
)
def test_the_time_of_the_next_attempt(
    values: dict[str, Any], health: Health, planned: int | None
) -> None:
    row = {"ended_at": None, "leased_by": None, **values}
    assert log_store.plan_try(row, health, NOW) == planned


@pytest.mark.sqlite_only("how it reads a statement; PostgreSQL decides by its statistics")
@pytest.mark.parametrize(
    ("sql", "plan"),
    [
        (write_list(log_store.OF_WORKSPACE), "of_workspace (workspace_id=? AND status=? AND"),
        (write_list(log_store.OF_RECEIVER), "of_receiver (receiver_id=? AND status=? AND"),
        (write_list(log_store.OF_LINK), "of_link (link_id=? AND status=? AND"),
        (write_list(log_store.OF_BOTH), "of_link (link_id=? AND status=? AND"),
        (log_store.DELETE_OLD, "deliveries_ended (ended_at<?)"),
        (leases.FIND_DUE, "deliveries_queued (receiver_id=? AND due_at<?)"),
        (leases.END_FOR_STOPPED, "deliveries_queued (receiver_id=? AND due_at>?)"),
        (leases.END_FOR_PAUSED, "deliveries_of_receiver (receiver_id=? AND status=?)"),
        (leases.VOID_LEASES, "deliveries_leased"),
        (queue.FIND_FIRST_DUE, "deliveries_queued (receiver_id=?)"),
        (queue.FIND_DUE_LINES, "lines_waiting (is_quick=? AND next_at<?)"),
        (queue.FIND_NEXT_TIME, "lines_waiting (is_quick=? AND next_at>?)"),
        (queue.FIND_FIRST_RECEIVER, "receivers_waiting (host=? AND is_quick=? AND next_at<?)"),
        (queue.FIND_LINE_START, "receivers_waiting (host=? AND is_quick=?"),
    ],
)
async def test_no_statement_reads_more_than_it_gives(db: Database, sql: str, plan: str) -> None:
    searches = await list_searches(db, sql)
    assert searches
    assert all(plan in search for search in searches)
