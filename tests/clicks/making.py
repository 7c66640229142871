"""Builds objects for tests of clicks: minimal links, visits to them, recorders."""

import asyncio
import os
import resource
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, MutableMapping
from contextlib import asynccontextmanager, contextmanager
from itertools import islice
from pathlib import Path
from stat import S_ISDIR
from typing import Any

import msgspec
import pytest

from shorty.clicks.loading import load_batch
from shorty.clicks.model import PERSON, Click, Visit
from shorty.clicks.recorder import Recorder
from shorty.storage.database import Database, Transaction

BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36"
)
AT = 1_790_000_000_000
NEVER = 3600.0  # a rest longer than any test, so that recorded visits are not stored

Events = list[MutableMapping[str, Any]]


def list_names(events: Events) -> list[str]:
    return [each["event"] for each in events]


def make_visit(**only_what_matters: Any) -> Visit:
    visit = Visit(at=AT, link_id=1, visitor=7, user_agent=BROWSER)
    return msgspec.structs.replace(visit, **only_what_matters)


def make_person(**only_what_matters: Any) -> Visit:
    return make_visit(kind=PERSON, **only_what_matters)


def insert_links(*ids: int, workspace_id: int = 1) -> Callable[[Transaction], None]:
    def work(tx: Transaction) -> None:
        tx.execute(
            "insert into workspaces values ($1, 'W', 'unlimited', 0) on conflict do nothing",
            workspace_id,
        )
        tx.execute(
            "insert into domains (id, host, scheme, source, created_at)"
            " values (1, 'go.example', 'https', 'config', 0) on conflict do nothing"
        )
        tx.execute_many(
            "insert into links (id, workspace_id, domain_id, slug, slug_key, folded_key,"
            " link_type, original_url, url, url_hash, status, created_at, updated_at)"
            " values ($1, $3, 1, $2, $2, $2, 'URL', 'https://a.example', 'https://a.example/', 0,"
            " 302, 0, 0)",
            [(each, f"slug{each}", workspace_id) for each in ids],
        )
        tx.execute_many(
            "insert into link_counters (link_id, workspace_id) values ($1, $2)",
            [(each, workspace_id) for each in ids],
        )

    return work


@asynccontextmanager
async def run_recorder(db: Database, **settings: Any) -> AsyncGenerator[Recorder]:
    recorder = Recorder(db, **settings)
    await recorder.start()
    try:
        yield recorder
    finally:
        await recorder.stop()


async def wait_until(is_true: Callable[[], bool]) -> None:
    for _ in range(5000):
        if is_true():
            return
        await asyncio.sleep(0.002)
    raise AssertionError("It never came true")


async def load_clicks(db: Database, clicks: Iterable[Click]) -> int:
    """Past clicks, with a transaction for each batch; returns how many were counted."""
    loaded, remaining = 0, iter(clicks)
    while batch := list(islice(remaining, 5000)):
        loaded += await db.write(lambda tx, batch=batch: load_batch(tx, batch))
    return loaded


async def store_all(recorder: Recorder) -> None:
    """Returns once no visit waits to be stored."""
    await wait_until(lambda: not recorder.describe().waiting)


def find_folder(db: Database) -> Path:
    return db.place("journal")


async def count_clicks(db: Database, link_id: int = 1) -> int:
    """The number of stored rows; also checks the link's counters of persons."""
    row = await db.find_one(
        "select count(*) as clicks,"
        " coalesce(sum(case when kind = 1 then 1 else 0 end), 0) as persons from clicks"
        " where link_id = $1",
        link_id,
    )
    counters = await db.find_one("select * from link_counters where link_id = $1", link_id)
    assert row is not None
    assert counters is not None
    assert counters["total"] == row["persons"]
    return row["clicks"]


@contextmanager
def watch_fsync() -> Generator[list[tuple[str, int]]]:
    """Every sync to disk: the file's name and its length then, or -1."""
    synced: list[tuple[str, int]] = []
    fsync = os.fsync

    def note(file: int) -> None:
        found = os.fstat(file)
        fsync(file)
        path = Path(f"/proc/self/fd/{file}").readlink()
        synced.append((path.name, -1 if S_ISDIR(found.st_mode) else found.st_size))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", note)
        yield synced


@contextmanager
def limit_file_size(size: int) -> Generator[None]:
    """Makes the kernel refuse to let a file grow past `size`, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
