"""Checks the Containerfile: what it sets, copies and checks must exist and work."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import get_type_hints

import pytest
from msgspec import Struct

from shorty.config import Config

ROOT = Path(__file__).parent.parent


def read_instructions(text: str) -> list[tuple[str, str]]:
    """(keyword, the rest) of each instruction, with continued lines joined, without comments."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    pairs = (line.split(maxsplit=1) for line in joined.splitlines())
    return [(keyword, " ".join(rest.split())) for keyword, rest in pairs]


INSTRUCTIONS = read_instructions((ROOT / "Containerfile").read_text(encoding="utf-8"))
LAST_STAGE = max(place for place, (keyword, _) in enumerate(INSTRUCTIONS) if keyword == "FROM")
FINAL = INSTRUCTIONS[LAST_STAGE:]


def list_final(keyword: str) -> list[str]:
    return [rest for found, rest in FINAL if found == keyword]


def read_environment() -> dict[str, str]:
    words = " ".join(list_final("ENV")).replace('"', "").split()
    return dict(word.split("=", 1) for word in words)


def read_health_command() -> list[str]:
    _, command = list_final("HEALTHCHECK")[0].split("CMD ", 1)
    return json.loads(command)


def is_setting(variable: str) -> bool:
    kind: type = Config
    for key in variable.removeprefix("SHORTY_").lower().split("__"):
        hints = get_type_hints(kind) if issubclass(kind, Struct) else {}
        if key not in hints:
            return False
        kind = hints[key]
    return True


def test_instructions_are_read_across_lines() -> None:
    text = '# no\nFROM a AS b\n\nRUN one \\\n && two\n# no\nCMD ["x"]\n'
    assert read_instructions(text) == [
        ("FROM", "a AS b"),
        ("RUN", "one && two"),
        ("CMD", '["x"]'),
    ]


def test_the_image_sets_only_settings_that_exist() -> None:
    variables = [name for name in read_environment() if name.startswith("SHORTY_")]
    assert "SHORTY_SERVER__HOST" in variables
    assert [name for name in variables if not is_setting(name)] == []
    assert not is_setting("SHORTY_SERVER__HOSTS")


def test_it_listens_on_every_address_and_keeps_its_data_in_the_volume() -> None:
    environment = read_environment()
    assert environment["SHORTY_SERVER__HOST"] == "0.0.0.0"  # noqa: S104 - compared, not bound
    assert list_final("EXPOSE") == [environment["SHORTY_SERVER__PORT"]]
    assert json.loads(list_final("VOLUME")[0]) == ["/data"]
    assert environment["SHORTY_STORAGE__DATABASE"].startswith("/data/")


def test_it_has_the_driver_for_postgresql() -> None:
    installs = [
        rest for keyword, rest in INSTRUCTIONS if keyword == "RUN" and "pip install" in rest
    ]
    (extra,) = re.findall(r"\.whl\)\[(\w+)\]\"", installs[0])
    assert (
        extra
        in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    )


def test_it_runs_as_an_ordinary_user() -> None:
    user, _, group = list_final("USER")[-1].partition(":")
    assert int(user) > 0
    assert int(group) > 0


def test_signals_reach_the_program_itself() -> None:
    words = json.loads(list_final("ENTRYPOINT")[0]) + json.loads(list_final("CMD")[0])
    assert words == ["shorty", "serve"]
    assert list_final("STOPSIGNAL") == ["SIGTERM"]


def test_everything_it_copies_is_in_the_tree() -> None:
    copied = [rest.split()[:-1] for keyword, rest in INSTRUCTIONS if keyword == "COPY"]
    sources = [source for each in copied for source in each if not each[0].startswith("--from=")]
    assert "shorty" in sources
    assert [source for source in sources if not (ROOT / source).exists()] == []


@pytest.mark.parametrize(("status", "exit_code"), [(200, 0), (503, 1)])
def test_the_health_check_tells_a_well_server_from_an_ill_one(status: int, exit_code: int) -> None:
    with serve_health(status) as port:
        assert run_health_check(port) == exit_code


def test_the_health_check_fails_where_nothing_listens() -> None:
    with serve_health(200) as port:
        pass
    assert run_health_check(port) == 1


def run_health_check(port: int) -> int:
    command = read_health_command()
    assert command[0] == "python"
    environment = {**os.environ, "SHORTY_SERVER__PORT": str(port)}
    run = subprocess.run(
        [sys.executable, *command[1:]], env=environment, capture_output=True, check=False
    )
    return run.returncode


@contextmanager
def serve_health(status: int) -> Generator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Logs nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
