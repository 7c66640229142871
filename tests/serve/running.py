"""How the tests of the process start one, and observe it."""

import asyncio
import os
import select
import shutil
import socket
import time
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from shorty.accounts.model import NewToken
from shorty.accounts.service import add_user
from shorty.accounts.tokens import create_token_for
from shorty.config import Config, StorageConfig
from shorty.databases import open_database
from shorty.serve import Patience
from shorty.storage.database import Transaction, Value
from tests.copies import find_databases
from tests.forks import ForkedService
from tests.service import PATIENCE_S, Service
from tests.support import find_storage, make_folder, make_storage, prepare_copy

T = TypeVar("T")
PATIENCE = Patience()
GET = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"


def run(
    folder: Path, app: str = "App", patience: Patience = PATIENCE, /, **settings: str | None
) -> Service:
    words = ["-m", "tests.serve.small_app", app, msgspec.json.encode(patience).decode()]
    return ForkedService(words, folder, **settings)


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
    if find_databases():
        return _run_aside(_add_owner(make_storage(folder)))
    template, token = _find_template()
    shutil.copy(template, folder / "shorty.db")
    return token


@cache
def _find_template() -> tuple[Path, str]:
    """Created once per process."""
    path = prepare_copy(make_folder())
    return path, _run_aside(_add_owner(StorageConfig(database=str(path))))


def _run_aside(work: Coroutine[None, None, T]) -> T:
    """In a thread, because a test may have a running loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def change(folder: Path, sql: str, rows: Sequence[Sequence[Value]] = ((),)) -> None:
    """Runs a statement with each row of parameters, on the database of the folder's server."""

    async def run() -> None:
        db = await open_database(find_storage(folder), is_command=True)
        await db.write(lambda tx: tx.execute_many(sql, rows))
        await db.close()

    _run_aside(run())


def ask(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    """The rows of a select from that database."""

    async def run() -> list[tuple[Any, ...]]:
        db = await open_database(find_storage(folder), is_command=True)
        rows = [tuple(row) for row in await db.find_all(sql)]
        await db.close()
        return rows

    return _run_aside(run())


async def _add_owner(storage: StorageConfig) -> str:
    now = time.time_ns() // 1_000_000

    def work(tx: Transaction) -> str:
        home = add_user(tx, Config(), "ann@a.example", now)
        return create_token_for(
            tx, home.workspace.id, home.user.id, NewToken(scope="admin"), now
        ).text

    db = await open_database(storage)
    token = await db.write(work)
    await db.close()
    return token
