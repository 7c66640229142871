"""Empties a PostgreSQL database after a test, so that the next one need not have a new copy.

Copying and dropping wait for the server's checkpoints, and the first session in a copy has to read
the whole catalogue. Only a database in which nothing but rows has changed is used again.
"""

from contextlib import closing
from typing import Final, NamedTuple

import psycopg
from psycopg import sql

TIMES: Final = 40  # that a database is used, because deleted rows stay in its files
CATALOGUES: Final = (
    *("pg_class", "pg_attribute", "pg_attrdef", "pg_constraint", "pg_index", "pg_trigger"),
    *("pg_proc", "pg_type", "pg_namespace", "pg_rewrite", "pg_extension", "pg_default_acl"),
    *("pg_sequence", "pg_collation", "pg_statistic", "pg_statistic_ext", "pg_event_trigger"),
    *("pg_policy", "pg_publication", "pg_largeobject_metadata"),
)
# A changed row of the catalogue has another transaction; one that is gone is missed in the count.
_STATE: Final = sql.SQL("(select array[count(*), max(xmin::text::bigint)] from {})")
_SCHEMA: Final = sql.SQL("select {}").format(
    sql.SQL(", ").join(_STATE.format(sql.Identifier(name)) for name in CATALOGUES)
)
_SETTINGS: Final = """
select datallowconn, datconnlimit, datacl is null, pg_get_userbyid(datdba),
  (select count(*) from pg_db_role_setting where setdatabase = d.oid),
  (select array[sum(reltuples), sum(relpages)] from pg_class) -- analyzed, vacuumed
from pg_database d where datname = current_database()
"""
_OTHERS: Final = """
select count(pg_terminate_backend(pid, 10000)) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid()
"""
_TABLES: Final = """
select relname from pg_class
where relkind = 'r' and relnamespace = 'public'::regnamespace order by relname
"""
_SEQUENCES: Final = "select sequencename, start_value, last_value from pg_sequences"


class Empty(NamedTuple):
    """What a new copy is like."""

    schema: object
    settings: object
    rows: dict[str, str | None]
    sequences: dict[str, tuple[int, int | None]]


def look_at_empty(url: str) -> Empty:
    """Call it with a copy that was not used yet; the URL is the superuser's."""
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        return Empty(
            schema=connection.execute(_SCHEMA).fetchone(),
            settings=connection.execute(_SETTINGS).fetchone(),
            rows=_read_rows(connection),
            sequences=_read_sequences(connection),
        )


def make_empty(url: str, empty: Empty) -> bool:
    """Whether it is again as a new copy is; otherwise it is to be dropped."""
    try:
        with closing(psycopg.connect(url, autocommit=True)) as connection:
            connection.execute(_OTHERS)
            if connection.execute(_SCHEMA).fetchone() != empty.schema:
                return False
            if connection.execute(_SETTINGS).fetchone() != empty.settings:
                return False
            _restore(connection, empty)
            connection.execute("select pg_stat_reset()")
    except psycopg.OperationalError:  # nobody may connect to it, for example
        return False
    return True


def _restore(connection: psycopg.Connection, empty: Empty) -> None:
    connection.execute("set session_replication_role = replica")  # no trigger and no foreign key
    for name, rows in _read_rows(connection).items():
        if rows == empty.rows[name]:
            continue
        table = sql.Identifier(name)
        connection.execute(sql.SQL("delete from {}").format(table))
        if empty.rows[name] is not None:
            connection.execute(
                sql.SQL(
                    "insert into {0} overriding system value"
                    " select * from json_populate_recordset(null::{0}, %s::json)"
                ).format(table),
                [empty.rows[name]],
            )
    for name, (start, last) in _read_sequences(connection).items():
        if empty.sequences[name] != (start, last):
            first = empty.sequences[name][1]
            connection.execute(
                "select setval(%s::regclass, %s, %s)", [name, first or start, first is not None]
            )


def _read_rows(connection: psycopg.Connection) -> dict[str, str | None]:
    """JSON of each table's rows; None for a table without any."""
    names = [name for (name,) in connection.execute(_TABLES)]
    each = [
        sql.SQL("(select json_agg(t)::text from {} t)").format(sql.Identifier(name))
        for name in names
    ]
    found = connection.execute(sql.SQL("select {}").format(sql.SQL(", ").join(each))).fetchone()
    return dict(zip(names, found or (), strict=True))


def _read_sequences(connection: psycopg.Connection) -> dict[str, tuple[int, int | None]]:
    return {name: (start, last) for name, start, last in connection.execute(_SEQUENCES)}
