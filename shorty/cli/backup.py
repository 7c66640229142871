"""`shorty backup`: copies the whole database while the server runs."""

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import rich_click as click
from rich.console import Console
from rich.progress import Progress

from shorty.cli.files import name_unfinished, open_private, require_free, write_file
from shorty.cli.options import config_option, read_config
from shorty.config import StorageConfig
from shorty.databases import load_postgres
from shorty.errors import StartError
from shorty.sqlite.copies import copy_database, sync_folder


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Replace an existing file.")
@config_option
def command(*, file: Path, force: bool) -> None:
    """Copy the whole database to FILE, as it is at one moment.

    The server can keep running. FILE contains everything, so protect it like the database. Use
    `shorty restore` to restore it.
    """
    storage = read_config().storage
    if storage.is_postgres:
        size = copy_server(storage, file, may_replace=force)
        click.echo(f"Copied the database to {file} ({size:,} bytes).", err=True)
    else:
        copy_file(storage.path, file, may_replace=force)
        click.echo(f"Copied {storage.path} to {file} ({file.stat().st_size:,} bytes).", err=True)


def copy_server(storage: StorageConfig, file: Path, *, may_replace: bool) -> int:
    """Returns the size of the copy. Raises StartError."""
    engine = load_postgres()
    with show_progress() as on_progress, write_file(file, may_replace=may_replace) as copy:
        engine.dump_database(storage, copy.fileno(), on_progress)
    return file.stat().st_size


def copy_file(database: Path, file: Path, *, may_replace: bool) -> None:
    """Raises StartError and OSError."""
    if not database.exists():
        raise StartError(f"The database {database} does not exist, so there is nothing to copy.")
    require_free(file, may_replace=may_replace)
    if file.exists() and file.samefile(database):
        raise StartError(f"{file} is the database itself; name another file.")
    unfinished = name_unfinished(file)
    os.close(open_private(unfinished))
    try:
        with show_progress() as on_progress:
            copy_database(database, unfinished, on_progress)
        unfinished.replace(file)
        sync_folder(file.absolute().parent)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def show_progress(text: str = "Copying the database") -> Generator[Callable[[int, int], None]]:
    """Yields what is to be called with how much is done and the total."""
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(text, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
