"""Creates, changes, deletes and restores links, one or many: one rule context for every door.

Each function is one transaction, after which the redirect reads the links again. Lists are
`pages`'.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, TypeAlias

from msgspec import UNSET

from shorty.accounts.model import Actor
from shorty.accounts.roles import require_scope
from shorty.errors import InvalidFieldsError, NotFoundError, ShortyError
from shorty.links import inserts, store, writes
from shorty.links.context import LinkContext, Outcome, attempt, read_author
from shorty.links.inserts import Remember
from shorty.links.model import Author, Link, LinkChange, PreparedLink
from shorty.links.prepare import (
    hash_link_password,
    hash_new_password,
    prepare_link,
    prepare_open_link,
    protect_link,
)
from shorty.links.rules import encode_rules
from shorty.links.tags import find_texts_for_ids
from shorty.storage.database import Lane, Transaction

RememberAll: TypeAlias = Callable[[Transaction, list[Outcome]], None]

MAX_AT_ONCE: Final = 1000
# Written and answered once for each link.
MOST_RULE_BYTES: Final = 16 * 1024 * 1024
# A hash is meant to be slow: some tens of milliseconds of a core, and 19 MiB.
MAX_PASSWORDS: Final = 100
HASHED_AT_ONCE: Final = 4


async def create_link(
    context: LinkContext,
    actor: Actor,
    change: LinkChange,
    now: int,
    remember: Remember | None = None,
) -> Link:
    """Raises InvalidFieldsError with every fault, SlugTakenError, QuotaExceededError,
    FeatureOffError, BusyError and ForbiddenError.
    """
    require_scope(actor, "write")
    return await create_link_for(context, read_author(actor), change, now, remember)


async def create_link_for(
    context: LinkContext,
    author: Author,
    change: LinkChange,
    now: int,
    remember: Remember | None = None,
) -> Link:
    """As create_link, for somebody whose right to do so has been settled already."""
    prepared = await prepare_link(context, author, change, now)
    if remember is None:
        return await inserts.insert_soon(context, prepared)
    return await context.db.write(lambda tx: inserts.insert_link(tx, context, prepared, remember))


async def create_links(
    context: LinkContext,
    actor: Actor,
    changes: Sequence[LinkChange],
    now: int,
    remember: RememberAll | None = None,
) -> list[Outcome]:
    """For each, in order, the link or why there is none.

    Where the plan has room for some only, the first good ones get it and the rest fail with
    QuotaExceededError; from the password after MAX_PASSWORDS on, links with one fail. Raises
    InvalidFieldsError for more than MAX_AT_ONCE.
    """
    require_scope(actor, "write")
    check_size("links", len(changes))
    author = read_author(actor)
    prepared = await _protect_links(
        changes, [await _try_to_prepare(context, author, change, now) for change in changes]
    )

    def work(tx: Transaction) -> list[Outcome]:
        links = [each for each in prepared if isinstance(each, PreparedLink)]
        made = iter(inserts.insert_links(tx, context, links))
        outcomes = [each if isinstance(each, ShortyError) else next(made) for each in prepared]
        if remember is not None:
            remember(tx, outcomes)
        return outcomes

    return await context.db.write(work)


async def find_or_create_link(
    context: LinkContext,
    actor: Actor,
    change: LinkChange,
    now: int,
    remember: Remember | None = None,
) -> tuple[Link, bool]:
    """The oldest link with the same destination on the domain, or a new one; whether it is new.

    A slug or a protection asked for always makes a new link. Raises as create_link does.
    """
    require_scope(actor, "write")
    prepared = await prepare_link(context, read_author(actor), change, now)
    fields = prepared.fields
    limits = (fields.password_hash, fields.valid_since, fields.expires_at, fields.max_clicks)
    is_special = bool(fields.slug or fields.rules) or any(each is not None for each in limits)

    def find_or_insert(tx: Transaction) -> tuple[Link, bool]:
        if not is_special:
            found = store.find_same_url(tx, actor.workspace_id, fields, now)
            if found is not None:
                return found, False
        return inserts.insert_link(tx, context, prepared, remember), True

    return await context.db.write(find_or_insert)


async def get_link(context: LinkContext, actor: Actor, link_id: int) -> Link:
    """Raises NotFoundError, for another workspace's link too."""
    link = await store.find_link(context.db, actor.workspace_id, link_id)
    if link is None:
        raise NotFoundError("link", link_id)
    return link


async def has_link(context: LinkContext, actor: Actor, link_id: int) -> bool:
    """Whether it is still in the actor's workspace, asked at once."""
    return await store.has_link(context.db, actor.workspace_id, link_id)


async def find_links(context: LinkContext, actor: Actor, link_ids: Sequence[int]) -> list[Link]:
    """Those of them that exist, in the order asked for."""
    return await store.find_links(context.db, actor.workspace_id, link_ids)


async def change_link(
    context: LinkContext, actor: Actor, link_id: int, change: LinkChange, now: int
) -> Link:
    """Raises as create_link does, and NotFoundError.

    A change that changes nothing is not counted as an edit.
    """
    require_scope(actor, "write")
    password_hash = await hash_new_password(actor, change)
    _, after = await context.db.write(
        lambda tx: writes.change_link(tx, context, actor, link_id, change, password_hash, now),
        *_list_lanes(change),
    )
    return after


async def change_links(
    context: LinkContext, actor: Actor, link_ids: Sequence[int], change: LinkChange, now: int
) -> list[Outcome]:
    """The same change for each. Raises InvalidFieldsError for more than MAX_AT_ONCE, and for what
    could not be read.
    """
    require_scope(actor, "write")
    check_size("ids", len(link_ids))
    if (faults := find_texts_for_ids(change)) or change.unread:
        raise InvalidFieldsError(faults, change.unread)
    if change.rules and len(encode_rules(change.rules) or "") * len(link_ids) > MOST_RULE_BYTES:
        fault = "are too large for so many links at once; send fewer ids in each request"
        raise InvalidFieldsError({"rules": fault})
    password_hash = await hash_new_password(actor, change)

    def edit(tx: Transaction, link_id: int) -> Link:
        return writes.change_link(tx, context, actor, link_id, change, password_hash, now)[1]

    return await context.db.write(
        lambda tx: [attempt(tx, partial(edit, tx, link_id)) for link_id in dict.fromkeys(link_ids)],
        *_list_lanes(change),
    )


async def delete_link(context: LinkContext, actor: Actor, link_id: int, now: int) -> None:
    """It stops at once and its slug is free again; analytics are kept. Raises NotFoundError."""
    require_scope(actor, "write")
    if not await delete_links(context, actor, [link_id], now):
        raise NotFoundError("link", link_id)


async def delete_links(
    context: LinkContext, actor: Actor, link_ids: Sequence[int], now: int
) -> list[int]:
    """The ids of those that existed. Raises InvalidFieldsError for more than MAX_AT_ONCE."""
    require_scope(actor, "write")
    check_size("ids", len(link_ids))
    return await context.db.write(
        lambda tx: writes.delete_links(tx, context, actor, link_ids, now), *store.COUNTER_LANES
    )


async def restore_link(context: LinkContext, actor: Actor, link_id: int, now: int) -> Link:
    """Undoes a delete, however long ago.

    Raises NotFoundError, SlugTakenError where the slug has been given away since, ConflictError
    where its domain has been removed, and QuotaExceededError where the plan has no room for the
    link any more.
    """
    (outcome,) = await restore_links(context, actor, [link_id], now)
    if isinstance(outcome, ShortyError):
        raise outcome
    return outcome


async def restore_links(
    context: LinkContext, actor: Actor, link_ids: Sequence[int], now: int
) -> list[Outcome]:
    """Undoes a delete of each; of those that fail, why. Raises InvalidFieldsError as above."""
    require_scope(actor, "write")
    check_size("ids", len(link_ids))
    return await context.db.write(
        lambda tx: [
            attempt(tx, partial(writes.restore_link, tx, context, actor, link_id, now))
            for link_id in dict.fromkeys(link_ids)
        ],
        *store.COUNTER_LANES,
    )


def check_size(name: str, count: int) -> None:
    if not 1 <= count <= MAX_AT_ONCE:
        raise InvalidFieldsError({name: f"must be 1 to {MAX_AT_ONCE:,} in number"})


def _list_lanes(change: LinkChange) -> tuple[Lane, ...]:
    """The limit is beside what was counted of it."""
    return (Lane.MAIN,) if change.max_clicks is UNSET else store.COUNTER_LANES


async def _try_to_prepare(
    context: LinkContext, author: Author, change: LinkChange, now: int
) -> PreparedLink | ShortyError:
    try:
        return await prepare_open_link(context, author, change, now)
    except ShortyError as error:
        return error


async def _protect_links(
    changes: Sequence[LinkChange], prepared: Sequence[PreparedLink | ShortyError]
) -> list[PreparedLink | ShortyError]:
    """Hashes several passwords at once, each in a thread, outside the interpreter's lock."""
    outcomes = list(prepared)
    protected = [
        (index, link, change.password)
        for index, (change, link) in enumerate(zip(changes, prepared, strict=True))
        if isinstance(link, PreparedLink) and change.password
    ]
    hashing = asyncio.Semaphore(HASHED_AT_ONCE)

    async def protect(index: int, link: PreparedLink, password: str) -> None:
        async with hashing:
            hashed = await hash_link_password(password, link.author.workspace_id)
            outcomes[index] = protect_link(link, hashed)

    fault = f"may be given for {MAX_PASSWORDS} links at once; send the others in another request"
    for index, _, _ in protected[MAX_PASSWORDS:]:
        outcomes[index] = InvalidFieldsError({"password": fault})
    await asyncio.gather(*(protect(*each) for each in protected[:MAX_PASSWORDS]))
    return outcomes
