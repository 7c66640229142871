"""Creates, changes and deletes bio pages, with the same rules for every door.

Only a page's link is cached; each visit reads the page, so that changes show at once.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec
from msgspec import UNSET

from shorty.accounts.model import Actor
from shorty.accounts.roles import require_scope
from shorty.bio import store
from shorty.bio.model import BioPage, Block, PageChange, PageList, PageSettings
from shorty.bio.rules import merge_page_change
from shorty.bio.store import StoredPage
from shorty.errors import ConflictError, InvalidFieldsError, NotFoundError
from shorty.links.context import LinkContext, read_author
from shorty.links.inserts import insert_link
from shorty.links.model import Author, Link, LinkChange, PreparedLink
from shorty.links.pictures import find_picture
from shorty.links.prepare import prepare_link
from shorty.links.service import change_link, delete_link
from shorty.links.store import find_link, find_link_to_change, find_links
from shorty.links.writes import change_link as edit_link
from shorty.storage.database import Reader, Transaction

Remember: TypeAlias = Callable[[Transaction, BioPage], None]
"""Runs in the transaction that created the page, for example to keep the answer for a retry."""

PAGE: str = "bio page"


async def list_pages(
    context: LinkContext, actor: Actor, now: int, *, after: int = 0, limit: int = 50
) -> PageList:
    """Pages with an id above `after`, including pages that were never customised."""
    rows = await context.db.find_all(store.LIST_PAGE_IDS, actor.workspace_id, after, limit + 1)
    ids = [row["id"] for row in rows[:limit]]
    links = await find_links(context.db, actor.workspace_id, ids)
    pages = [_build_page(link, *await store.find_page(context.db, link.id, now)) for link in links]
    return PageList(pages=tuple(pages), has_more=len(rows) > limit)


async def get_page(context: LinkContext, actor: Actor, page_id: int, now: int) -> BioPage:
    """Raises NotFoundError, also for another workspace's page."""
    link = await find_link(context.db, actor.workspace_id, page_id)
    if link is None or not link.is_link_in_bio:
        raise NotFoundError(PAGE, page_id)
    return _build_page(link, *await store.find_page(context.db, page_id, now))


async def create_page(
    context: LinkContext,
    actor: Actor,
    wanted: LinkChange,
    change: PageChange,
    now: int,
    remember: Remember | None = None,
) -> BioPage:
    """Creates a page with its own link, whose default title is its destination's.

    Without a destination, its link leads to its domain's front page and it shows no first button.

    Raises InvalidFieldsError, SlugTakenError, QuotaExceededError and ForbiddenError.
    """
    require_scope(actor, "write")
    has_destination = bool(wanted.url)
    wanted = msgspec.structs.replace(
        wanted,
        url=wanted.url if has_destination else _find_front_page(context, actor, wanted),
        is_link_in_bio=True,
        button_label=change.button_label,
        fetches_title=has_destination,
    )
    if not has_destination and change.is_button_shown is not True:
        change = msgspec.structs.replace(change, is_button_shown=False)
    prepared = await _prepare_link(context, read_author(actor), wanted, change, now)

    def work(tx: Transaction) -> BioPage:
        link = insert_link(tx, context, prepared)
        _change_settings(tx, context, actor, link.id, change, now)
        return _remember(tx, read_page(tx, link, now), remember)

    return await context.db.write(work)


async def turn_into_page(
    context: LinkContext,
    actor: Actor,
    link_id: int,
    change: PageChange,
    now: int,
    remember: Remember | None = None,
) -> BioPage:
    """Turns a link into a page. Raises as create_page does, and ConflictError if it is a page."""
    require_scope(actor, "write")

    def work(tx: Transaction) -> BioPage:
        before = find_link_to_change(tx, actor.workspace_id, link_id)
        if before is None:
            raise InvalidFieldsError({"link_id": f"is not a link of this workspace: {link_id}"})
        if before.is_link_in_bio:
            raise ConflictError(f"The link {link_id} is already a bio page; update that one.")
        turned = LinkChange(is_link_in_bio=True, button_label=change.button_label)
        _, link = edit_link(tx, context, actor, link_id, turned, None, now)
        _change_settings(tx, context, actor, link_id, change, now)
        return _remember(tx, read_page(tx, link, now), remember)

    return await context.db.write(work)


async def change_page(
    context: LinkContext, actor: Actor, page_id: int, change: PageChange, now: int
) -> BioPage:
    """Raises the errors of create_page, and NotFoundError.

    Only a new label of the first button, which is the link's, counts as an edit of the link.
    """
    require_scope(actor, "write")

    def work(tx: Transaction) -> BioPage:
        link = require_page(tx, actor, page_id)
        if change.button_label is not UNSET:
            label = LinkChange(button_label=change.button_label)
            _, link = edit_link(tx, context, actor, page_id, label, None, now)
        _change_settings(tx, context, actor, page_id, change, now)
        return read_page(tx, link, now)

    return await context.db.write(work)


async def delete_page(
    context: LinkContext, actor: Actor, page_id: int, now: int, *, keeps_link: bool = False
) -> None:
    """Deletes the page and its link; or only the page, so that the link leads to its destination.

    Raises NotFoundError, and if the link stays QuotaExceededError for its edit.
    """
    require_scope(actor, "write")
    await get_page(context, actor, page_id, now)
    if keeps_link:
        await change_link(context, actor, page_id, LinkChange(is_link_in_bio=False), now)
    else:
        await delete_link(context, actor, page_id, now)


async def preview_change(context: LinkContext, page: BioPage, change: PageChange) -> BioPage:
    """The page as it would be after the change. Raises InvalidFieldsError."""
    settings = await context.db.read(
        lambda rows: merge_settings(rows, context, page.link.workspace_id, page.settings, change)
    )
    link = page.link
    if change.button_label is not UNSET:
        link = msgspec.structs.replace(link, button_label=change.button_label or None)
    return msgspec.structs.replace(page, settings=settings, link=link)


def _find_front_page(context: LinkContext, actor: Actor, wanted: LinkChange) -> str:
    """Of the link's domain; empty for a domain that the workspace may not use."""
    host = wanted.domain if isinstance(wanted.domain, str) else ""
    domain = context.domains.find_for_workspace(actor.workspace_id, host)
    return f"{domain.origin}/" if domain else ""


async def _prepare_link(
    context: LinkContext, author: Author, wanted: LinkChange, change: PageChange, now: int
) -> PreparedLink:
    """Raises InvalidFieldsError with the faults of both the link and the page."""
    faults: dict[str, str] = {}
    try:
        await context.db.read(
            lambda rows: merge_settings(rows, context, author.workspace_id, PageSettings(), change)
        )
    except InvalidFieldsError as error:
        faults = error.fields
    try:
        prepared = await prepare_link(context, author, wanted, now)
    except InvalidFieldsError as error:
        raise InvalidFieldsError({**error.fields, **faults}) from error
    if faults:
        raise InvalidFieldsError(faults)
    return prepared


def require_page(tx: Transaction, actor: Actor, page_id: int) -> Link:
    """The page's link, which no other write can change meanwhile. Raises NotFoundError."""
    link = find_link_to_change(tx, actor.workspace_id, page_id)
    if link is None or not link.is_link_in_bio:
        raise NotFoundError(PAGE, page_id)
    return link


def read_page(tx: Transaction, link: Link, now: int) -> BioPage:
    return _build_page(link, *store.find_page_to_change(tx, link.id, now))


def _build_page(link: Link, stored: StoredPage, blocks: Sequence[Block]) -> BioPage:
    updated_at = max(link.updated_at, stored.updated_at or 0)
    return BioPage(link=link, settings=stored.settings, blocks=tuple(blocks), updated_at=updated_at)


def _change_settings(
    tx: Transaction, context: LinkContext, actor: Actor, page_id: int, change: PageChange, now: int
) -> None:
    stored = store.read_page(tx.find_one(store.FIND_SETTINGS, page_id))
    settings = merge_settings(tx, context, actor.workspace_id, stored.settings, change)
    if settings != stored.settings:
        store.put_settings(tx, page_id, settings, max(now, (stored.updated_at or 0) + 1))


def merge_settings(
    rows: Reader,
    context: LinkContext,
    workspace_id: int,
    before: PageSettings,
    change: PageChange,
) -> PageSettings:
    """Raises InvalidFieldsError."""
    settings = merge_page_change(before, change, context.rules.block_list.is_blocked)
    if change.avatar_id is not UNSET:
        picture = None
        if change.avatar_id is not None:
            picture = find_picture(rows, workspace_id, change.avatar_id, "avatar")
            if picture is None:
                fault = f"is not an avatar of this workspace: {change.avatar_id}"
                raise InvalidFieldsError({"avatar_id": fault})
        settings = msgspec.structs.replace(settings, picture=picture)
        if change.avatar is UNSET:
            settings = msgspec.structs.replace(settings, avatar="picture" if picture else "icon")
    if change.avatar == "picture" and settings.picture is None:
        raise InvalidFieldsError({"avatar": "needs a picture; give its id as avatarId"})
    return settings


def _remember(tx: Transaction, page: BioPage, remember: Remember | None) -> BioPage:
    if remember is not None:
        remember(tx, page)
    return page
