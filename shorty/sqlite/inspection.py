"""Inspects a database file for the operator, without changing it."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing

from shorty.storage.text import show_text


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


class SqliteColumns:
    """`storage.findings.StoredColumns`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def read_columns(self, table: str, names: Sequence[str]) -> Iterator[Sequence[object]]:
        known = {row[1] for row in self._connection.execute(f'pragma table_xinfo("{table}")')}
        if not known:
            return
        columns = ", ".join(name if name in known else "null" for name in names)
        cursor = self._connection.cursor()
        cursor.row_factory = None  # a million plain tuples
        with closing(cursor.execute(f"select {columns} from {table}")) as rows:  # noqa: S608 - our own names
            yield from rows
