"""`shorty restore`: replaces the database with a backup and keeps the former one."""

from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import rich_click as click

from shorty.cli.files import open_private
from shorty.cli.options import config_option, read_config
from shorty.clicks.journal import Journal
from shorty.errors import StartError
from shorty.links.rules import LinkRules, read_link_rules
from shorty.serve import lock_database
from shorty.storage.connections import connect_outside
from shorty.storage.copies import copy_backup, open_backup, replace_database
from shorty.storage.inspection import limit_findings
from shorty.transfer.backups import list_backup_faults, list_refused_destinations


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@config_option
def command(*, file: Path) -> None:
    """Replace the database with the backup FILE. Stop the server first.

    The file is checked before anything changes. The former database is kept next to it, as are
    clicks not yet stored in it.
    """
    config = read_config()
    rules = read_link_rules(config)
    with open_backup(file) as backup:
        restore(backup, file, config.storage.database, rules)


def restore(backup: BinaryIO, file: Path, database: Path, rules: LinkRules) -> None:
    database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with lock_database(database):
        copy = database.with_name(f"{database.name}.restored")
        try:
            copy_backup(backup, open_private(copy), file)
            require_backup(copy, file)
            refused = list_refused(copy, rules)
            journal = set_journal_aside(database)
            kept = replace_database(database, copy)
        finally:
            copy.unlink(missing_ok=True)
    click.echo(f"{file} is now the database {database}.", err=True)
    if kept is not None:
        click.echo(f"The former database is kept as {kept}.", err=True)
    if journal is not None:
        click.echo(f"Its unstored clicks are kept in {journal}.", err=True)
    if refused:
        click.echo("Restored, although new links could not use these destinations:", err=True)
    for clause in refused:
        click.echo(f"- {clause}", err=True)


def require_backup(copy: Path, file: Path) -> None:
    """Raises StartError listing what is wrong with the copy, one line per finding."""
    with closing(connect_outside(copy)) as connection:
        faults = limit_findings(list_backup_faults(connection))
    if faults:
        lines = "".join(f"- {fault}\n" for fault in faults)
        raise StartError(
            f"{file} was not restored, and nothing was changed:\n{lines}Restore another backup, "
            "or undo this in a copy of the file."
        )


def list_refused(copy: Path, rules: LinkRules) -> list[str]:
    with closing(connect_outside(copy)) as connection:
        return limit_findings(list_refused_destinations(connection, rules))


def set_journal_aside(database: Path) -> Path | None:
    """Where the former database's unstored clicks are now; None if there are none."""
    journal = Journal(database.with_name(f"{database.name}.journal"))
    if not journal.folder.exists():
        return None
    if journal.holds_records():
        return journal.set_aside()
    journal.remove()
    return None
