"""`shorty backup` beside a running server, and `shorty restore` after it has stopped."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import msgspec
import pytest

from shorty.cli.files import name_unfinished, write_file
from shorty.clicks.journal import Journal
from tests.cli.shell import Shell, ShellBeside
from tests.databases import note_syncs
from tests.forks import ForkedService

pytestmark = pytest.mark.sqlite_only("copies a file; tests/postgres has the rest")


def run(folder: Path, *words: str, code: int = 0) -> tuple[str, str]:
    with ForkedService(["-m", "shorty", *words], folder) as command:
        assert command.wait_for_end() == code, command.stderr.read_all()
        return "\n".join(command.stdout.read_all()), "\n".join(command.stderr.read_all())


def list_slugs(shell: Shell) -> set[str]:
    links = msgspec.json.decode(shell("link", "list", "--json").out)
    return {link["shortCode"] for link in links}


def test_a_backup_of_a_running_server_is_restored(
    tmp_path: Path, shell_beside: ShellBeside
) -> None:
    shell = shell_beside(tmp_path)
    with ForkedService(["-m", "shorty", "serve"], tmp_path) as server:
        server.wait_until_ready()
        assert shell("link", "add", "https://example.com/", "--slug", "before").code == 0
        assert "to copy.db (" in shell("backup", "copy.db").err
        assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
        assert shell("link", "add", "https://example.com/", "--slug", "after").code == 0
        headers = {"host": f"localhost:{server.address[1]}"}
        visit = httpx.get(f"{server.url}/after", headers=headers, trust_env=False)
        assert visit.status_code == 302
        refused = shell("restore", "copy.db")
        assert refused.code == 1
        assert "is serving" in refused.err
        assert "stop it first" in refused.err
        assert server.stop() == 0
    restored = shell("restore", "copy.db")
    assert restored.code == 0
    assert "shorty.db.before-restore" in restored.err
    assert list_slugs(shell) == {"before"}
    with closing(sqlite3.connect(tmp_path / "shorty.db.before-restore")) as former:
        assert former.execute("select slug from links order by id").fetchall() == [
            ("before",),
            ("after",),
        ]
    with ForkedService(["-m", "shorty", "serve"], tmp_path) as server:
        server.wait_until_ready()
        assert server.stop() == 0


def test_a_backup_replaces_nothing_by_accident(shell: Shell, tmp_path: Path) -> None:
    assert "does not exist" in shell("backup", "copy.db").err
    shell("link", "list")
    assert shell("backup", "copy.db").code == 0
    again = shell("backup", "copy.db")
    assert again.code == 1
    assert "copy.db already exists" in again.err
    assert shell("backup", "away/copy.db").err.startswith("The folder away does not exist")
    assert shell("backup", "copy.db", "--force").code == 0
    itself = shell("backup", "data/shorty.db", "--force")
    assert "is the database itself" in itself.err
    assert {file.name for file in tmp_path.iterdir()} == {"data", "copy.db"}


def test_a_backup_is_on_the_disk_under_its_name(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell("link", "list")
    noted = note_syncs(monkeypatch, (tmp_path / "copy.db").exists)
    assert shell("backup", "copy.db").code == 0
    assert noted == [(tmp_path, True)]


def test_a_file_that_a_command_writes_is_on_the_disk_and_then_its_name_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "links.csv"
    unfinished = name_unfinished(path)

    def look() -> dict[str, bytes]:
        return {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    noted = note_syncs(monkeypatch, look)
    with write_file(path, may_replace=False) as file:
        file.write(b"whole")
    assert noted == [(unfinished, {unfinished.name: b"whole"}), (tmp_path, {path.name: b"whole"})]


def test_a_restore_of_something_else_changes_nothing(shell: Shell, tmp_path: Path) -> None:
    shell("link", "add", "https://example.com/", "--slug", "kept")
    (tmp_path / "text.db").write_text("no database " * 1000)
    told = shell("restore", "text.db")
    assert told.code == 1
    assert "text.db is not a readable database" in told.err
    assert "nothing was changed" in told.err
    assert shell("restore", "none.db").code == 2
    assert "kept" in shell("link", "list").out
    assert {file.name for file in (tmp_path / "data").iterdir()} <= {"shorty.db", "shorty.db.lock"}


def test_a_database_in_use_is_no_backup(shell: Shell, tmp_path: Path) -> None:
    shell("link", "list")
    shutil.copy(tmp_path / "data" / "shorty.db", tmp_path / "copy.db")
    (tmp_path / "copy.db-wal").write_bytes(b"something")
    told = shell("restore", "copy.db")
    assert told.code == 1
    assert "is a database in use" in told.err


def test_clicks_that_were_not_stored_are_kept_apart(shell: Shell, tmp_path: Path) -> None:
    shell("link", "list")
    shell("backup", "copy.db")
    journal = Journal(tmp_path / "data" / "shorty.db.journal")
    journal.create("0" * 32)
    journal.continue_in(journal.create_segment())
    journal.append(b"a click")
    journal.close()
    told = shell("restore", "copy.db")
    assert told.code == 0
    assert "journal.set-aside-1" in told.err
    assert not journal.folder.exists()
    assert (tmp_path / "data" / "shorty.db.journal.set-aside-1").is_dir()


def test_a_restore_makes_the_folder_of_a_new_machine(shell: Shell, tmp_path: Path) -> None:
    shell("link", "add", "https://example.com/", "--slug", "kept")
    shell("backup", "copy.db")
    shutil.rmtree(tmp_path / "data")
    assert shell("restore", "copy.db").code == 0
    assert "kept" in shell("link", "list").out
    assert (tmp_path / "data" / "shorty.db").stat().st_mode & 0o777 == 0o600


def test_a_command_leaves_a_database_alone_that_a_former_release_still_serves(
    tmp_path: Path,
) -> None:
    with ForkedService(["-m", "shorty", "serve"], tmp_path) as server:
        server.wait_until_ready()
        make_older(tmp_path / "shorty.db")
        _, told = run(tmp_path, "link", "list", code=1)
        assert "must be upgraded first" in told
        assert "is serving" in told
        assert not list(tmp_path.glob("*.schema-*"))
        assert server.stop() == 0


def make_older(database: Path) -> None:
    """As far as it knows itself."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(
            "delete from schema_migrations"
            " where version = (select max(version) from schema_migrations)"
        )
        connection.commit()
