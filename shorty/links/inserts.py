"""Stores checked links: many in one transaction, and those that come at the same time together."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec

from shorty.errors import ShortyError, StorageUnavailableError
from shorty.links import store
from shorty.links.book import LinkBook, Maker
from shorty.links.drafts import Draft, insert_bare_draft, insert_draft
from shorty.links.model import Link
from shorty.plans import give_back_quota, take_available, take_quota
from shorty.storage.database import Transaction

Outcome: TypeAlias = Link | ShortyError


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A link to store; one that failed a check already is handed through."""

    maker: Maker
    draft: Draft | ShortyError
    now: int


async def insert_soon(book: LinkBook, maker: Maker, draft: Draft, now: int) -> Link:
    """In one write with the links that others make at the same moment; returns after the commit.

    Of a write of its own, a link's savepoint, quotas and counter are more work than the link; and
    each statement is a fight of two threads for the interpreter. Raises SlugTakenError and
    QuotaExceededError.
    """

    async def insert(entries: Sequence[Entry]) -> Sequence[Link | Exception]:
        try:
            return await book.db.write(lambda tx: insert_together(tx, book, entries))
        except StorageUnavailableError as error:
            return [error] * len(entries)
        except Exception:  # noqa: BLE001 - it comes again below, for the link that it is about
            return [await _insert_alone(book, entry) for entry in entries]

    return await book.inserts.run(Entry(maker=maker, draft=draft, now=now), insert)


def insert_together(tx: Transaction, book: LinkBook, entries: Sequence[Entry]) -> list[Outcome]:
    """For each, in order, the link or why there is none."""
    workspaces: dict[int, list[int]] = {}
    for index, entry in enumerate(entries):
        workspaces.setdefault(entry.maker.workspace_id, []).append(index)
    outcomes: dict[int, Outcome] = {}
    for indexes in workspaces.values():
        made = insert_entries(tx, book, [entries[index] for index in indexes])
        outcomes |= zip(indexes, made, strict=True)
    return [outcomes[index] for index in range(len(entries))]


def insert_entries(tx: Transaction, book: LinkBook, entries: Sequence[Entry]) -> list[Outcome]:
    """Entries of one workspace: quotas, counters and search entries for all at once.

    Where the plan has room for some only, the first good ones get it.
    """
    maker, now = entries[0].maker, entries[0].now
    room = _take_room(tx, maker, sum(isinstance(entry.draft, Draft) for entry in entries), now)
    outcomes: list[Outcome] = []
    made: list[Link] = []
    for entry in entries:
        outcome = _try_to_insert(tx, book, entry, has_room=len(made) < room)
        outcomes.append(outcome)
        if isinstance(outcome, Link):
            made.append(outcome)
    store.insert_companions(tx, made)
    _give_back_room(tx, maker, room - len(made), now)
    return outcomes


def attempt(tx: Transaction, work: Callable[[], Link]) -> Outcome:
    """What the work made; where it fails as expected, that alone is undone."""
    try:
        return tx.attempt(work)
    except ShortyError as error:
        return error


def _try_to_insert(tx: Transaction, book: LinkBook, entry: Entry, *, has_room: bool) -> Outcome:
    maker, draft, now = entry.maker, entry.draft, entry.now
    if isinstance(draft, ShortyError):
        return draft

    def insert() -> Link:
        if not has_room:
            # Says which of the two is used up.
            take_quota(tx, maker.workspace_id, maker.plan, "links", 1, now)
            take_quota(tx, maker.workspace_id, maker.plan, "links_per_month", 1, now)
        return insert_bare_draft(tx, book, maker, draft, now)

    if not has_room or draft.has_companions:
        return attempt(tx, insert)
    # A single statement needs no savepoint: where the slug is taken, it does nothing.
    try:
        return insert()
    except ShortyError as error:
        return error


def _take_room(tx: Transaction, maker: Maker, wanted: int, now: int) -> int:
    """How many links the plan has room for, taken from both quotas."""
    room = take_available(tx, maker.workspace_id, maker.plan, "links", wanted, now)
    granted = take_available(tx, maker.workspace_id, maker.plan, "links_per_month", room, now)
    if room > granted:
        give_back_quota(tx, maker.workspace_id, "links", room - granted)
    return granted


def _give_back_room(tx: Transaction, maker: Maker, unused: int, now: int) -> None:
    if unused:
        give_back_quota(tx, maker.workspace_id, "links", unused)
        give_back_quota(tx, maker.workspace_id, "links_per_month", unused, now)


async def _insert_alone(book: LinkBook, entry: Entry) -> Link | Exception:
    maker, draft, now = entry.maker, entry.draft, entry.now
    if isinstance(draft, ShortyError):
        return draft
    try:
        return await book.db.write(lambda tx: insert_draft(tx, book, maker, draft, now, None))
    except Exception as error:  # noqa: BLE001 - it is the caller's to handle
        return error
