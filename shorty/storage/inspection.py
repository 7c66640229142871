"""Looks into a database file for the operator, and changes nothing."""

import sqlite3
from pathlib import Path

from shorty.storage.connections import connect


def find_damage(path: Path) -> str:
    """What SQLite's quick check finds wrong with the file, empty where it is sound.

    It reads the whole file: about a second for a gigabyte.
    """
    try:
        connection = connect(path, read_only=True)
    except sqlite3.Error as error:
        return str(error)
    try:
        rows = connection.execute("pragma quick_check(3)").fetchall()
    except sqlite3.Error as error:
        return str(error)
    finally:
        connection.close()
    found = "; ".join(row[0] for row in rows)
    return "" if found == "ok" else found
