"""Owns whole copies of a database: taken while it is in use, checked, and put in its place.

A database in use is several files; a copy of the main one alone may miss what was written last, and
a log that belongs to another database would be played into it.
"""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from shorty.errors import StartError
from shorty.storage.connections import connect
from shorty.storage.inspection import find_damage
from shorty.storage.migrations import list_migrations

PAGES_AT_ONCE: Final = 1024
LOGS: Final = ("-wal", "-shm")


def copy_database(source: Path, target: Path, on_pages: Callable[[int, int], None]) -> None:
    """Copies the database as it is at one moment into an empty file; nobody waits for it.

    `on_pages` is told how many pages are copied, and of how many. Raises sqlite3.Error.
    """
    reader = connect(source, read_only=True)
    writer = sqlite3.connect(target, isolation_level=None)
    try:
        # Holds the moment: otherwise each commit of the server would begin the copy anew.
        reader.execute("begin")
        reader.execute("select count(*) from schema_migrations").fetchone()
        reader.backup(
            writer,
            pages=PAGES_AT_ONCE,
            progress=lambda _, remaining, total: on_pages(total - remaining, total),
        )
        # One file, readable from a disk that cannot be written to.
        writer.execute("pragma journal_mode = delete")
    finally:
        writer.close()
        reader.close()


def require_backup(path: Path, name: Path) -> None:
    """Raises StartError where `path` is no sound database that this release can open.

    The sentence calls it `name`.
    """
    try:
        fault = find_schema_fault(path)
    except sqlite3.Error as error:
        fault = f"is no database that can be read ({error})"
    if fault is None and (damage := find_damage(path)):
        fault = f"is damaged ({damage})"
    if fault is not None:
        raise StartError(f"{name} {fault}; nothing was changed.")


def find_schema_fault(path: Path) -> str | None:
    connection = connect(path, read_only=True)
    try:
        found = connection.execute("select version, name from schema_migrations order by version")
        applied = [tuple(row) for row in found]
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return "is no database of shorty"
        raise
    finally:
        connection.close()
    known = [(each.version, each.name) for each in list_migrations()]
    if not applied or applied[0] != known[0]:
        return "is no database of shorty"
    if len(applied) > len(known):
        return f"was made by a newer shorty (schema {applied[-1][0]}): install that version"
    return (
        None if applied == known[: len(applied)] else "has a schema that this shorty does not know"
    )


def replace_database(path: Path, copy: Path) -> Path | None:
    """Puts a checked copy in the database's place; returns where the former one is kept.

    Nobody has the database open. At each moment there is one at `path`, whole and without a log
    that is not its own.
    """
    kept = None
    if path.exists():
        kept = name_kept(path)
        empty_log(path)
        for log in LOGS:
            with suppress(FileNotFoundError):
                Path(f"{path}{log}").rename(f"{kept}{log}")
        os.link(path, kept)
    copy.replace(path)
    sync_folder(path.parent)
    return kept


def name_kept(path: Path) -> Path:
    """A name that is free."""
    kept = path.with_name(f"{path.name}.before-restore")
    number = 1
    while kept.exists():
        number += 1
        kept = path.with_name(f"{path.name}.before-restore-{number}")
    return kept


def empty_log(path: Path) -> None:
    """Brings the log's content home, if the database is sound enough for that."""
    with suppress(sqlite3.Error):
        connection = connect(path)
        try:
            connection.execute("pragma wal_checkpoint(truncate)").fetchall()
        finally:
            connection.close()


def has_log(path: Path) -> bool:
    """Whether the file is a database in use, rather than a copy of one."""
    log = Path(f"{path}-wal")
    return log.exists() and log.stat().st_size > 0


def copy_file(source: Path, target: int) -> None:
    """Onto the disk, not only into memory."""
    with source.open("rb") as original, os.fdopen(target, "wb") as copy:
        shutil.copyfileobj(original, copy, 1024 * 1024)
        copy.flush()
        os.fsync(copy.fileno())


def sync_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
