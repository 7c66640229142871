"""Inspects a database file for the operator, without changing it."""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Final

MOST_FINDINGS: Final = 20
SHOWN_LENGTH: Final = 80


def find_damage(connection: sqlite3.Connection, *, is_thorough: bool = False) -> str:
    """The damage that SQLite finds in the file; empty if it is sound.

    Reads the whole file, in about a second per gigabyte. The thorough check also compares each
    index with its table, which takes several times as long. The schema must be trusted, because its
    checks and index expressions are evaluated.
    """
    pragma = "integrity_check" if is_thorough else "quick_check"
    try:
        rows = connection.execute(f"pragma {pragma}(3)").fetchall()
    except sqlite3.Error as error:
        return show_text(str(error))
    found = "; ".join(show_text(str(row[0])) for row in rows)
    return "" if found == "ok" else found


def list_broken_references(connection: sqlite3.Connection) -> Iterator[str]:
    """A clause for each row that refers to a missing row."""
    for table, row, parent, _ in connection.execute("pragma foreign_key_check"):
        yield f"row {row} of {table} refers to a missing row of {parent}"


def limit_findings(findings: Iterable[str]) -> list[str]:
    """The first findings, and the number of the others. Keeps only the first in memory."""
    shown: list[str] = []
    more = 0
    for finding in findings:
        if len(shown) < MOST_FINDINGS:
            shown.append(finding)
        else:
            more += 1
    return [*shown, f"and {more:,} more"] if more else shown


def show_text(text: str) -> str:
    """The start of a foreign text, without characters that a terminal would interpret."""
    shown = "".join(each if each.isprintable() else "\ufffd" for each in text[:SHOWN_LENGTH])
    return shown if len(text) <= SHOWN_LENGTH else f"{shown}…"
