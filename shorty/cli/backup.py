"""`shorty backup`: copies the whole database while the server runs."""

import os
from pathlib import Path

import rich_click as click
from rich.console import Console
from rich.progress import Progress

from shorty.cli.files import name_unfinished, open_private, require_free
from shorty.cli.options import config_option, read_config
from shorty.errors import StartError
from shorty.storage.copies import copy_database, sync_folder


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Replace an existing file.")
@config_option
def command(*, file: Path, force: bool) -> None:
    """Copy the whole database to FILE, as it is at one moment.

    The server can keep running. FILE contains everything, so protect it like the database. Use
    `shorty restore` to restore it.
    """
    database = read_config().storage.database
    if not database.exists():
        raise StartError(f"The database {database} does not exist, so there is nothing to copy.")
    require_free(file, may_replace=force)
    if file.exists() and file.samefile(database):
        raise StartError(f"{file} is the database itself; name another file.")
    unfinished = name_unfinished(file)
    os.close(open_private(unfinished))
    try:
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("Copying the database", total=None)
            copy_database(
                database,
                unfinished,
                lambda done, total: progress.update(task, completed=done, total=total),
            )
        unfinished.replace(file)
        sync_folder(file.absolute().parent)
    finally:
        unfinished.unlink(missing_ok=True)
    click.echo(f"Copied {database} to {file} ({file.stat().st_size:,} bytes).", err=True)
