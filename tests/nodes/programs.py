"""Programs that create, edit and delete links at one node, and look at another what came of it."""

import asyncio
from time import monotonic
from typing import Final

from tests.nodes.client import CREATED, FOUND, NOT_FOUND, UNAVAILABLE, Client, read_link
from tests.nodes.ledger import Entry
from tests.nodes.shift import Shift
from tests.nodes.site import HOST
from tests.nodes.wire import PATIENCE_S, Answer

AT_ONCE: Final = 20
EDITS: Final = 2
LOOK_AGAIN_S: Final = 0.02
DONE: Final = (200, 204)


async def create_links(shift: Shift, here: Client, there: Client) -> None:
    """In turn with a slug of its own, and with a key that both nodes get at once."""
    while not shift.is_over:
        slug = shift.name("own")
        # The other node then remembers that there is no such link.
        answer = await there.visit(Entry(slug=slug))
        if answer is not None and answer.status not in {NOT_FOUND, UNAVAILABLE}:
            shift.ledger.note_fault(f"{slug}, before it was created: {answer.describe()}")
        if (entry := await shift.create(here, slug)) is not None:
            await wait_until_seen(shift, here, there, entry, FOUND)
        await create_once(shift, here, there)
        await shift.rest()


async def create_once(shift: Shift, here: Client, there: Client) -> None:
    """The same request at both nodes at once, again until each of them has answered."""
    key = shift.name("key")
    body = {"url": f"https://example.com/{key}", "domain": HOST}

    async def send(client: Client) -> str:
        answer = await shift.insist(client, "POST", "/links", body, key=key)
        if answer.status != CREATED:
            shift.ledger.note_fault(f"{key} at {client.door.name}: {answer.describe()}")
            return ""
        link = read_link(answer)
        if link["shortCode"] not in shift.ledger.entries:
            shift.ledger.add(link["shortCode"]).note_created(link)
            shift.note_write("created with a key", client)
        return link["id"]

    ids = await asyncio.gather(send(here), send(there))
    if len(set(ids)) > 1:
        shift.ledger.note_fault(f"{key} created the links {ids}")


async def edit_links(shift: Shift, here: Client, there: Client) -> None:
    """Creates a link, leads it elsewhere and deletes it; both nodes have to follow."""
    while not shift.is_over:
        slug = shift.name("edited")
        if (entry := await shift.create(here, slug)) is None:
            continue
        await wait_until_seen(shift, here, there, entry, FOUND)
        for number in range(EDITS):
            await edit(shift, here, entry, f"https://example.com/{slug}/{number}")
            await wait_until_seen(shift, here, there, entry, FOUND)
            await shift.rest()
        await delete(shift, here, entry)
        await wait_until_seen(shift, here, there, entry, NOT_FOUND)


async def edit(shift: Shift, client: Client, entry: Entry, url: str) -> None:
    """Until it is answered, the link may lead to either."""
    entry.urls = {*entry.urls, url}
    answer = await shift.insist(client, "PATCH", f"/links/{entry.id}", {"url": url})
    if answer.status not in DONE:
        shift.ledger.note_fault(f"{entry.slug} was not edited: {answer.describe()}")
    entry.urls = {url}
    shift.note_write("edited", client)


async def delete(shift: Shift, client: Client, entry: Entry) -> None:
    entry.may_be_gone = True
    answer = await shift.insist(client, "DELETE", f"/links/{entry.id}")
    # Not found: an earlier request, whose answer was lost, has deleted it.
    if answer.status not in {*DONE, NOT_FOUND}:
        shift.ledger.note_fault(f"{entry.slug} was not deleted: {answer.describe()}")
    entry.note_deleted()
    shift.note_write("deleted", client)


async def create_many(shift: Shift, client: Client) -> None:
    while not shift.is_over:
        slugs = [shift.name("many") for _ in range(AT_ONCE)]
        entries = [shift.ledger.add(slug) for slug in slugs]
        links = [{"url": f"https://example.com/{slug}", "customSlug": slug} for slug in slugs]
        body = {"domain": HOST, "links": links}
        answer = await client.call("POST", "/links/bulk", body, token=shift.site.token)
        if answer is not None and answer.status == CREATED:
            for entry, link in zip(entries, answer.decode()["links"], strict=True):
                entry.note_created(link)
            shift.note_write("created many", client)
        elif answer is not None:
            shift.ledger.note_fault(f"{slugs[0]} and more: {answer.describe()}")
        await shift.rest(10)


async def wait_until_seen(
    shift: Shift, here: Client, there: Client, entry: Entry, status: int
) -> None:
    """The node that was asked shows a change at once, the other one soon."""
    changed_at = monotonic()
    answer = await here.visit(entry)
    is_own = here.door is not there.door  # behind a balancer, another may answer
    if answer and answer.status != UNAVAILABLE and is_own and not shows(answer, entry, status):
        shift.ledger.note_fault(
            f"{here.door.name} changed {entry.slug}, then answered {answer.describe()}"
        )
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                asked_at = monotonic()
                answer = await there.visit(entry)
                if answer and shows(answer, entry, status):
                    break
                await asyncio.sleep(LOOK_AGAIN_S)
    except TimeoutError:
        shift.ledger.note_fault(f"{there.door.name} never saw the change of {entry.slug}")
        return
    if all(client.door.is_calm_since(changed_at) for client in (here, there)):
        shift.ledger.delays.append(max(0.0, asked_at - changed_at))


def shows(answer: Answer, entry: Entry, status: int) -> bool:
    return answer.status == status and (status != FOUND or answer.location in entry.urls)
