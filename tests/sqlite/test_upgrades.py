import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from shorty.errors import StartError
from shorty.sqlite import migrations, upgrades
from shorty.sqlite.connections import connect
from shorty.sqlite.migrations import find_version, list_migrations, prepare_database
from shorty.sqlite.upgrades import is_outdated, upgrade_database
from tests.databases import note_syncs

ALL = list_migrations()
LATEST = ALL[-1].version
FORMER = ALL[-2].version


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database of the previous release, with some content."""
    path = tmp_path / "shorty.db"
    with monkeypatch.context() as former:
        former.setattr(migrations, "list_migrations", lambda: ALL[:-1])
        prepare_database(path, now=0)
    with closing(connect(path)) as connection:
        connection.execute("insert into server_state values ('kept', 'yes')")
    return path


def read_kept(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        row = connection.execute("select value from server_state where name = 'kept'").fetchone()
        return row[0]


def list_files(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir() if not file.name.endswith(("-wal", "-shm"))}


def test_a_copy_of_the_former_database_is_kept(path: Path) -> None:
    assert is_outdated(path)
    assert [migration.version for migration in upgrade_database(path, now=1)] == [LATEST]
    assert not is_outdated(path)
    copy = path.with_name(f"shorty.db.schema-{FORMER}")
    assert (find_version(path), read_kept(path)) == (LATEST, "yes")
    assert (find_version(copy), read_kept(copy)) == (FORMER, "yes")
    assert copy.stat().st_mode & 0o777 == 0o600


def test_the_copy_is_on_the_disk_under_its_name_before_anything_is_upgraded(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = path.with_name(f"shorty.db.schema-{FORMER}")
    noted = note_syncs(monkeypatch, lambda: (find_version(path), find_version(copy)))
    upgrade_database(path, now=1)
    assert noted == [(path.parent, (FORMER, FORMER))]


def test_only_one_copy_is_kept_and_other_files_stay(path: Path) -> None:
    for name in ("shorty.db.schema-1", "shorty.db.before-restore", "other.db.schema-1"):
        path.with_name(name).write_text("there")
    upgrade_database(path, now=1)
    assert list_files(path.parent) == {
        *("shorty.db", f"shorty.db.schema-{FORMER}"),
        *("shorty.db.before-restore", "other.db.schema-1"),
    }


def test_a_new_database_and_one_that_is_up_to_date_are_not_copied(tmp_path: Path) -> None:
    path = tmp_path / "shorty.db"
    assert not is_outdated(path)
    assert upgrade_database(path, now=1) == list(ALL)
    assert upgrade_database(path, now=2) == []
    assert list_files(tmp_path) == {"shorty.db"}


def test_without_room_for_a_copy_the_upgrade_continues(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(upgrades, "copy_database", fail)
    upgrade_database(path, now=1)
    assert find_version(path) == LATEST
    assert list_files(path.parent) == {"shorty.db"}
    told = capsys.readouterr()
    assert "database_not_copied" in told.out + told.err
    assert "disk is full" in told.out + told.err


def test_a_changed_schema_is_refused_before_a_copy_is_saved(
    path: Path,
) -> None:
    with closing(connect(path)) as connection:
        connection.execute("create trigger aside after insert on links begin select 1; end")
        connection.execute("drop table tags")
        connection.execute("alter table links add column note text")
        connection.execute("drop index links_live")
        connection.execute("pragma journal_mode = delete")
    before = path.read_bytes()
    with pytest.raises(StartError) as refused:
        upgrade_database(path, now=1)
    assert re.search(
        r"differs from shorty's schema: .+ and 1 more\. `shorty check` lists", refused.value.message
    )
    assert list_files(path.parent) == {"shorty.db"}
    assert path.read_bytes() == before
    assert find_version(path) == FORMER


def test_an_unknown_table_is_logged_and_left_alone(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(connect(path)) as connection:
        connection.execute("create table notes (words text)")
        connection.execute("create index notes_by_words on notes (words)")
    upgrade_database(path, now=1)
    told = capsys.readouterr()
    logged = told.out + told.err
    assert "database_unknown_tables" in logged
    assert "table notes does not belong to shorty" in logged
    assert "index notes_by_words on notes does not belong to shorty" in logged
