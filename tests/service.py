"""A real server process for tests: its output by line, its worker and its end, all with limits."""

import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol, Self
from urllib.parse import urlsplit

from tests.copies import find_databases
from tests.output import PATIENCE_S, Output

READY = "Shorty is ready on "
START_S = 60  # how long a start may take on a busy machine, also without any bytecode


def is_setting(name: str) -> bool:
    """Whether the variable would change the settings of the tested server."""
    return name.startswith("SHORTY_")


def list_settings(folder: Path) -> dict[str, str]:
    """The settings of each tested server, unless its test changes them."""
    settings = {"SHORTY_SERVER__PORT": "0"}
    if (databases := find_databases()) is None:
        return {**settings, "SHORTY_STORAGE__DATABASE": str(folder / "shorty.db")}
    return {
        **settings,
        "SHORTY_STORAGE__DATABASE": databases.find_for(folder),
        "SHORTY_STORAGE__FOLDER": str(folder),
    }


class Process(Protocol):
    """What tests use of a `subprocess.Popen`."""

    @property
    def pid(self) -> int: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def poll(self) -> int | None: ...

    def send_signal(self, number: int, /) -> None: ...


class Service:
    """In its own process group, so that a test may signal all of it like a terminal."""

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        within: Sequence[str] = (),
        /,
        **settings: str | None,
    ) -> None:
        """`within` is the start of a command that runs the rest of it somewhere else."""
        environment: dict[str, str | None] = {
            **{name: value for name, value in os.environ.items() if not is_setting(name)},
            "PYTHONPATH": str(Path(__file__).parents[1]),
            **list_settings(folder),
            **settings,
        }
        self.folder = folder
        self.process, stdout, stderr = self._launch(
            [*within, sys.executable, *command],
            {name: value for name, value in environment.items() if value is not None},
        )
        self.stdout = Output(stdout)
        self.stderr = Output(stderr)
        self.url = ""

    def _launch(
        self, command: Sequence[str], environment: dict[str, str]
    ) -> tuple[Process, IO[str], IO[str]]:
        """The process, what it prints and its errors."""
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert process.stdout
        assert process.stderr
        return process, process.stdout, process.stderr

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE_S)
        self.stdout.read_all()
        self.stderr.read_all()

    def wait_until_ready(self, patience_s: float = START_S) -> Self:
        try:
            self.url = self.stdout.wait_for(READY, patience_s).removeprefix(READY)
        except BaseException:
            self.__exit__()
            raise
        return self

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or 0

    def get(self, path: str) -> str:
        client = http.client.HTTPConnection(*self.address, timeout=PATIENCE_S)
        try:
            client.request("GET", path)
            return client.getresponse().read().decode()
        finally:
            client.close()

    def connect(self, sent: bytes = b"") -> socket.socket:
        client = socket.create_connection(self.address, timeout=PATIENCE_S)
        client.sendall(sent)
        return client

    def send_signal(self, number: int) -> None:
        self.process.send_signal(number)

    def send_signal_to_all(self, number: int) -> None:
        os.killpg(self.process.pid, number)

    def wait_for_end(self, timeout_s: float = PATIENCE_S) -> int:
        return self.process.wait(timeout_s)

    def stop(self) -> int:
        self.send_signal(signal.SIGTERM)
        return self.wait_for_end()
