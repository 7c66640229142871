"""Opens the database that the configuration names: an SQLite file, or one of a PostgreSQL server.

Psycopg is an extra, so PostgreSQL's package is imported only where it is asked for.
"""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO, Protocol

from shorty.config import StorageConfig
from shorty.errors import StartError
from shorty.sqlite import moving as sqlite_moving
from shorty.sqlite.database import SqliteDatabase
from shorty.sqlite.upgrades import upgrade_database
from shorty.storage.database import Database
from shorty.storage.findings import Finding, StoredColumns
from shorty.storage.moving import Source, Target

EXTRA = "psycopg"


class Engine(Protocol):
    """`shorty.postgres.opening`."""

    def prepare_database(self, storage: StorageConfig, now: int) -> None: ...

    async def open_database(self, storage: StorageConfig, *, is_command: bool) -> Database: ...

    def open_source(self, url: str) -> AbstractContextManager[Source]: ...

    def open_target(self, url: str, now: int) -> AbstractContextManager[Target]: ...

    def list_findings(
        self, storage: StorageConfig, clock: Callable[[], float]
    ) -> Generator[Finding, None, bool]:
        """Returns whether commands can use the database as it is."""
        ...

    def open_columns(self, storage: StorageConfig) -> AbstractContextManager[StoredColumns]: ...

    def dump_database(
        self, storage: StorageConfig, target: int, on_progress: Callable[[int, int], object]
    ) -> None: ...

    def restore_dump(
        self,
        storage: StorageConfig,
        backup: BinaryIO,
        judge: Callable[[StoredColumns], list[str]],
        on_progress: Callable[[int, int], object],
    ) -> None:
        """`judge` returns what is wrong with the backup's content, before anything is restored."""
        ...


def load_postgres() -> Engine:
    """Raises StartError without the extra."""
    if find_spec(EXTRA) is None:
        raise StartError(
            "[storage] database is a PostgreSQL server, for which this installation lacks a "
            "driver: install it with `pip install 'shorty[postgres]'`."
        )
    engine: Engine = import_module("shorty.postgres.opening")  # pyright: ignore[reportAssignmentType]
    return engine


def prepare_storage(storage: StorageConfig, now: int) -> None:
    """Creates the database or brings it up to date. Raises StartError, in a sentence."""
    if storage.is_postgres:
        load_postgres().prepare_database(storage, now)
    else:
        upgrade_database(storage.path, now)


async def open_database(storage: StorageConfig, *, is_command: bool = False) -> Database:
    """Opens a database that is up to date, for the server or for a command beside it."""
    if storage.is_postgres:
        return await load_postgres().open_database(storage, is_command=is_command)
    folder = storage.files if storage.folder else None
    return await SqliteDatabase.open(storage.path, folder=folder)


def open_source(database: str, *, is_postgres: bool) -> AbstractContextManager[Source]:
    """A database whose rows are moved; nobody else writes to it inside the block."""
    if is_postgres:
        return load_postgres().open_source(database)
    return sqlite_moving.open_source(Path(database))


def open_target(database: str, now: int, *, is_postgres: bool) -> AbstractContextManager[Target]:
    """A new database, to which rows are moved."""
    if is_postgres:
        return load_postgres().open_target(database, now)
    return sqlite_moving.open_target(Path(database), now)
