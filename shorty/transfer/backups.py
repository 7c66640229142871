"""Judges whether a database is one that shorty wrote, whatever it says of itself.

Each check runs only once those before it found nothing: what reads rows relies on the schema, and
what could compute an expression of the file's own comes after the proof that it has none.
"""

import sqlite3
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from shorty.links.rules import LinkRules, find_policy_fault
from shorty.storage.inspection import find_damage, list_broken_references, show_text
from shorty.storage.migrations import find_history_fault, list_version_faults
from shorty.transfer.stored_urls import parse_origin, read_urls

HOSTS: Final = 4096  # most links lead to the same few


def list_backup_faults(connection: sqlite3.Connection) -> Iterator[str]:
    """Why a file from elsewhere cannot be the database; each is a clause that stands alone."""
    try:
        if fault := find_history_fault(connection):
            yield f"the file {fault}"
            return
        encoding = connection.execute("pragma encoding").fetchone()[0]
        if encoding != "UTF-8":
            yield f"the file stores text as {encoding} instead of UTF-8"
            return
        faults = list_database_faults(connection, is_thorough=True)
        first = next(faults, None)
        if first is not None:
            yield first
            yield from faults
        elif connection.execute("select 1 from workspaces limit 1").fetchone() is None:
            yield "the file contains no workspace"
    except sqlite3.Error as error:
        yield f"the file is no database that can be read ({show_text(str(error))})"


def list_database_faults(connection: sqlite3.Connection, *, is_thorough: bool) -> Iterator[str]:
    """What differs from what shorty writes; its migrations are known. Raises sqlite3.Error."""
    schema = list_version_faults(connection)
    if schema:
        yield from (fault.text for fault in schema)
    elif damage := find_damage(connection, is_thorough=is_thorough):
        yield f"the file is damaged ({damage})"
    else:
        yield from list_broken_references(connection)
        yield from list_url_faults(connection)


def list_url_faults(connection: sqlite3.Connection) -> Iterator[str]:
    for stored in read_urls(connection):
        if not isinstance(stored.value, str):
            yield stored.describe("which is not text")
        elif fault := stored.find_fault(stored.value):
            yield stored.describe(fault)


def list_refused_destinations(connection: sqlite3.Connection, rules: LinkRules) -> Iterator[str]:
    """Destinations that no new link could have under today's settings, as clauses.

    list_database_faults found nothing.
    """
    if not rules.block_list and rules.allow_private_destinations:
        return

    @lru_cache(maxsize=HOSTS)
    def judge(origin: str) -> str | None:
        return find_policy_fault(origin, rules)

    for stored in read_urls(connection):
        if stored.is_destination and (fault := judge(parse_origin(str(stored.value)))):
            yield stored.describe(f"which {fault}")
