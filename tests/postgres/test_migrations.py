"""Migrations on a PostgreSQL server: each once, under all locks, and only in a schema of shorty."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial

import psycopg
import pytest

from shorty.errors import StartError
from shorty.postgres import migrations
from shorty.postgres.lanes import NAMESPACE
from shorty.postgres.migrations import (
    LANES,
    Migration,
    find_version,
    list_migrations,
    prepare_database,
)
from tests.copies import Databases

pytestmark = pytest.mark.postgres_only
NEWEST = list_migrations()[-1].version


@pytest.fixture
def empty(databases: Databases) -> str:
    """The URL of a database without a schema."""
    return databases.create(options="")


@pytest.fixture
def connection(empty: str) -> Generator[psycopg.Connection]:
    with closing(psycopg.connect(empty, autocommit=True)) as connection:
        yield connection


def test_a_new_database_gets_every_migration_once(
    empty: str, connection: psycopg.Connection
) -> None:
    assert find_version(empty) == 0
    assert tuple(prepare_database(empty, now=7)) == list_migrations()
    assert prepare_database(empty, now=8) == []
    assert find_version(empty) == NEWEST
    rows = connection.execute("select version, applied_at from schema_migrations").fetchall()
    assert sorted(rows) == [(version, 7) for version in range(1, NEWEST + 1)]


def test_processes_that_start_together_apply_each_migration_once(empty: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        applied = list(pool.map(partial(prepare_database, empty), range(4)))
    numbers = [migration.version for each in applied for migration in each]
    assert sorted(numbers) == list(range(1, NEWEST + 1))


def test_an_older_database_gets_what_it_lacks(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "list_migrations", lambda: list_migrations()[:12])
        assert len(prepare_database(empty, now=0)) == 12
    assert [each.version for each in prepare_database(empty, now=0)] == [*range(13, NEWEST + 1)]


def test_a_migration_that_fails_leaves_no_trace(
    empty: str, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare_database(empty, now=0)
    broken = Migration(NEWEST + 1, "broken", "create table half (id bigint); select 1 / 0;")
    monkeypatch.setattr(migrations, "list_migrations", lambda: (*list_migrations(), broken))
    with pytest.raises(StartError, match="cannot be used: division by zero"):
        prepare_database(empty, now=1)
    assert connection.execute("select to_regclass('half')").fetchone() == (None,)
    assert find_version(empty) == NEWEST


@pytest.mark.parametrize("lane", LANES)
def test_a_migration_waits_for_whoever_writes_and_says_so_where_that_never_ends(
    empty: str, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, lane: int
) -> None:
    monkeypatch.setattr(migrations, "TRIES", 2)
    monkeypatch.setattr(migrations, "LOCK_PATIENCE", "50ms")
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s, %s)", (NAMESPACE, lane))
        with pytest.raises(StartError, match="stop that process first"):
            prepare_database(empty, now=0)
    assert len(prepare_database(empty, now=0)) == NEWEST


def test_a_table_that_is_read_meanwhile_delays_its_migration(
    empty: str, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader ends after the first try has failed."""
    prepare_database(empty, now=0)
    change = Migration(NEWEST + 1, "change", "alter table tags add column note text;")
    monkeypatch.setattr(migrations, "list_migrations", lambda: (*list_migrations(), change))
    monkeypatch.setattr(migrations, "LOCK_PATIENCE", "50ms")
    connection.execute("begin")
    connection.execute("select count(*) from tags")

    def end_reading(*_: object, **_values: object) -> None:
        connection.execute("commit")

    monkeypatch.setattr(migrations.log, "warning", end_reading)
    assert prepare_database(empty, now=1) == [change]


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("update schema_migrations set name = 'of_another' where version = 1", "another program"),
        ("update schema_migrations set name = 'other' where version = 5", "does not know"),
        ("delete from schema_migrations where version = 5", "does not know"),
        (
            "insert into schema_migrations values (900, 'of_the_future', 0)",
            rf"upgraded by a newer shorty \(schema 900; this version supports up to {NEWEST}\)",
        ),
        (
            "insert into schema_migrations values (900, 'of_the_future', 0, 900)",
            rf"upgraded by a newer shorty \(schema 900; this version supports up to {NEWEST}\)",
        ),
        (
            "update schema_migrations set name = 'other', runs_from = 0 where version > 4",
            "does not know",
        ),
        ("drop table schema_migrations", r"tables of another program \(aliases"),
    ],
)
def test_a_schema_that_is_not_this_releases_is_refused(
    database_url: str, statement: str, words: str
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(statement.encode())
    with pytest.raises(StartError, match=words):
        prepare_database(database_url, now=0)


def test_tables_of_other_programs_keep_shorty_out(
    empty: str, connection: psycopg.Connection
) -> None:
    connection.execute("create view orders as select 1")
    with pytest.raises(StartError, match=r"another program \(orders\): create one for shorty"):
        prepare_database(empty, now=0)
    assert connection.execute("select to_regclass('links')").fetchone() == (None,)


def test_a_schema_of_its_own_is_enough(empty: str, connection: psycopg.Connection) -> None:
    """A hosted database may keep extensions and other programs' tables in other schemas."""
    connection.execute("create table orders (id bigint); create schema own")
    prepare_database(f"{empty}&options=-csearch_path%3Down,public", now=0)
    assert connection.execute("select to_regclass('public.links')").fetchone() == (None,)
    assert connection.execute("select to_regclass('own.links')").fetchone() == ("own.links",)
