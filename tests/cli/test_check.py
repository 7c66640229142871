"""`shorty check`: each thing it can find wrong, found."""

import http.server
import os
import socket
import sqlite3
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from shorty.clicks.journal import Journal
from tests.cli.shell import Outcome, Shell

pytestmark = pytest.mark.sqlite_only("what is wrong with a file; tests/postgres has the rest")


def find_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture(autouse=True)
def configuration(tmp_path: Path) -> Path:
    file = tmp_path / "shorty.toml"
    file.write_text(f"[server]\nport = {find_free_port()}\n")
    return file


def list_wrong(outcome: Outcome) -> list[str]:
    return [line for line in outcome.out.splitlines() if line.startswith("error")]


def test_all_is_right_before_the_first_start(shell: Shell, tmp_path: Path) -> None:
    checked = shell("check")
    assert (checked.code, checked.err, list_wrong(checked)) == (0, "", [])
    assert "does not exist yet" in checked.out
    assert not (tmp_path / "data").exists()


def test_all_is_right_with_a_database(shell: Shell, configuration: Path) -> None:
    shell("token", "create")
    checked = shell("check")
    assert (checked.code, list_wrong(checked)) == (0, [])
    assert f"Configuration: {configuration}." in checked.out
    assert "is sound and has schema" in checked.out
    assert "no one can sign in yet" in checked.out


def test_faulty_settings_are_wrong(shell: Shell, configuration: Path) -> None:
    configuration.write_text("[server]\nprot = 1\nhost = 2\n")
    checked = shell("check")
    assert (checked.code, checked.err) == (1, "")
    assert "did you mean server.port?" in checked.out
    assert "server.host: expected text, found 2" in checked.out


def test_a_domain_out_of_the_dns_is_noted(shell: Shell, configuration: Path) -> None:
    configuration.write_text("[[domains]]\nhost = 'localhost'\n[[domains]]\nhost = 'go.invalid'\n")
    checked = shell("check")
    assert "Domain: http://localhost (the default)." in checked.out
    assert "note   Domain: https://go.invalid was not found in the DNS" in checked.out


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ("", "ok     Proxies: X-Forwarded-For is trusted from 127.0.0.1."),
        ("host = '0.0.0.0'", "note   Proxies: domains use https"),
        ("host = '0.0.0.0'\ntrusted_proxies = ['::1']", "trusted from ::1 only. If the proxy"),
        ("host = '0.0.0.0'\ntrusted_proxies = ['10.0.0.0/8']", "ok     Proxies"),
        ("trusted_proxies = ['10.0.0.1']", "note   Proxies"),
        ("trusted_proxies = []", "trusted from no proxy. If the proxy"),
    ],
)
def test_a_proxy_that_must_be_there_and_is_not_believed_is_noted(
    shell: Shell, configuration: Path, settings: str, says: str
) -> None:
    with configuration.open("a") as file:
        file.write(f"{settings}\n[[domains]]\nhost = 'go.localhost'\nscheme = 'https'\n")
    assert says in shell("check").out


def test_without_https_no_proxy_need_be_believed(shell: Shell, configuration: Path) -> None:
    with configuration.open("a") as file:
        file.write("host = '0.0.0.0'\n")
    assert "ok     Proxies" in shell("check").out


def test_a_plan_that_is_gone_is_wrong(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHORTY_PLANS__TEAM__LINKS", "3")
    monkeypatch.setenv("SHORTY_DEFAULTS__PLAN", "team")
    shell("token", "create")
    assert shell("check").code == 0
    monkeypatch.delenv("SHORTY_PLANS__TEAM__LINKS")
    monkeypatch.delenv("SHORTY_DEFAULTS__PLAN")
    checked = shell("check")
    assert checked.code == 1
    assert list_wrong(checked)[0].endswith("add [plans.team].")


def test_a_damaged_database_is_wrong(shell: Shell, tmp_path: Path) -> None:
    shell("token", "create")
    (tmp_path / "data" / "shorty.db").write_bytes(b"\xff" * 8192)
    checked = shell("check")
    assert checked.code == 1
    assert list_wrong(checked)[0].endswith("(file is not a database); restore a backup.")


def test_a_newer_database_is_wrong(shell: Shell, tmp_path: Path) -> None:
    shell("token", "create")
    with closing(sqlite3.connect(tmp_path / "data" / "shorty.db")) as newer, newer:
        newer.execute("insert into schema_migrations values (999, 'later', 0)")
    checked = shell("check")
    assert checked.code == 1
    assert "a newer shorty (schema 999" in list_wrong(checked)[0]


@pytest.mark.skipif(os.geteuid() == 0, reason="Root may write everywhere.")
def test_a_folder_of_someone_else_is_wrong(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o500)
    checked = shell("check")
    assert checked.code == 1
    assert "cannot write to" in list_wrong(checked)[0]


def test_a_folder_that_is_a_file_is_wrong(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    checked = shell("check")
    assert checked.code == 1
    assert "data; change its owner" in list_wrong(checked)[0]


def test_a_journal_is_told_from_one_set_aside(shell: Shell, tmp_path: Path) -> None:
    assert "Journal: no clicks are waiting" in shell("check").out
    folder = tmp_path / "data" / "shorty.db.journal"
    folder.parent.mkdir()
    write_journal(folder)
    write_journal(folder.with_name("shorty.db.journal.set-aside-1"))
    checked = shell("check")
    assert checked.code == 0
    assert f"Journal: {folder} contains clicks; the server stores them" in checked.out
    assert f"note   Journal: {folder}.set-aside-1 contains clicks of another" in checked.out


def test_the_journal_is_looked_for_in_the_nodes_own_folder(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell("token", "create")
    folder = tmp_path / "node" / "shorty.db.journal"
    folder.parent.mkdir()
    write_journal(folder)
    monkeypatch.setenv("SHORTY_STORAGE__FOLDER", str(folder.parent))
    checked = shell("check")
    assert f"Journal: {folder} contains clicks" in checked.out
    assert f"Data folder: {folder.parent} is writable." in checked.out
    assert f"Data folder: {Path('data')} is writable." in checked.out.replace(f"{tmp_path}/", "")


def test_a_damaged_part_of_the_journal_is_noted(shell: Shell, tmp_path: Path) -> None:
    shell("token", "create")
    damaged = tmp_path / "data" / "shorty.db.journal.damaged-1"
    damaged.write_bytes(b"?")
    checked = shell("check")
    assert checked.code == 0
    assert f"note   Journal: {damaged} is a damaged part" in checked.out
    assert "another state of the database" not in checked.out


def write_journal(folder: Path) -> None:
    journal = Journal(folder)
    journal.create("an-id")
    journal.continue_in(journal.create_segment())
    journal.append(b"a click")
    journal.close()


@contextmanager
def serve_health(status: int) -> Generator[int]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_a_running_server_is_found(shell: Shell, configuration: Path) -> None:
    with serve_health(200) as port:
        configuration.write_text(f"[server]\nport = {port}\n")
        checked = shell("check")
    assert checked.code == 0
    assert f"Port: {port} on 127.0.0.1 is in use by a running server." in checked.out


def test_a_port_of_another_program_is_wrong(shell: Shell, configuration: Path) -> None:
    with serve_health(404) as port:
        configuration.write_text(f"[server]\nport = {port}\n")
        checked = shell("check")
    assert checked.code == 1
    assert "cannot be used (Address already in use)" in list_wrong(checked)[0]
