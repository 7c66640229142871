"""The nodes that share a database: what each says of itself, and what is wrong with them.

A node writes its row once a second (`storage.database.Database.join`) and deletes it when it stops.
The row of one that was killed, or has lost its way to the database, stays.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Final

import msgspec

from shorty import __version__
from shorty.config import Config
from shorty.errors import ConflictError, NotFoundError
from shorty.storage.database import Reader, Row, Transaction

SILENT_MS: Final = 5000
CLOCK_DIFFERENCE_MS: Final = 500
# What all nodes have to agree on.
SHARED_SETTINGS: Final = ("domains", "plans", "defaults", "links", "public_links", "privacy")

LIST_NODES: Final = "select name, started_at, seen_at, ahead_ms, facts from nodes order by name"
FIND_NODE_OF_JOURNAL: Final = """
select n.name, n.started_at, n.seen_at, n.ahead_ms, n.facts
from journals j join nodes n on n.name = j.node where j.journal_id = $1
"""
FIND_NODE: Final = "select name, started_at, seen_at, ahead_ms, facts from nodes where name = $1"
DELETE_NODE: Final = "delete from nodes where name = $1"
DELETE_JOURNALS: Final = "delete from journals where node = $1"


class NodeFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a node says of itself. Releases before and after this one may leave out some of it."""

    release: str = ""
    schema: int = 0
    """The newest one that the release knows; an upgrade that needs a newer one is refused."""
    settings: dict[str, str] = msgspec.field(default_factory=dict)
    """A digest of each section that all nodes have to agree on."""
    waiting: int = 0
    """Visits that are in its journal, and not yet in the database."""
    is_keeper: bool = False


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """Times are UTC milliseconds by the database's clock."""

    name: str
    started_at: int
    seen_at: int
    ahead_ms: int
    """By how much its clock is ahead of the database's."""
    silent_ms: int
    """For how long it has said nothing."""
    facts: NodeFacts

    @property
    def is_live(self) -> bool:
        return self.silent_ms < SILENT_MS


def describe_node(config: Config, *, schema: int, waiting: int, is_keeper: bool) -> NodeFacts:
    return NodeFacts(
        release=__version__,
        schema=schema,
        settings=dict(digest_settings(config)),
        waiting=waiting,
        is_keeper=is_keeper,
    )


def digest_settings(config: Config) -> Iterator[tuple[str, str]]:
    for section in SHARED_SETTINGS:
        content = msgspec.json.encode(getattr(config, section), order="deterministic")
        yield section, sha256(content).hexdigest()[:12]


def list_nodes(rows: Reader, now: int) -> list[Node]:
    """By name. `now` is the caller's clock; where a node was seen later than that, this counts."""
    found = rows.find_all(LIST_NODES)
    newest = max((row["seen_at"] for row in found), default=now)
    return [_build(row, max(now, newest)) for row in found]


def forget_node(tx: Transaction, name: str, now: int) -> None:
    """Of a node that never comes back, and whose journal is lost or stored by another.

    Raises NotFoundError, and ConflictError if it runs.
    """
    row = tx.find_one(FIND_NODE, name)
    if row is None:
        raise NotFoundError("node", name)
    _require_silence(row, now)
    remove_node(tx, name)


def require_silent_node(rows: Reader, journal_id: str, now: int) -> None:
    """Raises ConflictError if the node whose journal it is runs somewhere."""
    row = rows.find_one(FIND_NODE_OF_JOURNAL, journal_id)
    if row is not None:
        _require_silence(row, now)


def _require_silence(row: Row, now: int) -> None:
    if _build(row, now).is_live:
        raise ConflictError(f"The node {row['name']} is running. Stop it first.")


def remove_node(tx: Transaction, name: str) -> None:
    """Of a node that does not run, as the caller knows who has locked its files."""
    tx.execute(DELETE_NODE, name)
    tx.execute(DELETE_JOURNALS, name)


def find_faults(nodes: Sequence[Node], settings: Mapping[str, str]) -> Iterator[str]:
    """Sentences of what is wrong with the nodes, for who has these settings."""
    releases = [node.facts.release for node in nodes if node.is_live]
    newest = max(releases, key=_read_numbers, default="")
    for node in nodes:
        if not node.is_live:
            yield (
                f"the node {node.name} has been silent for {node.silent_ms // 1000} s, and the "
                "clicks of its last moments wait in its journal; start it again, or take over its "
                "folder with `shorty adopt`"
            )
            continue
        if abs(node.ahead_ms) >= CLOCK_DIFFERENCE_MS:
            side = "ahead of" if node.ahead_ms > 0 else "behind"
            yield (
                f"the clock of the node {node.name} is {abs(node.ahead_ms) / 1000:.1f} s {side} "
                "the database's; synchronise them with NTP"
            )
        if other := _find_other_settings(node, settings):
            yield f"the node {node.name} has other settings in {', '.join(other)}"
        if node.facts.release != newest:
            yield f"the node {node.name} runs the release {node.facts.release}, not {newest}"


def _read_numbers(release: str) -> list[int]:
    """Of `1.10.0`, which is newer than `1.9.2`."""
    return [int(number) for number in re.findall(r"\d+", release)]


def _find_other_settings(node: Node, settings: Mapping[str, str]) -> list[str]:
    said = node.facts.settings
    return [f"[{name}]" for name in said if name in settings and said[name] != settings[name]]


def _build(row: Row, now: int) -> Node:
    return Node(
        name=row["name"],
        started_at=row["started_at"],
        seen_at=row["seen_at"],
        ahead_ms=row["ahead_ms"],
        silent_ms=max(0, now - row["seen_at"]),
        facts=msgspec.json.decode(row["facts"], type=NodeFacts),
    )
