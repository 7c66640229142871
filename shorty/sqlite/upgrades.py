"""Brings a database up to date after saving a copy of it.

The copy allows going back to the previous release with `shorty restore`.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import structlog

from shorty.sqlite.connections import connect
from shorty.sqlite.copies import copy_database, sync_folder
from shorty.sqlite.migrations import (
    Migration,
    create_file,
    find_version,
    list_migrations,
    prepare_database,
    read_applied,
    require_own_schema,
)

ASIDE: Final = ".schema-"  # followed by the copy's version
UNFINISHED: Final = ".unfinished"

log = structlog.get_logger(__name__)


def is_outdated(path: Path) -> bool:
    """Whether the path is a database that `upgrade_database` would change."""
    return 0 < _read_version(path) < list_migrations()[-1].version


def upgrade_database(path: Path, now: int) -> list[Migration]:
    """Does the same as prepare_database, but first saves a copy beside a database that it changes.

    If the disk has no room for the copy, that is logged and the upgrade continues, because each of
    its steps is a transaction. Raises StartError, without changing anything, for a foreign schema.
    """
    version = _inspect_schema(path)
    if not 0 < version < list_migrations()[-1].version:
        return prepare_database(path, now)
    log.info("database_upgrade", schema=version, becomes=list_migrations()[-1].version)
    _put_aside(path, path.with_name(f"{path.name}{ASIDE}{version}"))
    applied = prepare_database(path, now)
    log.info("database_upgraded", steps=[migration.name for migration in applied])
    return applied


def _inspect_schema(path: Path) -> int:
    """The schema's version, before the copy is saved.

    0 if it cannot be read; then prepare_database reports why.
    """
    if not path.is_file():  # a named pipe would wait for a writer
        return 0
    try:
        with closing(connect(path, read_only=True)) as connection:
            unknown = require_own_schema(connection, path)
            version = len(read_applied(connection))
    except sqlite3.Error:
        return 0
    if unknown:
        log.warning("database_unknown_tables", found=unknown)
    return version


def _read_version(path: Path) -> int:
    """0 if it cannot be read; then prepare_database reports why."""
    try:
        return find_version(path)
    except sqlite3.Error:
        return 0


def _put_aside(path: Path, copy: Path) -> None:
    """Deletes the copies of earlier upgrades once this copy is complete."""
    unfinished = copy.with_name(f"{copy.name}{UNFINISHED}")
    try:
        create_file(unfinished)
        copy_database(path, unfinished, lambda _done, _total: None)
        unfinished.replace(copy)
        for file in path.parent.iterdir():
            if file.name.startswith(f"{path.name}{ASIDE}") and file != copy:
                file.unlink()
        sync_folder(path.parent)
    except (OSError, sqlite3.Error) as error:
        log.warning("database_not_copied", copy=str(copy), reason=str(error))
        unfinished.unlink(missing_ok=True)
    else:
        log.info("database_copied", copy=str(copy))
