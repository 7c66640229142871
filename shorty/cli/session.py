"""One command's database, opened before the command and closed after it."""

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

import msgspec
import rich_click as click
import structlog

from shorty.cli.options import read_config
from shorty.config import Config
from shorty.errors import StartError
from shorty.serve import lock_database
from shorty.storage.database import Database
from shorty.storage.migrations import prepare_database
from shorty.storage.upgrades import is_outdated, upgrade_database

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


def upgrade_alone(path: Path, now: int) -> None:
    """Not while a server that knows only the old schema is running. Raises StartError."""
    try:
        with lock_database(path):
            upgrade_database(path, now)
    except StartError as error:
        raise StartError(
            f"The database {path} is from an older version and must be upgraded first. {error}"
        ) from error


async def run_in_session(work: Callable[[Session], Coroutine[Any, Any, None]]) -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    config = read_config()
    path = config.storage.database
    is_new = not path.exists()
    now = time.time_ns() // 1_000_000
    if is_outdated(path):
        upgrade_alone(path, now)
    else:
        prepare_database(path, now)
    if is_new:
        click.echo(f"Created the database {path}.", err=True)
    db = await Database.open(path)
    try:
        await work(Session(config=config, db=db, now=now))
    finally:
        await db.close()
