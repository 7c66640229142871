"""`shorty import`: links from other products and from shorty, with progress on stderr."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final, get_args

import rich_click as click
from click.exceptions import Exit

from shorty.cli.files import write_file
from shorty.cli.link import user_option
from shorty.cli.link_context import open_context
from shorty.cli.options import config_option
from shorty.cli.session import Session, with_database
from shorty.cli.tables import count
from shorty.cli.terminal import show_progress
from shorty.transfer.columns import read_field
from shorty.transfer.encodings import read_encoding
from shorty.transfer.files import Hints
from shorty.transfer.imports import import_file
from shorty.transfer.model import ImportOptions, OnConflict, SourceName
from shorty.transfer.progress import Report, Transfer, TransferProgress, list_tally

SHOWN_PROBLEMS: Final = 20


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--from",
    "source",
    type=click.Choice(get_args(SourceName)),
    required=True,
    help="The product that wrote the file.",
)
@click.option("--domain", metavar="HOST", help="Put all links on this domain.")
@click.option(
    "--on-conflict",
    type=click.Choice(get_args(OnConflict)),
    default="skip",
    show_default=True,
    help="If a slug is taken: skip, rename, or stop.",
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    callback=lambda _ctx, _param, texts: tuple(map(parse_column, texts)),
    metavar="FIELD=NAME",
    help="What a column of a table is, such as slug=short_id; can be repeated.",
)
@click.option(
    "--new-slugs",
    is_flag=True,
    help="Accept a table without slugs; every link gets a new one.",
)
@click.option(
    "--encoding",
    callback=lambda _ctx, _param, text: None if text is None else parse_encoding(text),
    metavar="NAME",
    help="The file's encoding if it is not UTF-8 or UTF-16, such as cp1252.",
)
@click.option(
    "--dry-run", "is_dry_run", is_flag=True, help="Show what would happen; import nothing."
)
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="CSV of every row not imported cleanly.",
)
@user_option
@config_option
@with_database
async def command(
    session: Session,
    *,
    file: Path,
    source: SourceName,
    domain: str | None,
    on_conflict: OnConflict,
    columns: tuple[tuple[str, str], ...],
    new_slugs: bool,
    encoding: str | None,
    is_dry_run: bool,
    report: Path | None,
    user: str | None,
) -> None:
    """Import links from FILE, which another product or `shorty export` wrote.

    Links that an earlier import created are not imported twice. The server can keep running. The
    exit code is 0 only if every row came in as it was meant.
    """
    ctx = await open_context(session, user)
    options = ImportOptions(
        domain=domain,
        on_conflict=on_conflict,
        is_dry_run=is_dry_run,
        hints=Hints(columns=columns, new_slugs=new_slugs, encoding=encoding),
    )
    with ExitStack() as stack:
        reporter = report and Report(stack.enter_context(write_file(report, may_replace=True)))
        on_change = stack.enter_context(show_progress("Importing"))
        progress = TransferProgress(
            on_change=on_change, on_problem=reporter.add if reporter else None
        )
        await import_file(ctx.links, ctx.actor, source, file, options, session.now, progress)
    result = progress.describe()
    print_problems(result, report)
    for line in describe_import(result, is_dry_run=is_dry_run):
        click.echo(line)
    if result.error is not None:
        click.echo(result.error, err=True)
    if not result.is_clean:
        raise Exit(1)


def parse_column(text: str) -> tuple[str, str]:
    try:
        return read_field(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} {error}.") from error


def parse_encoding(text: str) -> str:
    try:
        return read_encoding(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} {error}.") from error


def print_problems(result: Transfer, report: Path | None) -> None:
    for problem in result.problems[:SHOWN_PROBLEMS]:
        parts = (problem.place, problem.subject, problem.message)
        click.echo(": ".join(filter(None, parts)), err=True)
    more = result.problem_count - SHOWN_PROBLEMS
    if more > 0:
        where = f"{report} has them all" if report else "--report FILE writes them all"
        click.echo(f"… and {more:,} more: {where}.", err=True)


def describe_import(result: Transfer, *, is_dry_run: bool) -> Iterator[str]:
    """The tally: links, those that came in switched off and why, remarks by kind."""
    would = "would be " if is_dry_run else ""
    parts = [
        f"{count(result.created, 'link')} {would}imported",
        f"{result.there:,} existed already",
    ]
    parts += [f"{result.skipped:,} skipped", f"{result.failed:,} failed"]
    if result.clicks:
        parts.append(count(result.clicks, "click"))
    yield ", ".join(parts) + "."
    if result.switched_off:
        yield f"Links {would}switched off: {list_tally(result.switched_off)}."
    if result.remarks:
        yield f"Remarks: {list_tally(result.remarks)}."
