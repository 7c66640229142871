"""`shorty adopt`: takes over the click journal of a node that never comes back."""

from pathlib import Path

import rich_click as click
from msgspec.structs import replace

from shorty.cli.options import config_option
from shorty.cli.session import Session, with_database
from shorty.cli.tables import count
from shorty.clicks.adopting import store_left_journal
from shorty.clicks.journal import Journal
from shorty.errors import StartError
from shorty.links.rule_destinations import list_destinations
from shorty.nodes import remove_node, require_silent_node
from shorty.serve import lock_database
from shorty.storage.database import Lane
from shorty.webhooks.outbox import Outbox


@click.command("adopt")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@config_option
@with_database
async def command(session: Session, *, folder: Path) -> None:
    """Store the clicks in the FOLDER of a node that never comes back, and forget the node.

    FOLDER is its `[storage] folder`, such as one that was copied from its disk; of several workers
    each has one of its own. The servers can keep running. Clicks that the node has already stored
    are not counted again.
    """
    storage = session.config.storage
    if not storage.is_postgres:
        raise StartError(
            "Only servers on PostgreSQL have nodes: on SQLite the server stores its journal when "
            "it starts."
        )
    left = replace(storage, folder=str(folder))
    with lock_database(left.lock, 0):
        journal = left.place("journal")
        owner = Journal(journal).find_owner()
        if owner is not None:
            await session.db.read(
                lambda rows: require_silent_node(rows, owner.journal_id, session.now)
            )
        outbox = Outbox(session.config.plans, list_destinations)
        found = await store_left_journal(session.db, journal, outbox)
        await session.db.write(lambda tx: remove_node(tx, found.node), Lane.CLICKS)
    click.echo(f"Stored {count(found.visits, 'visit')} of the node {found.node}.")
