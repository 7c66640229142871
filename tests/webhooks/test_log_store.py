"""The log stays quick however long it is, and is cleared of what nobody needs."""

import re

import pytest

from shorty.storage.database import Database
from shorty.webhooks import lines, log_store, turns
from shorty.webhooks.log_store import write_list
from shorty.webhooks.service import DELETED_AT_ONCE, KEPT_MS, delete_old_deliveries
from tests.support import NOW
from tests.webhooks.making import (
    click,
    count_by_status,
    insert_calling_links,
    list_all,
    run_worker,
    wait_until_ended,
)
from tests.webhooks.receiver import answer, run_receiver


async def count(db: Database, table: str) -> int:
    (row,) = await db.find_all(f"select count(*) as number from {table}")  # noqa: S608 - our own names
    return row["number"]


async def list_searches(db: Database, sql: str) -> list[str]:
    """How the statement finds its rows in the tables of webhooks, but for those it has an id of."""
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
        outbox = await click(db, *[1] * (2 * turns.ENDED_AT_ONCE + 10))
        async with run_worker(db, outbox):
            await wait_until_ended(db)
    assert len(receiver.messages) == 1
    (row,) = await db.find_all("select next_at from webhook_receivers")
    assert row["next_at"] is None


@pytest.mark.parametrize(
    ("sql", "plan"),
    [
        (write_list(log_store.OF_WORKSPACE), "of_workspace (workspace_id=? AND status=? AND"),
        (write_list(log_store.OF_RECEIVER), "of_receiver (receiver_id=? AND status=? AND"),
        (write_list(log_store.OF_LINK), "of_link (link_id=? AND status=? AND"),
        (write_list(log_store.OF_BOTH), "of_link (link_id=? AND status=? AND"),
        (log_store.DELETE_OLD, "deliveries_ended (ended_at<?)"),
        (turns.FIND_DUE, "deliveries_queued (receiver_id=? AND due_at<?)"),
        (turns.END_FOR_STOPPED, "deliveries_queued (receiver_id=? AND due_at>?)"),
        (turns.END_FOR_PAUSED, "deliveries_of_receiver (receiver_id=? AND status=?)"),
        (turns.VOID_LEASES, "deliveries_leased"),
        (lines.FIND_FIRST_DUE, "deliveries_queued (receiver_id=?)"),
        (lines.FIND_DUE_LINES, "lines_waiting (is_quick=? AND next_at<?)"),
        (lines.FIND_NEXT_TIME, "lines_waiting (is_quick=? AND next_at>?)"),
        (lines.FIND_FIRST_RECEIVER, "receivers_waiting (host=? AND is_quick=? AND next_at<?)"),
        (lines.FIND_LINE_START, "receivers_waiting (host=? AND is_quick=?"),
    ],
)
async def test_no_statement_reads_more_than_it_gives(db: Database, sql: str, plan: str) -> None:
    searches = await list_searches(db, sql)
    assert searches
    assert all(plan in search for search in searches)
