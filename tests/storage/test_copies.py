"""Copies of a database: taken while it is written to, checked, put in its place."""

import sqlite3
from pathlib import Path

import pytest

from shorty.errors import StartError
from shorty.storage import copies
from shorty.storage.connections import connect
from shorty.storage.copies import copy_database, replace_database, require_backup
from tests.support import prepare_copy

KEEP = "insert into server_state (name, value) values (?, ?)"


def read_state(path: Path) -> dict[str, str]:
    connection = sqlite3.connect(path)
    try:
        return dict(connection.execute("select name, value from server_state").fetchall())
    finally:
        connection.close()


def write_state(path: Path, name: str, value: str = "") -> None:
    connection = connect(path)
    connection.execute(KEEP, (name, value))
    connection.close()


def ignore(_done: int, _total: int) -> None:
    pass


def test_a_copy_is_of_one_moment_and_ends_however_much_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "PAGES_AT_ONCE", 4)
    path = prepare_copy(tmp_path)
    writer = connect(path)
    writer.execute(KEEP, ("before", "x" * 100_000))
    told: list[int] = []

    def write_meanwhile(done: int, _total: int) -> None:
        told.append(done)
        writer.execute(KEEP, (f"during {done}", "x" * 10_000))

    copy_database(path, tmp_path / "copy.db", write_meanwhile)
    writer.close()
    assert len(told) > 5
    assert told == sorted(told)
    assert list(read_state(tmp_path / "copy.db")) == ["before"]
    assert len(read_state(path)) == len(told) + 1
    require_backup(tmp_path / "copy.db", tmp_path / "copy.db")
    assert {file.name for file in tmp_path.glob("copy*")} == {"copy.db"}


def test_what_is_only_in_the_log_is_copied(tmp_path: Path) -> None:
    path = prepare_copy(tmp_path)
    writer = connect(path)
    writer.execute(KEEP, ("in the log", ""))
    assert Path(f"{path}-wal").stat().st_size > 0
    copy_database(path, tmp_path / "copy.db", ignore)
    assert list(read_state(tmp_path / "copy.db")) == ["in the log"]
    writer.close()


def make_backup(folder: Path) -> Path:
    copy_database(prepare_copy(folder), folder / "copy.db", ignore)
    return folder / "copy.db"


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        ("drop table schema_migrations", "is no database of shorty"),
        ("delete from schema_migrations", "is no database of shorty"),
        (
            "insert into schema_migrations values (9999, 'later', 0)",
            r"was made by a newer shorty \(schema 9999\)",
        ),
        (
            "update schema_migrations set name = 'other' where version = 2",
            "has a schema that this shorty does not know",
        ),
    ],
)
def test_what_is_no_backup_is_told(tmp_path: Path, damage: str, complaint: str) -> None:
    backup = make_backup(tmp_path)
    connection = sqlite3.connect(backup, isolation_level=None)
    connection.execute(damage)
    connection.close()
    with pytest.raises(StartError, match=f"mine.db {complaint}"):
        require_backup(backup, Path("mine.db"))


def test_a_text_is_no_backup(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("text " * 2000)
    with pytest.raises(StartError, match="is no database that can be read"):
        require_backup(tmp_path / "text.db", Path("mine.db"))


def test_a_damaged_backup_is_told(tmp_path: Path) -> None:
    backup = make_backup(tmp_path)
    with backup.open("r+b") as file:
        file.seek(4096 * 20)
        file.write(b"\xff" * 4096 * 4)
    with pytest.raises(StartError, match="is damaged"):
        require_backup(backup, backup)


def test_an_older_backup_of_a_known_schema_is_taken(tmp_path: Path) -> None:
    backup = make_backup(tmp_path)
    connection = sqlite3.connect(backup, isolation_level=None)
    connection.execute("delete from schema_migrations where version > 1")
    connection.close()
    require_backup(backup, backup)


def test_the_former_database_is_kept_whole(tmp_path: Path) -> None:
    backup = make_backup(tmp_path)
    path = tmp_path / "shorty.db"
    write_state(path, "old")
    kept = replace_database(path, backup)
    assert kept == tmp_path / "shorty.db.before-restore"
    assert list(read_state(tmp_path / "shorty.db.before-restore")) == ["old"]
    assert read_state(path) == {}
    again = replace_database(path, make_other(tmp_path))
    assert again == tmp_path / "shorty.db.before-restore-2"
    assert not list(tmp_path.glob("shorty.db-*"))


def make_other(folder: Path) -> Path:
    (folder / "other").mkdir()
    return prepare_copy(folder / "other")


def test_a_log_of_the_former_database_is_never_played_into_the_new_one(tmp_path: Path) -> None:
    backup = make_backup(tmp_path)
    path = tmp_path / "shorty.db"
    log = Path(f"{path}-wal")
    writer = connect(path)
    writer.execute(KEEP, ("in the log", ""))
    content = log.read_bytes()
    writer.close()
    # A process was killed, and its database damaged.
    log.write_bytes(content)
    path.write_bytes(b"nothing that can be read" * 1000)
    kept = replace_database(path, backup)
    assert kept is not None
    assert Path(f"{kept}-wal").exists()
    assert not log.exists()
    assert read_state(path) == {}


def test_where_there_was_no_database_none_is_kept(tmp_path: Path) -> None:
    backup = make_backup(tmp_path)
    path = tmp_path / "new.db"
    assert replace_database(path, backup) is None
    assert read_state(path) == {}
