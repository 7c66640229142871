"""Turns a new link that a door asks for into a stored one: checks first, then statements."""

from collections.abc import Callable, Sequence
from itertools import count
from typing import Final, TypeAlias

import msgspec

from shorty.errors import InvalidFieldsError, SlugTakenError
from shorty.links import store
from shorty.links.book import LinkBook, Maker
from shorty.links.logos import find_logo_faults
from shorty.links.model import Link, LinkColumns, LinkDomain, NewLink, Tag
from shorty.links.rules import check_link
from shorty.links.slug import generate_slug
from shorty.links.tags import check_tag_name, find_tags, find_unknown_tags, make_tags
from shorty.passwords import hash_password
from shorty.plans import require_feature, take_quota
from shorty.storage.database import Transaction

Remember: TypeAlias = Callable[[Transaction, Link], None]
"""Runs in the transaction that made the link, such as to keep the answer for a retry."""

TRIES_PER_LENGTH: Final = 5
UNKNOWN_TAGS: Final = "name no tag of this workspace: "


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A new link that passed every check but those only a transaction can make."""

    new: NewLink
    domain: LinkDomain
    columns: LinkColumns

    @property
    def has_companions(self) -> bool:
        """Whether storing it changes more than the link and what every link has."""
        new, columns = self.new, self.columns
        has_tags = bool(new.tag_ids or new.tag_names)
        return has_tags or columns.qr_settings is not None or bool(columns.is_link_in_bio)


async def find_faults(book: LinkBook, maker: Maker, new: NewLink, now: int) -> dict[str, str]:
    """Everything that is wrong with a new link, by its fields' names."""
    _, faults = _check(book, maker, new, now)
    return {**await find_tag_faults(book, maker.workspace_id, new), **faults}


async def draft_link(book: LinkBook, maker: Maker, new: NewLink, now: int) -> Draft:
    """Raises InvalidFieldsError with every fault, and FeatureOffError."""
    draft = await draft_bare_link(book, maker, new, now)
    if new.password is None:
        return draft
    return protect_draft(draft, await hash_password(new.password))


async def draft_bare_link(book: LinkBook, maker: Maker, new: NewLink, now: int) -> Draft:
    """As draft_link, but without the password, which takes long to hash."""
    draft, faults = _check(book, maker, new, now)
    faults |= find_logo_faults(book.db, maker.workspace_id, new.qr_settings)
    if draft is None or faults:
        raise InvalidFieldsError({**await find_tag_faults(book, maker.workspace_id, new), **faults})
    if draft.columns.webhook_urls:
        require_feature(maker.plan, "webhooks")
    return draft


def protect_draft(draft: Draft, password_hash: str) -> Draft:
    columns = msgspec.structs.replace(draft.columns, password_hash=password_hash)
    return msgspec.structs.replace(draft, columns=columns)


def insert_draft(
    tx: Transaction, book: LinkBook, maker: Maker, draft: Draft, now: int, remember: Remember | None
) -> Link:
    """The one place where a single link is made. Raises SlugTakenError and QuotaExceededError."""
    take_quota(tx, maker.workspace_id, maker.plan, "links", 1, now)
    take_quota(tx, maker.workspace_id, maker.plan, "links_per_month", 1, now)
    link = insert_bare_draft(tx, book, maker, draft, now)
    store.insert_companions(tx, [link])
    if remember is not None:
        remember(tx, link)
    return link


def insert_bare_draft(
    tx: Transaction, book: LinkBook, maker: Maker, draft: Draft, now: int
) -> Link:
    """Without its companions and the quotas of links, which many at once take together."""
    tags = _find_or_make_tags(tx, maker, draft.new, now)
    if draft.columns.qr_settings is not None:
        take_quota(tx, maker.workspace_id, maker.plan, "qr_codes", 1, now)
    if draft.columns.is_link_in_bio:
        take_quota(tx, maker.workspace_id, maker.plan, "bio_pages", 1, now)
    link_id, columns = _insert_columns(tx, book, maker, draft, now)
    store.tag_link(tx, link_id, tags)
    return _build_link(link_id, columns, maker, draft, tags, now)


async def find_tag_faults(book: LinkBook, workspace_id: int, new: NewLink) -> dict[str, str]:
    faults: dict[str, str] = {}
    unknown = await find_unknown_tags(book.db, workspace_id, new.tag_ids) if new.tag_ids else []
    if unknown:
        faults["tag_ids"] = describe_unknown_tags(unknown)
    return faults


def describe_unknown_tags(tag_ids: Sequence[int]) -> str:
    return UNKNOWN_TAGS + ", ".join(map(str, tag_ids))


def _check(
    book: LinkBook, maker: Maker, new: NewLink, now: int
) -> tuple[Draft | None, dict[str, str]]:
    domain = book.find_domain(maker.workspace_id, new.domain)
    columns, faults = check_link(new, book.describe_surroundings(domain, now))
    faults |= check_tag_names(new.tag_names)
    if domain is None or columns is None or faults:
        return None, faults
    return Draft(new=new, domain=domain, columns=columns), faults


def check_tag_names(names: Sequence[str]) -> dict[str, str]:
    for name in names:
        try:
            check_tag_name(name)
        except ValueError as error:
            return {"tag_names": f"{name[:60]!r} {error}"}
    return {}


def _find_or_make_tags(tx: Transaction, maker: Maker, new: NewLink, now: int) -> tuple[Tag, ...]:
    if not new.tag_ids and not new.tag_names:
        return ()
    return resolve_tags(tx, maker.workspace_id, new, now)


def resolve_tags(tx: Transaction, workspace_id: int, new: NewLink, now: int) -> tuple[Tag, ...]:
    """The link's tags, each once. Raises InvalidFieldsError for an id that names none."""
    found, unknown = find_tags(tx, workspace_id, new.tag_ids)
    if unknown:
        raise InvalidFieldsError({"tag_ids": describe_unknown_tags(unknown)})
    made = make_tags(tx, workspace_id, map(check_tag_name, new.tag_names), now)
    return tuple({tag.id: tag for tag in (*found, *made)}.values())


def _insert_columns(
    tx: Transaction, book: LinkBook, maker: Maker, draft: Draft, now: int
) -> tuple[int, LinkColumns]:
    created_by = maker.creator.id if maker.creator else None

    def insert(columns: LinkColumns) -> int | None:
        return store.insert_link(
            tx, columns, maker.workspace_id, draft.new.made_through, created_by, now
        )

    if draft.columns.slug:
        link_id = insert(draft.columns)
        if link_id is None:
            raise SlugTakenError(draft.columns.slug, draft.domain.host)
        return link_id, draft.columns
    for attempt in count():
        # A domain whose short slugs are nearly used up goes on with longer ones.
        slug = generate_slug(book.rules.slug_length + attempt // TRIES_PER_LENGTH)
        columns = msgspec.structs.replace(draft.columns, slug=slug, slug_key=slug)
        link_id = insert(columns)
        if link_id is not None:
            return link_id, columns
    raise AssertionError


def _build_link(
    link_id: int,
    columns: LinkColumns,
    maker: Maker,
    draft: Draft,
    tags: tuple[Tag, ...],
    now: int,
) -> Link:
    values = msgspec.structs.asdict(columns)
    values.update(
        id=link_id,
        workspace_id=maker.workspace_id,
        host=draft.domain.host,
        scheme=draft.domain.scheme,
        is_admin_blocked=0,
        made_through=draft.new.made_through,
        edit_count=0,
        created_at=now,
        updated_at=now,
        clicks=0,
        scans=0,
        bio_clicks=0,
        bio_page_id=link_id if columns.is_link_in_bio else None,
    )
    return store.build_link(values, maker.creator, tags)
