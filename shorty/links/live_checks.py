"""Judges a link while it is being written: its slug, its destination, and how the page looks.

What is asked here decides nothing: making or changing the link checks everything once more.
"""

from typing import Final

from shorty.accounts.model import Actor
from shorty.accounts.roles import require_scope
from shorty.fetch import Fetcher
from shorty.links import store
from shorty.links.context import LinkContext
from shorty.links.destination import parse_destination
from shorty.links.model import LinkType
from shorty.links.page_metadata import PageFacts, fetch_page_facts
from shorty.links.rules import find_url_fault
from shorty.links.slug import is_reserved, parse_slug

_NO_DOMAIN: Final = "The domain is not a verified domain of this workspace."
_RESERVED: Final = "This name is reserved; choose another."


async def find_slug_fault(
    context: LinkContext, actor: Actor, domain: str, slug: str, except_link_id: int | None = None
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
    place = actor.workspace_id, found.id, slug, except_link_id or 0
    if not await store.has_slug_holder(context.db, *place):
        return None
    return f"The slug is already taken on {found.host}; choose another."


def find_destination_fault(
    context: LinkContext, link_type: LinkType, url: str, now: int
) -> str | None:
    """Why no link can lead there, in words that follow a field's name or stand alone."""
    return find_url_fault(link_type, url, context.describe_surroundings(None, now))


async def fetch_preview(
    context: LinkContext, actor: Actor, fetcher: Fetcher, url: str, now: int
) -> PageFacts:
    """What the page says of itself; nothing where it cannot be read or no link may lead there.

    Raises ForbiddenError for those who could not make a link of it.
    """
    require_scope(actor, "write")
    if find_destination_fault(context, "URL", url, now) is not None:
        return PageFacts()
    return await fetch_page_facts(fetcher, parse_destination("URL", url))
