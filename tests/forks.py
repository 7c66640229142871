"""Servers that are forked from a process which has imported shorty: that is most of each start.

A test of what a new interpreter does takes `Service` itself.
"""

import atexit
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Final

import msgspec

from tests.fork_server import Order
from tests.service import Process, Service

ROOT: Final = Path(__file__).parents[1]


class ForkedService(Service):
    """Runs `-m MODULE` and its arguments."""

    def _launch(
        self, command: Sequence[str], environment: dict[str, str]
    ) -> tuple[Process, IO[str], IO[str]]:
        _, option, module, *arguments = command
        assert option == "-m", "only a module is run"
        order = Order(
            module=module,
            arguments=arguments,
            folder=str(self.folder),
            environment=environment,
        )
        out, stdout = os.pipe()
        err, stderr = os.pipe()
        ours, theirs = make_channel()
        with Path(os.devnull).open() as nothing, theirs:
            files = [nothing.fileno(), stdout, stderr, theirs.fileno()]
            socket.send_fds(find_server(), [msgspec.json.encode(order)], files)
        os.close(stdout)
        os.close(stderr)
        return ForkedProcess(ours), os.fdopen(out), os.fdopen(err)


class ForkedProcess:
    """No child of this process. Its end is reported on the channel, after its id."""

    def __init__(self, channel: socket.socket) -> None:
        self.returncode: int | None = None
        self._channel = channel
        self.pid = self._hear()

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            self._channel.settimeout(timeout)
            self.returncode = self._hear()
            self._channel.close()
        return self.returncode

    def poll(self) -> int | None:
        if self.returncode is None:
            try:
                os.kill(self.pid, 0)
            except ProcessLookupError:
                return self.wait()
        return self.returncode

    def send_signal(self, number: int, /) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def _hear(self) -> int:
        report = self._channel.recv(20)
        assert report, "the process that forks servers has ended"
        return int(report)


def make_channel() -> tuple[socket.socket, socket.socket]:
    """Each message arrives whole, by itself."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


@cache
def find_server() -> socket.socket:
    """Started once per process, and ends with it."""
    ours, theirs = make_channel()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.fork_server", str(theirs.fileno())],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours
