"""An SQLite file as what is moved, or as where it is moved to."""

import os
import sqlite3
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from shorty.errors import StartError
from shorty.sqlite.connections import connect
from shorty.sqlite.copies import sync_folder
from shorty.sqlite.inspection import list_broken_references
from shorty.sqlite.migrations import find_version, list_migrations, prepare_database
from shorty.storage.moving import (
    NEVER_MOVED,
    Column,
    Kind,
    Table,
    pack_rows,
    unpack_rows,
)
from shorty.storage.text import limit_findings

UNFINISHED: Final = ".unfinished"
_KINDS: Final[dict[str, Kind]] = {"integer": "integer", "text": "text", "blob": "blob"}
# Virtual tables keep what they contain in tables of their own, whose names begin with theirs.
_TABLES: Final = """
select name from sqlite_schema t where type = 'table' and name not like 'sqlite~_%' escape '~'
  and not exists (
    select 1 from sqlite_schema v where v.type = 'table' and v.sql like 'create virtual table%'
      and (t.name = v.name or substr(t.name, 1, length(v.name) + 1) = v.name || '_')
  )
order by name
"""
_INDEXES: Final = "select name, sql from sqlite_schema where type = 'index' and sql is not null"
# The file is thrown away unless all goes well, and then it is synced once.
_FILLING: Final = (
    "pragma foreign_keys = off",
    "pragma journal_mode = delete",
    "pragma synchronous = off",
    "pragma cache_size = -200000",
)


class SqliteTables:
    """The rows of a file, in one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        connection.row_factory = None
        self._connection = connection

    def list_tables(self) -> list[Table]:
        names = [name for (name,) in self._connection.execute(_TABLES)]
        return [self._describe(name) for name in names if name not in NEVER_MOVED]

    def _describe(self, name: str) -> Table:
        rows = self._connection.execute("select name, type from pragma_table_info(?)", (name,))
        # A column of another type is one that shorty's schema does not have.
        return Table(
            name, tuple(Column(each, _KINDS.get(kind.lower(), "blob")) for each, kind in rows)
        )

    def count_rows(self, table: Table) -> int:
        (count,) = self._connection.execute(f'select count(*) from "{table.name}"').fetchone()  # noqa: S608 - a table of our own
        return count

    def read_rows(self, table: Table) -> Iterator[bytes]:
        sql = f'select {table.write_columns()} from "{table.name}"'  # noqa: S608 - a table of our own
        try:
            yield from pack_rows(table, self._connection.execute(sql))
        except sqlite3.Error as error:
            raise StartError(
                f"The table {table.name} cannot be read: {error}. Run `shorty check`. Nothing was "
                "moved."
            ) from error


class SqliteTarget(SqliteTables):
    """A new file, whose indexes are created once its rows are stored."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        for pragma in _FILLING:
            connection.execute(pragma)
        connection.execute("begin immediate")
        self._indexes = connection.execute(_INDEXES).fetchall()
        for name, _ in self._indexes:
            connection.execute(f'drop index "{name}"')

    def write_rows(self, table: Table, rows: Iterable[bytes]) -> None:
        places = ", ".join("?" for _ in table.columns)
        self._connection.execute(f'delete from "{table.name}"')  # noqa: S608 - a table of our own
        self._connection.executemany(
            f'insert into "{table.name}" ({table.write_columns()}) values ({places})',  # noqa: S608 - the same
            unpack_rows(table, rows),
        )

    def finish(self) -> None:
        for _, sql in self._indexes:
            self._connection.execute(sql)
        if broken := limit_findings(list_broken_references(self._connection)):
            lines = "".join(f"\n- {each}" for each in broken)
            raise StartError(f"Some rows refer to others that do not exist:{lines}")

    def commit(self) -> None:
        self._connection.execute("commit")


@contextmanager
def open_source(path: Path) -> Generator[SqliteTables]:
    """Nobody else writes to the file inside the block. Raises StartError."""
    require_newest(path)
    with closing(connect(path)) as connection:
        try:
            connection.execute("begin immediate")
        except sqlite3.OperationalError as error:
            raise StartError(f"Another process writes to {path}: wait for its end.") from error
        yield SqliteTables(connection)


@contextmanager
def open_target(path: Path, now: int) -> Generator[SqliteTarget]:
    """A new file, which has its name only after a block without an error. Raises StartError."""
    if path.exists():
        raise StartError(f"{path} already exists: name a new file. Nothing was changed.")
    unfinished = path.with_name(f"{path.name}{UNFINISHED}")
    try:
        unfinished.unlink(missing_ok=True)
        prepare_database(unfinished, now)
        with closing(connect(unfinished)) as connection:
            yield SqliteTarget(connection)
        _sync(unfinished)
        unfinished.rename(path)
        sync_folder(path.absolute().parent)
    except sqlite3.Error as error:
        raise StartError(f"{unfinished} cannot be written: {error}. Nothing was moved.") from error
    finally:
        unfinished.unlink(missing_ok=True)


def require_newest(path: Path) -> None:
    """Raises StartError for a file that does not exist, or is of another version's schema."""
    if not path.is_file():
        raise StartError(f"The database {path} does not exist, so there is nothing to move.")
    version, newest = find_version(path), list_migrations()[-1].version
    if version != newest:
        raise StartError(
            f"The database {path} has the schema {version}, and this version of shorty has "
            f"{newest}: start this version's server with it once, and stop it."
        )


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
