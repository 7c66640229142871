"""A database that one test has used is like a new copy for the next, or is not used again."""

from contextlib import closing
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.cluster import SUPERUSER, write_url
from tests.engines import Databases
from tests.reuse import look_at_empty, make_empty

pytestmark = pytest.mark.postgres_only


@pytest.fixture
def url(databases: Databases) -> str:
    """A new copy's, as the superuser."""
    return write_url(databases.place, read_name(databases.create()), SUPERUSER)


def read_name(url: str) -> str:
    return urlsplit(url).path[1:]


def run(url: str, *statements: bytes) -> None:
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_rows_and_numbers_are_as_in_a_new_copy(url: str) -> None:
    new = look_at_empty(url)
    run(
        url,
        b"insert into users (email, name, created_at) values ('ann@a.example', 'Ann', 0)",
        b"delete from schema_migrations where version = 1",
        b"delete from search_mark",
    )
    used = look_at_empty(url)
    assert used.schema == new.schema
    assert used.rows != new.rows
    assert used.sequences != new.sequences
    assert make_empty(url, new)
    assert look_at_empty(url) == new


def test_the_next_test_has_the_same_database_without_rows(databases: Databases) -> None:
    ann = b"insert into users (email, name, created_at) values ('ann@a.example', 'Ann', 0)"
    used = databases.create()
    run(used, ann)
    databases.drop_left()
    assert databases.create() == used
    run(used, ann)  # whose email is unique


def test_sessions_are_ended(url: str) -> None:
    new = look_at_empty(url)
    with closing(psycopg.connect(url, autocommit=True)) as left:
        assert make_empty(url, new)
        with pytest.raises(psycopg.OperationalError):
            left.execute("select 1")


@pytest.mark.parametrize(
    "statement",
    [
        b"alter table users add column shoes text",
        b"alter table users drop column name",
        b"revoke all on links from shorty",
        b"create index mine on users (name)",
        b"create table mine (id integer)",
        b"create function mine() returns integer language sql return 1",
        b"create schema mine",
        b"analyze links",
        b"alter database current set work_mem = '1MB'",
    ],
)
def test_anything_but_rows_ends_its_use(url: str, statement: bytes) -> None:
    new = look_at_empty(url)
    run(url, statement.replace(b"current", read_name(url).encode()))
    assert not make_empty(url, new)
