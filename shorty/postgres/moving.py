"""A database of a PostgreSQL server as what is moved, or as where it is moved to.

Both run in one transaction that has all lanes, so no write of a shorty comes between.
"""

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any, Final

import psycopg
from psycopg import sql

from shorty.errors import StartError
from shorty.postgres.inspection import Place, open_checked, write_reason
from shorty.postgres.lanes import NAMESPACE
from shorty.postgres.migrations import LANES, list_migrations, prepare_database, read_applied
from shorty.storage.moving import NEVER_MOVED, Column, Kind, Table

# The index of searches, and what only this engine needs.
OWN: Final = frozenset(
    {"links_search", "writers", "visitor_keys", "rate_limits", "job_pieces", "drafts"}
)
ENDING_S: Final = 5.0
LOOK_S: Final = 0.1

_KINDS: Final[dict[str, Kind]] = {"bigint": "integer", "text": "text", "bytea": "blob"}
_TABLES: Final = """
select c.relname, a.attname, format_type(a.atttypid, null)
from pg_class c join pg_attribute a on a.attrelid = c.oid
where c.relnamespace = to_regnamespace(current_schema()) and c.relkind = 'r'
  and a.attnum > 0 and not a.attisdropped
order by c.relname, a.attnum
"""
_SETTINGS: Final = """
select set_config('statement_timeout', '0', true), set_config('lock_timeout', '10s', true),
  set_config('idle_in_transaction_session_timeout', '0', true),
  set_config('maintenance_work_mem', '256MB', true)
"""
_LOCK: Final = "select pg_advisory_xact_lock(%s, lane) from unnest(%s::int[]) as lane order by lane"
# Others of the same role: servers and commands. Of those in the middle of an end, some seconds.
_OTHERS: Final = """
select count(*) from pg_stat_activity
where datname = current_database() and usename = current_user and pid <> pg_backend_pid()
"""
_REFERENCES: Final = """
select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
where contype = 'f' and connamespace = to_regnamespace(current_schema()) order by conname
"""
_INDEXES: Final = """
select c.relname, pg_get_indexdef(i.indexrelid)
from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
where c.relnamespace = to_regnamespace(current_schema()) and t.relname <> all(%s)
  and not exists (select from pg_constraint n where n.conindid = i.indexrelid)
order by c.relname
"""
_IDENTITIES: Final = """
select c.relname, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid
where c.relnamespace = to_regnamespace(current_schema()) and a.attidentity <> ''
"""

# Of binary copies: the signature, no flags, no extension; and the end.
_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END: Final = b"\xff\xff"
_PACKET: Final = 1 << 17

Connection = psycopg.Connection[Any]


class PostgresTables:
    """The rows of a database, in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_tables(self) -> list[Table]:
        found: dict[str, list[Column]] = {}
        for table, column, kind in self._connection.execute(_TABLES):
            # A column of another type is one that shorty's schema does not have.
            found.setdefault(table, []).append(Column(column, _KINDS.get(kind, "blob")))
        moved = found.keys() - NEVER_MOVED - OWN
        return [Table(name, tuple(found[name])) for name in sorted(moved)]

    def count_rows(self, table: Table) -> int:
        query = sql.SQL("select count(*) from {}").format(sql.Identifier(table.name))
        row = self._connection.execute(query).fetchone()
        return row[0] if row else 0

    def read_rows(self, table: Table) -> Iterator[bytes]:
        with self._connection.cursor().copy(_write_copy(table, "to stdout")) as copied:
            packets = map(bytes, copied)
            # The header leaves with the first row.
            first = next(packets, _HEADER + _END)[len(_HEADER) :]
            if first and first != _END:
                yield first
            for row in packets:
                if row != _END:
                    yield row


class PostgresTarget(PostgresTables):
    """An empty database, whose indexes and references are created once its rows are stored."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._tables = self.list_tables()
        self._references = connection.execute(_REFERENCES).fetchall()
        self._indexes = connection.execute(_INDEXES, (sorted(OWN | NEVER_MOVED),)).fetchall()

    def write_rows(self, table: Table, rows: Iterable[bytes]) -> None:
        if table == self._tables[0]:
            self._clear()
        with self._connection.cursor().copy(_write_copy(table, "from stdin")) as copy:
            packet = bytearray(_HEADER)
            for row in rows:
                packet += row
                if len(packet) > _PACKET:
                    copy.write(bytes(packet))
                    packet.clear()
            copy.write(bytes(packet + _END))

    def _clear(self) -> None:
        """Of an empty database: the rows that migrations put there."""
        for table, name, _ in self._references:
            self._run(f'alter table {table} drop constraint "{name}"')
        for name, _ in self._indexes:
            self._run(f'drop index "{name}"')
        names = [f'"{name}"' for name in (*(each.name for each in self._tables), "links_search")]
        self._run(f"truncate {', '.join(names)}")

    def finish(self) -> None:
        for _, definition in self._indexes:
            self._run(definition)
        for table, name, definition in self._references:
            self._run(f'alter table {table} add constraint "{name}" {definition}')
        for table, column in self._connection.execute(_IDENTITIES).fetchall():
            self._run(
                f"select setval(pg_get_serial_sequence('{table}', '{column}'),"  # noqa: S608 - names of our own
                f' greatest(coalesce(max("{column}"), 1), 1), coalesce(max("{column}"), 0) > 0)'
                f' from "{table}"'
            )

    def commit(self) -> None:
        self._run("commit")
        self._run("analyze")

    def _run(self, statement: str) -> None:
        self._connection.execute(statement.encode())


@contextmanager
def open_source(url: str) -> Generator[PostgresTables]:
    """No shorty writes to the database inside the block. Raises StartError."""
    place = Place(url)
    with open_checked(place) as connection:
        applied, known = read_applied(connection), list_migrations()
        if [version for version, _ in applied] != [each.version for each in known]:
            raise StartError(
                f"{place} does not have the schema of this version of shorty: start its server "
                "with it once, and stop it."
            )
        with _alone(connection, place):
            yield PostgresTables(connection)


@contextmanager
def open_target(url: str, now: int) -> Generator[PostgresTarget]:
    """A database that gets this release's schema. Raises StartError."""
    prepare_database(url, now)
    place = Place(url)
    with open_checked(place) as connection, _alone(connection, place):
        yield PostgresTarget(connection)


@contextmanager
def _alone(connection: Connection, place: Place) -> Generator[None]:
    _require_no_others(connection, place)
    connection.execute("begin isolation level read committed")
    try:
        connection.execute(_SETTINGS)
        connection.execute(_LOCK, (NAMESPACE, list(LANES)))
        yield
    except psycopg.Error as error:
        raise StartError(f"{place}: {write_reason(error)}. Nothing was moved.") from error


def _require_no_others(connection: Connection, place: Place) -> None:
    """Sessions end a little later than the processes that had them, and nothing tells of it."""
    until = monotonic() + ENDING_S
    while row := connection.execute(_OTHERS).fetchone():
        if not row[0]:
            return
        if monotonic() > until:
            raise StartError(
                f"{place} is in use by {row[0]} other sessions of {place.user}: stop the server "
                "and every command first. Nothing was changed."
            )
        sleep(LOOK_S)


def _write_copy(table: Table, way: str) -> sql.Composed:
    columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns)
    name, binary = sql.Identifier(table.name), sql.SQL(f"{way} (format binary)")  # pyright: ignore[reportArgumentType]
    return sql.SQL("copy {} ({}) {}").format(name, columns, binary)
