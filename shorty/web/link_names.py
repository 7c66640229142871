"""Finds the link that somebody names as they see it: its short URL, HOST/SLUG, or its slug."""

from urllib.parse import unquote

from shorty.links.model import Link
from shorty.links.service import find_links
from shorty.links.slug import slug_key
from shorty.web.requests import WebRequest


async def find_named_link(request: WebRequest, text: str, usual_host: str) -> Link | None:
    """`usual_host` is meant where a slug stands alone. None for another workspace's link too."""
    book, actor = request.services.book, request.actor
    place = text.partition("://")[2] or text
    host, slash, slug = place.partition("/")
    domain = book.find_domain(actor.workspace_id, host if slash else usual_host)
    key = slug_key(unquote((slug if slash else place).rstrip("/")))
    cached = book.lookup.find(domain.id, key) if domain and key else None
    found = await find_links(book, actor, [cached.id] if cached else [])
    return found[0] if found else None
