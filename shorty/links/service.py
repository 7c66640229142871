"""Makes, changes and deletes links: one rule book for every door.

Each function is one transaction; after its commit the redirect's cache forgets what has changed.
Many links at once are `bulk`'s, lists are `pages`'.
"""

from collections.abc import Sequence

import msgspec

from shorty.accounts.model import Actor
from shorty.accounts.roles import require_scope
from shorty.domains.store import find_live as find_live_domain
from shorty.errors import ConflictError, NotFoundError, SlugTakenError
from shorty.links import store
from shorty.links.book import LinkBook, Maker, read_maker
from shorty.links.changes import edit_link, hash_new_password
from shorty.links.drafts import draft_link
from shorty.links.history import record_deed
from shorty.links.inserts import Entry, Remember, insert_draft, insert_soon
from shorty.links.model import Link, LinkChange, NewLink
from shorty.links.slug import slug_key
from shorty.plans import give_back_quota, take_quota
from shorty.storage.database import Row, Transaction

__all__ = [
    "LinkBook",
    "change_link",
    "create_link",
    "create_link_for",
    "delete_link",
    "find_links",
    "find_or_create_link",
    "get_link",
    "restore_link",
]


async def create_link(
    book: LinkBook, actor: Actor, new: NewLink, now: int, remember: Remember | None = None
) -> Link:
    """Raises InvalidFieldsError with every fault, SlugTakenError, QuotaExceededError,
    FeatureOffError and ForbiddenError.
    """
    require_scope(actor, "write")
    return await create_link_for(book, read_maker(actor), new, now, remember)


async def create_link_for(
    book: LinkBook, maker: Maker, new: NewLink, now: int, remember: Remember | None = None
) -> Link:
    """As create_link, for somebody whose right to do so has been settled already."""
    entry = Entry(maker=maker, draft=await draft_link(book, maker, new, now), now=now)
    if remember is None:
        link = await insert_soon(book, entry)
    else:
        link = await book.db.write(lambda tx: insert_draft(tx, book, entry, remember))
    book.forget(link)
    return link


async def find_or_create_link(
    book: LinkBook, actor: Actor, new: NewLink, now: int, remember: Remember | None = None
) -> tuple[Link, bool]:
    """The oldest link that leads to the same address from the domain, or a new one; whether new.

    A slug or a protection asked for always makes a new link. Raises as create_link does.
    """
    require_scope(actor, "write")
    maker = read_maker(actor)
    entry = Entry(maker=maker, draft=await draft_link(book, maker, new, now), now=now)
    asked = (new.slug, new.password, new.expires_at, new.max_clicks)
    is_special = any(each is not None for each in asked)

    def find_or_insert(tx: Transaction) -> tuple[Link, bool]:
        if not is_special:
            found = store.find_same_url(tx, maker.workspace_id, entry.draft.columns, now)
            if found is not None:
                return found, False
        return insert_draft(tx, book, entry, remember), True

    link, is_new = await book.db.write(find_or_insert)
    if is_new:
        book.forget(link)
    return link, is_new


async def get_link(book: LinkBook, actor: Actor, link_id: int) -> Link:
    """Raises NotFoundError, for another workspace's link too."""
    link = await store.find_link(book.db, actor.workspace_id, link_id)
    if link is None:
        raise NotFoundError("link", link_id)
    return link


def has_link(book: LinkBook, actor: Actor, link_id: int) -> bool:
    """Whether it is still in the actor's workspace, asked at once."""
    return store.has_link(book.db, actor.workspace_id, link_id)


async def find_links(book: LinkBook, actor: Actor, link_ids: Sequence[int]) -> list[Link]:
    """Those of them that are there, in the order asked for."""
    return await store.find_links(book.db, actor.workspace_id, link_ids)


async def change_link(
    book: LinkBook, actor: Actor, link_id: int, change: LinkChange, now: int
) -> Link:
    """Raises as create_link does, and NotFoundError.

    A change that changes nothing is not counted as an edit.
    """
    require_scope(actor, "write")
    password_hash = await hash_new_password(actor, change)
    before, after = await book.db.write(
        lambda tx: edit_link(tx, book, actor, link_id, change, password_hash, now)
    )
    book.forget(before)
    book.forget(after)
    return after


async def delete_link(book: LinkBook, actor: Actor, link_id: int, now: int) -> None:
    """Its address stops at once and is free again; its numbers stay. Raises NotFoundError."""
    require_scope(actor, "write")
    deleted = await book.db.write(lambda tx: drop_link_of(tx, actor, link_id, now))
    if deleted is None:
        raise NotFoundError("link", link_id)
    book.lookup.forget(deleted["domain_id"], deleted["slug_key"])


async def restore_link(book: LinkBook, actor: Actor, link_id: int, now: int) -> Link:
    """Undoes a delete, however long ago.

    Raises NotFoundError, SlugTakenError where the address has been given away since, ConflictError
    where its domain has been removed, and QuotaExceededError where the plan has no room for the
    link any more.
    """
    require_scope(actor, "write")
    link = await book.db.write(lambda tx: bring_back_link(tx, actor, link_id, now))
    book.forget(link)
    return link


def drop_link_of(tx: Transaction, actor: Actor, link_id: int, now: int) -> Row | None:
    """As drop_link, and the link's history says who did it."""
    row = drop_link(tx, actor.workspace_id, link_id, now)
    if row is not None:
        record_deed(tx, actor.workspace_id, link_id, actor.user_id, "deleted", now)
    return row


def drop_link(tx: Transaction, workspace_id: int, link_id: int, now: int) -> Row | None:
    """Deletes a link and gives back what it counted for; None where there is no such link."""
    row = store.delete_link(tx, workspace_id, link_id, now)
    if row is None:
        return None
    give_back_quota(tx, workspace_id, "links", 1)
    if row["has_qr"]:
        give_back_quota(tx, workspace_id, "qr_codes", 1)
    if row["is_link_in_bio"]:
        give_back_quota(tx, workspace_id, "bio_pages", 1)
    return row


def bring_back_link(tx: Transaction, actor: Actor, link_id: int, now: int) -> Link:
    """Takes again what deleting gave back. It was made in its month, and is not made once more."""
    link = store.find_deleted(tx, actor.workspace_id, link_id)
    if link is None:
        raise NotFoundError("deleted link", link_id)
    if find_live_domain(tx, link.domain_id) is None:
        raise ConflictError(
            f"The domain {link.host} has been removed: add it again, then restore the link."
        )
    if store.is_slug_taken(tx, link.domain_id, slug_key(link.slug), link_id):
        raise SlugTakenError(link.slug, link.host)
    take_quota(tx, actor.workspace_id, actor.plan, "links", 1, now)
    if link.qr_settings is not None:
        take_quota(tx, actor.workspace_id, actor.plan, "qr_codes", 1, now)
    if link.is_link_in_bio:
        take_quota(tx, actor.workspace_id, actor.plan, "bio_pages", 1, now)
    updated_at = max(now, link.updated_at + 1)
    store.restore_link(tx, link, updated_at)
    record_deed(tx, actor.workspace_id, link_id, actor.user_id, "restored", now)
    return msgspec.structs.replace(link, updated_at=updated_at)
