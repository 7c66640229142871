"""`shorty analytics`: recount what the sums of clicks are made of."""

import rich_click as click
from rich.console import Console
from rich.progress import track

from shorty.cli.options import config_option
from shorty.cli.session import Session, with_database
from shorty.clicks.rebuild import list_days, rebuild_day


@click.group("analytics")
def command() -> None:
    """What is known of clicks: recount it."""


@command.command("rebuild")
@config_option
@with_database
async def rebuild(session: Session) -> None:
    """Recount the sums from single clicks, and correct what differs.

    Days of which clicks have been removed already, as the plan says, are left as they are. It
    works while the server runs, and changes nothing where nothing is wrong.
    """
    days = await list_days(session.db)
    corrected = 0
    for day in track(days, description="Recounting clicks", console=Console(stderr=True)):
        corrected += await rebuild_day(session.db, day)
    click.echo(f"Days recounted: {len(days)}. Sums that were wrong and are corrected: {corrected}.")
