"""Both engines' migrations create the same tables, but for a few named differences."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

import psycopg
import pytest

from shorty.sqlite.connections import connect
from tests.postgres.catalogs import Tables, read_postgres, read_sqlite
from tests.support import prepare_copy

pytestmark = pytest.mark.postgres_only

ONE_SIDED: Final[Mapping[str, str]] = {
    "links_search": "each engine searches by its own means",
    "writers": "SQLite knows whether a commit has happened",
    "rate_limits": "SQLite's only node counts in memory",
    "drafts": "SQLite's only node keeps them in memory",
    "visitor_keys": "on SQLite the key is in a file of its own",
    "schema_migrations": "SQLite refuses any newer schema, so need not know which ones only add",
    "job_pieces": "on SQLite files of imports are in a folder",
}


@pytest.fixture
def of_sqlite(tmp_path: Path) -> Tables:
    with closing(connect(prepare_copy(tmp_path))) as connection:
        return read_sqlite(connection)


@pytest.fixture
def of_postgres(database_url: str) -> Tables:
    with closing(psycopg.connect(database_url)) as connection:
        return read_postgres(connection)


def is_shared(name: str) -> bool:
    """Tables of SQLite's index have its name and a part of their own."""
    return not any(name == each or name.startswith(f"{each}_") for each in ONE_SIDED)


def test_both_have_the_same_tables(of_sqlite: Tables, of_postgres: Tables) -> None:
    names = [{name for name in each if is_shared(name)} for each in (of_sqlite, of_postgres)]
    assert names[0] == names[1]
    assert len(names[0]) > 40
    assert set(ONE_SIDED) <= set(of_postgres)


def test_tables_are_equal_in_columns_keys_references_and_indexes(
    of_sqlite: Tables, of_postgres: Tables
) -> None:
    for name, table in of_sqlite.items():
        if is_shared(name):
            assert of_postgres[name]._asdict() == table._asdict(), name


def test_what_only_postgresql_has_is_stored_as_promised(database_url: str) -> None:
    with closing(psycopg.connect(database_url)) as connection:
        rows = connection.execute(
            "select relname, relpersistence from pg_class "
            "where relkind = 'r' and relnamespace = 'public'::regnamespace "
            "and (relpersistence <> 'p' or reloptions is not null)"
        ).fetchall()
        [options] = connection.execute(
            "select reloptions from pg_class where relname = 'link_counters'"
        ).fetchall()
    unlogged = [(name, "u") for name in ("drafts", "job_pieces", "rate_limits", "visitor_keys")]
    assert sorted(rows) == sorted([("link_counters", "p"), *unlogged])
    assert options == (["fillfactor=70"],)


CHANGED = """
alter table tags add column note text
alter table tags alter column color drop not null
alter table tags alter column color set default 'red'
alter table tags alter column name type text collate "default"
alter table users alter column has_signed_in set default 1
alter table tags drop constraint tags_workspace_id_name_key_key
alter table tags drop constraint tags_workspace_id_fkey
alter table search_mark drop constraint search_mark_id_check
drop index tokens_of_workspace
alter index links_live rename to links_of_domains
drop index links_public; create index links_public on links (expires_at) where is_public = 1
drop index links_deleted; create index links_deleted on links (domain_id, deleted_at)
"""


@pytest.mark.parametrize("statement", CHANGED.strip().splitlines())
def test_each_kind_of_difference_is_seen(
    of_postgres: Tables, database_url: str, statement: str
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(statement.encode())
        assert read_postgres(connection) != of_postgres
