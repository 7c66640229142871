"""`shorty backup` and `shorty restore` on PostgreSQL, by its own programs."""

import os
import stat
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from shorty.clicks.journal import Journal
from shorty.config import StorageConfig
from shorty.errors import StartError
from shorty.postgres import backups, programs
from shorty.postgres.backups import DumpedColumns
from shorty.postgres.opening import open_columns
from shorty.postgres.programs import find_program, run_program, split_secrets
from shorty.storage.findings import StoredColumns
from tests.cli.shell import Shell
from tests.cluster import find_programs, open_cluster
from tests.copies import Databases, connect
from tests.postgres.support import ask_aside

pytestmark = pytest.mark.postgres_only

LEAD_AWAY = """
create function f() returns trigger language plpgsql as 'begin return new; end';
create trigger lead_away before insert on links for each row execute function f();
"""
LIST_SLUGS = "select slug from links order by slug"


def ignore(done: int, total: int) -> None: ...


def find_nothing(columns: StoredColumns) -> list[str]:
    return []


@pytest.fixture
def filled(shell: Shell, database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a database with a link, which is that of the commands."""
    monkeypatch.setenv("SHORTY_STORAGE__DATABASE", database_url)
    assert shell("link", "add", "https://example.com/", "--slug", "kept").code == 0
    return database_url


@pytest.fixture
def empty(databases: Databases) -> str:
    return databases.create(options="")


def restore_into(shell: Shell, monkeypatch: pytest.MonkeyPatch, url: str, file: str) -> str:
    monkeypatch.setenv("SHORTY_STORAGE__DATABASE", url)
    restored = shell("restore", file)
    assert restored.code == 0, restored.err
    return restored.err


def test_a_backup_fills_an_empty_database(
    shell: Shell, filled: str, empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask_aside(filled, "insert into visitor_keys values (1, '\\x01')")
    copied = shell("backup", "copy.dump")
    assert copied.code == 0
    assert "Copied the database to copy.dump (" in copied.err
    assert stat.S_IMODE((tmp_path / "copy.dump").stat().st_mode) == 0o600
    shell("link", "add", "https://example.com/", "--slug", "later")
    told = restore_into(shell, monkeypatch, empty, "copy.dump")
    assert "copy.dump is now the content of the database." in told
    assert ask_aside(empty, LIST_SLUGS) == [("kept",)]
    assert ask_aside(empty, "select count(*) from visitor_keys") == [(0,)]
    assert shell("link", "add", "https://example.com/", "--slug", "after").code == 0
    assert ask_aside(empty, LIST_SLUGS) == [("after",), ("kept",)]
    assert "; nothing is missing or added." in shell("check").out


def test_the_planner_knows_a_restored_database(
    shell: Shell, filled: str, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell("backup", "copy.dump")
    restore_into(shell, monkeypatch, empty, "copy.dump")
    known = "select count(*) from pg_stats where tablename = 'links' and attname = 'slug'"
    assert ask_aside(empty, known) == [(1,)]


def test_a_restore_replaces_nothing(shell: Shell, filled: str) -> None:
    shell("backup", "copy.dump")
    refused = shell("restore", "copy.dump")
    assert refused.code == 1
    assert "is not empty, and a backup is restored into an empty one only" in refused.err
    assert ask_aside(filled, LIST_SLUGS) == [("kept",)]


def test_a_backup_replaces_no_file_by_accident(shell: Shell, filled: str, tmp_path: Path) -> None:
    (tmp_path / "copy.dump").write_text("mine")
    refused = shell("backup", "copy.dump")
    assert refused.code == 1
    assert "copy.dump already exists" in refused.err
    assert (tmp_path / "copy.dump").read_text() == "mine"
    assert shell("backup", "copy.dump", "--force").code == 0
    assert (tmp_path / "copy.dump").read_bytes().startswith(backups.MAGIC)


def test_a_backup_that_fails_leaves_no_file(
    shell: Shell, filled: str, tmp_path: Path, databases: Databases
) -> None:
    """As the role may not read one of the tables."""
    name = filled.partition("?")[0].rpartition("/")[2]
    with closing(connect(databases.place, name)) as connection:
        connection.execute("create table away (); revoke all on away from public")
    failed = shell("backup", "copy.dump")
    assert failed.code == 1
    assert "pg_dump failed: " in failed.err
    assert "permission denied for table away" in failed.err
    assert not list(tmp_path.glob("copy.dump*"))


def test_a_database_without_a_schema_is_not_copied(
    shell: Shell, empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHORTY_STORAGE__DATABASE", empty)
    assert "is empty, so there is nothing to copy." in shell("backup", "copy.dump").err
    assert not list(tmp_path.glob("copy.dump*"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no backup " * 100, "is not a backup of a PostgreSQL database"),
        (b"SQLite format 3\0" * 100, "is a backup of an SQLite database"),
        (b"PGDMP" + b"\0" * 100, "pg_restore failed: "),
    ],
)
def test_a_file_that_is_no_backup_is_not_restored(
    shell: Shell,
    empty: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: bytes,
    words: str,
) -> None:
    (tmp_path / "copy.dump").write_bytes(content)
    monkeypatch.setenv("SHORTY_STORAGE__DATABASE", empty)
    refused = shell("restore", "copy.dump")
    assert refused.code == 1
    assert words in refused.err


def test_a_backup_with_a_url_that_browsers_cannot_open_is_not_restored(
    shell: Shell, filled: str, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask_aside(filled, "update links set url = E'javascript:alert(1)//\\\\\\t'")
    shell("backup", "copy.dump")
    monkeypatch.setenv("SHORTY_STORAGE__DATABASE", empty)
    refused = shell("restore", "copy.dump")
    assert refused.code == 1
    assert "links.url in row 1 (kept) is javascript:alert(1)//\\\ufffd, not an http" in refused.err
    assert ask_aside(empty, "select to_regclass('links')") == [(None,)]


def test_destinations_that_are_refused_now_are_restored_and_named(
    shell: Shell, filled: str, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask_aside(filled, "update links set url = 'http://127.0.0.1/'")
    shell("backup", "copy.dump")
    monkeypatch.setenv("SHORTY_LINKS__ALLOW_PRIVATE_DESTINATIONS", "false")
    told = restore_into(shell, monkeypatch, empty, "copy.dump")
    assert "new links could not use these destinations:\n- links.url in row 1 (kept) is" in told
    assert "note   Links: links.url in row 1 (kept) is http://127.0.0.1/" in shell("check").out


def test_each_way_reads_the_same_columns(
    shell: Shell, filled: str, tmp_path: Path, databases: Databases
) -> None:
    titles = ["tab\t line\r\n \\N \b\f\v", "\\N", "", "é🌞\u2028\x85", None]
    with closing(psycopg.connect(filled, autocommit=True)) as connection:
        for number, title in enumerate(titles):
            connection.execute(
                "insert into users (id, email, name, password_hash, created_at)"
                " values (%s, %s, 'x', %s, 0)",
                (number + 100, f"{number}@a.example", title),
            )
    shell("backup", "copy.dump")
    names = ("password_hash", "later", "id")
    with (tmp_path / "copy.dump").open("rb") as file:
        dump = DumpedColumns(find_program("pg_restore", 15), file)
        dumped = sorted(dump.read_columns("users", names), key=str)
        assert list(dump.read_columns("later", names)) == []
    with open_columns(StorageConfig(database=filled)) as columns:
        stored = sorted(columns.read_columns("users", names), key=str)
        assert list(columns.read_columns("later", names)) == []
    expected = [(title, None, number + 100) for number, title in enumerate(titles)]
    assert {*map(tuple, stored)} >= {*expected}
    assert {*map(tuple, dumped)} == {(title, none, str(id)) for title, none, id in stored}


def test_a_pipe_is_not_restored(
    shell: Shell, empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "copy.dump")
    monkeypatch.setenv("SHORTY_STORAGE__DATABASE", empty)
    assert "is not a regular file" in shell("restore", "copy.dump").err


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("insert into schema_migrations values (999, 'later', 0)", "a newer shorty (schema 999"),
        ("update schema_migrations set name = 'x' where version = 1", "not a backup of shorty"),
        ("update schema_migrations set name = 'x' where version = 2", "does not know"),
        ("truncate workspaces cascade", "the file contains no workspace"),
        ("create view all_links as select * from links", "VIEW public all_links"),
        ("create function f() returns int language sql as 'select 1'", "FUNCTION public f()"),
        (LEAD_AWAY, "TRIGGER public links lead_away"),
    ],
)
def test_a_backup_of_something_else_changes_nothing(
    filled: str, empty: str, tmp_path: Path, change: str, words: str
) -> None:
    with closing(psycopg.connect(filled, autocommit=True)) as connection:
        connection.execute(change.encode())
    file = tmp_path / "copy.dump"
    with file.open("wb") as target:
        program = find_program("pg_dump", 15)
        run_program([program, *backups.DUMP], url=filled, stdout=target.fileno())
    with file.open("rb") as backup, pytest.raises(StartError, match="nothing was chang") as told:
        backups.restore_dump(StorageConfig(database=empty), backup, find_nothing, ignore)
    assert words in str(told.value)
    assert ask_aside(empty, "select count(*) from pg_tables where schemaname = 'public'") == [(0,)]


def test_a_restore_that_fails_in_the_middle_leaves_the_database_empty(
    shell: Shell, filled: str, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell("backup", "copy.dump")
    ask_aside(empty, "create function links_live() returns int language sql as 'select 1'")
    ask_aside(empty, "create type workspaces as enum ('in', 'the', 'way')")
    monkeypatch.setenv("SHORTY_STORAGE__DATABASE", empty)
    failed = shell("restore", "copy.dump")
    assert failed.code == 1
    assert "pg_restore failed: " in failed.err
    assert ask_aside(empty, "select to_regclass('links'), to_regclass('aliases')") == [(None, None)]


def test_clicks_that_were_not_stored_are_kept_apart(
    shell: Shell, filled: str, empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell("backup", "copy.dump")
    (tmp_path / "data").mkdir(exist_ok=True)
    journal = Journal(tmp_path / "data" / "shorty.journal")
    journal.create("0" * 32)
    journal.continue_in(journal.create_segment())
    journal.append(b"a click")
    journal.close()
    told = restore_into(shell, monkeypatch, empty, "copy.dump")
    assert "shorty.journal.set-aside-1" in told
    assert not journal.folder.exists()


def test_progress_reaches_its_end_in_both_directions(
    filled: str, empty: str, tmp_path: Path
) -> None:
    seen: list[tuple[int, int]] = []

    def note(done: int, total: int) -> None:
        seen.append((done, total))

    file = tmp_path / "copy.dump"
    with file.open("wb") as target:
        backups.dump_database(StorageConfig(database=filled), target.fileno(), note)
    assert len(seen) > 10
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1] > 0
    seen.clear()
    with file.open("rb") as backup:
        backups.restore_dump(StorageConfig(database=empty), backup, find_nothing, note)
    assert len(seen) > 100
    assert seen == sorted(seen)
    assert seen[-1][0] <= seen[-1][1]


def test_without_a_fitting_program_the_package_is_named(
    shell: Shell, filled: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(programs, "PLACES", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    told = shell("backup", "copy.dump").err
    assert "and pg_dump was not found: install the client programs" in told
    assert "`apt-get install postgresql-client-" in told
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'\n")
    old.chmod(0o700)
    assert "and only pg_dump 9 was found" in shell("backup", "copy.dump").err


def test_of_several_programs_the_one_next_to_the_server_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for version in (14, 15, 17):
        program = tmp_path / str(version) / "bin" / "pg_restore"
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\necho 'pg_restore (PostgreSQL) {version}.1'\n")
        program.chmod(0o700)
    monkeypatch.setattr(programs, "PLACES", (str(tmp_path),))
    monkeypatch.setenv("PATH", str(tmp_path / "17" / "bin"))
    assert find_program("pg_restore", 15) == str(tmp_path / "15" / "bin" / "pg_restore")
    assert find_program("pg_restore", 16) == str(tmp_path / "17" / "bin" / "pg_restore")


def test_the_password_is_not_on_the_command_line() -> None:
    conninfo, environment = split_secrets("postgresql://ann:hid%20den@db/links?sslmode=require")
    assert "hid" not in conninfo
    assert "user=ann" in conninfo
    assert "sslmode=require" in conninfo
    assert environment["PGPASSWORD"] == "hid den"
    with pytest.raises(StartError, match="the parameter sslpassword") as told:
        split_secrets("postgresql://ann@db/links?sslpassword=hidden")
    assert "hidden" not in str(told.value)


@pytest.fixture(scope="module")
def guarded() -> Generator[str]:
    """The URL of a database whose role needs its password."""
    found = find_programs()
    assert found
    with open_cluster(found) as cluster:
        with closing(connect(str(cluster.folder))) as connection:
            connection.execute("create role ann login password 'ri:ght'")
            connection.execute("create database links owner ann")
        rules = "local all postgres trust\nlocal links ann scram-sha-256\n"
        (cluster.folder / "data" / "pg_hba.conf").write_text(rules)
        cluster.stop()
        cluster.start()
        yield f"postgresql://ann:ri%3Aght@/links?host={cluster.folder}"


def test_a_database_with_a_password_is_copied(
    shell: Shell, guarded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHORTY_STORAGE__DATABASE", guarded)
    assert shell("token", "create").code == 0
    copied = shell("backup", "copy.dump")
    assert copied.code == 0, copied.err
    monkeypatch.setenv("SHORTY_STORAGE__DATABASE", guarded.replace("ri%3A", "wrong"))
    refused = shell("backup", "other.dump")
    assert refused.code == 1
    assert "does not accept the password of ann" in refused.err
