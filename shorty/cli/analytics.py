"""`shorty analytics`: recalculates the precomputed totals of clicks."""

import rich_click as click
from rich.console import Console
from rich.progress import track

from shorty.cli.options import config_option
from shorty.cli.session import Session, with_database
from shorty.clicks.rebuild import list_days, rebuild_day


@click.group("analytics")
def command() -> None:
    """Recalculate click statistics."""


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
        corrected += await rebuild_day(session.db, day)
    click.echo(f"Days recalculated: {len(days)}. Totals corrected: {corrected}.")
