"""Live checks of the link form: whether the slug is free, and how the page looks."""

from http import HTTPStatus
from typing import Final

import msgspec

from shorty.errors import FetchError
from shorty.fetch import Page
from shorty.ids import parse_id
from shorty.limits import divide_limit
from shorty.links.context import find_destination_fault
from shorty.links.destination import UTM_PARAMETERS
from shorty.links.live_checks import (
    fetch_preview,
    find_rest,
    find_slug_fault,
)
from shorty.links.model import Link
from shorty.web.destinations import complete_destination
from shorty.web.guard import Pages
from shorty.web.link_fields import EMPTY
from shorty.web.link_form import RESTS, find_same, name_link
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer, Header, answer_json

pages = Pages()

# What of the form decides where a link leads.
ASKED: Final = ("url", "link_type", *UTM_PARAMETERS)
WEB: Final = (None, "", "URL")  # types of link whose destination is checked here
PREVIEWS_PER_MINUTE: Final = 60
PICTURE_LIMIT_BYTES: Final = 3_000_000
PICTURE_TIMEOUT_S: Final = 8.0
PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"})
# A stranger's picture must not load or run anything if it is opened by itself.
SAFE: Final[tuple[Header, ...]] = (
    (b"content-security-policy", b"default-src 'none'; sandbox"),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"private, max-age=300"),
)


class Same(msgspec.Struct, frozen=True, kw_only=True):
    """A link of the workspace that leads to the same place already."""

    id: str
    name: str
    short_url: str
    title: str | None


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """The fault of each; None if there is none, or it was not asked for.

    `slug_note` is a warning about a slug that may be taken.
    """

    slug: str | None = None
    slug_note: str | None = None
    url: str | None = None
    same: Same | None = None


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    title: str | None
    description: str | None
    image: str | None


@pages.handle("GET /links/check", needs="write")
async def check_link(request: WebRequest) -> Answer:
    query, context = request.read_query(), request.services.links
    slug, url, link_id = query.get("slug", ""), query.get("url", "").strip(), query.get("link")
    slug_fault, rest, same = None, None, None
    if slug:
        domain, now = query.get("domain", ""), request.now
        rest = await find_rest(context, request.actor, domain, slug, now)
        slug_fault = await find_slug_fault(
            context, request.actor, domain, slug, now, parse_id(link_id)
        )
    if url and not link_id:
        same = await find_same(request, {**EMPTY, **{name: query.get(name, "") for name in ASKED}})
    checked = Checked(
        slug=slug_fault,
        slug_note=None if slug_fault or rest is None else RESTS,
        url=find_web_fault(request, url) if url and query.get("link_type") in WEB else None,
        same=same and describe_same(same),
    )
    return answer_json(checked, headers=[(b"cache-control", b"no-store")])


def describe_same(link: Link) -> Same:
    return Same(id=str(link.id), name=name_link(link), short_url=link.short_url, title=link.title)


@pages.handle("POST /links/preview", needs="write")
async def preview_page(request: WebRequest) -> Answer:
    """Fetches the page, so it needs our form's token and is rate limited."""
    take_turn(request)
    url = complete_destination(request.typed.read("url"))
    facts = await fetch_preview(
        request.services.links, request.actor, request.services.fetcher, url, request.now
    )
    shown = Preview(title=facts.title, description=facts.description, image=facts.image)
    return answer_json(shown, headers=[(b"cache-control", b"no-store")])


@pages.handle("GET /links/picture", needs="write")
async def show_picture(request: WebRequest) -> Answer:
    """Proxies a stranger's picture, since the dashboard loads nothing from other hosts."""
    take_turn(request)
    found = await find_picture(request, request.read_query().get("url", ""))
    if found is None:
        return Answer(204, headers=SAFE)  # an error would show in the browser's console
    return Answer(200, found.body, media_type=found.content_type.encode(), headers=SAFE)


async def find_picture(request: WebRequest, url: str) -> Page | None:
    if find_destination_fault(request.services.links, "URL", url, request.now) is not None:
        return None
    try:
        found = await request.services.fetcher.get_page(
            url, limit_bytes=PICTURE_LIMIT_BYTES, timeout_s=PICTURE_TIMEOUT_S
        )
    except FetchError:
        return None
    is_whole = len(found.body) < PICTURE_LIMIT_BYTES
    is_picture = found.status == HTTPStatus.OK and found.content_type in PICTURES
    return found if is_picture and is_whole else None


def take_turn(request: WebRequest) -> None:
    """Raises RateLimitedError."""
    services, now = request.services, request.now
    limit = divide_limit(PREVIEWS_PER_MINUTE, services.db.live_nodes)
    services.limits.previews.take(request.actor.user_id, limit, now).require(now)


def find_web_fault(request: WebRequest, url: str) -> str | None:
    """Checks web pages only; other types are checked when the form is sent."""
    if url.lower().startswith(("mailto:", "tel:", "sms:")):
        return None
    whole = complete_destination(url)
    return find_destination_fault(request.services.links, "URL", whole, request.now)
