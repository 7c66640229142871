"""How the tests of the process start one, and what they see of it."""

import os
import select
import socket
from pathlib import Path

import msgspec

from shorty.serve import Patience
from tests.service import PATIENCE_S, Service

PATIENCE = Patience()
GET = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"


def run(
    folder: Path, app: str = "App", patience: Patience = PATIENCE, /, **settings: str | None
) -> Service:
    words = ["-m", "tests.serve.small_app", app, msgspec.json.encode(patience).decode()]
    return Service(words, folder, **settings)


def run_until_ready(
    folder: Path, app: str = "App", patience: Patience = PATIENCE, /, **settings: str | None
) -> Service:
    return run(folder, app, patience, **settings).wait_until_ready()


def open_stream(service: Service) -> socket.socket:
    client = service.connect(GET % b"/stream")
    seen = b""
    while not seen.endswith(b"open\n\r\n"):
        seen += client.recv(1000)
    return client


def read_log(folder: Path) -> list[str]:
    """What the workers did, without their process ids."""
    return [line.split()[0] for line in (folder / "shorty.log").read_text("ascii").splitlines()]


def wait_until_gone(pid: int) -> None:
    """Waits on the kernel's own event for a process that is not a child of this one."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended, _, _ = select.select([descriptor], [], [], PATIENCE_S)
    os.close(descriptor)
    assert ended, f"process {pid} is still there"
