"""Links with a click limit, let through by two nodes that share a database."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from structlog.testing import capture_logs

from shorty.clicks.limited import LimitedClicks, Passage
from shorty.clicks.model import LINK, PERSON, Click, Visit
from shorty.clicks.recorder import Recorder
from shorty.links.imported_history import Counts, raise_counts
from shorty.postgres.database import PostgresDatabase
from tests.clicks.making import (
    AT,
    NEVER,
    count_clicks,
    find_folder,
    insert_links,
    load_clicks,
    make_person,
    make_visit,
    run_recorder,
    wait_until,
)
from tests.postgres.support import ask_aside

pytestmark = pytest.mark.postgres_only

THROUGH, USED_UP, UNAVAILABLE = Passage.THROUGH, Passage.USED_UP, Passage.UNAVAILABLE


class Node(NamedTuple):
    db: PostgresDatabase
    recorder: Recorder
    limited: LimitedClicks

    async def visit(self, most: int, link_id: int = 1) -> Passage:
        return await self.limited.let_through(make_person(link_id=link_id), most)

    async def crowd(self, visitors: int, most: int, link_id: int = 1) -> list[Passage]:
        """That many visitors at the same time."""
        visits = (self.visit(most, link_id) for _ in range(visitors))
        return list(await asyncio.gather(*visits))


class Nodes(NamedTuple):
    one: Node
    other: Node

    async def store(self) -> None:
        for node in self:
            await node.recorder.store_now()

    async def find_used(self, link_id: int = 1) -> int | None:
        sql = "select used from link_passes where link_id = $1"
        row = await self.one.db.find_one(sql, link_id)
        return row["used"] if row else None


@asynccontextmanager
async def open_node(url: str, folder: Path) -> AsyncGenerator[PostgresDatabase]:
    await asyncio.to_thread(folder.mkdir)
    db = PostgresDatabase(url, folder.name, folder)
    yield db
    await db.close()


@pytest.fixture
async def third(database_url: str, tmp_path: Path) -> AsyncGenerator[PostgresDatabase]:
    """A node whose recorder the test starts."""
    async with open_node(database_url, tmp_path / "third") as db:
        yield db


@pytest.fixture
async def nodes(database_url: str, tmp_path: Path) -> AsyncGenerator[Nodes]:
    """Both serve link 1, and link 2 of another owner."""
    async with AsyncExitStack() as stack:
        opened: list[Node] = []
        for name in ("one", "other"):
            db = await stack.enter_async_context(open_node(database_url, tmp_path / name))
            if not opened:
                await db.write(insert_links(1, workspace_id=1))
                await db.write(insert_links(2, workspace_id=2))
            recorder = await stack.enter_async_context(run_recorder(db, rest_s=0.001))
            opened.append(Node(db, recorder, LimitedClicks(db, recorder)))
        yield Nodes(*opened)


async def test_two_nodes_let_exactly_as_many_through_as_allowed(nodes: Nodes) -> None:
    crowds = await asyncio.gather(
        *(node.crowd(60, 50) for node in nodes), *(node.crowd(30, 70, link_id=2) for node in nodes)
    )
    of_link, of_other_owner = crowds[0] + crowds[1], crowds[2] + crowds[3]
    assert Counter(of_link) == {THROUGH: 50, USED_UP: 70}
    assert Counter(of_other_owner) == {THROUGH: 60}
    await nodes.store()
    assert [await count_clicks(nodes.one.db, each) for each in (1, 2)] == [50, 60]
    assert [await nodes.find_used(each) for each in (1, 2)] == [50, 60]


async def test_both_nodes_know_when_a_link_is_used_up(nodes: Nodes) -> None:
    one, other = nodes
    assert await one.visit(1) is THROUGH
    assert await other.limited.is_used_up(1, 1)
    assert not await other.limited.is_used_up(1, 2)
    assert not await other.limited.is_used_up(2, 1)
    assert await other.visit(1) is USED_UP
    assert await other.visit(1, link_id=2) is THROUGH


async def test_visits_of_a_node_that_knew_no_limit_count_once_they_are_stored(
    nodes: Nodes,
) -> None:
    one, other = nodes
    assert await one.visit(5) is THROUGH
    for visit in (make_visit(), make_visit(), make_visit(user_agent="curl/8.5.0")):
        other.recorder.record(visit)
    other.recorder.record(make_visit(link_id=2))
    await nodes.store()
    assert await nodes.find_used() == 3
    assert await nodes.find_used(2) is None
    assert Counter(await one.crowd(4, 5)) == {THROUGH: 2, USED_UP: 2}
    await nodes.store()
    assert await nodes.find_used() == 5
    assert await count_clicks(one.db) == 6  # a bot among them


async def test_a_limit_that_is_set_again_counts_what_came_meanwhile(nodes: Nodes) -> None:
    one, other = nodes
    assert await one.visit(4) is THROUGH
    assert await other.visit(4) is THROUGH
    one.recorder.record(make_visit())  # as of a link without a limit
    for node in nodes:
        node.limited.forget(1)
    assert Counter(await one.crowd(5, 4)) == {THROUGH: 1, USED_UP: 4}
    assert await other.visit(4) is USED_UP
    await nodes.store()
    assert await count_clicks(one.db) == await nodes.find_used() == 4


async def test_a_node_with_an_older_limit_follows_the_stored_one(nodes: Nodes) -> None:
    one, other = nodes
    sql = "update link_counters set max_clicks = $1 where link_id = 1"
    await one.db.write(lambda tx: tx.execute(sql, 2))
    assert Counter(await other.crowd(3, 50)) == {THROUGH: 2, USED_UP: 1}
    await one.db.write(lambda tx: tx.execute(sql, 3))
    assert Counter(await other.crowd(3, 50)) == {THROUGH: 1, USED_UP: 2}
    assert await other.visit(1, link_id=2) is THROUGH


async def test_visits_of_a_killed_node_are_counted_once(
    nodes: Nodes, third: PostgresDatabase
) -> None:
    killed = Recorder(third, rest_s=NEVER)
    await killed.start()
    assert await LimitedClicks(third, killed).let_through(make_person(), 3) is THROUGH
    killed.record(make_visit())  # as before it knew the limit
    assert await nodes.find_used() == 1
    async with run_recorder(third):  # replays the journal
        assert await nodes.find_used() == 2
        assert Counter(await nodes.one.crowd(3, 3)) == {THROUGH: 1, USED_UP: 2}
    await nodes.store()
    assert await count_clicks(third) == await nodes.find_used() == 3


async def test_counts_from_elsewhere_are_added_to_the_passes(nodes: Nodes) -> None:
    one, other = nodes
    for node in nodes:
        assert await node.visit(20) is THROUGH
        assert await node.visit(20, link_id=2) is THROUGH
    await nodes.store()
    assert await one.visit(20) is THROUGH  # perhaps not stored yet
    await one.db.write(lambda tx: raise_counts(tx, [(1, Counts(clicks=5, scans=2, bots=9))]))
    imported = Click(1, AT, 9, PERSON, LINK, None, None, None, None, None, None)
    assert await load_clicks(one.db, [imported] * 4) == 4
    used = await nodes.find_used()
    assert await nodes.find_used(2) == 2
    await nodes.store()
    row = await one.db.find_one("select total from link_counters where link_id = 1")
    assert row is not None
    assert used is not None
    assert row["total"] <= used <= row["total"] + 1
    assert Counter(await other.crowd(20, 20))[THROUGH] == 20 - used


async def test_a_pass_without_a_journal_is_given_back(
    nodes: Nodes, third: PostgresDatabase
) -> None:
    find_folder(third).write_text("a file in the journal's place")
    async with run_recorder(third, rest_s=NEVER) as recorder:
        limited = LimitedClicks(third, recorder)
        assert await limited.let_through(make_person(), 1) is UNAVAILABLE
    assert await nodes.find_used() == 0
    assert await nodes.one.visit(1) is THROUGH


class BreakingRecorder(Recorder):
    """Refuses each visit, at a moment when the passes cannot be changed any more."""

    url = ""

    def record_or_refuse(self, visit: Visit) -> bool:
        ask_aside(self.url, "revoke all on link_passes from current_user")
        return not visit.at


async def test_a_pass_that_cannot_be_given_back_is_logged(
    nodes: Nodes, third: PostgresDatabase, database_url: str
) -> None:
    recorder = BreakingRecorder(third)
    recorder.url = database_url
    await nodes.one.visit(3)
    with capture_logs() as events:
        passage = await LimitedClicks(third, recorder).let_through(make_person(), 3)
    assert passage is UNAVAILABLE
    assert [(each["event"], each["link_id"], each["count"]) for each in events] == [
        ("passes_lost", 1, 1)
    ]
    ask_aside(database_url, "grant all on link_passes to current_user")
    assert await nodes.find_used() == 2


async def test_a_visitor_who_leaves_has_used_the_pass(nodes: Nodes) -> None:
    one, other = nodes
    assert await one.visit(2) is THROUGH
    leaving = asyncio.create_task(one.visit(2))
    await asyncio.sleep(0)  # it has asked for its pass
    leaving.cancel()
    await wait_until(lambda: one.recorder.describe().journalled == 2)
    assert leaving.cancelled()
    assert await other.visit(2) is USED_UP
    await nodes.store()
    assert await count_clicks(one.db) == await nodes.find_used() == 2


async def test_without_the_database_no_visit_is_let_through(nodes: Nodes, tmp_path: Path) -> None:
    away = PostgresDatabase("postgresql://127.0.0.1:1/gone", "gone", tmp_path)
    limited = LimitedClicks(away, nodes.one.recorder)
    assert await limited.let_through(make_person(), 1) is UNAVAILABLE
    await away.close()
    assert await nodes.one.visit(1) is THROUGH
