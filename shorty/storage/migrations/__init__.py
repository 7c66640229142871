"""Owns the schema's history: numbered SQL files that go forward, each recorded with itself."""

import os
import sqlite3
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from shorty.errors import StartError
from shorty.storage.connections import connect

_RECORD = """
create table if not exists schema_migrations (
  version integer primary key,
  name text not null,
  applied_at integer not null
)
"""


class Migration(NamedTuple):
    version: int
    name: str
    sql: str


def list_migrations() -> list[Migration]:
    """Every migration this release knows, oldest first."""
    files = resources.files("shorty.storage.migrations").iterdir()
    found = [
        Migration(int(file.name.split("_")[0]), file.name.removesuffix(".sql"), file.read_text())
        for file in files
        if file.name.endswith(".sql")
    ]
    return sorted(found)


def find_version(path: Path) -> int:
    """The schema's version; 0 for a database that does not exist or is empty."""
    if not path.exists():
        return 0
    connection = connect(path, read_only=True)
    try:
        row = connection.execute("select max(version) from schema_migrations").fetchone()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return 0
        raise
    finally:
        connection.close()
    return row[0] or 0


def prepare_database(path: Path, now: int) -> list[Migration]:
    """Creates the database or brings it up to date; returns the migrations that were applied.

    Raises StartError, with a sentence for the operator, where that cannot be done.
    """
    try:
        create_file(path)
        connection = connect(path)
    except (OSError, sqlite3.Error) as error:
        reason = _describe_fault(error)
        raise StartError(f"The database {path} cannot be opened for writing: {reason}.") from error
    try:
        return _apply_missing(connection, path, now)
    except sqlite3.Error as error:
        raise StartError(f"The database {path} cannot be used: {error}.") from error
    finally:
        connection.close()


def _describe_fault(error: OSError | sqlite3.Error) -> str:
    """SQLite speaks of an I/O error where there is no room for what connections share."""
    if getattr(error, "sqlite_errorname", "") == "SQLITE_IOERR_SHMSIZE":
        return "the disk is full"
    return str(error)


def create_file(path: Path) -> None:
    """Makes the file, and its folder, for nobody but the server's own user.

    What SQLite puts beside it takes over its mode. Files and folders that are there stay as they
    are: their owner may have let a group in.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _apply_missing(connection: sqlite3.Connection, path: Path, now: int) -> list[Migration]:
    connection.execute(_RECORD)
    current = connection.execute("select max(version) from schema_migrations").fetchone()[0] or 0
    known = list_migrations()
    if current > known[-1].version:
        raise StartError(
            f"The database {path} was made by a newer shorty (schema {current}, this one knows up "
            f"to {known[-1].version}). Install that version, or restore a backup made before it."
        )
    missing = [migration for migration in known if migration.version > current]
    for migration in missing:
        _apply(connection, migration, now)
    return missing


def _apply(connection: sqlite3.Connection, migration: Migration, now: int) -> None:
    record = (
        f"insert into schema_migrations values ({migration.version}, '{migration.name}', {now});"  # noqa: S608 - all three are ours
    )
    try:
        connection.executescript(f"begin immediate;\n{migration.sql}\n{record}\ncommit;")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("rollback")
        raise
