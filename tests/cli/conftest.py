"""`shell`: runs a command line in this process, through the real `main`, in its own folder."""

import io
import os
import sys
from collections.abc import Generator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
import structlog

from shorty.cli import main
from tests.cli.shell import Outcome, Shell, ShellBeside
from tests.copies import find_databases
from tests.service import is_setting, list_settings


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Generator[Shell]:
    """With the default database, or one of its own where the tests run on PostgreSQL.

    PostgreSQL's own tests name theirs.
    """
    for name in filter(is_setting, list(os.environ)):
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    databases = find_databases()
    if databases and not request.node.get_closest_marker("postgres_only"):
        monkeypatch.setenv("SHORTY_STORAGE__DATABASE", databases.create_for(tmp_path / "data"))

    def run(*words: str, stdin: str = "") -> Outcome:
        monkeypatch.setattr(sys, "argv", ["shorty", *words])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            try:
                main()
            except SystemExit as stop:
                code = stop.code if isinstance(stop.code, int) else 0
                return Outcome(code, out.getvalue(), err.getvalue())
        raise AssertionError("A command ends by exiting.")

    yield run
    structlog.reset_defaults()


@pytest.fixture
def shell_beside(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> ShellBeside:
    """Like `shell`, on the database and with the settings of the server that runs in the folder."""

    def choose(folder: Path) -> Shell:
        for name, value in list_settings(folder).items():
            monkeypatch.setenv(name, value)
        return shell

    return choose
