"""`shorty analytics`: shows a workspace's clicks, and recalculates their totals."""

from contextlib import suppress
from typing import Any

import rich_click as click
from rich.console import Console
from rich.progress import track

from shorty.cli.link import find_tag_id, user_option
from shorty.cli.link_context import open_context
from shorty.cli.numbers import numbers_options, print_numbers, read_numbers, read_wanted
from shorty.cli.options import config_option
from shorty.cli.session import Session, with_database
from shorty.clicks.rebuild import list_days, rebuild_day
from shorty.clicks.recounts import TakenOverError
from shorty.clicks.stats_store import Scope
from shorty.errors import NotFoundError


@click.group("analytics")
def command() -> None:
    """Analytics: show clicks, recalculate their totals."""


@command.command("show")
@click.option("--domain", metavar="HOST", help="Only clicks by this domain.")
@click.option("--tag", metavar="NAME", help="Only clicks on links with this tag.")
@numbers_options
@user_option
@config_option
@with_database
async def show(
    session: Session, *, domain: str | None, tag: str | None, user: str | None, **options: Any
) -> None:
    """Show the clicks of a workspace: totals, over time, and the top of each breakdown."""
    wanted = read_wanted(session.now, **options)
    ctx = await open_context(session, user)
    of_what: dict[str, str] = {}
    domain_id = tag_id = None
    if domain is not None:
        found = ctx.links.find_domain(ctx.actor.workspace_id, domain)
        if found is None:
            raise NotFoundError("domain", domain)
        domain_id, of_what["domain"] = found.id, found.host
    if tag is not None:
        tag_id, of_what["tag"] = await find_tag_id(ctx, tag), tag
    scope = Scope(workspace_id=ctx.actor.workspace_id, domain_id=domain_id, tag_id=tag_id)
    print_numbers(await read_numbers(session.db, scope, wanted), wanted, of_what)


@command.command("rebuild")
@config_option
@with_database
async def rebuild(session: Session) -> None:
    """Recalculate the totals from single clicks and correct those that differ.

    Days whose clicks have already been deleted under the plan's retention stay unchanged. The
    server can keep running; correct totals are not touched.
    """
    days = await list_days(session.db)
    corrected = 0
    for day in track(days, description="Recalculating clicks", console=Console(stderr=True)):
        corrected += await _rebuild_day(session, day)
    click.echo(f"Days recalculated: {len(days)}. Totals corrected: {corrected}.")


async def _rebuild_day(session: Session, day: int) -> int:
    """Until nobody else begins meanwhile, as the server seldom does."""
    while True:
        with suppress(TakenOverError):
            return await rebuild_day(session.db, day)
