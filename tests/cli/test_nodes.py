"""`shorty nodes`, and what `shorty check` says of them."""

import asyncio
import json
import time
from pathlib import Path

from shorty.config import StorageConfig
from shorty.databases import open_database
from tests.cli.shell import Shell
from tests.nodes_at_hand import add_node


async def add_nodes(folder: Path) -> None:
    """One that is live and one that has been silent for a minute."""
    now = time.time_ns() // 1_000_000
    db = await open_database(StorageConfig(database=str(folder / "data" / "shorty.db")))
    await add_node(db, "live", now, '{"release":"1.2","waiting":0,"is_keeper":true}')
    await add_node(db, "gone", now - 60_000, '{"release":"1.2","waiting":5}')
    await db.close()


def test_nodes_are_listed_and_forgotten(shell: Shell, tmp_path: Path) -> None:
    assert "No nodes" in shell("nodes").err
    asyncio.run(add_nodes(tmp_path))
    rows = [line.split("\t") for line in shell("nodes").out.splitlines()]
    assert rows[0] == ["NAME", "STATE", "RELEASE", "STARTED", "LAST SEEN", "WAITING", "CLOCK"]
    assert [(row[0], row[1], row[2], row[5], row[6]) for row in rows[1:]] == [
        ("gone", "silent", "1.2", "5", "+0 ms"),
        ("live", "keeper", "1.2", "0", "+0 ms"),
    ]
    gone, live = json.loads(shell("nodes", "--json").out)
    assert (gone["name"], gone["state"], gone["waitingVisits"]) == ("gone", "silent", 5)
    assert (live["name"], live["state"], live["clockAheadMs"]) == ("live", "keeper", 0)
    assert "Stop it first" in shell("nodes", "--forget", "live").err
    assert shell("nodes", "--forget", "gone").out == "Forgot the node gone.\n"
    assert shell("nodes", "--forget", "gone").err == "Node gone not found.\n"


def test_a_silent_node_is_in_the_check(shell: Shell, tmp_path: Path) -> None:
    shell("nodes")
    assert "Nodes:" not in shell("check").out
    asyncio.run(add_nodes(tmp_path))
    assert "note   Nodes: the node gone has been silent for 6" in shell("check").out
