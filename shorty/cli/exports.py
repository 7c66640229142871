"""`shorty export`: all links of a workspace, as they are at one moment."""

import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import BinaryIO, Final, get_args

import rich_click as click

from shorty.cli.files import write_file
from shorty.cli.link import user_option
from shorty.cli.link_context import open_context
from shorty.cli.options import config_option
from shorty.cli.session import Session, with_database
from shorty.cli.tables import count
from shorty.cli.terminal import show_progress
from shorty.transfer.exports import ExportFormat, export_lines, export_table
from shorty.transfer.progress import Transfer, TransferProgress

TABLE_ENDINGS: Final = frozenset({".csv", ".txt"})


@click.command("export")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--clicks", "has_clicks", is_flag=True, help="Include every single click.")
@click.option(
    "--format",
    "file_format",
    type=click.Choice(get_args(ExportFormat)),
    help="A table, or one JSON object per line. Default: by the file's extension.",
)
@click.option("--force", is_flag=True, help="Replace an existing file.")
@user_option
@config_option
@with_database
async def command(
    session: Session,
    *,
    file: Path,
    has_clicks: bool,
    file_format: ExportFormat | None,
    force: bool,
    user: str | None,
) -> None:
    """Export all links to FILE, as they are at one moment; `-` is standard output.

    A table (.csv) is for spreadsheets and other products. Any other file gets our own format, one
    JSON object per line, from which `shorty import` creates the same links and bio pages.
    """
    chosen = file_format or choose_format(file)
    if has_clicks and chosen == "csv":
        raise click.UsageError(
            "A table of links has no room for single clicks; use --format ndjson."
        )
    ctx = await open_context(session, user)
    async with AsyncExitStack() as stack:
        output = open_output(stack, file, may_replace=force)
        progress = TransferProgress(on_change=stack.enter_context(show_progress("Exporting")))
        snapshot = await stack.enter_async_context(session.db.open_snapshot())
        workspace_id = ctx.actor.workspace_id
        parts = (
            export_table(snapshot, workspace_id, progress)
            if chosen == "csv"
            else export_lines(snapshot, workspace_id, session.now, progress, has_clicks=has_clicks)
        )
        async for part in parts:
            output.write(part)
    click.echo(describe_export(progress.describe()), err=True)


def choose_format(file: Path) -> ExportFormat:
    return "csv" if file.suffix.lower() in TABLE_ENDINGS else "ndjson"


def open_output(stack: AsyncExitStack, file: Path, *, may_replace: bool) -> BinaryIO:
    if str(file) == "-":
        return sys.stdout.buffer
    return stack.enter_context(write_file(file, may_replace=may_replace))


def describe_export(result: Transfer) -> str:
    clicks = f" and {count(result.clicks, 'click')}" if result.clicks else ""
    return f"Exported {count(result.created, 'link')}{clicks}."
