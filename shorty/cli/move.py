"""`shorty move`: copies everything from SQLite to PostgreSQL, or back."""

from contextlib import ExitStack
from pathlib import Path

import rich_click as click
from msgspec.structs import replace
from rich.console import Console
from rich.progress import Progress

from shorty.cli.options import config_option, read_config
from shorty.clicks.journal import Journal
from shorty.clock import read_clock
from shorty.config import StorageConfig
from shorty.databases import open_source, open_target
from shorty.errors import StartError
from shorty.serve import lock_database
from shorty.storage.moving import move


@click.command("move")
@click.option(
    "--to",
    "place",
    required=True,
    metavar="DATABASE",
    help="A postgresql:// URL of an empty database, or the path of a new SQLite file.",
)
@config_option
def command(*, place: str) -> None:
    """Copy everything from the configured database to another engine's. Stop the server first.

    Every row is compared afterwards. The former database stays as it is, and remains the configured
    one until you change `[storage] database`.
    """
    source = read_config().storage
    target = replace(source, database=place)
    require_other_engine(source, target)
    with ExitStack() as opened:
        # Before the first connection, so that what is refused has changed nothing.
        if not source.is_postgres and not source.path.exists():
            raise StartError(f"The database {source.path} does not exist: nothing can be moved.")
        opened.enter_context(lock_database(source.lock))
        if not target.is_postgres:
            opened.enter_context(lock_database(target.path))
        require_stored_clicks(source.place("journal"))
        rows = move_rows(source, target)
    name = "The PostgreSQL database" if target.is_postgres else str(target.path)
    click.echo(f"{name} now contains all {rows:,} rows, and they are equal in both.", err=True)
    click.echo(
        "Set `[storage] database` to it and start the server, which indexes the links for searches "
        "in the background. The former database was not changed.",
        err=True,
    )


def require_other_engine(source: StorageConfig, target: StorageConfig) -> None:
    if source.is_postgres and target.is_postgres:
        raise StartError("Both databases are of PostgreSQL: use pg_dump and pg_restore.")
    if not source.is_postgres and not target.is_postgres:
        raise StartError(
            "Both databases are SQLite files: use `shorty backup`, or move the file itself."
        )


def require_stored_clicks(folder: Path) -> None:
    """The journal belongs to the former database, and nothing would store its clicks in the new."""
    if folder.is_dir() and Journal(folder).holds_records():
        raise StartError(
            f"{folder} contains clicks that are not stored yet: start the server once more, and "
            "stop it without killing it. Nothing was changed."
        )


def move_rows(source: StorageConfig, target: StorageConfig) -> int:
    now = read_clock()
    with (
        open_source(source.direct, is_postgres=source.is_postgres) as rows,
        open_target(target.database, now, is_postgres=target.is_postgres) as empty,
        Progress(console=Console(stderr=True), transient=True) as progress,
    ):
        task = progress.add_task("Counting rows", total=None)
        return move(
            rows,
            empty,
            lambda what, done, total: progress.update(
                task, description=what, completed=done, total=total
            ),
        )
