"""Stores what is imported, a batch at a time: links with their past, tags, logos, clicks."""

from collections.abc import Sequence
from typing import Final, TypeAlias

from shorty.accounts.model import Actor
from shorty.errors import ShortyError, SlugTakenError
from shorty.links import logos
from shorty.links.book import LinkBook, Maker
from shorty.links.drafts import Draft
from shorty.links.inserts import Entry, insert_entries
from shorty.links.logos import LogoPicture
from shorty.links.model import Link
from shorty.links.past import keep_pasts
from shorty.qr.sandbox import read_logo
from shorty.storage.database import Transaction
from shorty.transfer.conflicts import Claims, There, settle
from shorty.transfer.model import ImportedLogo, OnConflict
from shorty.transfer.preparing import Prepared

Arrival: TypeAlias = Link | There | ShortyError

FIND_NAMESAKES: Final = """
select id, png from pictures where workspace_id = $1 and purpose = 'logo' and name = $2
"""


def insert_links(
    tx: Transaction,
    book: LinkBook,
    maker: Maker,
    prepared: Sequence[Prepared],
    on_conflict: OnConflict,
    now: int,
) -> list[Arrival]:
    """For each, in order, the link that was made, that it is there, or why it is not.

    Raises SlugTakenError where a conflict is to be an end.
    """
    arrivals: list[Arrival | Draft] = []
    claims = Claims()
    for each in prepared:
        arrival = settle(tx.find_one, claims, maker.workspace_id, each.draft, on_conflict)
        if isinstance(arrival, SlugTakenError) and on_conflict == "fail":
            raise arrival
        if isinstance(arrival, Draft):
            claims.add(arrival)
        arrivals.append(arrival)
    entries = [
        Entry(maker=maker, draft=each, now=now) for each in arrivals if isinstance(each, Draft)
    ]
    made = iter(insert_entries(tx, book, entries) if entries else ())
    outcomes: list[Arrival] = [next(made) if isinstance(each, Draft) else each for each in arrivals]
    pasts = [
        (outcome.id, each.item.past)
        for each, outcome in zip(prepared, outcomes, strict=True)
        if isinstance(outcome, Link)
    ]
    if pasts:
        keep_pasts(tx, maker.workspace_id, pasts)
    return outcomes


async def store_logo(book: LinkBook, actor: Actor, item: ImportedLogo, now: int) -> int:
    """The id of the logo here; one of the same name and pixels is taken for it.

    Raises InvalidFieldsError.
    """
    drawn = await read_logo(item.content)
    picture = LogoPicture(png=drawn.png, width=drawn.width, height=drawn.height)
    name = logos.check_logo_name(item.name)

    def work(tx: Transaction) -> int:
        for row in tx.find_all(FIND_NAMESAKES, actor.workspace_id, name):
            if row["png"] == picture.png:
                return row["id"]
        return logos.create_logo(tx, actor, name, picture, now).id

    return await book.db.write(work)
