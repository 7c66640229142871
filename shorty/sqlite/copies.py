"""Owns copies of a whole database: takes them while it is in use, checks and restores them.

A database in use is several files. A copy of the main file alone may miss the latest writes, and
SQLite would replay a log that belongs to another database.
"""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import BinaryIO, Final

from shorty.errors import StartError
from shorty.sqlite.connections import connect, connect_target
from shorty.sqlite.migrations import require_plain_file

PAGES_AT_ONCE: Final = 1024
LOGS: Final = ("-wal", "-shm", "-journal")
MAGIC: Final = b"SQLite format 3\0"
POSTGRES_MAGIC: Final = b"PGDMP"
PIECE: Final = 1024 * 1024


def copy_database(source: Path, target: Path, on_pages: Callable[[int, int], None]) -> None:
    """Copies one moment of the database into an empty file, without blocking readers or writers.

    `on_pages` is called with the pages copied so far and the total. Raises sqlite3.Error.
    """
    with (
        closing(connect(source, read_only=True)) as reader,
        closing(connect_target(target)) as writer,
    ):
        # Keeps the snapshot: otherwise each commit of the server would restart the copy.
        reader.execute("begin")
        reader.execute("select count(*) from schema_migrations").fetchone()
        reader.backup(
            writer,
            pages=PAGES_AT_ONCE,
            progress=lambda _, remaining, total: on_pages(total - remaining, total),
        )
        # A single file, which can also be read from a read-only disk.
        writer.execute("pragma journal_mode = delete")


def replace_database(path: Path, copy: Path) -> Path | None:
    """Replaces the database with a checked copy; returns the path of the former database.

    No process may have the database open. At every moment `path` is a whole database, without
    another database's log beside it.
    """
    kept = name_kept(path)
    is_there = path.exists()
    if is_there:
        empty_log(path)
    for log in LOGS:
        with suppress(FileNotFoundError):
            Path(f"{path}{log}").rename(f"{kept}{log}")
    if is_there:
        os.link(path, kept)
    copy.replace(path)
    sync_folder(path.parent)
    return kept if is_there else None


def name_kept(path: Path) -> Path:
    """A free name for the former database and its logs."""
    kept = path.with_name(f"{path.name}.before-restore")
    number = 1
    while any(Path(f"{kept}{end}").exists() for end in ("", *LOGS)):
        number += 1
        kept = path.with_name(f"{path.name}.before-restore-{number}")
    return kept


def empty_log(path: Path) -> None:
    """Checkpoints the log into the database, if the database is sound enough."""
    with suppress(sqlite3.Error), closing(connect(path)) as connection:
        connection.execute("pragma wal_checkpoint(truncate)").fetchall()


def has_log(path: Path) -> bool:
    """Whether the file is a database in use, not a copy of one."""
    logs = [Path(f"{path.resolve()}{log}") for log in ("-wal", "-journal")]
    return any(log.exists() and log.stat().st_size > 0 for log in logs)


def open_backup(path: Path) -> BinaryIO:
    """Raises StartError if the file is not a copy of a database, by its type or its first bytes."""
    require_plain_file(path.stat().st_mode, path)  # opening a device may have effects
    # Non-blocking, because opening a named pipe would wait for a writer.
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    opened = os.fdopen(file, "rb")
    try:
        require_plain_file(os.fstat(file).st_mode, path)
        fault = find_copy_fault(path, opened)
    except BaseException:
        opened.close()
        raise
    if fault is not None:
        opened.close()
        raise StartError(f"{path} {fault}; nothing was changed.")
    return opened


def find_copy_fault(path: Path, opened: BinaryIO) -> str | None:
    if has_log(path):
        return "is a database in use, not a copy of one: create one with `shorty backup`"
    head = os.pread(opened.fileno(), len(MAGIC), 0)
    if head.startswith(POSTGRES_MAGIC):
        return "is a backup of a PostgreSQL database: name an empty one in [storage] database"
    if head != MAGIC:
        return "is not a readable database: it is encrypted or not an SQLite file"
    return None


def copy_backup(source: BinaryIO, target: int, path: Path) -> None:
    """Copies and syncs to disk. Raises StartError if `path` changes during the copy."""
    before = os.fstat(source.fileno())
    with os.fdopen(target, "wb") as copy:
        left = before.st_size
        while left and (piece := source.read(min(left, PIECE))):
            copy.write(piece)
            left -= len(piece)
        copy.flush()
        os.fsync(copy.fileno())
    after = os.fstat(source.fileno())
    if left or (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise StartError(f"{path} was changed while it was being read; nothing was changed.")


def sync_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
