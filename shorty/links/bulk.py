"""Many links in one transaction: the good ones are stored, each other one says what is wrong."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, TypeAlias

from shorty.accounts.model import Actor
from shorty.accounts.roles import require_scope
from shorty.errors import InvalidFieldsError, ShortyError
from shorty.links.book import LinkBook, Maker, read_maker
from shorty.links.changes import edit_link, hash_new_password
from shorty.links.drafts import Draft, draft_bare_link, hash_link_password, protect_draft
from shorty.links.inserts import Entry, Outcome, attempt, insert_entries
from shorty.links.model import Link, LinkChange, NewLink
from shorty.links.service import bring_back_link, drop_link_of
from shorty.storage.database import Transaction

RememberAll: TypeAlias = Callable[[Transaction, list[Outcome]], None]

MAX_AT_ONCE: Final = 1000
# A hash is meant to be slow: some tens of milliseconds of a core, and 19 MiB.
MAX_PASSWORDS: Final = 100
HASHED_AT_ONCE: Final = 4


async def create_links(
    book: LinkBook,
    actor: Actor,
    news: Sequence[NewLink | ShortyError],
    now: int,
    remember: RememberAll | None = None,
) -> list[Outcome]:
    """For each, in order, the link or why there is none; an error given is handed through.

    Where the plan has room for some only, the first good ones get it and the rest fail with
    QuotaExceededError; from the password after MAX_PASSWORDS on, links with one fail. Raises
    InvalidFieldsError for more than MAX_AT_ONCE.
    """
    require_scope(actor, "write")
    check_size("links", len(news))
    maker = read_maker(actor)
    bare = [await _try_to_draft(book, maker, new, now) for new in news]
    drafts = await _protect_drafts(bare, maker.workspace_id)
    entries = [
        Entry(maker=maker, draft=draft, now=now) for draft in drafts if isinstance(draft, Draft)
    ]

    def work(tx: Transaction) -> list[Outcome]:
        made = iter(insert_entries(tx, book, entries) if entries else ())
        outcomes = [draft if isinstance(draft, ShortyError) else next(made) for draft in drafts]
        if remember is not None:
            remember(tx, outcomes)
        return outcomes

    outcomes = await book.db.write(work)
    _forget(book, outcomes)
    return outcomes


async def change_links(
    book: LinkBook, actor: Actor, link_ids: Sequence[int], change: LinkChange, now: int
) -> list[Outcome]:
    """The same change for each. Raises InvalidFieldsError for more than MAX_AT_ONCE."""
    require_scope(actor, "write")
    check_size("ids", len(link_ids))
    password_hash = await hash_new_password(actor, change)
    replaced: list[Link] = []

    def edit(tx: Transaction, link_id: int) -> Link:
        before, after = edit_link(tx, book, actor, link_id, change, password_hash, now)
        replaced.append(before)
        return after

    def work(tx: Transaction) -> list[Outcome]:
        return [attempt(tx, partial(edit, tx, link_id)) for link_id in dict.fromkeys(link_ids)]

    outcomes = await book.db.write(work)
    _forget(book, [*replaced, *outcomes])
    return outcomes


async def delete_links(
    book: LinkBook, actor: Actor, link_ids: Sequence[int], now: int
) -> list[int]:
    """The ids of those that were there. Raises InvalidFieldsError for more than MAX_AT_ONCE."""
    require_scope(actor, "write")
    check_size("ids", len(link_ids))
    dropped = await book.db.write(
        lambda tx: [drop_link_of(tx, actor, link_id, now) for link_id in link_ids]
    )
    rows = [row for row in dropped if row is not None]
    for row in rows:
        book.lookup.forget(row["domain_id"], row["slug_key"])
    return [row["id"] for row in rows]


async def restore_links(
    book: LinkBook, actor: Actor, link_ids: Sequence[int], now: int
) -> list[Outcome]:
    """Undoes a delete of each; of those that fail, why. Raises InvalidFieldsError as above."""
    require_scope(actor, "write")
    check_size("ids", len(link_ids))

    def work(tx: Transaction) -> list[Outcome]:
        return [
            attempt(tx, partial(bring_back_link, tx, actor, link_id, now))
            for link_id in dict.fromkeys(link_ids)
        ]

    outcomes = await book.db.write(work)
    _forget(book, outcomes)
    return outcomes


def check_size(name: str, count: int) -> None:
    if not 1 <= count <= MAX_AT_ONCE:
        raise InvalidFieldsError({name: f"must be 1 to {MAX_AT_ONCE:,} in number"})


async def _try_to_draft(
    book: LinkBook, maker: Maker, new: NewLink | ShortyError, now: int
) -> Draft | ShortyError:
    if isinstance(new, ShortyError):
        return new
    try:
        return await draft_bare_link(book, maker, new, now)
    except ShortyError as error:
        return error


async def _protect_drafts(
    drafts: Sequence[Draft | ShortyError], workspace_id: int
) -> list[Draft | ShortyError]:
    """Hashes several passwords at once, each in a thread, outside the interpreter's lock."""
    outcomes = list(drafts)
    protected = [
        (index, draft, draft.new.password)
        for index, draft in enumerate(drafts)
        if isinstance(draft, Draft) and draft.new.password is not None
    ]
    hashing = asyncio.Semaphore(HASHED_AT_ONCE)

    async def protect(index: int, draft: Draft, password: str) -> None:
        async with hashing:
            hashed = await hash_link_password(password, workspace_id)
            outcomes[index] = protect_draft(draft, hashed)

    fault = f"may be given for {MAX_PASSWORDS} links at once; send the others in another request"
    for index, _, _ in protected[MAX_PASSWORDS:]:
        outcomes[index] = InvalidFieldsError({"password": fault})
    await asyncio.gather(*(protect(*each) for each in protected[:MAX_PASSWORDS]))
    return outcomes


def _forget(book: LinkBook, outcomes: Sequence[Outcome]) -> None:
    for outcome in outcomes:
        if isinstance(outcome, Link):
            book.forget(outcome)
