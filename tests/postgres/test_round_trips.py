"""What each kind of write costs: the statements that it sends, and how often it waits for answers.

Each round trip to the server keeps all other writes waiting, and over a network it takes longer
than the statements. `COSTS` is to be changed on purpose alone: a statement more costs everybody.
Begin, a lane, number, savepoint, release and commit are six statements, and the commit is one wait.
"""

import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from shorty.accounts import token_store
from shorty.accounts.model import Actor, KeptAnswer
from shorty.clicks.journal import Position
from shorty.clicks.model import encode_visit
from shorty.clicks.store import begin_journal, store_batch
from shorty.clicks.waiting import Batch
from shorty.links import service
from shorty.links.context import LinkContext
from shorty.links.model import Link
from shorty.links.search_entries import catch_up
from shorty.postgres.pipeline import Answer, BlockingPipeline
from shorty.storage.database import Database, Lane, Transaction
from shorty.webhooks.leases import Lease, Tried, Turn, claim_turn, finish_turn
from shorty.webhooks.model import Outcome
from shorty.webhooks.queue import Line
from tests.clicks.making import make_person
from tests.links.conftest import actor, context, home, rules
from tests.links.making import make_link, new_link
from tests.support import NOW, open_new
from tests.webhooks.making import make_outbox

__all__ = ["actor", "context", "home", "rules"]

pytestmark = pytest.mark.postgres_only


class Cost(NamedTuple):
    statements: int
    round_trips: int


COSTS: Final[Mapping[str, Cost]] = {
    "create": Cost(13, 3),
    "create with two tags and two aliases": Cost(24, 5),
    "create with a key": Cost(14, 4),
    "create 100": Cost(13, 3),
    "edit": Cost(14, 3),
    "edit slug and tags": Cost(20, 7),
    "delete": Cost(16, 2),
    "delete 10": Cost(79, 2),
    "restore": Cost(21, 4),
    "index 3": Cost(10, 3),
    "store a batch": Cost(39, 11),
    "store a batch with calls": Cost(37, 22),
    "claim a turn": Cost(14, 6),
    "finish a turn": Cost(13, 4),
}


@pytest.fixture
async def db(tmp_path: Path) -> AsyncGenerator[Database]:
    database = await open_new(tmp_path)
    yield database
    await database.close()


class Meter:
    """Counts what the writer's thread sends, and how often it waits."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: list[str] = []
        self.waits = 0
        send, wait = BlockingPipeline.send, BlockingPipeline.wait_for_all

        def note_sent(pipeline: BlockingPipeline, sql: str, *others: Any, **named: Any) -> Answer:
            if is_writer() and sql != "discard plans":
                self.sent.append(sql)
            return send(pipeline, sql, *others, **named)

        def note_wait(pipeline: BlockingPipeline) -> None:
            self.waits += is_writer()
            wait(pipeline)

        monkeypatch.setattr(BlockingPipeline, "send", note_sent)
        monkeypatch.setattr(BlockingPipeline, "wait_for_all", note_wait)

    def start(self) -> None:
        self.sent.clear()
        self.waits = 0

    def read(self) -> Cost:
        return Cost(len(self.sent), self.waits)


def is_writer() -> bool:
    return threading.current_thread().name.startswith("shorty-writer")


class Writes:
    """One of each kind; the first of a kind also asks what types its statements take."""

    def __init__(self, context: LinkContext, actor: Actor, meter: Meter) -> None:
        self.context = context
        self.db = context.db
        self.actor = actor
        self.meter = meter
        self.numbers = count(1)
        self.stored = count(1)
        self.outbox = make_outbox()

    async def create(self) -> None:
        await make_link(self.context, self.actor)

    async def create_with_companions(self) -> None:
        number = next(self.numbers)
        aliases = f"one{number}", f"two{number}"
        await make_link(self.context, self.actor, tag_names=("a", "b"), aliases=aliases)

    async def create_with_key(self) -> None:
        kept = KeptAnswer(request_digest="", status=201, body=b"", location="", created_at=NOW)
        place = self.actor.token_id or 0, str(next(self.numbers)), kept, 0

        def remember(tx: Transaction, _: Link) -> None:
            assert token_store.insert_kept_answer(tx, *place)

        await service.create_link(self.context, self.actor, new_link(), NOW, remember)

    async def create_many(self) -> None:
        links = [new_link() for _ in range(100)]
        await service.create_links(self.context, self.actor, links, NOW)

    async def edit(self) -> None:
        link = await make_link(self.context, self.actor)
        self.meter.start()
        await service.change_link(self.context, self.actor, link.id, new_link(title="new"), NOW)

    async def edit_more(self) -> None:
        link = await make_link(self.context, self.actor, tag_names=("a",))
        change = new_link(slug=f"new{next(self.numbers)}", tag_names=("b",))
        self.meter.start()
        await service.change_link(self.context, self.actor, link.id, change, NOW)

    async def delete(self, many: int = 1) -> None:
        links = [await make_link(self.context, self.actor) for _ in range(many)]
        self.meter.start()
        await service.delete_links(self.context, self.actor, [link.id for link in links], NOW)

    async def restore(self) -> None:
        link = await make_link(self.context, self.actor)
        await service.delete_link(self.context, self.actor, link.id, NOW)
        self.meter.start()
        await service.restore_link(self.context, self.actor, link.id, NOW)

    async def index(self) -> None:
        for _ in range(3):
            await make_link(self.context, self.actor)
        self.meter.start()
        await catch_up(self.db)

    async def store(self, links: int = 10, visitors: int = 50, **fields: Any) -> None:
        """Visitors who are all new, and who visit every link."""
        made = [await make_link(self.context, self.actor, **fields) for _ in range(links)]
        number = next(self.stored)
        if number == 1:
            begin = partial(begin_journal, journal_id="j", node="local", start=Position(1, 8))
            await self.db.write(begin, Lane.CLICKS)
        batch = Batch(1, [], 8 + number)
        batch.number = number
        for link in made:
            for visitor in range(visitors):
                visit = make_person(at=NOW + visitor, link_id=link.id, visitor=visitor + 1)
                batch.payloads.append(encode_visit(visit))
        self.meter.start()
        store = partial(store_batch, journal_id="j", batch=batch, outbox=self.outbox)
        await self.db.write(store, Lane.CLICKS)

    async def store_calling(self) -> None:
        urls = (f"https://hook{next(self.numbers)}.example/",)
        await self.store(2, 5, webhook_urls=urls)

    async def claim(self) -> Turn:
        await self.store_calling()
        [row] = await self.db.find_all(
            "select host from webhook_receivers order by id desc limit 1"
        )
        lease = Lease(worker="w", begun_at=NOW + 9, until=NOW + 99)
        line = Line(host=row["host"], is_quick=False)
        self.meter.start()
        turn = await self.db.write(lambda tx: claim_turn(tx, line, lease), Lane.WEBHOOKS)
        assert turn is not None
        return turn

    async def finish(self) -> None:
        turn = await self.claim()
        outcome = Outcome(at=NOW, duration_ms=9, status=200, error=None, body="")
        tried = [
            Tried(delivery=each, outcome=outcome, next_try_at=None) for each in turn.deliveries
        ]
        self.meter.start()
        await self.db.write(lambda tx: finish_turn(tx, turn, tried, NOW + 10), Lane.WEBHOOKS)


async def test_each_write_costs_what_the_table_says(
    context: LinkContext, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter = Meter(monkeypatch)
    writes = Writes(context, actor, meter)
    kinds: dict[str, Callable[[], Awaitable[object]]] = {
        "create": writes.create,
        "create with two tags and two aliases": writes.create_with_companions,
        "create with a key": writes.create_with_key,
        "create 100": writes.create_many,
        "edit": writes.edit,
        "edit slug and tags": writes.edit_more,
        "delete": writes.delete,
        "delete 10": partial(writes.delete, 10),
        "restore": writes.restore,
        "index 3": writes.index,
        "store a batch": writes.store,
        "store a batch with calls": writes.store_calling,
        "claim a turn": writes.claim,
        "finish a turn": writes.finish,
    }
    measured: dict[str, Cost] = {}
    for name, write in kinds.items():
        await write()
        meter.start()
        await write()
        measured[name] = meter.read()
    assert measured == COSTS
