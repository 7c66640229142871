"""Compares a database's schema with the one that shorty's own statements create.

Both are compared as the SQL that SQLite stores. Comments, white space, the case of ASCII letters
and the quotes around an object's own name are ignored. Everything else must match token by token,
so defaults, checks, collations, conditions and generated columns need no rules of their own.
"""

import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Final, NamedTuple

from shorty.sqlite.connections import connect_memory
from shorty.storage.text import show_text

Tokens = tuple[str, ...]

# The tokens of SQLite's own grammar. An unterminated comment or quote is a token by itself, which
# no statement of ours contains.
_TOKEN: Final = re.compile(
    r"""
    [ \t\n\f\r]+ | --[^\n]*(?:\n|\Z) | /\*.*?\*/
    | (?P<token>
        '(?:[^']|'')*' | "(?:[^"]|"")*" | `(?:[^`]|``)*` | \[[^\]]*\]
        | [A-Za-z0-9_$\x80-\U0010ffff]+ | .
      )
    """,
    re.VERBOSE | re.DOTALL,
)
# The old name works for every file: a file may contain a table called sqlite_schema.
_ENTRIES: Final = "select type, name, tbl_name, sql from sqlite_master"
# Tables that SQLite and Litestream add themselves.
_ADDED: Final = (
    "create table sqlite_sequence(name,seq)",
    "create table sqlite_stat1(tbl,idx,stat)",
    "create table sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)",
    "create table _litestream_seq (id integer primary key, seq integer)",
    "create table _litestream_lock (id integer)",
)


class SchemaFault(NamedTuple):
    """One difference, as a clause that ends a sentence.

    It is inert if it is a table, or an index of one, that shorty neither reads nor writes.
    """

    text: str
    is_inert: bool = False


class Entry(NamedTuple):
    """A table, index, view or trigger as SQLite stores it; an automatic index has no tokens."""

    kind: str
    name: str
    table: str
    tokens: Tokens

    @property
    def is_automatic(self) -> bool:
        return self.kind == "index" and not self.tokens

    @property
    def is_plain_table(self) -> bool:
        return self.kind == "table" and self.tokens[:3] == ("create", "table", self.name)

    def describe(self) -> str:
        kind = self.kind if self.kind in {"index", "view", "trigger"} else "table"
        if self.tokens[1:2] == ("virtual",):
            kind = "virtual table"
        place = f" on {show_text(self.table)}" if kind in {"index", "trigger"} else ""
        return f"{kind} {show_text(self.name)}{place}"


def list_schema_faults(
    connection: sqlite3.Connection, statements: tuple[str, ...]
) -> list[SchemaFault]:
    """How the database differs from an empty one in which `statements` ran.

    Only reads the schema, so that nothing in it is executed.
    """
    expected = list_expected(statements)
    added = _read_added()
    found = [entry for entry in read_entries(connection) if added.get(entry.name) != entry]
    return list(_compare(connection, statements, expected, found))


@lru_cache(maxsize=4)
def list_expected(statements: tuple[str, ...]) -> tuple[Entry, ...]:
    memory = create_schema(statements)
    try:
        return tuple(read_entries(memory))
    finally:
        memory.close()


def create_schema(statements: tuple[str, ...]) -> sqlite3.Connection:
    memory = connect_memory()
    for statement in statements:
        memory.executescript(f"begin;\n{statement};\ncommit;")
    return memory


def read_entries(connection: sqlite3.Connection) -> Iterator[Entry]:
    for kind, name, table, sql in connection.execute(_ENTRIES):
        yield _read_entry(str(kind), str(name), str(table), "" if sql is None else str(sql))


@lru_cache(maxsize=512)
def _read_entry(kind: str, name: str, table: str, sql: str) -> Entry:
    """Cached by its text, because a server reads the same entries several times at startup."""
    return Entry(kind, name, table, tuple(_read_tokens(sql, {name, table})))


@cache
def _read_added() -> dict[str, Entry]:
    """By table name."""
    each = [tuple(_read_tokens(sql, set())) for sql in _ADDED]
    return {tokens[2]: Entry("table", tokens[2], tokens[2], tokens) for tokens in each}


def _read_tokens(sql: str, own: set[str]) -> Iterator[str]:
    for match in _TOKEN.finditer(sql):
        token = match["token"]
        if token is None:
            continue
        if token.isascii() and token[0] not in "'\"`[":
            yield token.lower()
        elif token[1:-1] in own:
            yield token[1:-1]
        else:
            yield token


def _compare(
    connection: sqlite3.Connection,
    statements: tuple[str, ...],
    expected: tuple[Entry, ...],
    found: list[Entry],
) -> Iterator[SchemaFault]:
    missing = list((Counter(expected) - Counter(found)).elements())
    foreign = list((Counter(found) - Counter(expected)).elements())
    altered = {(each.kind, each.name) for each in missing} & {
        (each.kind, each.name) for each in foreign
    }
    yield from _describe_missing(missing, altered)
    names = {entry.name for entry in expected}
    unknown = {each.name for each in foreign if each.is_plain_table and each.name not in names}
    for entry in foreign:
        if (entry.kind, entry.name) in altered:
            yield from _describe_altered(connection, statements, entry)
        elif not entry.is_automatic:
            is_inert = entry.name in unknown or _is_on(entry, unknown)
            yield SchemaFault(f"{entry.describe()} does not belong to shorty", is_inert)


def _describe_missing(missing: list[Entry], altered: set[tuple[str, str]]) -> Iterator[SchemaFault]:
    """Leaves out consequences: a missing table's indexes and an altered one's automatic indexes."""
    changed = {name for kind, name in altered if kind == "table"}
    gone = {entry.name for entry in missing if entry.kind == "table"} - changed
    for entry in missing:
        follows = _is_on(entry, gone) or (entry.is_automatic and entry.table in changed)
        if not follows and (entry.kind, entry.name) not in altered:
            yield SchemaFault(f"{entry.describe()} is missing")


def _is_on(entry: Entry, tables: set[str]) -> bool:
    return entry.kind == "index" and entry.table in tables


def _describe_altered(
    connection: sqlite3.Connection, statements: tuple[str, ...], entry: Entry
) -> Iterator[SchemaFault]:
    differences: list[str] = []
    if entry.is_plain_table:
        memory = create_schema(statements)
        try:
            differences += _compare_columns(
                entry.name, _read_columns(memory, entry.name), _read_columns(connection, entry.name)
            )
        finally:
            memory.close()
    for text in differences or [f"{entry.describe()} is not defined as in shorty"]:
        yield SchemaFault(text)


def _read_columns(connection: sqlite3.Connection, table: str) -> dict[str, tuple[object, ...]]:
    rows = connection.execute(f'pragma table_xinfo("{table}")')
    return {str(row[1]): tuple(row)[2:] for row in rows}


def _compare_columns(
    table: str, ours: dict[str, tuple[object, ...]], theirs: dict[str, tuple[object, ...]]
) -> Iterator[str]:
    for name, definition in ours.items():
        if name not in theirs:
            yield f"column {table}.{name} is missing"
        elif definition != theirs[name]:
            yield f"column {table}.{name} is not defined as in shorty"
    for name in theirs:
        if name not in ours:
            yield f"column {table}.{show_text(name)} does not belong to shorty"
