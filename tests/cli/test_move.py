"""`shorty move`: everything to PostgreSQL and back, compared row by row."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from shorty.clicks.journal import Journal
from shorty.databases import open_target
from shorty.serve import lock_database
from shorty.sqlite.connections import connect
from shorty.storage.moving import NEVER_MOVED, SEEDED
from tests.cli.shell import Shell
from tests.databases import fill_database
from tests.engines import Databases

pytestmark = pytest.mark.postgres_only

# What the moved rows have that others do not: bytes, the highest number, and letters of any length.
MORE = """
insert into link_counters (link_id, workspace_id, total, is_live)
  values (4, 1, 9223372036854775807, 1);
insert into clicks (id, link_id, at, visitor, kind, source, country, referrer, device, domain_id)
  values (6, 1, 5, 0, 1, 1, null, null, '', 1),
    (7, 1, 5, -9223372036854775808, 1, 1, 'DE', 'é🌞\u2028', '', 1);
insert into click_days (owner, day, clicks, visitors, bots, scans, bio_clicks, series, persons,
  programs, quarters, eighths) values (1, 0, 1, 1, 0, 0, 0, x'00ff', x'', x'80', x'01', x'02');
update domain_sums set done_since = 86400000;
"""


@pytest.fixture
def source(shell: Shell, tmp_path: Path) -> Path:
    """The configured database, with rows in many tables."""
    path = fill_database(tmp_path / "data" / "shorty.db")
    change(path, MORE)
    return path


@pytest.fixture
def url(databases: Databases) -> str:
    return databases.create(options="")


def change(path: Path, script: str) -> None:
    with closing(connect(path)) as connection:
        connection.executescript(script)


def read_all(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, but for searches."""
    with closing(sqlite3.connect(path)) as connection:
        names = [
            name
            for (name,) in connection.execute("select name from sqlite_schema where type = 'table'")
            if not name.startswith("links_search") and name not in NEVER_MOVED
        ]
        return {
            name: sorted(connection.execute(f"select * from {name}"), key=repr)  # noqa: S608 - read off the schema
            for name in names
        }


def ask(url: str, statement: str) -> list[Any]:
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def count_left(url: str) -> int:
    """How many rows a move that failed has left."""
    (row,) = ask(url, "select (select count(*) from links) + (select count(*) from users)")
    return row[0]


def test_everything_moves_to_postgresql_and_back(
    shell: Shell, source: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, content = read_all(source), source.read_bytes()
    rows = sum(map(len, before.values()))
    moved = shell("move", "--to", url)
    assert moved.code == 0, moved.err
    assert f"all {rows} rows, and they are equal in both" in moved.err
    assert source.read_bytes() == content
    monkeypatch.setenv("SHORTY_STORAGE__DATABASE", url)
    assert shell("link", "list").out.count("http://") == 4
    assert "; nothing is missing or added." in shell("check").out
    ask(url, "insert into link_passes values (1, 7)")  # SQLite would not keep it right
    back = shell("move", "--to", "back.db")
    assert back.code == 0, back.err
    assert read_all(tmp_path / "back.db") == before
    with closing(sqlite3.connect(tmp_path / "back.db")) as connection:
        assert connection.execute("select * from link_passes").fetchall() == []
    assert (tmp_path / "back.db").stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob("*.unfinished*"))
    monkeypatch.setenv("SHORTY_STORAGE__DATABASE", "back.db")
    assert "error" not in shell("check").out


def test_what_comes_after_a_move_gets_the_next_ids(
    shell: Shell, source: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shell("move", "--to", url).code == 0
    monkeypatch.setenv("SHORTY_STORAGE__DATABASE", url)
    added = shell("user", "add", "bob@a.example", stdin="correct horse\n")
    assert added.code == 0, added.err
    assert ask(url, "select id from users order by id") == [(1,), (2,)]
    click = "insert into clicks (link_id, at, visitor, kind, source) values (1, 1, 1, 1, 1)"
    assert ask(url, f"{click} returning id") == [(8,)]


def test_a_moved_database_has_every_index_and_reference(
    shell: Shell, source: Path, url: str, databases: Databases
) -> None:
    fresh = databases.create()
    assert shell("move", "--to", url).code == 0
    for listed in (
        "select indexdef from pg_indexes where schemaname = 'public' order by 1",
        """
        select conname, convalidated, pg_get_constraintdef(oid) from pg_constraint
        where connamespace = 'public'::regnamespace order by 1
        """,
    ):
        assert ask(url, listed) == ask(fresh, listed)
    assert ask(url, "select indexed_until from search_mark") == [(0,)]


def test_beside_a_server_nothing_is_moved(shell: Shell, source: Path, url: str) -> None:
    with lock_database(source):
        refused = shell("move", "--to", url)
    assert refused.code == 1
    assert "stop it first" in refused.err
    assert ask(url, "select to_regclass('links')") == [(None,)]


def test_while_another_shorty_is_connected_nothing_is_moved(
    shell: Shell, source: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shorty.postgres.moving.ENDING_S", 0)
    with closing(psycopg.connect(url)):
        refused = shell("move", "--to", url)
    assert refused.code == 1
    assert "is in use by 1 other session" in refused.err
    assert count_left(url) == 0


def test_clicks_that_wait_in_the_journal_are_stored_first(
    shell: Shell, source: Path, url: str
) -> None:
    journal = Journal(source.with_name("shorty.db.journal"))
    journal.create("0" * 32)
    journal.continue_in(journal.create_segment())
    journal.append(b"a click")
    journal.close()
    refused = shell("move", "--to", url)
    assert refused.code == 1
    assert "contains clicks that are not stored yet" in refused.err


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            "update links set title = 'a' || char(0) || 'b' where id = 2",
            "null character, where id = 2",
        ),
        (
            "update links set status = 'many' where id = 3",
            "column status of the table links is not",
        ),
        ("update links set title = x'ff' where id = 3", "column title of the table links is not"),
        ("pragma foreign_keys = off; update links set domain_id = 99 where id = 1", "links_domain"),
    ],
)
def test_a_row_that_postgresql_refuses_is_named_and_nothing_is_moved(
    shell: Shell, source: Path, url: str, script: str, said: str
) -> None:
    change(source, script)
    refused = shell("move", "--to", url)
    assert refused.code == 1
    assert said in refused.err
    assert count_left(url) == 0


def test_a_move_that_failed_can_be_repeated(shell: Shell, source: Path, url: str) -> None:
    change(source, "update links set title = x'ff' where id = 3")
    assert shell("move", "--to", url).code == 1
    change(source, "update links set title = null where id = 3")
    assert shell("move", "--to", url).code == 0


def test_a_difference_is_noticed(shell: Shell, source: Path, url: str) -> None:
    with open_target(url, 0, is_postgres=True):
        pass
    ask(url, """
        create function spoil() returns trigger language plpgsql as
          $$ begin new.name := new.name || '!'; return new; end $$;
        create trigger spoil before insert on tags for each row execute function spoil();
    """)  # fmt: skip
    refused = shell("move", "--to", url)
    assert refused.code == 1
    assert "The table tags is not the same in both databases" in refused.err
    assert count_left(url) == 0


def test_nothing_is_moved_over_what_is_there(
    shell: Shell, source: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shell("move", "--to", url).code == 0
    again = shell("move", "--to", url)
    assert again.code == 1
    assert "is not empty" in again.err
    monkeypatch.setenv("SHORTY_STORAGE__DATABASE", url)
    (tmp_path / "kept.db").write_bytes(b"kept")
    over = shell("move", "--to", "kept.db")
    assert over.code == 1
    assert "already exists" in over.err
    assert (tmp_path / "kept.db").read_bytes() == b"kept"


def test_a_move_is_to_the_other_engine(
    shell: Shell, source: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "use `shorty backup`" in shell("move", "--to", "other.db").err
    monkeypatch.setenv("SHORTY_STORAGE__DATABASE", url)
    assert "use pg_dump" in shell("move", "--to", url).err


def test_an_older_schema_is_upgraded_before_it_is_moved(
    shell: Shell, tmp_path: Path, url: str
) -> None:
    fill_database(tmp_path / "data" / "shorty.db", version=27)
    refused = shell("move", "--to", url)
    assert refused.code == 1
    assert "has the schema 27" in refused.err


def test_only_migrations_of_seeded_tables_insert_rows(tmp_path: Path, url: str) -> None:
    with open_target(str(tmp_path / "new.db"), 0, is_postgres=False) as file:
        assert {each.name for each in file.list_tables() if file.count_rows(each)} == SEEDED
        of_file = {each.name: set(each.columns) for each in file.list_tables()}
    with open_target(url, 0, is_postgres=True) as server:
        assert {each.name for each in server.list_tables() if server.count_rows(each)} == SEEDED
        assert {each.name: set(each.columns) for each in server.list_tables()} == of_file
