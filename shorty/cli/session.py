"""One command's database, opened before the command and closed after it."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec

import msgspec
import rich_click as click
from msgspec.structs import replace

from shorty.cli.options import read_config
from shorty.clock import read_clock
from shorty.config import Config, StorageConfig
from shorty.databases import open_database, prepare_storage
from shorty.errors import StartError
from shorty.log import configure_log
from shorty.serve import lock_database
from shorty.sqlite.upgrades import is_outdated
from shorty.storage.database import Database

P = ParamSpec("P")


class Session(msgspec.Struct, frozen=True, kw_only=True):
    config: Config
    db: Database
    now: int  # UTC milliseconds: when the command started


def with_database(
    command: Callable[Concatenate[Session, P], Coroutine[Any, Any, None]],
) -> Callable[P, None]:
    """Makes an async command callable for click; the session is its first parameter."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(run_in_session(lambda session: command(session, *args, **kwargs)))

    return run


def prepare_alone(storage: StorageConfig, now: int) -> None:
    """Upgrades an SQLite database, but not beside a server that knows only the old schema.

    Raises StartError.
    """
    path = storage.path
    if storage.is_postgres or not is_outdated(path):
        prepare_storage(storage, now)
        return
    try:
        with lock_database(path):
            prepare_storage(storage, now)
    except StartError as error:
        raise StartError(
            f"The database {path} is from an older version and must be upgraded first. {error}"
        ) from error


async def run_in_session(work: Callable[[Session], Coroutine[Any, Any, None]]) -> None:
    config = read_config()
    # A command says itself what it did.
    configure_log(replace(config.log, level="warning"))
    storage = config.storage
    is_new = not (storage.is_postgres or storage.path.exists())
    now = read_clock()
    prepare_alone(storage, now)
    if is_new:
        click.echo(f"Created the database {storage.path}.", err=True)
    db = await open_database(storage, is_command=True)
    try:
        await work(Session(config=config, db=db, now=now))
    finally:
        await db.close()
