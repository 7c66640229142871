"""Stores links of elsewhere with their past, a batch at a time."""

from collections.abc import Sequence
from typing import TypeAlias

from shorty.errors import ShortyError, SlugTakenError
from shorty.links.book import LinkBook, Maker
from shorty.links.drafts import Draft
from shorty.links.inserts import Entry, insert_entries
from shorty.links.model import Link
from shorty.links.past import keep_pasts
from shorty.storage.database import Transaction
from shorty.transfer.conflicts import Claims, There, settle
from shorty.transfer.model import OnConflict
from shorty.transfer.preparing import Prepared

Arrival: TypeAlias = Link | There | ShortyError


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
