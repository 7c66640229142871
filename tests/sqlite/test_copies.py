"""Copies of a database: taken during writes, checked, and restored."""

import io
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from shorty.errors import StartError
from shorty.sqlite import copies
from shorty.sqlite.connections import connect
from shorty.sqlite.copies import copy_backup, copy_database, open_backup, replace_database
from shorty.sqlite.migrations import find_version, list_migrations
from tests.databases import note_syncs
from tests.support import prepare_copy

KEEP = "insert into server_state (name, value) values (?, ?)"


def read_state(path: Path) -> dict[str, str]:
    with closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute("select name, value from server_state").fetchall())


def write_state(path: Path, name: str, value: str = "") -> None:
    with closing(connect(path)) as connection:
        connection.execute(KEEP, (name, value))


def ignore(_done: int, _total: int) -> None:
    pass


def test_a_copy_is_of_one_moment_and_ends_however_much_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "PAGES_AT_ONCE", 4)
    path = prepare_copy(tmp_path)
    with closing(connect(path)) as writer:
        writer.execute(KEEP, ("before", "x" * 100_000))
        told: list[int] = []

        def write_meanwhile(done: int, _total: int) -> None:
            told.append(done)
            writer.execute(KEEP, (f"during {done}", "x" * 10_000))

        copy_database(path, tmp_path / "copy.db", write_meanwhile)
    assert len(told) > 5
    assert told == sorted(told)
    assert list(read_state(tmp_path / "copy.db")) == ["before"]
    assert len(read_state(path)) == len(told) + 1
    assert find_version(tmp_path / "copy.db") == list_migrations()[-1].version
    assert {file.name for file in tmp_path.glob("copy*")} == {"copy.db"}


def test_a_database_with_a_log_is_in_use_and_no_backup(tmp_path: Path) -> None:
    path = prepare_copy(tmp_path)
    open_backup(path).close()
    with closing(connect(path)) as writer:
        writer.execute(KEEP, ("a", "b"))
        with pytest.raises(StartError, match="is a database in use, not a copy of one"):
            open_backup(path)
    open_backup(path).close()


def test_copying_does_not_change_the_source(tmp_path: Path) -> None:
    path = prepare_copy(tmp_path)
    with closing(connect(path)) as writer:
        writer.execute("pragma journal_mode = delete")
    before = path.read_bytes()
    copy_database(path, tmp_path / "copy.db", lambda _done, _total: None)
    assert path.read_bytes() == before


def test_what_is_only_in_the_log_is_copied(tmp_path: Path) -> None:
    path = prepare_copy(tmp_path)
    with closing(connect(path)) as writer:
        writer.execute(KEEP, ("in the log", ""))
        assert Path(f"{path}-wal").stat().st_size > 0
        copy_database(path, tmp_path / "copy.db", ignore)
        assert list(read_state(tmp_path / "copy.db")) == ["in the log"]


def make_backup(folder: Path) -> Path:
    copy_database(prepare_copy(folder), folder / "copy.db", ignore)
    return folder / "copy.db"


class GrowingFile(io.FileIO):
    """A file that grows as soon as it is read."""

    def read(self, size: int | None = -1) -> bytes:
        read = super().read(size)
        with Path(str(self.name)).open("ab") as file:
            file.write(b"more")
        return read


def test_a_file_that_is_written_to_while_it_is_read_is_refused(tmp_path: Path) -> None:
    backup = make_backup(tmp_path)
    target = os.open(tmp_path / "target.db", os.O_WRONLY | os.O_CREAT)
    with GrowingFile(backup) as source, pytest.raises(StartError, match="was changed while"):
        copy_backup(source, target, backup)


def test_a_device_is_no_backup() -> None:
    with pytest.raises(StartError, match="is not a regular file"):
        open_backup(Path("/dev/zero"))


def test_the_log_of_a_symbolic_links_target_is_found(tmp_path: Path) -> None:
    backup = make_backup(tmp_path)
    (tmp_path / "link.db").symlink_to(backup)
    open_backup(tmp_path / "link.db").close()
    Path(f"{backup}-journal").write_bytes(b"a change that was not finished")
    with pytest.raises(StartError, match=r"link.db is a database in use"):
        open_backup(tmp_path / "link.db")


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
    with closing(connect(path)) as writer:
        writer.execute(KEEP, ("in the log", ""))
        content = log.read_bytes()
    # A process was killed, and its database damaged.
    log.write_bytes(content)
    path.write_bytes(b"nothing that can be read" * 1000)
    kept = replace_database(path, backup)
    assert kept is not None
    assert Path(f"{kept}-wal").exists()
    assert not log.exists()
    assert read_state(path) == {}


def test_without_a_former_database_none_is_kept(tmp_path: Path) -> None:
    backup = make_backup(tmp_path)
    path = tmp_path / "new.db"
    assert replace_database(path, backup) is None
    assert read_state(path) == {}


@pytest.mark.parametrize("log", ["-wal", "-journal"])
def test_a_log_without_its_database_is_set_aside(tmp_path: Path, log: str) -> None:
    backup = make_backup(tmp_path)
    path = tmp_path / "new.db"
    Path(f"{path}{log}").write_bytes(b"of a database that was deleted")
    assert replace_database(path, backup) is None
    assert not Path(f"{path}{log}").exists()
    assert Path(f"{path}.before-restore{log}").read_bytes().startswith(b"of a database")


def test_a_backup_that_is_read_is_on_the_disk_with_its_last_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "PIECE", 1000)
    backup, target = make_backup(tmp_path), tmp_path / "target.db"
    noted = note_syncs(monkeypatch, target.read_bytes)
    with open_backup(backup) as source:
        copy_backup(source, os.open(target, os.O_WRONLY | os.O_CREAT), backup)
    assert noted == [(target, backup.read_bytes())]


def test_the_folder_is_on_the_disk_once_both_databases_have_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup, path = make_backup(tmp_path), tmp_path / "shorty.db"
    write_state(path, "old")
    wanted = {name: sorted(read_state(file)) for name, file in (("new", backup), ("old", path))}

    def look() -> dict[str, list[str]]:
        kept = tmp_path / "shorty.db.before-restore"
        return {name: sorted(read_state(file)) for name, file in (("new", path), ("old", kept))}

    noted = note_syncs(monkeypatch, look)
    replace_database(path, backup)
    assert noted == [(tmp_path, wanted)]
