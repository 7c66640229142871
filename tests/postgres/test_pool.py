"""shorty behind a real pgbouncer in transaction mode, with a direct way for what it cannot do."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Final

import pytest

from shorty.config import StorageConfig
from shorty.databases import open_database, prepare_storage
from shorty.errors import StartError
from shorty.postgres.checkup import list_findings
from shorty.postgres.database import PostgresDatabase
from shorty.storage.changes import Change, LinkChanged
from shorty.storage.database import Transaction
from tests.copies import Databases, find_databases
from tests.postgres.pool import open_pool, write_pooled
from tests.postgres.support import (
    ADD,
    add,
    ask_aside,
    end_backends,
    list_names,
    send,
    wait_until,
    write_as_one_group,
)

pytestmark = pytest.mark.postgres_only

TIMEOUT: Final = "select current_setting('idle_in_transaction_session_timeout') as it"
PREPARED: Final = "select count(*) as many from pg_prepared_statements"
ROUNDS: Final = 12


@pytest.fixture(scope="module")
def pool() -> Generator[tuple[str, Path]]:
    """The folders of the server's and of the pool's socket."""
    databases = find_databases()
    assert databases
    with open_pool(databases.place) as folder:
        yield databases.place, folder


@pytest.fixture
def storage(pool: tuple[str, Path], database_url: str, tmp_path: Path) -> StorageConfig:
    """As an operator writes it."""
    return StorageConfig(
        database=write_pooled(database_url, *pool),
        listen=database_url,
        folder=str(tmp_path),
        node="here",
    )


@pytest.fixture
async def db(pool: tuple[str, Path], url: str, tmp_path: Path) -> AsyncGenerator[PostgresDatabase]:
    """With the tests' own tables."""
    database = PostgresDatabase(write_pooled(url, *pool), "here", tmp_path, listen=url)
    yield database
    await database.close()


async def test_statements_of_many_callers_are_right_in_any_session(db: PostgresDatabase) -> None:
    """Each is asked more often than a statement needs to be prepared elsewhere."""
    for number in range(ROUNDS):
        names = [f"{number}-{part}" for part in range(4)]
        await asyncio.gather(*(db.write(add(name)) for name in names))
        rows = await asyncio.gather(
            *(db.find_all("select name from things where name = $1", name) for name in names),
            *(db.look_up_all("select name from things where name = $1", name) for name in names),
            *(
                db.run_alone("update things set size = $2 where name = $1 returning name", name, 1)
                for name in names
            ),
            db.read(lambda reader: reader.find_all("select name from things where size is null")),
        )
        assert [[row["name"] for row in each] for each in rows[:-1]] == 3 * [[n] for n in names]
    assert len(await list_names(db)) == 4 * ROUNDS
    assert (await db.find_all(PREPARED))[0]["many"] == 0


async def test_a_write_that_fails_takes_no_other_along(db: PostgresDatabase) -> None:
    def many(tx: Transaction) -> int:
        return tx.insert_rows(ADD, [["x"], ["y"]])

    assert await write_as_one_group(db, add("a"), send("b"), many) == ["a", "b", 2]
    answers = await write_as_one_group(db, add("c"), send("a"), many, add("d"))
    assert answers[::3] == ["c", "d"]
    assert all(isinstance(each, type) for each in answers[1:3])
    assert await list_names(db) == ["a", "b", "c", "d", "x", "y"]


async def test_settings_are_those_of_the_transaction_and_nobody_elses(
    db: PostgresDatabase,
) -> None:
    def read(tx: Transaction) -> object:
        row = tx.find_one(TIMEOUT)
        return row and row["it"]

    assert await db.write(read) == "5s"
    assert {(await db.find_all(TIMEOUT))[0]["it"] for _ in range(4)} == {"0"}
    async with db.open_snapshot() as snapshot:
        assert (await snapshot.find_all(TIMEOUT))[0]["it"] == "10min"


async def test_a_snapshot_reads_pieces_of_one_moment(db: PostgresDatabase) -> None:
    await asyncio.gather(*(db.write(add(f"{number}")) for number in range(5)))
    async with db.open_snapshot() as snapshot:
        await snapshot.find_all("select 1")
        await db.write(add("late"))
        pieces = [
            len(piece) async for piece in snapshot.read_pieces("select name from things", size=2)
        ]
    assert pieces == [2, 2, 1]


async def test_a_group_whose_session_ends_is_written_once(db: PostgresDatabase, url: str) -> None:
    await db.write(add("a"))
    ended = threading.Event()

    def end(tx: Transaction) -> None:
        if not ended.is_set():
            tx.find_one("select 1")
            end_backends(url, "state = 'idle in transaction'")
            ended.set()
        tx.execute(ADD, "b")

    await db.write(end)
    assert ended.is_set()
    assert await list_names(db) == ["a", "b"]


async def test_two_nodes_hear_each_other_by_the_direct_way(
    storage: StorageConfig, tmp_path: Path
) -> None:
    other = StorageConfig(
        database=storage.database, listen=storage.listen, folder=str(tmp_path), node="there"
    )
    nodes = [await open_database(each) for each in (storage, other)]
    heard: list[Change] = []
    nodes[1].subscribe(heard.append)
    for node in nodes:
        await node.join(lambda: "{}")
    assert [node.is_keeper for node in nodes] == [True, False]
    await nodes[0].write(lambda tx: tx.note_change(LinkChanged(1, "sale")))

    async def is_heard() -> bool:
        await nodes[1].notice_changes()
        return LinkChanged(1, "sale") in heard

    await wait_until(is_heard)
    for node in nodes:
        await node.close()


def test_the_schema_goes_the_direct_way(
    pool: tuple[str, Path], databases: Databases, tmp_path: Path
) -> None:
    url = databases.create(options="")
    pooled = write_pooled(url, *pool)
    without = StorageConfig(database=pooled, folder=str(tmp_path))
    with pytest.raises(StartError, match=r"behind a pool .* let \[storage\] listen lead to the"):
        prepare_storage(without, now=0)
    assert ask_aside(url, "select to_regclass('links')") == [(None,)]
    prepare_storage(StorageConfig(database=pooled, listen=url, folder=str(tmp_path)), now=0)
    assert ask_aside(url, "select to_regclass('links')") == [("links",)]


def test_check_tells_a_pool_without_a_direct_way(storage: StorageConfig) -> None:
    without = StorageConfig(database=storage.database, folder=storage.folder)
    (found,) = list_findings(without, time.time)
    assert found.verdict == "error"
    assert "behind a pool of connections" in found.text
    found = {each.text.partition(":")[0]: each for each in list_findings(storage, time.time)}
    assert found["Locks"].verdict == "ok"


def test_check_tells_a_direct_way_to_another_database(
    storage: StorageConfig, databases: Databases
) -> None:
    astray = StorageConfig(
        database=storage.database, listen=databases.create(), folder=storage.folder
    )
    found = {each.text.partition(":")[0]: each for each in list_findings(astray, time.time)}
    assert found["Locks"].verdict == "error"
    assert "another database" in found["Locks"].text
