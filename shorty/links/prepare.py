"""Turns what a caller asks for into a link that can be stored: everything is checked, at once.

What could not be read and what is wrong with the rest are reported together. Whether the slug is
free and the plan has room is found out in the transaction that stores the link: see `writes`.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import msgspec
from msgspec import UNSET

from shorty.accounts.model import Actor
from shorty.errors import InvalidFieldsError
from shorty.links import address_store
from shorty.links.aliases import merge_aliases, read_new_aliases
from shorty.links.checks import check_change
from shorty.links.context import LinkContext
from shorty.links.model import (
    Address,
    Author,
    Link,
    LinkChange,
    LinkDomain,
    LinkFields,
    PreparedLink,
    TagId,
)
from shorty.links.pictures import find_logo_faults
from shorty.links.slug import slug_key
from shorty.links.tags import (
    check_tags,
    describe_unknown_tags,
    find_tags,
    find_texts_for_ids,
    find_unknown_tags,
    fold_name,
)
from shorty.passwords import LINKS, find_password_fault, hash_password
from shorty.plans import require_feature
from shorty.storage.database import Transaction

_TAGS: Final = ("tag_ids", "tag_names", "add_tag_ids", "add_tag_names", "remove_tag_ids")


async def prepare_link(
    context: LinkContext, author: Author, change: LinkChange, now: int
) -> PreparedLink:
    """Raises InvalidFieldsError with every fault, FeatureOffError and BusyError."""
    link = await prepare_open_link(context, author, change, now)
    if not change.password:
        return link
    return protect_link(link, await hash_link_password(change.password, author.workspace_id))


async def prepare_open_link(
    context: LinkContext, author: Author, change: LinkChange, now: int
) -> PreparedLink:
    """As prepare_link, but without the password, which takes long to hash."""
    domain = context.find_domain(author.workspace_id, change.domain or "")
    fields, faults = check_change(change, context.describe_surroundings(domain, now))
    aliases: tuple[Address, ...] = ()
    if change.aliases:
        find_domain = partial(context.find_domain, author.workspace_id)
        aliases, alias_faults = read_new_aliases(change.aliases, domain, find_domain)
        own = fields.get("domain_id"), slug_key(fields.get("slug") or "")
        aliases = tuple(alias for alias in aliases if alias.key != own)
        faults |= alias_faults
    tag_ids, tag_names = change.tag_ids or (), change.tag_names or ()
    faults |= check_tags(tag_ids, tag_names)
    if (code := change.qr_settings or None) is not None:
        faults |= await context.db.read(
            lambda rows: find_logo_faults(rows, author.workspace_id, code)
        )
    if faults or change.unread:
        unknown = await find_unknown_tags(context.db, author.workspace_id, tag_ids)
        raise InvalidFieldsError({**describe_unknown_tags(unknown), **faults}, change.unread)
    if fields.get("webhook_urls"):
        require_feature(author.plan, "webhooks")
    return PreparedLink(
        author=author,
        fields=LinkFields(**fields),
        aliases=aliases,
        tag_ids=tag_ids,
        tag_names=tag_names,
        fetches_title=change.fetches_title,
        created_at=now,
    )


def protect_link(link: PreparedLink, password_hash: str) -> PreparedLink:
    fields = msgspec.structs.replace(link.fields, password_hash=password_hash)
    return msgspec.structs.replace(link, fields=fields)


async def hash_link_password(password: str, workspace_id: int) -> str:
    """Raises BusyError."""
    return await hash_password(password, pool=LINKS, owner=f"workspace {workspace_id}")


async def hash_new_password(actor: Actor, change: LinkChange) -> str | None:
    """Of a change that would be refused for its password, or cannot be read, none is hashed."""
    if not change.password or change.unread or find_password_fault(change.password):
        return None
    return await hash_link_password(change.password, actor.workspace_id)


def prepare_change(
    tx: Transaction,
    context: LinkContext,
    actor: Actor,
    before: Link,
    change: LinkChange,
    password_hash: str | None,
    now: int,
) -> tuple[Link, tuple[Sequence[TagId], Sequence[str]] | None]:
    """The link as it is wanted, its aliases among it but still with its former tags; and ids and
    names of its new tags.

    `password_hash` is that of the change. Raises InvalidFieldsError with every fault and
    FeatureOffError.
    """
    domain = context.find_domain(before.workspace_id, change.domain or before.host)
    fields, faults = check_change(change, context.describe_surroundings(domain, now), before)
    if settings := change.qr_settings:
        faults |= find_logo_faults(tx, before.workspace_id, settings, before.qr_settings)
    tags = None
    if any(getattr(change, name) is not UNSET for name in _TAGS):
        tags = _merge_tags(before, change)
        faults |= check_tags(*tags)
        _, unknown = find_tags(tx, before.workspace_id, tags[0])
        faults = {**describe_unknown_tags(unknown), **faults}
        faults |= find_texts_for_ids(change, "remove_tag_ids")
    aliases, alias_faults = _merge_aliases(tx, context, before, change, domain, fields)
    faults |= alias_faults
    if faults or change.unread:
        raise InvalidFieldsError(_name_tag_fault(change, faults), change.unread)
    if fields.get("webhook_urls"):
        require_feature(actor.plan, "webhooks")
    if change.password is not UNSET:
        fields["password_hash"] = password_hash
    return msgspec.structs.replace(before, **fields, aliases=aliases), tags


def _merge_aliases(
    tx: Transaction,
    context: LinkContext,
    before: Link,
    change: LinkChange,
    domain: LinkDomain | None,
    fields: Mapping[str, Any],
) -> tuple[tuple[Address, ...], dict[str, str]]:
    """`domain` is the changed link's, `fields` what the change sets of it, faulty ones None."""
    on = domain or before.domain
    slug = fields.get("slug") or before.slug
    place = Address(domain_id=on.id, host=on.host, scheme=on.scheme, slug=slug)
    if "domain_id" not in fields:  # the domain may have been removed since
        place = msgspec.structs.replace(before.address, slug=slug)
    is_kept = change.keeps_old_slug and change.aliases is UNSET and place.key != before.address.key
    return merge_aliases(
        change,
        before,
        place,
        partial(context.find_domain, before.workspace_id),
        keeps_former=is_kept and is_address_used(tx, context, before),
    )


def is_address_used(tx: Transaction, context: LinkContext, link: Link) -> bool:
    """Whether the link's address may be known to people: it had visits, or has a QR code."""
    return link.qr_settings is not None or had_visits(tx, context, link.id)


def had_visits(tx: Transaction, context: LinkContext, link_id: int) -> bool:
    """Those of programs and those that wait to be stored among them."""
    visits = address_store.ask_visits(tx, link_id)
    return visits.row() is not None or context.has_waiting_visits(link_id)


def _merge_tags(before: Link, change: LinkChange) -> tuple[tuple[TagId, ...], tuple[str, ...]]:
    """The tags' ids and the names of more; either of the two given says what all the tags are."""
    ids, names = change.tag_ids, change.tag_names
    if ids is UNSET:
        ids = tuple(tag.id for tag in before.tags) if names is UNSET else ()
    removed = set(change.remove_tag_ids or ())
    ids = (*(tag_id for tag_id in ids if tag_id not in removed), *(change.add_tag_ids or ()))
    had = {fold_name(tag.name) for tag in before.tags if tag.id in ids}
    added = (name for name in change.add_tag_names or () if fold_name(name) not in had)
    return tuple(dict.fromkeys(ids)), (*(names or ()), *added)


def _name_tag_fault(change: LinkChange, faults: dict[str, str]) -> dict[str, str]:
    """The fault of the tags under the name of what asked for them."""
    if "tag_ids" not in faults or change.tag_ids is not UNSET or not change.add_tag_ids:
        return faults
    return {"add_tag_ids" if name == "tag_ids" else name: faults[name] for name in faults}
