"""Stores the clicks of a journal whose own process does not run any more.

A process that starts again replays its own journal. That of a worker or of a machine that never
comes back is stored here, by another process on the same database.
"""

import asyncio
from pathlib import Path
from typing import NamedTuple

from shorty.clicks.journal import Journal
from shorty.clicks.recorder import Recorder
from shorty.clicks.store import forget_journal, take_journal
from shorty.errors import NotFoundError
from shorty.storage.database import Database, Lane
from shorty.webhooks.outbox import Outbox


class LeftJournal(NamedTuple):
    """The name of the node that left it, and how many of its visits were stored now."""

    node: str
    visits: int


async def store_left_journal(
    db: Database, folder: Path, outbox: Outbox | None = None
) -> LeftJournal:
    """Stores what the journal in `folder` contains, exactly once, and removes it.

    The caller has locked the files of the node that wrote it. Raises NotFoundError where there is
    no journal, ConflictError if it belongs to another database, StorageUnavailableError, and
    OSError if the disk fails; after the last two, another try stores the rest.
    """
    journal = Journal(folder)
    owner = await asyncio.to_thread(journal.find_owner)
    if owner is None:
        raise NotFoundError("click journal")
    node, state = await db.write(lambda tx: take_journal(tx, owner), Lane.CLICKS)
    visits = await Recorder(db, outbox=outbox, journal=journal).store_left(state)
    await db.write(lambda tx: forget_journal(tx, owner.journal_id), Lane.CLICKS)
    return LeftJournal(node, visits)
