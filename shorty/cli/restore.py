"""`shorty restore`: a backup takes the database's place, which is kept beside it."""

from pathlib import Path

import rich_click as click

from shorty.cli.files import open_private
from shorty.cli.options import config_option, read_config
from shorty.clicks.journal import Journal
from shorty.errors import StartError
from shorty.serve import lock_database
from shorty.storage.copies import copy_file, has_log, replace_database, require_backup


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@config_option
def command(*, file: Path) -> None:
    """Put the backup FILE in the database's place. Stop the server first.

    The file is checked before anything is changed. The database that was there is kept beside it,
    and so are clicks that were not stored in it yet.
    """
    database = read_config().storage.database
    database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with lock_database(database):
        if has_log(file):
            raise StartError(
                f"{file} is a database in use, not a copy of one: make that with `shorty backup`."
            )
        copy = database.with_name(f"{database.name}.restored")
        try:
            copy_file(file, open_private(copy))
            require_backup(copy, file)
            journal = set_journal_aside(database)
            kept = replace_database(database, copy)
        finally:
            copy.unlink(missing_ok=True)
    click.echo(f"{file} is the database {database} now.", err=True)
    if kept is not None:
        click.echo(f"The one that was there is kept as {kept}.", err=True)
    if journal is not None:
        click.echo(f"Clicks that it had not stored are kept in {journal}.", err=True)


def set_journal_aside(database: Path) -> Path | None:
    """Where its clicks are now, if it holds any: they are not of the database that comes."""
    journal = Journal(database.with_name(f"{database.name}.journal"))
    if not journal.folder.exists():
        return None
    if journal.holds_records():
        return journal.set_aside()
    journal.remove()
    return None
