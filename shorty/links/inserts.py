"""Stores checked links: many in one transaction, and those that come at the same time together."""

from collections.abc import Callable, Sequence
from itertools import count, groupby
from typing import Final, TypeAlias

import msgspec

from shorty.errors import ShortyError, SlugTakenError, StorageUnavailableError
from shorty.links import store
from shorty.links.book import LinkBook, Maker
from shorty.links.drafts import Draft, resolve_tags
from shorty.links.model import Link
from shorty.links.slug import generate_slug
from shorty.plans import give_back_quota, take_available, take_quota
from shorty.storage.database import Transaction

Outcome: TypeAlias = Link | ShortyError
Remember: TypeAlias = Callable[[Transaction, Link], None]
"""Runs in the transaction that made the link, such as to keep the answer for a retry."""

TRIES_PER_LENGTH: Final = 5


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A link to store, and for whom."""

    maker: Maker
    draft: Draft
    now: int


async def insert_soon(book: LinkBook, entry: Entry) -> Link:
    """In one write with the links that others make at the same moment; returns after the commit.

    Of a write of its own, a link's savepoint, quotas and counter are more work than the link; and
    each statement is a fight of two threads for the interpreter. Raises SlugTakenError and
    QuotaExceededError.
    """

    async def insert(entries: Sequence[Entry], asked_at: float) -> Sequence[Link | Exception]:
        try:
            return await book.db.write(lambda tx: insert_together(tx, book, entries), asked_at)
        except StorageUnavailableError as error:
            return [error] * len(entries)
        except Exception:  # noqa: BLE001 - it comes again below, for the link that it is about
            return [await _insert_alone(book, entry, asked_at) for entry in entries]

    return await book.inserts.run(entry, insert)


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
    """Entries of one workspace: quotas and counters for all at once.

    Where the plan has room for some only, the first good ones get it.
    """
    maker, now = entries[0].maker, entries[0].now
    room = left = _take_room(tx, maker, len(entries), now)
    outcomes: list[Outcome] = []
    for is_alone, found in groupby(entries, key=lambda entry: entry.draft.has_companions):
        run = list(found)
        if is_alone or left < len(run):
            for entry in run:
                outcomes.append(_try_to_insert(tx, book, entry, has_room=left > 0))
                left -= isinstance(outcomes[-1], Link)
        else:
            # Where the slug of one is taken, nothing of it is to be undone.
            outcomes += _insert_rows(tx, book, run)
            left = room - sum(isinstance(outcome, Link) for outcome in outcomes)
    store.insert_counters(tx, [outcome for outcome in outcomes if isinstance(outcome, Link)])
    _give_back_room(tx, maker, left, now)
    return outcomes


def insert_draft(
    tx: Transaction, book: LinkBook, entry: Entry, remember: Remember | None = None
) -> Link:
    """A link by itself. Raises SlugTakenError and QuotaExceededError."""
    _take_one(tx, entry)
    link = _insert_bare(tx, book, entry)
    store.insert_counters(tx, [link])
    if remember is not None:
        remember(tx, link)
    return link


def attempt(tx: Transaction, work: Callable[[], Link]) -> Outcome:
    """What the work made; where it fails as expected, that alone is undone."""
    try:
        return tx.attempt(work)
    except ShortyError as error:
        return error


def _try_to_insert(tx: Transaction, book: LinkBook, entry: Entry, *, has_room: bool) -> Outcome:
    def insert() -> Link:
        if not has_room:
            _take_one(tx, entry)  # says which of the two is used up
        return _insert_bare(tx, book, entry)

    return attempt(tx, insert)


def _insert_bare(tx: Transaction, book: LinkBook, entry: Entry) -> Link:
    """Without its companions and the quotas of links, which many at once take together."""
    maker, new, columns = entry.maker, entry.draft.new, entry.draft.columns
    tags = resolve_tags(tx, maker.workspace_id, new, entry.now)
    if columns.qr_settings is not None:
        take_quota(tx, maker.workspace_id, maker.plan, "qr_codes", 1, entry.now)
    if columns.is_link_in_bio:
        take_quota(tx, maker.workspace_id, maker.plan, "bio_pages", 1, entry.now)
    (outcome,) = _insert_rows(tx, book, [entry])
    if isinstance(outcome, ShortyError):
        raise outcome
    store.tag_link(tx, outcome.id, tags)
    return msgspec.structs.replace(outcome, tags=tags)


def _insert_rows(tx: Transaction, book: LinkBook, entries: Sequence[Entry]) -> list[Outcome]:
    """The links' own rows, as links without tags; or SlugTakenError."""
    outcomes: dict[int, Outcome] = {}
    waiting = list(range(len(entries)))
    for tries in count():
        # A domain whose short slugs are nearly used up goes on with longer ones.
        length = book.rules.slug_length + tries // TRIES_PER_LENGTH
        rows = [_build_row(entries[index], length) for index in waiting]
        for index, row, link_id in zip(waiting, rows, store.insert_links(tx, rows), strict=True):
            entry = entries[index]
            if link_id is not None:
                outcomes[index] = _build_link(link_id, row, entry)
            elif entry.draft.columns.slug:
                outcomes[index] = SlugTakenError(row.columns.slug, entry.draft.domain.host)
        waiting = [index for index in waiting if index not in outcomes]
        if not waiting:
            break
    return [outcomes[index] for index in range(len(entries))]


def _build_row(entry: Entry, slug_length: int) -> store.NewRow:
    maker, draft = entry.maker, entry.draft
    columns = draft.columns
    if not columns.slug:
        slug = generate_slug(slug_length)
        columns = msgspec.structs.replace(columns, slug=slug, slug_key=slug)
    created_by = maker.creator.id if maker.creator else None
    return store.NewRow(columns, maker.workspace_id, draft.new.made_through, created_by, entry.now)


def _build_link(link_id: int, row: store.NewRow, entry: Entry) -> Link:
    values = msgspec.structs.asdict(row.columns)
    values.update(
        id=link_id,
        workspace_id=row.workspace_id,
        host=entry.draft.domain.host,
        scheme=entry.draft.domain.scheme,
        is_admin_blocked=0,
        made_through=row.made_through,
        edit_count=0,
        created_at=row.created_at,
        updated_at=row.created_at,
        clicks=0,
        scans=0,
        bio_clicks=0,
        bio_page_id=link_id if row.columns.is_link_in_bio else None,
    )
    return store.build_link(values, entry.maker.creator, ())


def _take_one(tx: Transaction, entry: Entry) -> None:
    maker = entry.maker
    take_quota(tx, maker.workspace_id, maker.plan, "links", 1, entry.now)
    take_quota(tx, maker.workspace_id, maker.plan, "links_per_month", 1, entry.now)


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


async def _insert_alone(book: LinkBook, entry: Entry, asked_at: float) -> Link | Exception:
    try:
        return await book.db.write(lambda tx: insert_draft(tx, book, entry), asked_at)
    except Exception as error:  # noqa: BLE001 - it is the caller's to handle
        return error
