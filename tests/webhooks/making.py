"""Builds objects for tests of webhooks: links with endpoints, clicks on them, workers."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import msgspec

from shorty.clicks.journal import Position
from shorty.clicks.model import encode_visit
from shorty.clicks.store import begin_journal, find_journal_state, store_batch
from shorty.clicks.waiting import Batch
from shorty.config import Config, Plan, WebhooksConfig
from shorty.fetch import Fetcher
from shorty.links.rule_destinations import list_destinations
from shorty.storage.database import Database, Lane, Transaction
from shorty.webhooks import service
from shorty.webhooks.model import Delivery, DeliveryFilter
from shorty.webhooks.outbox import Outbox
from shorty.webhooks.worker import WebhookWorker
from tests.clicks.making import insert_links, make_visit
from tests.support import NOW, build_actor

JOURNAL = "a journal"
OWNER = build_actor()
"""The secret of the first workspace."""
PLANS = Config(plans={"none": Plan(webhooks=False)}).plans


def make_outbox() -> Outbox:
    return Outbox(PLANS, list_destinations)


async def insert_calling_links(db: Database, *urls: str) -> None:
    """Links 1, 2 …, each with one of these texts as its endpoint URLs."""

    def work(tx: Transaction) -> None:
        insert_links(*range(1, len(urls) + 1))(tx)
        for link_id, url in enumerate(urls, start=1):
            tx.execute("update links set webhook_urls = $2 where id = $1", link_id, url)

    await db.write(work)


async def move_links(db: Database, *link_ids: int, plan: str = "unlimited") -> None:
    """Moves the links to a second workspace and to its own domain."""

    def work(tx: Transaction) -> None:
        tx.execute(
            "insert into workspaces (id, name, plan, created_at) values (2, 'X', $1, 0)", plan
        )
        tx.execute(
            "insert into domains (id, host, scheme, workspace_id, source, created_at)"
            " values (2, 'two.example', 'http', 2, 'api', 0)"
        )
        for link_id in link_ids:
            tx.execute("update links set workspace_id = 2, domain_id = 2 where id = $1", link_id)
            tx.execute("update link_counters set workspace_id = 2 where link_id = $1", link_id)

    await db.write(work)


async def click(
    db: Database,
    *link_ids: int,
    outbox: Outbox | None = None,
    batch_number: int | None = None,
    **facts: Any,
) -> Outbox:
    """One click by a person on each of these links, stored like the recorder does."""
    if outbox is None:
        outbox = make_outbox()
        db.subscribe(outbox.hear)
    state = await find_journal_state(db, JOURNAL)
    if state is None:
        begin = partial(begin_journal, journal_id=JOURNAL, node="local", start=Position(1, 8))
        await db.write(begin, Lane.CLICKS)
    visit = msgspec.structs.replace(make_visit(at=NOW), **facts)
    visits = [msgspec.structs.replace(visit, link_id=link_id) for link_id in link_ids]
    batch = Batch(0, [encode_visit(visit) for visit in visits], 0)
    stored = 0 if state is None else state.stored_batches
    batch.number = batch_number or stored + 1
    store = partial(store_batch, journal_id=JOURNAL, batch=batch, outbox=outbox)
    await db.write(store, Lane.CLICKS)
    return outbox


class Clock:
    """Time that only moves when a test moves it, or as `read` says."""

    def __init__(self, now: int = NOW, read: Callable[[], int] | None = None) -> None:
        self.now = now
        self.read = read or (lambda: self.now)


@asynccontextmanager
async def open_worker(
    db: Database,
    outbox: Outbox,
    clock: Clock | None = None,
    fetcher: Fetcher | None = None,
    grace_s: float = 0.1,
    read_monotonic: Callable[[], float] = time.monotonic,
    **settings: Any,
) -> AsyncGenerator[WebhookWorker]:
    """Not started. Its clock is stopped, so that failed deliveries are not retried."""
    config = msgspec.structs.replace(WebhooksConfig(timeout_s=2.0), **settings)
    db.subscribe(outbox.hear)
    async with fetcher or Fetcher(allow_private=True) as client:
        read_clock = (clock or Clock()).read
        yield WebhookWorker(
            db,
            client,
            config,
            outbox.news,
            read_clock,
            grace_s=grace_s,
            read_monotonic=read_monotonic,
        )


@asynccontextmanager
async def run_worker(
    db: Database, outbox: Outbox, *given: Any, **settings: Any
) -> AsyncGenerator[WebhookWorker]:
    """One that `open_worker` opens, started."""
    async with open_worker(db, outbox, *given, **settings) as worker:
        await worker.start()
        try:
            yield worker
        finally:
            await worker.stop()


async def list_all(db: Database, now: int = NOW, **wanted: Any) -> list[Delivery]:
    """Deliveries of the first workspace, oldest first."""
    which = msgspec.structs.replace(DeliveryFilter(limit=1000), **wanted)
    return (await service.list_deliveries(db, OWNER, which, now))[::-1]


async def count_by_status(db: Database) -> dict[str, int]:
    counts: dict[str, int] = {}
    for delivery in await list_all(db):
        counts[delivery.status] = counts.get(delivery.status, 0) + 1
    return counts


async def wait_for_deliveries(
    db: Database, is_right: Callable[[list[Delivery]], bool], patience_s: float = 5
) -> list[Delivery]:
    """The log, once it is as expected."""
    for _ in range(int(patience_s / 0.005)):
        if is_right(found := await list_all(db)):
            return found
        await asyncio.sleep(0.005)
    raise AssertionError("The log never was right")


async def wait_until_ended(db: Database, patience_s: float = 5) -> list[Delivery]:
    return await wait_for_deliveries(
        db, lambda found: all(each.status != "queued" for each in found), patience_s
    )


async def wait_until_tried(db: Database, tries: int = 1) -> list[Delivery]:
    """The log, once each delivery has had so many attempts."""
    return await wait_for_deliveries(
        db, lambda found: all(each.attempts >= tries for each in found)
    )
