"""Nodes that hear of each other's changes, share one keeper, and have a name each."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic

import psycopg
import pytest

from shorty.errors import StartError, StorageUnavailableError
from shorty.postgres import listener
from shorty.postgres.connections import name_command
from shorty.postgres.database import STALE_S, PostgresDatabase
from shorty.postgres.lanes import NAMESPACE
from shorty.postgres.messages import MOST_BYTES, read_message, write_messages
from shorty.postgres.migrations import prepare_database
from shorty.storage.changes import (
    AnythingChanged,
    Change,
    DeliveriesQueued,
    DomainsChanged,
    LinkChanged,
)
from shorty.storage.database import Transaction
from tests.cluster import SUPERUSER, Cluster, write_url
from tests.postgres.support import PATIENCE_S, ask_aside, end_backends, wait_until
from tests.support import NOW

pytestmark = pytest.mark.postgres_only

CHANGES: list[Change] = [
    LinkChanged(1, "sale"),
    LinkChanged(2, "é ☃"),
    DomainsChanged(),
    DeliveriesQueued(),
    AnythingChanged(),
]
IS_KEEPER = f"""pid = any(
  select pid from pg_locks where locktype = 'advisory' and objsubid = 2
  and classid = {NAMESPACE} and objid = {listener.KEEPER}
)"""  # noqa: S608 - numbers of ours


class Node:
    """A process of that name, which remembers what it hears."""

    def __init__(self, url: str, name: str, folder: Path, stale_s: float = STALE_S) -> None:
        self.db = PostgresDatabase(url, name, folder, stale_s=stale_s)
        self.heard: list[Change] = []
        self.has_left = False
        self.db.subscribe(self.heard.append)

    async def join(self) -> None:
        await self.db.join(lambda: f'{{"of": "{self.db.node}"}}')
        self.heard.clear()

    async def leave(self) -> None:
        if not self.has_left:
            self.has_left = True
            await self.db.close()

    def has_heard_until(self, earliest: float) -> bool:
        """Whether it heard that it may have missed changes, though none before that time."""
        [last, *_] = [each for each in reversed(self.heard) if isinstance(each, AnythingChanged)]
        return last.heard_until is not None and earliest <= last.heard_until < monotonic()

    async def is_keeper(self) -> bool:
        await self.db.notice_changes()
        return self.db.is_keeper

    async def hear(self) -> list[Change]:
        await self.db.notice_changes()
        heard = self.heard.copy()
        self.heard.clear()
        return heard


Start = Callable[..., Awaitable[Node]]


@pytest.fixture
async def start(database_url: str, tmp_path: Path) -> AsyncGenerator[Start]:
    """Starts a node, of that name."""
    nodes: list[Node] = []

    async def start(name: str) -> Node:
        nodes.append(node := Node(database_url, name, tmp_path))
        await node.join()
        return node

    yield start
    for node in nodes:
        await node.leave()


def is_no_longer(is_so: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    async def ask() -> bool:
        return not is_so()

    return ask


async def test_a_change_is_heard_by_the_others_and_once_by_its_own_node(start: Start) -> None:
    one, two = await start("one"), await start("two")
    await one.db.write(lambda tx: tx.note_change(*CHANGES))
    assert one.heard == CHANGES  # before the write returned
    assert await two.hear() == CHANGES
    assert await one.hear() == CHANGES
    assert await two.hear() == []


async def test_a_change_comes_without_being_asked_for(start: Start) -> None:
    one, two = await start("one"), await start("two")
    heard = asyncio.Event()
    two.db.subscribe(lambda _: heard.set())
    await one.db.write(lambda tx: tx.note_change(DomainsChanged()))
    await asyncio.wait_for(heard.wait(), 20)


async def test_what_is_rolled_back_is_not_heard(start: Start) -> None:
    def fail(tx: Transaction) -> None:
        tx.note_change(LinkChanged(3, "lost"))
        raise LookupError

    def fail_in_part(tx: Transaction) -> None:
        tx.note_change(LinkChanged(4, "kept"))
        with suppress(LookupError):
            tx.attempt(lambda: fail(tx))

    one, two = await start("one"), await start("two")
    results = await asyncio.gather(
        one.db.write(fail), one.db.write(fail_in_part), return_exceptions=True
    )
    assert isinstance(results[0], LookupError)
    assert one.heard == await two.hear() == [LinkChanged(4, "kept")]


async def test_a_command_may_have_changed_anything(
    start: Start, database_url: str, tmp_path: Path
) -> None:
    node = await start("one")
    command = PostgresDatabase(database_url, "one", tmp_path, writer=name_command())
    await command.write(lambda tx: tx.execute("delete from nodes where name = 'none'"))
    await command.close()
    assert await node.hear() == [AnythingChanged()]


def test_many_changes_take_several_messages() -> None:
    many: list[Change] = [LinkChanged(number, "é" * 250) for number in range(100)]
    messages = list(write_messages("one", many))
    assert 4 < len(messages) < 12
    assert all(len(message.encode()) <= MOST_BYTES for message in messages)
    assert [change for each in messages for change in read_message(each, "two")] == many
    assert [change for each in messages for change in read_message(each, "one")] == []
    assert list(write_messages("one", [])) == []
    assert list(write_messages("one", [*CHANGES, *CHANGES])) == list(write_messages("one", CHANGES))


@pytest.mark.parametrize("message", ["", "nonsense", "{}", '["two", 5]', '["two", ["a", "b"]]'])
def test_a_message_that_cannot_be_read_is_of_anything(message: str) -> None:
    assert read_message(message, "one") == [AnythingChanged()]


async def test_one_node_is_the_keeper_until_it_leaves(start: Start) -> None:
    one, two = await start("one"), await start("two")
    for node in (one, two):
        await node.db.notice_changes()
    assert (one.db.is_keeper, two.db.is_keeper) == (True, False)
    await one.leave()
    await wait_until(two.is_keeper)  # the server takes a moment to end a session


async def test_a_keeper_whose_connection_ends_is_replaced(start: Start, database_url: str) -> None:
    one, two = await start("one"), await start("two")
    assert end_backends(database_url, IS_KEEPER) == 1
    await wait_until(is_no_longer(lambda: one.db.is_keeper))
    await wait_until(two.is_keeper)  # the server takes a moment to end a session
    await one.db.notice_changes()
    assert not one.db.is_keeper


async def test_nodes_are_counted_and_described(start: Start) -> None:
    one, two = await start("one"), await start("two")
    await two.db.join(lambda: "{}")
    assert (one.db.live_nodes, two.db.live_nodes) == (1, 2)
    rows = await one.db.find_all("select * from nodes order by name")
    assert [(row["name"], row["facts"]) for row in rows] == [
        ("one", '{"of": "one"}'),
        ("two", "{}"),
    ]
    assert all(abs(row["ahead_ms"]) < 5000 and row["started_at"] <= row["seen_at"] for row in rows)
    await two.leave()
    assert [row["name"] for row in await one.db.find_all("select name from nodes")] == ["one"]


async def test_no_two_processes_run_as_one_node(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    await start("one")
    monkeypatch.setattr(listener, "NAME_PATIENCE_S", 0.1)
    with pytest.raises(StartError, match="Another process runs as the node one"):
        await start("one")


async def test_a_lost_connection_is_followed_by_anything(start: Start, database_url: str) -> None:
    began_at = monotonic()
    one = await start("one")
    assert end_backends(database_url)
    with suppress(StorageUnavailableError):  # where it is noticed by asking
        await one.db.notice_changes()
    await one.db.notice_changes()
    assert one.has_heard_until(began_at)
    assert one.db.can_cache


async def test_without_the_server_what_is_cached_is_used_for_a_while(
    own_cluster: tuple[Cluster, str], tmp_path: Path
) -> None:
    cluster, default_url = own_cluster
    ask_aside(default_url, "create database links")
    url = write_url(cluster.folder, "links", SUPERUSER)
    prepare_database(url, NOW)
    began_at = monotonic()
    nodes = [Node(url, name, tmp_path, stale_s=s) for name, s in (("one", 600), ("two", 0.001))]
    for node in nodes:
        await node.join()
    cluster.stop("fast")
    for node in nodes:
        with pytest.raises(StorageUnavailableError):
            await node.db.notice_changes()
    await wait_until(is_no_longer(lambda: nodes[1].db.can_cache))
    with pytest.raises(StorageUnavailableError):
        await nodes[1].db.notice_changes()
    assert nodes[0].heard == []
    assert nodes[0].db.can_cache
    assert nodes[1].has_heard_until(began_at)
    nodes[1].heard.clear()
    cluster.start()
    for node in nodes:
        await node.db.notice_changes()
        assert node.db.can_cache
        assert node.has_heard_until(began_at)
        await node.db.close()


async def test_who_cannot_hear_though_the_database_answers_keeps_nothing(
    database_url: str, tmp_path: Path
) -> None:
    nowhere = "postgresql://shorty@127.0.0.1:1/none"
    node = Node(database_url, "one", tmp_path)
    deaf = PostgresDatabase(database_url, "two", tmp_path, listen=nowhere)
    await node.join()
    with pytest.raises(StorageUnavailableError):
        await deaf.join(lambda: "{}")
    with pytest.raises(StorageUnavailableError):
        await deaf.notice_changes()
    assert not deaf.can_cache
    for db in (node.db, deaf):
        await db.close()


async def test_a_node_may_be_closed_more_than_once(start: Start) -> None:
    one = await start("one")
    await one.db.find_all("select 1 as one")
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(one.db.close(), one.db.close())
        await one.db.close()


async def test_a_statement_alone_is_a_transaction_of_its_own(start: Start) -> None:
    one = await start("one")
    put = "insert into server_state (name, value) values ($1, $2) returning name"
    results = await asyncio.gather(
        *(one.db.run_alone(put, name, "") for name in ("a", "b", "a", "c")), return_exceptions=True
    )
    assert [isinstance(result, psycopg.Error) for result in results] == [False, False, True, False]
    rows = await one.db.find_all("select name from server_state where value = '' order by name")
    assert [row["name"] for row in rows] == ["a", "b", "c"]
