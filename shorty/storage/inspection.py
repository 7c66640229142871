"""Looks into a database file for the operator, and changes nothing."""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Final

MOST_FINDINGS: Final = 20
SHOWN_LENGTH: Final = 80


def find_damage(connection: sqlite3.Connection, *, is_thorough: bool = False) -> str:
    """What SQLite finds wrong with the file, empty where it is sound.

    It reads the whole file: about a second for a gigabyte. The thorough check compares each index
    with its table too, which takes several times as long. The schema is one that may be trusted:
    its checks and the expressions of its indexes are computed.
    """
    pragma = "integrity_check" if is_thorough else "quick_check"
    try:
        rows = connection.execute(f"pragma {pragma}(3)").fetchall()
    except sqlite3.Error as error:
        return show_text(str(error))
    found = "; ".join(show_text(str(row[0])) for row in rows)
    return "" if found == "ok" else found


def list_broken_references(connection: sqlite3.Connection) -> Iterator[str]:
    """Rows that refer to a row that does not exist, as a clause each."""
    for table, row, parent, _ in connection.execute("pragma foreign_key_check"):
        yield f"row {row} of {table} refers to a missing row of {parent}"


def limit_findings(findings: Iterable[str]) -> list[str]:
    """The first ones, and how many more there are. Only those are kept in memory."""
    shown: list[str] = []
    more = 0
    for finding in findings:
        if len(shown) < MOST_FINDINGS:
            shown.append(finding)
        else:
            more += 1
    return [*shown, f"and {more:,} more"] if more else shown


def show_text(text: str) -> str:
    """The start of a text from elsewhere, without what a terminal would act upon."""
    shown = "".join(each if each.isprintable() else "\ufffd" for each in text[:SHOWN_LENGTH])
    return shown if len(text) <= SHOWN_LENGTH else f"{shown}…"
