"""A person who imports files at the dashboard: uploads at one node, goes on at another."""

import re
from collections.abc import Mapping
from time import monotonic
from typing import Final

from tests.nodes.client import Client
from tests.nodes.shift import Shift
from tests.nodes.wire import PATIENCE_S, Answer

PLACE: Final = "/app/import"
BAD_REQUEST: Final = 400
ROWS: Final = 20
TOKEN: Final = re.compile(rb'data-token="([\w-]+)"')
OPTIONS: Final = {"source": "csv", "on_conflict": "skip"}
FINISHED: Final = b"Import finished."
ALARM: Final = b'role="alert"'


async def import_files(shift: Shift, here: Client, there: Client) -> None:
    while not shift.is_over:
        slugs = [shift.name("imported") for _ in range(ROWS)]
        entries = [shift.ledger.add(slug, urls={write_url(slug)}) for slug in slugs]
        rows = "".join(f"{write_url(slug)},{slug}\n" for slug in slugs)
        sent = await send(shift, here, PLACE, OPTIONS, f"url,slug\n{rows}")
        if not (place := sent.location):
            shift.ledger.note_fault(f"{slugs[0]} and more, in a file: {sent.describe()}")
        elif await wait_for(shift, there, place, f"{place}/begin".encode()):
            # Where it is refused, an earlier request whose answer was lost has begun it.
            await send(shift, there, f"{place}/begin", {})
            if await wait_for(shift, here, place, FINISHED):
                for entry in entries:
                    entry.may_be_gone = False
                shift.note_write("imported", there)
            await send(shift, here, f"{place}/drop", {})
        await shift.rest(10)


def write_url(slug: str) -> str:
    return f"https://example.com/{slug}"


async def wait_for(shift: Shift, client: Client, place: str, text: bytes) -> bool:
    """Whether the import's page shows it, at last.

    Otherwise the import has stopped, as one may that the database or its node has failed under: the
    page says that the same file can be imported again.
    """
    began = monotonic()
    while True:
        page = await shift.persist(lambda: client.open_page(place, session=shift.site.session))
        if text in page.body:
            return True
        if page.status >= BAD_REQUEST or ALARM in page.body:
            if all(door.is_calm_since(began - PATIENCE_S) for door in shift.doors):
                shift.ledger.note_fault(f"{place} at {client.door.name}: {page.describe()}")
            shift.ledger.counts["stopped imports"] += 1
            return False
        await shift.pause()


async def send(
    shift: Shift, client: Client, path: str, fields: Mapping[str, str], file: str = ""
) -> Answer:
    """A form, until somebody can tell what became of it."""
    page = await shift.persist(lambda: client.open_page(PLACE, session=shift.site.session))
    found = TOKEN.search(page.body)
    assert found, page.describe()
    parts = {"form_token": found[1].decode(), **fields}
    return await shift.persist(
        lambda: client.send_form(path, parts, file, session=shift.site.session)
    )
