"""`shorty adopt`: the clicks of a node that never comes back."""

import asyncio
from pathlib import Path

import pytest

from shorty.clicks.journal import Journal
from shorty.clicks.recorder import Recorder
from shorty.clock import read_clock
from shorty.config import StorageConfig
from shorty.databases import open_database
from shorty.serve import lock_database
from tests.cli.shell import Shell
from tests.clicks.making import NEVER, insert_links, make_visit
from tests.nodes_at_hand import add_node
from tests.postgres.support import ask_aside

NAMES = "select name from nodes order by name"


@pytest.fixture
def left(database_url: str, tmp_path: Path) -> StorageConfig:
    """What the node `gone` left when it was killed: three visits in its journal."""
    storage = StorageConfig(database=database_url, folder=str(tmp_path / "gone"), node="gone")
    storage.files.mkdir()
    asyncio.run(leave(storage))
    return storage


async def leave(storage: StorageConfig) -> None:
    db = await open_database(storage, is_command=True)
    await db.write(insert_links(1))
    recorder = Recorder(db, journal=Journal(storage.place("journal")), rest_s=NEVER)
    await recorder.start()
    for _ in range(3):
        assert recorder.record(make_visit(link_id=1))
    await db.close()


async def note_nodes(url: str, **seen_ms_ago: int) -> None:
    db = await open_database(StorageConfig(database=url, folder="."), is_command=True)
    for name, ago in seen_ms_ago.items():
        await add_node(db, name, read_clock() - ago)
    await db.close()


@pytest.mark.postgres_only
def test_the_visits_are_stored_once_and_the_node_is_forgotten(
    shell: Shell, left: StorageConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHORTY_STORAGE__DATABASE", left.database)
    asyncio.run(note_nodes(left.database, gone=60_000, other=0))
    asked = shell("adopt", left.folder)
    assert (asked.code, asked.out) == (0, "Stored 3 visits of the node gone.\n"), asked.err
    assert ask_aside(left.database, "select link_id from clicks") == [(1,)] * 3
    assert ask_aside(left.database, NAMES) == [("other",)]
    assert ask_aside(left.database, "select node from journals") == []
    again = shell("adopt", left.folder)
    assert (again.code, again.err) == (1, "Click journal not found.\n")


@pytest.mark.postgres_only
def test_a_node_that_runs_keeps_its_journal(
    shell: Shell, left: StorageConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHORTY_STORAGE__DATABASE", left.database)
    with lock_database(left.lock, 0):
        assert shell("adopt", left.folder).code == 1
    asyncio.run(note_nodes(left.database, gone=0))
    asked = shell("adopt", left.folder)
    assert (asked.code, asked.err) == (1, "The node gone is running. Stop it first.\n")
    assert Journal(left.place("journal")).holds_records()
    assert ask_aside(left.database, "select link_id from clicks") == []


@pytest.mark.sqlite_only("is refused there")
def test_sqlite_has_no_nodes(shell: Shell, tmp_path: Path) -> None:
    asked = shell("adopt", str(tmp_path))
    assert (asked.code, "Only servers on PostgreSQL have nodes" in asked.err) == (1, True)
