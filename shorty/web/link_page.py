"""`/app/links/{id}`: one link, its analytics and its live clicks."""

import asyncio
import re
from collections.abc import AsyncGenerator
from time import monotonic
from typing import Any, Final

from shorty.accounts.roles import may_still
from shorty.clicks.latest import LatestClicks, Place, list_latest_clicks
from shorty.clicks.live import News, Watcher
from shorty.errors import NotFoundError, StorageUnavailableError
from shorty.ids import parse_id
from shorty.links.model import Link
from shorty.links.service import has_link
from shorty.web import statistics
from shorty.web.analytics_filters import ask_of_link
from shorty.web.badges import list_badges
from shorty.web.date_range import CHOICES, is_on
from shorty.web.guard import Pages, read_target
from shorty.web.link_form import get_link, write_place
from shorty.web.panels import BREAKDOWNS, build_panels, choose_tables, list_kinds
from shorty.web.rendering import TEMPLATES, describe_viewer, render
from shorty.web.requests import WebRequest
from shorty.web.streams import EventStream, encode_event
from shorty.webcore.answers import Answer

pages = Pages()

IN_FEED: Final = 8
ON_PAGE: Final = 50
# How often something is sent, so that no proxy takes the stream for dead, and a reader who loses
# the right to it is cut off by then. A beat costs about 0.2 ms, mostly for sending.
BEAT_S: Final = 3
LONGEST_S: Final = 600  # then the browser reconnects
RETRY: Final = b"retry: 3000\n\n"
BEAT: Final = b": still here\n\n"
NO_ALIAS_FORM: Final = {"domain": "", "slug": "", "fault": ""}
_PLACE: Final = re.compile(r"(\d{1,16})-(\d{1,16})")


def describe_link(request: WebRequest, link: Link) -> dict[str, Any]:
    """What the header of a link's pages needs."""
    return {
        "link": link,
        "place": f"/app/links/{link.id}",
        "here": read_target(request) if request.scope["method"] == "GET" else write_place(link),
        "alias_form": NO_ALIAS_FORM,
        "alias_hosts": list_hosts(request, link),
        "badges": list_badges(link, request.now, request.zone),
    }


def list_hosts(request: WebRequest, link: Link) -> list[str]:
    """Where it may get an alias, its own domain first."""
    domains = request.services.domains.list_for_workspace(link.workspace_id)
    hosts = [domain.host for domain in domains]
    return sorted(hosts, key=lambda host: host != link.host)


@pages.handle("GET /links/{link_id}")
async def show_link(request: WebRequest) -> Answer:
    return await render_analytics(request, await get_link(request))


async def render_analytics(
    request: WebRequest, link: Link, *, status: int = 200, **more: Any
) -> Answer:
    """A link's first page; `more` are values of its head."""
    question = ask_of_link(request, link)
    span, value = question.span, question.value
    tables = choose_tables(BREAKDOWNS, value)
    found, latest = await asyncio.gather(
        statistics.read_statistics(request.services.db, question, list_kinds(tables)),
        find_latest(request, link, Place(), IN_FEED, has_bots=span.has_bots),
    )
    return render(
        request,
        "link.html",
        status=status,
        **(describe_link(request, link) | more),
        tab="numbers",
        question=question,
        choices=CHOICES,
        statistics=found,
        panels=build_panels(tables, found.counts, question),
        latest=latest.clicks,
        is_unused=not link.click_count and not found.shows_bots and value is None,
    )


@pages.handle("GET /links/{link_id}/clicks")
async def show_clicks(request: WebRequest) -> Answer:
    link = await get_link(request)
    query = request.read_query()
    before = read_place(query.get("before", ""))
    has_bots = is_on(query.get("bots", ""))
    found = await find_latest(request, link, before, ON_PAGE, has_bots=has_bots)
    return render(
        request,
        "link_clicks.html",
        **describe_link(request, link),
        tab="clicks",
        clicks=found.clicks,
        next=None if found.next is None else f"{found.next.at}-{found.next.id}",
        is_first=before == Place(),
        has_bots=has_bots,
    )


@pages.handle("GET /links/{link_id}/live")
async def stream_clicks(request: WebRequest) -> Answer:
    """`seen` is how many clicks the link had when its page was made."""
    link, query = await get_link(request), request.read_query()
    has_bots, seen = is_on(query.get("bots", "")), parse_id(query.get("seen"))
    return EventStream(watch_clicks(request, link, seen, has_bots=has_bots))


async def watch_clicks(
    request: WebRequest, link: Link, seen: int | None, *, has_bots: bool
) -> AsyncGenerator[bytes]:
    """Events with the new clicks, as items of the feed; before them one with the number of those
    that came between the page and this, if any.
    """
    ends_at = monotonic() + LONGEST_S
    live = request.services.recorder.live
    await live.begin()
    with live.watch(link.workspace_id, link.id) as watcher:
        yield RETRY
        if seen is not None and (missed := await count_clicks(request) - seen) > 0:
            yield encode_event("missed", str(missed))
        while monotonic() < ends_at:
            news = await wait_for_news(watcher)
            if news is None or not await may_still_watch(request, link):
                return
            clicks = [each for each in news.clicks if has_bots or not each.is_bot]
            if clicks or news.missed:
                yield encode_event("clicks", write_items(request, News(tuple(clicks), news.missed)))
            else:
                yield BEAT


async def count_clicks(request: WebRequest) -> int:
    """Those of the link; 0 if it is gone meanwhile, which ends its stream later."""
    try:
        return (await get_link(request)).click_count
    except (NotFoundError, StorageUnavailableError):
        return 0


async def may_still_watch(request: WebRequest, link: Link) -> bool:
    """Whether this request would still be allowed. A client that reconnects learns why not."""
    services, actor = request.services, request.actor
    try:
        is_allowed = await services.db.read(
            lambda rows: may_still(rows, actor, "read", services.read_clock())
        )
        return is_allowed and await has_link(services.links, actor, link.id)
    except StorageUnavailableError:
        return False  # fail closed; the next request is answered with 503


async def wait_for_news(watcher: Watcher) -> News | None:
    """Empty after a while without clicks; None at the end."""
    try:
        async with asyncio.timeout(BEAT_S):
            return await anext(watcher, None)
    except TimeoutError:
        return News((), 0)


def write_items(request: WebRequest, news: News) -> str:
    template = TEMPLATES.get_template("click_items.html")
    return template.render(describe_viewer(request), clicks=news.clicks[::-1], missed=news.missed)


async def find_latest(
    request: WebRequest, link: Link, before: Place, limit: int, *, has_bots: bool
) -> LatestClicks:
    return await list_latest_clicks(
        request.services.db, link.workspace_id, link.id, before, limit, has_bots=has_bots
    )


def read_place(text: str) -> Place:
    """Where a page begins; at the newest click if the text is not a place."""
    match = _PLACE.fullmatch(text)
    return Place(int(match[1]), int(match[2])) if match else Place()
