"""Reads of a database at once, in the test's own thread, whichever engine it has."""

from contextlib import closing
from pathlib import Path

import pytest

from shorty.postgres.connections import SETTINGS, connect
from shorty.postgres.threads import ThreadReader
from shorty.sqlite.database import SqliteDatabase
from shorty.storage.database import Database, Reader, Row, Value
from tests.cluster import write_url
from tests.copies import find_databases


def path_of(db: Database) -> Path:
    """The file of an SQLite database. A test of what happens to it is skipped on PostgreSQL."""
    if not isinstance(db, SqliteDatabase):
        pytest.skip("SQLite's own: what happens to the file of the database")
    return db.path


class OnServer:
    """Reads on a connection of its own, outside the tested engine."""

    def __init__(self, url: str) -> None:
        self._url = url

    def find_one(self, sql: str, *parameters: Value) -> Row | None:
        rows = self.find_all(sql, *parameters)
        return rows[0] if rows else None

    def find_all(self, sql: str, *parameters: Value) -> list[Row]:
        with closing(connect(self._url, SETTINGS)) as connection:
            return ThreadReader(connection).find_all(sql, *parameters)


def reader(db: Database) -> Reader:
    if db.here:
        return db.here
    databases = find_databases()
    assert databases
    return OnServer(write_url(databases.place, db.name.rpartition("/")[2]))
