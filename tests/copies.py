"""The databases of one worker's tests, where those run on PostgreSQL: copies of one template."""

import os
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Final

import psycopg

from shorty.postgres.migrations import prepare_database
from tests.cluster import OWNER, SUPERUSER, write_url
from tests.reuse import TIMES, Empty, look_at_empty, make_empty

TEMPLATE: Final = "shorty_template"
COPY: Final = f"template {TEMPLATE} strategy file_copy"  # takes half of what the usual one does


def create_template(place: str) -> None:
    """Its owner may do what an operator's role may, and no more. Nobody can be connected to it."""
    with closing(connect(place)) as connection:
        connection.execute(f"create role {OWNER} login")
        connection.execute(f"create database {TEMPLATE} owner {OWNER}")
        prepare_database(write_url(place, TEMPLATE), now=0)
        connection.execute(f"alter database {TEMPLATE} is_template true allow_connections false")


def connect(place: str, database: str = SUPERUSER) -> psycopg.Connection:
    """As the superuser; each statement is a transaction."""
    return psycopg.connect(write_url(place, database, SUPERUSER), autocommit=True)


class Databases:
    """Creates the databases of one worker's tests."""

    def __init__(self, place: str) -> None:
        self.place = place
        self._connection = connect(place)
        self._numbers = count()
        self._names: list[str] = []
        self._urls: dict[Path, str] = {}
        self._kept = 0
        self._empty: Empty | None = None
        self._idle: list[str] = []
        self._uses: Counter[str] = Counter()

    def create(self, options: str = COPY) -> str:
        """The URL of a new database: by default an empty one of the newest schema."""
        if options == COPY and self._idle:
            name = self._idle.pop()
        else:
            name = f"test_{os.getpid()}_{next(self._numbers)}"
            self._connection.execute(f"create database {name} owner {OWNER} {options}".encode())
        self._names.append(name)
        if options == COPY:
            self._uses[name] += 1
            self._empty = self._empty or look_at_empty(self._name_url(name))
        return write_url(self.place, name)

    def create_for(self, folder: Path) -> str:
        """The same, for a server whose own files are in the folder."""
        self._urls[folder.absolute()] = url = self.create()
        return url

    def find_for(self, folder: Path) -> str:
        """That of the folder's server; at first one without a schema, as an operator creates it."""
        known = self._urls.get(folder.absolute())
        return known or self._urls.setdefault(folder.absolute(), self.create(options=""))

    def copy(self, url: str) -> str:
        """The URL of a new database with the content of one to which nobody is connected."""
        name = url.partition("?")[0].rpartition("/")[2]
        return self.create(f"template {name} strategy file_copy")

    def keep(self) -> None:
        """Those that exist are shared by several tests."""
        self._kept = len(self._names)

    def drop_left(self) -> None:
        """Empties or drops those of earlier tests, in which nothing runs any more."""
        while len(self._names) > self._kept:
            name = self._names[-1]
            if self._make_empty(name):
                self._idle.append(name)
            else:
                self._connection.execute(f"drop database {name} with (force)".encode())
            self._names.pop()

    def _make_empty(self, name: str) -> bool:
        """Only a copy of the template can be like a new one again."""
        if self._empty is None or not 0 < self._uses[name] < TIMES:
            return False
        return make_empty(self._name_url(name), self._empty)

    def _name_url(self, name: str) -> str:
        return write_url(self.place, name, SUPERUSER)

    def close(self) -> None:
        self._connection.close()


_used: list[Databases] = []


def use_cluster(place: str) -> Callable[[], None]:
    """From now on, this process's tests have their databases there, until what is returned runs."""
    databases = Databases(place)
    _used.append(databases)

    def end() -> None:
        _used.remove(databases)
        databases.close()

    return end


def find_databases() -> Databases | None:
    """Where this process's tests have their databases; None: in SQLite files."""
    return _used[-1] if _used else None
