"""Reads the tables of either engine's database into the same words, so that they can be compared.

Texts of expressions are written without parentheses and casts, which PostgreSQL adds.
"""

import re
import sqlite3
from collections.abc import Mapping
from typing import Final, NamedTuple

import psycopg

from tests.twins import TYPES


class Column(NamedTuple):
    name: str
    type: str
    is_required: bool
    default: str | None


class Reference(NamedTuple):
    columns: tuple[str, ...]
    table: str
    targets: tuple[str, ...]
    on_delete: str


class Index(NamedTuple):
    """`name` is empty where a constraint of the table made it."""

    name: str
    is_unique: bool
    is_primary: bool
    columns: tuple[str, ...]
    condition: str


class Table(NamedTuple):
    columns: tuple[Column, ...]
    references: frozenset[Reference]
    indexes: frozenset[Index]
    checks: frozenset[str]


Tables = Mapping[str, Table]

_CAST: Final = re.compile(r"::(?:text|bigint|integer)|[()\"]")
_ACTIONS: Final = {"a": "no action", "r": "restrict", "c": "cascade", "n": "set null"}
_CHECK: Final = re.compile(r"\bcheck \((.*?)\)(?:,|\n)", re.IGNORECASE)


def _simplify(expression: str | None) -> str:
    return " ".join(_CAST.sub("", expression or "").lower().split())


def read_sqlite(connection: sqlite3.Connection) -> Tables:
    rows = connection.execute(
        "select name, sql from sqlite_master where type = 'table' and name not like 'sqlite_%'"
    ).fetchall()
    return {name: _read_sqlite_table(connection, name, sql) for name, sql in rows}


def _read_sqlite_table(connection: sqlite3.Connection, table: str, sql: str) -> Table:
    columns = connection.execute("select * from pragma_table_info(?)", (table,)).fetchall()
    indexes = connection.execute(
        'select name, "unique", origin from pragma_index_list(?)', (table,)
    ).fetchall()
    found = {_read_sqlite_index(connection, *row) for row in indexes}
    keys = [name for *_, number, name in sorted((each[5], each[1]) for each in columns) if number]
    found = {each for each in found if not each.is_primary}
    found.add(Index("", is_unique=True, is_primary=True, columns=tuple(keys), condition=""))
    return Table(
        columns=tuple(
            Column(name, TYPES.get(type.lower(), type), bool(required or key), default)
            for _, name, type, required, default, key in columns
        ),
        references=frozenset(_read_sqlite_references(connection, table)),
        indexes=frozenset(found),
        checks=frozenset(map(_simplify, _CHECK.findall(re.sub(r"--.*", "", sql)))),
    )


def _read_sqlite_index(
    connection: sqlite3.Connection, name: str, is_unique: int, origin: str
) -> Index:
    if origin == "c":
        rows = connection.execute("select sql from sqlite_master where name = ?", (name,))
        [sql] = rows.fetchone()
        inner, _, condition = sql.partition(" on ")[2].partition(" where ")
        columns = inner.partition("(")[2].strip().removesuffix(")").split(",")
        return Index(
            name, bool(is_unique), False, tuple(map(_simplify, columns)), _simplify(condition)
        )
    rows = connection.execute("select name from pragma_index_info(?) order by seqno", (name,))
    return Index("", bool(is_unique), origin == "pk", tuple(row[0] for row in rows), "")


def _read_sqlite_references(connection: sqlite3.Connection, table: str) -> set[Reference]:
    rows = connection.execute(
        'select "from", "table", "to", on_delete from pragma_foreign_key_list(?)', (table,)
    ).fetchall()
    return {
        Reference((own,), other, (target,), action.lower()) for own, other, target, action in rows
    }


_COLUMNS: Final = """
select a.attname, format_type(a.atttypid, a.atttypmod)
    || coalesce((select ' collate "' || collname || '"' from pg_collation
       where oid = a.attcollation), ''),
  a.attnotnull, pg_get_expr(d.adbin, d.adrelid)
from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum
"""
_INDEXES: Final = """
select case when exists (select from pg_constraint where conindid = i.indexrelid and contype <> 'f')
    then '' else c.relname end, i.indisunique, i.indisprimary,
  (select array_agg(pg_get_indexdef(i.indexrelid, k, true) order by k)
    from generate_series(1, i.indnkeyatts) as k),
  pg_get_expr(i.indpred, i.indrelid)
from pg_index i join pg_class c on c.oid = i.indexrelid where i.indrelid = %s::regclass
"""
_REFERENCES: Final = """
select (select array_agg(a.attname order by n) from unnest(c.conkey) with ordinality as k (num, n)
    join pg_attribute a on a.attrelid = c.conrelid and a.attnum = num),
  c.confrelid::regclass::text,
  (select array_agg(a.attname order by n) from unnest(c.confkey) with ordinality as k (num, n)
    join pg_attribute a on a.attrelid = c.confrelid and a.attnum = num),
  c.confdeltype
from pg_constraint c where c.contype = 'f' and c.conrelid = %s::regclass
"""
_CHECKS: Final = """
select pg_get_expr(conbin, conrelid) from pg_constraint
where contype = 'c' and conrelid = %s::regclass
"""


def read_postgres(connection: psycopg.Connection) -> Tables:
    rows = connection.execute(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
    ).fetchall()
    return {name: _read_postgres_table(connection, name) for (name,) in rows}


def _read_postgres_table(connection: psycopg.Connection, table: str) -> Table:
    columns = connection.execute(_COLUMNS, (table,)).fetchall()
    indexes = connection.execute(_INDEXES, (table,)).fetchall()
    references = connection.execute(_REFERENCES, (table,)).fetchall()
    checks = connection.execute(_CHECKS, (table,)).fetchall()
    return Table(
        columns=tuple(
            Column(name, type, required, None if default is None else _simplify(default))
            for name, type, required, default in columns
        ),
        references=frozenset(
            Reference(tuple(own), other, tuple(targets), _ACTIONS[action])
            for own, other, targets, action in references
        ),
        indexes=frozenset(
            Index(name, is_unique, is_primary, tuple(map(_simplify, columns)), _simplify(condition))
            for name, is_unique, is_primary, columns, condition in indexes
        ),
        checks=frozenset(_simplify(expression) for (expression,) in checks),
    )
