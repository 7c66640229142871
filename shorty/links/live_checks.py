"""Judges a link while it is being written: its slug, its destination, and how the page looks.

Advisory only: creating or changing the link checks everything again.
"""

from typing import TYPE_CHECKING, Final

import msgspec

from shorty.accounts.model import Actor
from shorty.accounts.roles import require_scope
from shorty.links import address_store, store
from shorty.links.checks import check_change
from shorty.links.context import LinkContext, find_destination_fault
from shorty.links.destination import parse_destination
from shorty.links.model import Address, Link, LinkChange
from shorty.links.page_metadata import PageFacts, fetch_page_facts
from shorty.links.service import get_link
from shorty.links.slug import is_reserved, parse_slug

if TYPE_CHECKING:
    from shorty.fetch import Fetcher


_NO_DOMAIN: Final = "The domain is not a verified domain of this workspace."
_RESERVED: Final = "This name is reserved; choose another."


class AddressUse(msgspec.Struct, frozen=True, kw_only=True):
    """What leads people to a link's addresses: its clicks of all of them, and its QR code.

    `is_kept`: a change of slug or domain keeps the former address, unless it says otherwise. Also
    where only programs came, or the visits still wait to be stored.
    """

    clicks: int
    has_code: bool
    is_kept: bool


async def find_address_use(context: LinkContext, actor: Actor, link_id: int) -> AddressUse:
    """Raises NotFoundError."""
    link = await get_link(context, actor, link_id)
    had_visits = context.has_waiting_visits(link_id)
    return AddressUse(
        clicks=link.click_count,
        has_code=link.qr_settings is not None,
        is_kept=link.qr_settings is not None
        or had_visits
        or await address_store.foresee_visits(context.db, link_id),
    )


async def find_slug_fault(
    context: LinkContext,
    actor: Actor,
    domain: str,
    slug: str,
    now: int,
    except_link_id: int | None = None,
) -> str | None:
    """Why a link cannot have the slug, in one sentence; the link excepted may have it already."""
    found = context.find_domain(actor.workspace_id, domain)
    if found is None:
        return _NO_DOMAIN
    try:
        slug = parse_slug(slug)
    except ValueError as error:
        return str(error)
    if is_reserved(slug):
        return _RESERVED
    address = Address(domain_id=found.id, host=found.host, scheme=found.scheme, slug=slug)
    fault = await address_store.foresee_slug_fault(
        context.db, actor.workspace_id, address, except_link_id or 0, now
    )
    if fault == "resting":
        return (
            f"The slug was in use on {found.host} until recently and is reserved for its previous "
            "owner; choose another."
        )
    return fault and f"The slug is already taken on {found.host}; choose another."


async def find_rest(
    context: LinkContext, actor: Actor, domain: str, slug: str, now: int
) -> int | None:
    """Until when a slug that was freed lately is kept for this workspace, which may take it; None
    where none is kept. Advisory only: who shared it may still expect it to lead where it did.
    """
    found = context.find_domain(actor.workspace_id, domain)
    if found is None:
        return None
    return await address_store.find_rest(context.db, actor.workspace_id, found.id, slug, now)


async def find_same_destination(
    context: LinkContext, actor: Actor, change: LinkChange, now: int
) -> Link | None:
    """The workspace's oldest link that lets visitors through to where the change leads, UTM
    parameters included; None where it leads nowhere. Its tags are left out.
    """
    require_scope(actor, "write")
    fields, faults = check_change(change, context.describe_surroundings(None, now))
    if "url" in faults or "url" not in fields:
        return None
    return await store.find_same_destination(context.db, actor.workspace_id, fields["url"], now)


async def fetch_preview(
    context: LinkContext, actor: Actor, fetcher: "Fetcher", url: str, now: int
) -> PageFacts:
    """What the page says of itself; nothing where it cannot be read or no link may lead there.

    Raises ForbiddenError for those who could not make a link of it.
    """
    require_scope(actor, "write")
    if find_destination_fault(context, "URL", url, now) is not None:
        return PageFacts()
    return await fetch_page_facts(fetcher, parse_destination("URL", url))
