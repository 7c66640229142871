"""Two nodes write to one database: what both count is exact, and neither waits for the other."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from shorty.clicks.journal import Position
from shorty.clicks.model import LINK, PERSON, Click, encode_visit
from shorty.clicks.owners import number_workspace
from shorty.clicks.rebuild import note_days, rebuild_noted_day
from shorty.clicks.store import begin_journal, store_batch
from shorty.clicks.waiting import Batch
from shorty.config import Plan
from shorty.durations import DAY_MS
from shorty.errors import QuotaExceededError
from shorty.links.store import COUNTER_LANES, RETIRE_COUNTER
from shorty.plans import take_quota
from shorty.postgres.database import PostgresDatabase
from shorty.storage.database import Database, Lane, Transaction
from shorty.webhooks.leases import Lease, claim_turns
from shorty.webhooks.queue import Line
from tests.clicks.making import AT, insert_links, load_clicks, make_person
from tests.clicks.recount import assert_sums_are_right
from tests.postgres.support import hold_writer
from tests.webhooks.making import make_outbox

pytestmark = pytest.mark.postgres_only
Nodes = Sequence[PostgresDatabase]

LINKS = 8
BATCHES = 12
CLICKS = 100
LIMIT = 150
PLAN = Plan(name="small", links=LIMIT)
CALLS = "update links set webhook_urls = 'https://hooks.example/' where id in (1, 9)"


@pytest.fixture
async def nodes(database_url: str, tmp_path: Path) -> AsyncGenerator[Nodes]:
    async with AsyncExitStack() as stack:
        nodes = [PostgresDatabase(database_url, name, tmp_path / name) for name in ("one", "two")]
        for node in nodes:
            stack.push_async_callback(node.close)
        await nodes[0].write(insert_links(*range(1, 2 * LINKS + 1)))
        await nodes[0].write(lambda tx: tx.execute(CALLS))
        yield nodes


class Load:
    """What one node writes: clicks on links of its own, and whatever else changes meanwhile."""

    def __init__(self, db: Database, number: int) -> None:
        self.db = db
        self.links = [number * LINKS + each for each in range(1, LINKS + 1)]
        self.created = 0
        self._visitors = count(1 + number * BATCHES * CLICKS)
        self._is_over = asyncio.Event()

    async def run(self) -> None:
        others = [asyncio.create_task(each()) for each in (self._create, self._delete, self._send)]
        await self._store()
        self._is_over.set()
        await asyncio.gather(*others)

    async def _store(self) -> None:
        journal, outbox = self.db.node, make_outbox()
        begin = partial(begin_journal, journal_id=journal, node=journal, start=Position(1, 8))
        await self.db.write(begin, Lane.CLICKS)
        for number in range(1, BATCHES + 1):
            visits = [
                make_person(link_id=self.links[each % LINKS], visitor=next(self._visitors))
                for each in range(CLICKS)
            ]
            batch = Batch(0, [encode_visit(visit) for visit in visits], 0)
            batch.number = number
            store = partial(store_batch, journal_id=journal, batch=batch, outbox=outbox)
            assert await self.db.write(store, Lane.CLICKS) == 0

    async def _create(self) -> None:
        """As long as the quota lasts, which both nodes use up."""

        def work(tx: Transaction) -> None:
            take_quota(tx, 1, PLAN, "links", 1, AT)

        while True:
            writes = [self.db.write(work) for _ in range(8)]
            answers = await asyncio.gather(*writes, return_exceptions=True)
            self.created += answers.count(None)
            if answers.count(None) < len(answers):
                assert {type(each) for each in answers if each} == {QuotaExceededError}
                return

    async def _delete(self) -> None:
        """Changes the counters of links that both nodes are clicked on, the last one first."""
        links = [*range(2 * LINKS, 0, -1)]
        while not self._is_over.is_set():
            retire = partial(_change_all, links=links)
            await self.db.write(retire, *COUNTER_LANES)

    async def _send(self) -> None:
        lines = [Line(host="hooks.example", is_quick=True)]
        lease = Lease(worker=self.db.node, begun_at=AT, until=AT)
        while not self._is_over.is_set():
            await self.db.write(partial(claim_turns, due=lines, lease=lease), Lane.WEBHOOKS)


def _change_all(tx: Transaction, links: Sequence[int]) -> None:
    tx.execute_many(RETIRE_COUNTER, [(each,) for each in links])


async def test_what_two_nodes_count_is_exact_and_no_write_is_run_again(
    nodes: Nodes,
) -> None:
    loads = [Load(db, number) for number, db in enumerate(nodes)]
    with capture_logs() as events:
        await asyncio.gather(*(load.run() for load in loads))
    assert [each["event"] for each in events if each["event"] == "writes_repeated"] == []
    assert sum(load.created for load in loads) == LIMIT
    stored = 2 * BATCHES * CLICKS
    sums = "select sum(clicks) as clicks, sum(visitors) as visitors from click_quarters"
    for where in (f"owner = {number_workspace(1)}", "owner > 0"):
        (row,) = await nodes[0].find_all(f"{sums} where {where}")
        assert tuple(row) == (stored, stored)
    (row,) = await nodes[0].find_all("select sum(total) as total from link_counters")
    assert row["total"] == stored
    await assert_sums_are_right(nodes[0])
    (row,) = await nodes[0].find_all("select count(*) as calls from webhook_deliveries")
    assert row["calls"] == 2 * BATCHES * -(-CLICKS // LINKS)


async def test_clicks_that_call_nobody_wait_for_no_webhooks(
    nodes: Nodes,
) -> None:
    one, two = nodes
    begin = partial(begin_journal, journal_id="one", node="one", start=Position(1, 8))
    await one.write(begin, Lane.CLICKS)
    visits = [make_person(link_id=each) for each in (2, 3)]
    batch = Batch(0, [encode_visit(visit) for visit in visits], 0)
    batch.number = 1
    store = partial(store_batch, journal_id="one", batch=batch, outbox=make_outbox())
    async with hold_writer(two, Lane.WEBHOOKS):
        assert await one.write(store, Lane.CLICKS) == 0
    await assert_sums_are_right(two)


async def test_days_that_two_nodes_recount_are_corrected_once(
    nodes: Nodes,
) -> None:
    """As when an import ends on one, while the other looks after what is noted."""
    days = [AT // DAY_MS * DAY_MS + number * DAY_MS for number in range(6)]
    clicks = [
        Click(link_id, day, link_id, PERSON, LINK, "DE", "t.co", "Chrome", None, "desktop", None)
        for day in days
        for link_id in range(1, 2 * LINKS + 1)
    ]
    await load_clicks(nodes[0], clicks)
    await nodes[0].write(lambda tx: tx.execute("delete from click_quarters"))
    await nodes[0].write(lambda tx: note_days(tx, days))
    while await nodes[0].find_all("select * from days_to_recount"):
        await asyncio.gather(*(rebuild_noted_day(node) for node in nodes))
    await assert_sums_are_right(nodes[0])
