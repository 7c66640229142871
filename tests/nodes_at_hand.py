"""Nodes as a database has them, for tests of who looks at them."""

from typing import Any

from shorty.nodes import Node, NodeFacts
from shorty.storage.database import Database
from tests.support import NOW

ADD = "insert into nodes (name, started_at, seen_at, ahead_ms, facts) values ($1, $2, $3, $4, $5)"


def make_node(**only_what_matters: Any) -> Node:
    plain: dict[str, Any] = {
        "name": "one",
        "started_at": NOW - 60_000,
        "seen_at": NOW,
        "ahead_ms": 0,
        "silent_ms": 0,
        "facts": NodeFacts(release="1.0.0"),
    }
    return Node(**(plain | only_what_matters))


async def add_node(db: Database, name: str, seen_at: int, facts: str = "{}") -> None:
    await db.write(lambda tx: tx.execute(ADD, name, seen_at - 60_000, seen_at, 0, facts))
