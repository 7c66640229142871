"""Opens the database that the configuration names by its URL, for `shorty.databases`."""

import os
from collections.abc import Generator
from contextlib import contextmanager

from shorty.config import StorageConfig
from shorty.postgres import migrations
from shorty.postgres.backups import dump_database, restore_dump
from shorty.postgres.checkup import list_findings
from shorty.postgres.connections import name_command
from shorty.postgres.database import PostgresDatabase
from shorty.postgres.inspection import Place, PostgresColumns, open_checked
from shorty.postgres.moving import open_source, open_target

__all__ = [
    "dump_database",
    "list_findings",
    "open_columns",
    "open_database",
    "open_source",
    "open_target",
    "prepare_database",
    "restore_dump",
]


def prepare_database(storage: StorageConfig, now: int) -> None:
    """Creates the schema or brings it up to date. Raises StartError, in a sentence."""
    migrations.prepare_database(storage.direct, now)


async def open_database(storage: StorageConfig, *, is_command: bool) -> PostgresDatabase:
    """Opens a database that is up to date; connects when something is asked.

    A command writes under a name of its own, beside the server, and has no journal. Raises
    StartError for a faulty URL.
    """
    place = Place(storage.database)
    writer = name_command() if is_command else None
    node = storage.node or os.uname().nodename
    return PostgresDatabase(
        place.url,
        node,
        storage.files,
        writer=writer,
        listen=Place(storage.listen).url if storage.listen else "",
        stale_s=storage.stale_s,
    )


@contextmanager
def open_columns(storage: StorageConfig) -> Generator[PostgresColumns]:
    """Raises StartError, in a sentence."""
    with open_checked(Place(storage.direct)) as connection:
        yield PostgresColumns(connection)
