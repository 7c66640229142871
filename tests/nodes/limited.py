"""Visitors who use up links, and programs that fill a plan, at all nodes at once."""

import asyncio
from time import monotonic
from typing import Final

from tests.nodes.client import CREATED, FOUND, GONE, NOT_FOUND, UNAVAILABLE, Client, read_link
from tests.nodes.ledger import Entry
from tests.nodes.shift import Shift
from tests.nodes.site import HOST, SMALL_PLAN_LINKS

LIMIT: Final = 25
VISITORS: Final = 4  # at each door
PROGRAMS: Final = 2
QUOTA: Final = "quota-exceeded"


async def use_up_links(shift: Shift) -> None:
    doors = shift.doors
    clients = [shift.open(door) for door in doors for _ in range(VISITORS)]
    while not shift.is_over:
        began = monotonic()
        entry = await shift.create(clients[0], shift.name("limited"), maxClicks=LIMIT)
        if entry is None:
            continue
        await asyncio.gather(*(visit_until_used_up(shift, each, entry) for each in clients))
        is_calm = all(door.is_calm_since(began) for door in doors)
        if entry.answered > LIMIT or (is_calm and entry.answered < LIMIT):
            shift.ledger.note_fault(f"{entry.slug}: {entry.answered} visits of {LIMIT} passed")
        shift.ledger.counts["used up" if is_calm else "used up during a fault"] += 1


async def visit_until_used_up(shift: Shift, client: Client, entry: Entry) -> None:
    while True:
        answer = await client.visit(entry)
        if answer is None or answer.status in {NOT_FOUND, UNAVAILABLE}:
            await shift.pause()
        elif answer.status == FOUND:
            await shift.rest()
        else:
            if answer.status != GONE:
                shift.ledger.note_fault(f"{entry.slug}: {answer.describe()}")
            return


async def fill_plan(shift: Shift) -> None:
    """Until it is full; then half of it is deleted."""
    clients = [shift.open(door) for door in shift.doors for _ in range(PROGRAMS)]
    ledger = shift.ledger
    while not shift.is_over:
        await asyncio.gather(*(create_until_refused(shift, client) for client in clients))
        live = ledger.small_created - ledger.small_deleted
        if not shift.is_over and not ledger.small_doubtful and live != SMALL_PLAN_LINKS:
            ledger.note_fault(f"a plan of {SMALL_PLAN_LINKS} links is full with {live}")
        ledger.counts["filled a plan"] += 1
        await delete_half(shift, clients[-1])


async def create_until_refused(shift: Shift, client: Client) -> None:
    while not shift.is_over:
        slug = shift.name("plan")
        entry = shift.ledger.add(slug)
        body = {"url": "https://example.com/", "domain": HOST, "customSlug": slug}
        answer = await client.call("POST", "/links", body, token=shift.site.small_token)
        if answer is None:
            shift.ledger.small_doubtful += 1
            await shift.pause()
        elif answer.status == CREATED:
            entry.note_created(read_link(answer))
            shift.ledger.small_created += 1
            shift.note_write("created in a plan", client)
            await shift.rest()
        else:
            entry.may_live = False
            if answer.decode().get("code") != QUOTA:
                shift.ledger.note_fault(f"{slug}: {answer.describe()}")
            return


async def delete_half(shift: Shift, client: Client) -> None:
    known = [
        entry
        for entry in shift.ledger.entries.values()
        if entry.slug.startswith("plan-") and not entry.may_be_gone
    ]
    for entry in known[: SMALL_PLAN_LINKS // 2]:
        entry.may_be_gone = True
        await shift.insist(client, "DELETE", f"/links/{entry.id}", token=shift.site.small_token)
        entry.note_deleted()
        shift.ledger.small_deleted += 1
