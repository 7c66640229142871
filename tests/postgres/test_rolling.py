"""Two releases on one database: an upgrade beside nodes that serve, and older releases after."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from itertools import count
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from shorty.errors import StartError
from shorty.postgres import migrations
from shorty.postgres.database import PostgresDatabase
from shorty.postgres.migrations import find_version, list_migrations, prepare_database
from shorty.storage.database import Transaction
from shorty.storage.migrations import Migration
from tests.postgres.support import ask_aside
from tests.support import NOW, make_home

pytestmark = pytest.mark.postgres_only
KNOWN = list_migrations()
NEWEST = KNOWN[-1].version
ADDS = Migration(
    NEWEST + 1,
    "adds",
    "-- expands\n"
    "alter table tags add column note text collate \"C\" not null default 'none';\n"
    'alter table links add column mood text collate "C";\n'
    "create table moods (id bigint primary key);\n",
)
DROPS = Migration(
    NEWEST + 2,
    "drops",
    f"-- contracts: needs {NEWEST + 1}\nalter table tags drop column color;\n",
)
NEXT = (*KNOWN, ADDS)
AFTER = (*NEXT, DROPS)

ADD_TAG = """
insert into tags (workspace_id, name, name_key, color, created_at)
values ($1, $2, $2, 'red', 0) returning *
"""
FIND_TAG = "select * from tags where id = $1"
LIST_TAGS = "select * from tags where workspace_id = $1 order by id limit 3"
RENAME = "update tags set color = 'blue' where id = $1 returning *"

Release = Callable[[tuple[Migration, ...]], None]


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch) -> Release:
    """From now on this process is the release with these migrations."""

    def become(known: tuple[Migration, ...]) -> None:
        monkeypatch.setattr(migrations, "list_migrations", lambda: known)

    return become


@pytest.fixture
async def nodes(
    database_url: str, tmp_path: Path
) -> AsyncGenerator[tuple[PostgresDatabase, PostgresDatabase]]:
    one = PostgresDatabase(database_url, "one", tmp_path / "one")
    two = PostgresDatabase(database_url, "two", tmp_path / "two")
    yield one, two
    await one.close()
    await two.close()


async def test_nodes_write_and_read_on_while_the_schema_grows(
    nodes: tuple[PostgresDatabase, PostgresDatabase], database_url: str, release: Release
) -> None:
    """Every statement here answers whole rows, so each one's plan becomes stale."""
    home = await make_home(nodes[0])
    workspace = home.workspace.id
    numbers = count()
    rounds = {node.node: 0 for node in nodes}
    came_round = asyncio.Condition()
    is_over = asyncio.Event()

    async def use(node: PostgresDatabase) -> None:
        while not is_over.is_set():
            name = f"tag {next(numbers)}"

            def add(tx: Transaction, name: str = name) -> int:
                row = tx.find_one(ADD_TAG, workspace, name)
                assert row is not None
                return row["id"]

            id = await node.write(add)
            for found in (await node.find_one(FIND_TAG, id), await node.look_up(FIND_TAG, id)):
                assert found is not None
                assert found["name"] == name
            assert len(await node.find_all(LIST_TAGS, workspace)) > 0
            assert [row["color"] for row in await node.run_alone(RENAME, id)] == ["blue"]
            rounds[node.node] += 1
            async with came_round:
                came_round.notify_all()

    async def wait_for_rounds(number: int) -> None:
        wanted = {name: done + number for name, done in rounds.items()}
        async with came_round:
            await came_round.wait_for(
                lambda: is_over.is_set() or all(rounds[name] >= wanted[name] for name in wanted)
            )

    async def upgrade() -> list[Migration]:
        try:
            await wait_for_rounds(4)  # until all statements are prepared on all connections
            release(NEXT)
            applied = await asyncio.to_thread(prepare_database, database_url, NOW)
            await wait_for_rounds(4)
            return applied
        finally:
            is_over.set()

    async with asyncio.TaskGroup() as group:
        upgrading = group.create_task(upgrade())
        users = [group.create_task(use(node)) for node in nodes for _ in range(3)]
    assert all(user.exception() is None for user in users)
    assert upgrading.result() == [ADDS]
    tags = await nodes[0].find_all("select name, note from tags")
    assert len({tag["name"] for tag in tags}) == len(tags) == sum(rounds.values())
    assert {tag["note"] for tag in tags} == {"none"}


def test_a_release_starts_on_a_schema_that_only_grew(database_url: str, release: Release) -> None:
    release(NEXT)
    assert prepare_database(database_url, now=1) == [ADDS]
    release(KNOWN)
    with capture_logs() as lines:
        assert prepare_database(database_url, now=2) == []
    assert [(line["event"], line["schema"], line["supports"]) for line in lines] == [
        ("database_newer", NEWEST + 1, NEWEST)
    ]
    assert find_version(database_url) == NEWEST + 1


def test_only_a_release_that_does_not_need_what_is_gone_starts(
    database_url: str, release: Release
) -> None:
    release(AFTER)
    assert prepare_database(database_url, now=1) == [ADDS, DROPS]
    release(NEXT)
    assert prepare_database(database_url, now=2) == []
    release(KNOWN)
    with pytest.raises(StartError, match=f"a newer shorty .schema {NEWEST + 2}; .* {NEWEST}"):
        prepare_database(database_url, now=3)


def test_migrations_of_releases_before_the_rule_need_their_own(
    database_url: str, release: Release
) -> None:
    """Their record has no column for it, and gets one from the next that adds something."""
    ask_aside(database_url, "alter table schema_migrations drop column runs_from")
    release(KNOWN[:-1])
    with pytest.raises(StartError, match="a newer shorty"):
        prepare_database(database_url, now=1)
    release(NEXT)
    assert prepare_database(database_url, now=2) == [ADDS]
    rows = ask_aside(
        database_url, "select runs_from from schema_migrations order by version desc limit 2"
    )
    assert rows == [(0,), (None,)]


async def test_nothing_is_dropped_beside_a_node_that_needs_it(
    nodes: tuple[PostgresDatabase, PostgresDatabase],
    database_url: str,
    tmp_path: Path,
    release: Release,
) -> None:
    """One that was killed has left its row, but not the lock of its name."""
    older = PostgresDatabase(database_url, "older", tmp_path / "older")
    await older.join(lambda: f'{{"release":"1.0.0","schema":{NEWEST}}}')
    await nodes[0].join(lambda: f'{{"release":"1.1.0","schema":{NEWEST + 1}}}')
    release(AFTER)
    with pytest.raises(StartError, match=r"\(schema \d+\), on older: stop it there, and start"):
        await asyncio.to_thread(prepare_database, database_url, NOW)
    assert find_version(database_url) == NEWEST + 1
    [row] = ask_aside(database_url, "select * from nodes where name = 'older'")
    await older.close()
    ask_aside(database_url, "insert into nodes values ($1, $2, $3, $4, $5)", *row)
    assert await asyncio.to_thread(prepare_database, database_url, NOW) == [DROPS]


async def test_a_node_that_does_not_say_what_it_knows_is_taken_for_the_oldest(
    nodes: tuple[PostgresDatabase, PostgresDatabase], database_url: str, release: Release
) -> None:
    await nodes[1].join(lambda: '{"release":"0.9"}')
    release(AFTER)
    with pytest.raises(StartError, match="on two: stop it there"):
        await asyncio.to_thread(prepare_database, database_url, NOW)


async def test_a_node_knows_the_newest_migration(
    nodes: tuple[PostgresDatabase, PostgresDatabase],
) -> None:
    assert nodes[0].newest_schema == NEWEST
