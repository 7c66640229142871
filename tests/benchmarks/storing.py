"""`python -m tests.benchmarks.storing URL`: a node that stores one batch of clicks after another.

It has always clicks waiting, on the links that exist, until SIGTERM; then it prints how many it
stored. Half of them are a link's first click of that visitor.
"""

import asyncio
import signal
import sys
from functools import partial
from itertools import count, cycle
from pathlib import Path
from time import monotonic, time
from typing import Final

import click

from shorty.clicks.journal import Position
from shorty.clicks.model import PERSON, Visit, encode_visit
from shorty.clicks.store import begin_journal, store_batch
from shorty.clicks.waiting import Batch
from shorty.postgres.database import PostgresDatabase
from shorty.storage.database import Lane
from tests.benchmarks.load import BROWSERS

READY: Final = "Stores"
BATCH: Final = 5000
LIST_LINKS: Final = "select id from links order by id limit 1000"


async def store(url: str) -> None:
    db = PostgresDatabase(url, "storing", Path())
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    links = cycle([row["id"] for row in await db.find_all(LIST_LINKS)])
    begin = partial(begin_journal, journal_id="storing", node=db.node, start=Position(1, 8))
    await db.write(begin, Lane.CLICKS)
    click.echo(f"{READY} clicks.")
    began, stored = monotonic(), 0
    for number in count(1):
        batch = Batch(0, [make_visit(next(links), number, each) for each in range(BATCH)], 0)
        batch.number = number
        await db.write(partial(store_batch, journal_id="storing", batch=batch), Lane.CLICKS)
        stored += BATCH
        if stopping.is_set():
            break
    await db.close()
    click.echo(f"{stored / (monotonic() - began):,.0f} clicks/s")


def make_visit(link_id: int, batch: int, number: int) -> bytes:
    visitor = (batch // 2) * BATCH + number + 1
    visit = Visit(
        at=int(time() * 1000),
        link_id=link_id,
        visitor=visitor,
        kind=PERSON,
        user_agent=BROWSERS[number % len(BROWSERS)],
    )
    return encode_visit(visit)


if __name__ == "__main__":
    asyncio.run(store(sys.argv[1]))
