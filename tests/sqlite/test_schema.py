"""When schemas are equal: comments, white space and case do not matter, everything else does."""

import sqlite3
from contextlib import closing

import pytest

from shorty.sqlite.schema import Entry, SchemaFault, list_schema_faults

OURS = "create table t (a text not null default '', b integer check (b > 0))"


def find_faults(theirs: str, ours: str = OURS) -> list[str]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(theirs)
        return [fault.text for fault in list_schema_faults(connection, (ours,))]


@pytest.mark.parametrize(
    "same",
    [
        OURS,
        OURS.upper().replace("TABLE T", "table t"),
        OURS.replace(" ", "\n\t "),
        OURS.replace("table t", 'table "t"'),
        OURS.replace("table t", "table 't'"),
        OURS.replace(", b", ", -- it's a comment, 'with a quote\n /* and -- another */ b"),
    ],
)
def test_the_same_table_has_no_fault(same: str) -> None:
    assert find_faults(same) == []


def test_the_same_index_has_no_fault_however_its_name_is_quoted() -> None:
    index = "create index i on t (a)"
    assert find_faults(f'{OURS}; create index "i" on "t" (a)', f"{OURS}; {index}") == []
    assert find_faults(f'{OURS}; create index "i" on "t" (b)', f"{OURS}; {index}") != []


def test_tables_of_sqlite_and_litestream_are_no_fault() -> None:
    litestream = "create table _litestream_seq (id integer primary key, seq integer)"
    assert find_faults(f"{OURS}; analyze; {litestream}") == []
    assert find_faults(f"{OURS}; {litestream.replace('seq integer', 'seq text')}") != []


@pytest.mark.parametrize(
    "other",
    [
        OURS.replace("default ''", "default '--'"),
        OURS.replace("default ''", "default '/*'"),
        OURS.replace("default ''", "default ' '"),
        OURS.replace("not null", '"not" null'),
        OURS.replace("check (b > 0)", "/* check (b > 0) */"),
        OURS.replace("check (b > 0)", "-- check (b > 0)\n"),
        OURS.replace("b > 0", "b >= 0"),
        OURS + " strict",
        OURS.replace("a text", "a text collate nocase"),
        OURS.replace("a text", "A\u212a text"),
    ],
)
def test_another_table_has_a_fault(other: str) -> None:
    assert find_faults(other) != []


def test_an_index_that_a_constraint_brings_belongs_to_its_table() -> None:
    ours = "create table t (a text unique)"
    assert find_faults(ours, ours) == []
    assert find_faults("create table t (a text)", ours) == ["table t is not defined as in shorty"]
    assert find_faults("select 1", ours) == ["table t is missing"]


def test_an_unterminated_comment_never_matches() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(OURS)
        connection.execute("pragma writable_schema = on")
        connection.execute("update sqlite_master set sql = sql || ' /*'")
        [fault] = list_schema_faults(connection, (OURS,))
    assert fault == SchemaFault("table t is not defined as in shorty")


@pytest.mark.parametrize(
    ("kind", "tokens", "described"),
    [
        ("table", ("create", "table"), "table t"),
        ("table", ("create", "virtual", "table"), "virtual table t"),
        ("index", ("create", "index"), "index t on other"),
        ("view", ("create", "view"), "view t"),
        ("trigger", ("create", "trigger"), "trigger t on other"),
        ("a forged kind", ("create", "table"), "table t"),
    ],
)
def test_an_entry_is_described_by_kinds_that_sqlite_has(
    kind: str, tokens: tuple[str, ...], described: str
) -> None:
    assert Entry(kind, "t", "other", tokens).describe() == described
