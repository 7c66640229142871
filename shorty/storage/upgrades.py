"""Brings a database up to date, once a copy of it has been put aside.

A release that turns out wrong can so be left again: `shorty restore` puts the copy back.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import structlog

from shorty.storage.connections import connect
from shorty.storage.copies import copy_database, sync_folder
from shorty.storage.migrations import (
    Migration,
    create_file,
    find_version,
    list_migrations,
    prepare_database,
    read_applied,
    require_own_schema,
)

ASIDE: Final = ".schema-"  # then the version that the copy has
UNFINISHED: Final = ".unfinished"

log = structlog.get_logger(__name__)


def is_outdated(path: Path) -> bool:
    """Whether there is a database there that `upgrade_database` would change."""
    return 0 < _read_version(path) < list_migrations()[-1].version


def upgrade_database(path: Path, now: int) -> list[Migration]:
    """As prepare_database; of a database that it changes, a copy as it was stays beside it.

    Where there is no room for the copy, that is logged, and the upgrade goes on: each of its steps
    is a transaction. Raises StartError, and changes nothing, where the schema is not shorty's own.
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
    """The schema's version, before anything is put aside.

    0 where it cannot be read: preparing the database will say why.
    """
    if not path.exists():
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
    """0 where it cannot be read: preparing it will say why."""
    try:
        return find_version(path)
    except sqlite3.Error:
        return 0


def _put_aside(path: Path, copy: Path) -> None:
    """Earlier upgrades' copies go once this one is whole."""
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
