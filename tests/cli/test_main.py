"""The command line as a whole: its exit codes, its streams, its errors."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from shorty import __version__
from shorty.cli import MODULES
from tests.cli.shell import Shell
from tests.service import is_setting

ROOT = Path(__file__).parents[2]


def test_the_version_is_printed(shell: Shell) -> None:
    assert shell("--version") == (0, f"shorty {__version__}\n", "")


def test_little_is_loaded_for_the_version() -> None:
    code = "import sys, shorty.cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    modules = set(loaded.stdout.decode().split())
    assert "shorty.cli" in modules
    assert modules.isdisjoint({"litestar", "granian", "aiohttp", "aiosqlite", "shorty.storage"})


def test_no_command_loads_what_only_the_server_needs() -> None:
    code = f"import sys, {', '.join(MODULES.values())}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    modules = set(loaded.stdout.decode().split())
    assert "shorty.links.service" in modules
    assert modules.isdisjoint({"litestar", "granian", "aiohttp"})


def test_the_module_is_the_command(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "shorty", "token", "create"]
    environ = {name: value for name, value in os.environ.items() if not is_setting(name)}
    environ["SHORTY_STORAGE__DATABASE"] = str(tmp_path / "shorty.db")
    made = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, check=True)
    assert made.stdout.startswith(b"shorty_")
    assert (tmp_path / "shorty.db").exists()


@pytest.mark.parametrize(
    "words",
    [
        *(["nonsense"], ["--nonsense"], ["token"], ["token", "revoke"], ["user", "add"]),
        *(["serve", "--port", "70000"], ["serve", "8000"], ["link", "delete"]),
    ],
)
def test_misuse_exits_with_2(shell: Shell, words: list[str]) -> None:
    assert shell(*words).code == 2


def test_misuse_is_told_on_stderr(shell: Shell) -> None:
    misuse = shell("token", "revoke", "one")
    assert (misuse.code, misuse.out) == (2, "")
    assert "'one' is not a valid integer" in misuse.err


def test_an_expected_failure_is_one_sentence(shell: Shell) -> None:
    refused = shell("--config", "missing.toml", "token", "list")
    assert refused == (
        1,
        "",
        "Cannot read the configuration missing.toml: No such file or directory.\n",
    )


def test_a_setting_that_cannot_be_stops_the_start(shell: Shell) -> None:
    refused = shell("serve", "--host", "http://here")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith("The settings are invalid: server.host (--host): expected")


@pytest.mark.sqlite_only("a file, which the test names or damages")
def test_a_database_that_cannot_be_opened_is_one_sentence(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    refused = shell("token", "create")
    assert (refused.code, refused.out, refused.err.count("\n")) == (1, "", 1)
    assert f"{tmp_path}/data/shorty.db cannot be opened" in refused.err


@pytest.mark.sqlite_only("a file, which the test names or damages")
def test_the_configuration_may_be_named_before_or_after_the_command(
    shell: Shell, tmp_path: Path
) -> None:
    file = tmp_path / "elsewhere.toml"
    file.write_text("[storage]\ndatabase = 'one.db'\n")
    assert shell("--config", str(file), "token", "create").code == 0
    assert shell("token", "list", "--config", str(file)).out.count("\n") == 2
    assert (tmp_path / "one.db").exists()
    assert not (tmp_path / "data").exists()


@pytest.mark.sqlite_only("a file, which the test names or damages")
def test_the_variable_names_the_configuration(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "two.toml").write_text("[storage]\ndatabase = 'two.db'\n")
    monkeypatch.setenv("SHORTY_CONFIG", "two.toml")
    assert shell("token", "create").code == 0
    assert (tmp_path / "two.db").exists()


@pytest.mark.sqlite_only("a file, which the test names or damages")
def test_why_a_database_cannot_be_written_is_told(shell: Shell, tmp_path: Path) -> None:
    shell("token", "create")
    damage_table(tmp_path / "data" / "shorty.db", "tokens")
    refused = shell("token", "list")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == (
        "The database cannot be used right now; try again soon. "
        "(database disk image is malformed)\n"
    )


def damage_table(database: Path, table: str) -> None:
    with closing(sqlite3.connect(database)) as reader:
        [page] = reader.execute(
            "select rootpage from sqlite_schema where name = ?", (table,)
        ).fetchone()
        [size] = reader.execute("pragma page_size").fetchone()
    with database.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
