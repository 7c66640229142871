"""Clicks that workers left who run no longer: there are fewer of them now, or one instead of some.

A worker stores its clicks when it stops, so that a journal stays behind only after a crash. While
there is a worker of the same number, it replays it. The first worker stores all others.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import structlog
from msgspec.structs import replace

from shorty.clicks.journal import Journal
from shorty.config import Config, StorageConfig
from shorty.errors import ShortyError, StorageUnavailableError
from shorty.serve.handshake import Task
from shorty.serve.lock import lock_database

RETRY_S: Final = 5.0

log = structlog.get_logger(__name__)

Store = Callable[[Path], Awaitable[None]]


async def store_left_journals(store: Store, task: Task) -> None:
    """Stores what others left, if this is the first worker; tries until the database takes it."""
    if task.number > 1:
        return
    own = task.settings.storage
    for storage in list_left(task.settings):
        folder = storage.place("journal")
        try:
            with ExitStack() as stack:
                if storage != own:  # which the supervisor has locked
                    stack.enter_context(lock_database(storage.lock, 0))
                await _store(store, folder)
        except (ShortyError, OSError) as error:
            log.warning("journal_not_adopted", folder=str(folder), reason=str(error))
        except Exception:
            log.exception("journal_not_adopted", folder=str(folder))
        else:
            log.info("journal_adopted", folder=str(folder))


async def _store(store: Store, folder: Path) -> None:
    while True:
        try:
            return await store(folder)
        except StorageUnavailableError:
            await asyncio.sleep(RETRY_S)


def list_left(settings: Config) -> Iterator[StorageConfig]:
    """The storage of each worker that left a journal and has no place in these settings."""
    storage, workers = settings.storage, settings.server.workers
    if not storage.is_postgres:
        return
    if workers > 1 and _has_journal(storage):
        yield storage
    least = workers + 1 if workers > 1 else 1
    for folder in sorted(storage.files.iterdir()):
        if folder.name.isdecimal() and int(folder.name) >= least:
            left = replace(storage, folder=str(folder))
            if _has_journal(left):
                yield left


def _has_journal(storage: StorageConfig) -> bool:
    return Journal(storage.place("journal")).find_owner() is not None
