"""Compares a database's schema with the one that the migrations create on the same server.

They run once more, in a transaction that is rolled back, and create temporary tables: so nothing is
kept, both are described by the server itself, and no description has to be kept up to date.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import psycopg

from shorty.postgres.migrations import RECORD, list_migrations, read_applied
from shorty.storage.text import show_text

# A temporary table cannot be unlogged, so which ones should be is read from the statements.
_UNLOGGED: Final = re.compile(r"\bcreate unlogged table (\w+)")
# All names are found there first, and what does not exist yet is created there.
_HIDE: Final = """
select set_config('search_path', 'pg_temp, ' || current_setting('search_path'), true),
  set_config('transaction_read_only', 'off', true)
"""
_CURRENT: Final = "select to_regnamespace(current_schema())::oid"
_TEMPORARY: Final = "select pg_my_temp_schema()"
_ENTRIES: Final = """
select 'table', relname, relname,
  case relpersistence when 'u' then 'unlogged' else '' end
    || case when relrowsecurity then ' with policies' else '' end
from pg_class where relnamespace = %(namespace)s and relkind in ('r', 'p')
union all
select 'column', c.relname, a.attname, concat_ws(' ', format_type(a.atttypid, a.atttypmod),
  a.attnotnull, a.attidentity, a.attgenerated, o.collname, pg_get_expr(d.adbin, d.adrelid))
from pg_class c
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
left join pg_collation o on o.oid = a.attcollation
where c.relnamespace = %(namespace)s and c.relkind in ('r', 'p')
union all
select 'constraint', c.relname, o.conname, pg_get_constraintdef(o.oid)
from pg_constraint o join pg_class c on c.oid = o.conrelid
where c.relnamespace = %(namespace)s and o.contype in ('p', 'u', 'f', 'c', 'x')
union all
select 'index', c.relname, n.relname,
  case when i.indisvalid then '' else 'invalid ' end || regexp_replace(
    pg_get_indexdef(i.indexrelid), ' ON (ONLY )?("[^"]+"|[^" .]+)[.]', ' ON ')
from pg_index i
join pg_class c on c.oid = i.indrelid
join pg_class n on n.oid = i.indexrelid
where c.relnamespace = %(namespace)s and c.relkind in ('r', 'p')
  and not exists (
    select from pg_constraint o where o.conindid = i.indexrelid and o.conrelid = i.indrelid
      and o.contype in ('p', 'u', 'x')
  )
"""
# What would change rows behind shorty's back, or which no table of its own needs.
_STRANGERS: Final = """
select 'trigger ' || t.tgname || ' on ' || c.relname from pg_trigger t
join pg_class c on c.oid = t.tgrelid
where c.relnamespace = to_regnamespace(current_schema()) and not t.tgisinternal
union all select 'rule ' || r.rulename || ' on ' || c.relname from pg_rewrite r
join pg_class c on c.oid = r.ev_class
where c.relnamespace = to_regnamespace(current_schema()) and c.relkind in ('r', 'p')
union all select 'view ' || c.relname from pg_class c
where c.relnamespace = to_regnamespace(current_schema()) and c.relkind in ('v', 'm')
  and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
order by 1
"""


class Entry(NamedTuple):
    """A table, or what is part of one."""

    kind: str
    table: str
    name: str

    def describe(self) -> str:
        table, name = show_text(self.table), show_text(self.name)
        if self.kind == "column":
            return f"column {table}.{name}"
        return f"table {table}" if self.kind == "table" else f"{self.kind} {name} on {table}"


FLOOR: Final = Entry("column", "schema_migrations", "runs_from")
"""Only the first upgrade since releases record it adds this column."""

Schema = Mapping[Entry, str]
"""How each is defined, in the server's own words."""


def list_schema_faults(connection: psycopg.Connection) -> Iterator[str]:
    """What differs from the schema of the version that the database records, as clauses.

    The extensions must exist. Raises psycopg.errors.InsufficientPrivilege where the role may not
    create temporary tables.
    """
    found = read_schema(connection, _CURRENT)
    expected = read_expected(connection, len(read_applied(connection)))
    yield from compare(
        {each: expected[each] for each in expected if each in found or each != FLOOR}, found
    )
    for (name,) in connection.execute(_STRANGERS).fetchall():
        yield f"{show_text(name)} does not belong to shorty"


def read_expected(connection: psycopg.Connection, version: int) -> Schema:
    """What the first migrations create, and a table of their record."""
    statements = [each.sql for each in list_migrations()[:version]]
    with connection.transaction(force_rollback=True):
        connection.execute(_HIDE)
        for sql in (RECORD, *statements):
            connection.execute(_UNLOGGED.sub(r"create table \1", sql).encode())
        expected = dict(read_schema(connection, _TEMPORARY))
    unlogged = {name for sql in statements for name in _UNLOGGED.findall(sql)}
    return expected | {
        entry: "unlogged" for entry in expected if entry.kind == "table" and entry.name in unlogged
    }


def read_schema(connection: psycopg.Connection, namespace: str) -> Schema:
    row = connection.execute(namespace.encode()).fetchone()
    rows = connection.execute(_ENTRIES.encode(), {"namespace": row[0] if row else None}).fetchall()
    return {Entry(kind, table, name): definition for kind, table, name, definition in rows}


def compare(expected: Schema, found: Schema) -> Iterator[str]:
    """Leaves out consequences: what a missing table, or an unknown one, consists of."""
    for entry in _list_others(expected, found):
        yield f"{entry.describe()} is missing"
    for entry in sorted(expected.keys() & found.keys()):
        if expected[entry] != found[entry]:
            yield f"{entry.describe()} is not defined as in shorty"
    for entry in _list_others(found, expected):
        yield f"{entry.describe()} does not belong to shorty"


def _list_others(ours: Schema, theirs: Schema) -> Iterator[Entry]:
    for entry in sorted(ours.keys() - theirs.keys()):
        if entry.kind == "table" or Entry("table", entry.table, entry.table) in theirs:
            yield entry
