"""Turns a new link that a door asks for into a draft: all is checked that needs no transaction."""

from collections.abc import Sequence
from typing import Final

import msgspec

from shorty.errors import InvalidFieldsError
from shorty.links.book import LinkBook, Maker
from shorty.links.logos import find_logo_faults
from shorty.links.model import LinkColumns, LinkDomain, NewLink, Tag
from shorty.links.rules import check_link
from shorty.links.tags import check_tag_name, find_tags, find_unknown_tags, make_tags
from shorty.passwords import LINKS, hash_password
from shorty.plans import require_feature
from shorty.storage.database import Transaction

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
    """Raises InvalidFieldsError with every fault, FeatureOffError and BusyError."""
    draft = await draft_bare_link(book, maker, new, now)
    if new.password is None:
        return draft
    return protect_draft(draft, await hash_link_password(new.password, maker.workspace_id))


async def hash_link_password(password: str, workspace_id: int) -> str:
    """Raises BusyError."""
    return await hash_password(password, pool=LINKS, owner=f"workspace {workspace_id}")


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


def resolve_tags(tx: Transaction, workspace_id: int, new: NewLink, now: int) -> tuple[Tag, ...]:
    """The link's tags, each once. Raises InvalidFieldsError for an id that names none."""
    if not new.tag_ids and not new.tag_names:
        return ()
    found, unknown = find_tags(tx, workspace_id, new.tag_ids)
    if unknown:
        raise InvalidFieldsError({"tag_ids": describe_unknown_tags(unknown)})
    made = make_tags(tx, workspace_id, map(check_tag_name, new.tag_names), now)
    return tuple({tag.id: tag for tag in (*found, *made)}.values())
