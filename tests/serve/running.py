"""How the tests of the process start one, and observe it."""

import asyncio
import os
import select
import shutil
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import msgspec

from shorty.accounts.model import NewToken
from shorty.accounts.service import add_user
from shorty.accounts.tokens import create_token_for
from shorty.config import Config
from shorty.serve import Patience
from shorty.storage.database import Database, Transaction
from tests.service import PATIENCE_S, Service
from tests.support import make_folder, prepare_copy

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
    """Waits on a kernel event for a process that is not a child of this one."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended, _, _ = select.select([descriptor], [], [], PATIENCE_S)
    os.close(descriptor)
    assert ended, f"process {pid} is still there"


def make_database(folder: Path) -> str:
    """Leaves a token like `shorty token create` before the server starts; returns the token."""
    template, token = _find_template()
    shutil.copy(template, folder / "shorty.db")
    return token


@cache
def _find_template() -> tuple[Path, str]:
    """Created once per process, in a thread, because a test may have a running loop."""
    path = prepare_copy(make_folder())
    with ThreadPoolExecutor(1) as thread:
        return path, thread.submit(asyncio.run, _add_owner(path)).result()


async def _add_owner(path: Path) -> str:
    now = time.time_ns() // 1_000_000

    def work(tx: Transaction) -> str:
        home = add_user(tx, Config(), "ann@a.example", now)
        return create_token_for(
            tx, home.workspace.id, home.user.id, NewToken(scope="admin"), now
        ).text

    db = await Database.open(path)
    token = await db.write(work)
    await db.close()
    return token
