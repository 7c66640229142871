"""`shorty restore`: replaces the database with a backup and keeps the former one."""

from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import rich_click as click

from shorty.cli.backup import show_progress
from shorty.cli.backup_checks import (
    list_backup_faults,
    list_refused_destinations,
    list_url_faults,
)
from shorty.cli.files import open_private
from shorty.cli.options import config_option, read_config
from shorty.clicks.journal import Journal
from shorty.config import StorageConfig
from shorty.databases import load_postgres
from shorty.errors import StartError
from shorty.links.checks import LinkRules, read_link_rules
from shorty.serve import lock_database
from shorty.sqlite.connections import connect_outside
from shorty.sqlite.copies import copy_backup, open_backup, replace_database
from shorty.sqlite.inspection import SqliteColumns
from shorty.sqlite.migrations import require_plain_file
from shorty.storage.findings import StoredColumns
from shorty.storage.text import limit_findings


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@config_option
def command(*, file: Path) -> None:
    """Replace the database with the backup FILE. Stop the server first.

    The file is checked before anything changes. The former database is kept next to it, as are
    clicks not yet stored in it.
    """
    config = read_config()
    if config.storage.is_postgres:
        fill_server(config.storage, file, read_link_rules(config))
        return
    rules = read_link_rules(config)
    with open_backup(file) as backup:
        restore(backup, file, config.storage, rules)


def fill_server(storage: StorageConfig, file: Path, rules: LinkRules) -> None:
    """Raises StartError."""
    refused: list[str] = []

    def judge(columns: StoredColumns) -> list[str]:
        faults = limit_findings(list_url_faults(columns))
        if not faults:
            refused.extend(limit_findings(list_refused_destinations(columns, rules)))
        return faults

    engine = load_postgres()
    require_plain_file(file.stat().st_mode, file)  # opening a device may have effects
    with lock_database(storage.lock), file.open("rb") as backup:
        with show_progress("Restoring the database") as on_progress:
            engine.restore_dump(storage, backup, judge, on_progress)
        journal = set_journal_aside(storage)
    click.echo(f"{file} is now the content of the database.", err=True)
    tell_journal(journal)
    tell_refused(refused)


def restore(backup: BinaryIO, file: Path, storage: StorageConfig, rules: LinkRules) -> None:
    database = storage.path
    database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with lock_database(database):
        copy = database.with_name(f"{database.name}.restored")
        try:
            copy_backup(backup, open_private(copy), file)
            require_backup(copy, file)
            refused = list_refused(copy, rules)
            journal = set_journal_aside(storage)
            kept = replace_database(database, copy)
        finally:
            copy.unlink(missing_ok=True)
    click.echo(f"{file} is now the database {database}.", err=True)
    if kept is not None:
        click.echo(f"The former database is kept as {kept}.", err=True)
    tell_journal(journal)
    tell_refused(refused)


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
        return limit_findings(list_refused_destinations(SqliteColumns(connection), rules))


def tell_journal(journal: Path | None) -> None:
    if journal is not None:
        click.echo(f"Unstored clicks of the former database are kept in {journal}.", err=True)


def tell_refused(refused: list[str]) -> None:
    if refused:
        click.echo("Restored, although new links could not use these destinations:", err=True)
    for clause in refused:
        click.echo(f"- {clause}", err=True)


def set_journal_aside(storage: StorageConfig) -> Path | None:
    """Where the former database's unstored clicks are now; None if there are none."""
    journal = Journal(storage.place("journal"))
    if not journal.folder.exists():
        return None
    if journal.holds_records():
        return journal.set_aside()
    journal.remove()
    return None
