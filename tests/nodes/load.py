"""Keeps all nodes of a site busy at once: visitors, and programs that change links."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from tests.nodes.client import FOUND, UNAVAILABLE, Client, Door
from tests.nodes.importing import import_files
from tests.nodes.ledger import Entry, Ledger
from tests.nodes.limited import fill_plan, use_up_links
from tests.nodes.programs import create_links, create_many, edit_links
from tests.nodes.shift import Shift
from tests.nodes.site import Site

HOT_LINKS: Final = 12
WITH_WEBHOOK: Final = 3


@asynccontextmanager
async def keep_busy(
    site: Site, doors: Sequence[Door], ledger: Ledger, *, visitors: int, pace_s: float
) -> AsyncGenerator[Shift]:
    """Inside the block all are at work, `visitors` at each door. Each then ends what it began."""
    shift = Shift(site, doors, ledger, pace_s)
    try:
        shift.hot = await create_hot_links(shift)
        async with asyncio.TaskGroup() as tasks:
            for here, there in zip(doors, [*doors[1:], doors[0]], strict=True):
                for _ in range(visitors):
                    tasks.create_task(follow_links(shift, shift.open(here)))
                tasks.create_task(create_links(shift, shift.open(here), shift.open(there)))
                tasks.create_task(edit_links(shift, shift.open(here), shift.open(there)))
                tasks.create_task(create_many(shift, shift.open(here)))
            tasks.create_task(import_files(shift, shift.open(doors[0]), shift.open(doors[-1])))
            tasks.create_task(use_up_links(shift))
            tasks.create_task(fill_plan(shift))
            yield shift
            shift.is_over = True
    finally:
        shift.close()


async def create_hot_links(shift: Shift) -> list[Entry]:
    """Each node has them cached soon; the first ones call a webhook."""
    client = shift.open(shift.doors[0])
    made = [
        await shift.create(client, shift.name("hot"), webhookUrls=shift.site.receiver.url)
        for _ in range(WITH_WEBHOOK)
    ]
    made += [await shift.create(client, shift.name("hot")) for _ in range(HOT_LINKS - len(made))]
    return [each for each in made if each]


async def follow_links(shift: Shift, client: Client) -> None:
    while not shift.is_over:
        entry = shift.random.choice(shift.hot)
        answer = await client.visit(entry)
        if answer is None or answer.status == UNAVAILABLE:
            await shift.pause()
            continue
        if answer.status == FOUND and answer.location in entry.urls:
            shift.note_visit(client)
        else:
            shift.ledger.note_fault(f"{entry.slug}: {answer.describe()}")
        await shift.rest()
