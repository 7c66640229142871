"""`/app`: the analytics of the whole workspace."""

import asyncio
from typing import Final, NamedTuple

from shorty.clicks.breakdown import OF_COUNTRIES, OF_DEVICES, OF_REFERRERS
from shorty.clicks.stats_store import Scope
from shorty.clicks.top_links import count_candidates, list_top_links
from shorty.links import listing
from shorty.links.model import Link, LinkFilter
from shorty.links.service import find_links
from shorty.web import statistics
from shorty.web.charts import find_share
from shorty.web.date_range import CHOICES, Span, read_span
from shorty.web.guard import Pages
from shorty.web.rendering import render
from shorty.web.requests import WebRequest
from shorty.web.statistics import Panel, Statistics
from shorty.webcore.answers import Answer

pages = Pages()

TOP: Final = 8
SHOWN: Final = (*OF_COUNTRIES, *OF_REFERRERS, *OF_DEVICES)


class TopLink(NamedTuple):
    link: Link
    clicks: int
    length: float  # of its bar, in percent


@pages.handle("GET /")
async def show_overview(request: WebRequest) -> Answer:
    span = read_span(request.read_query(), request.zone, request.now)
    most_clicked = await listing.list_links(
        request.services.links, request.actor, LinkFilter(sort="-clickCount", limit=1)
    )
    link = most_clicked.links[0] if most_clicked.links else None
    scope = Scope(workspace_id=request.actor.workspace_id)
    found, top = await asyncio.gather(
        statistics.read_statistics(request.services.db, scope, span, SHOWN), find_top(request, span)
    )
    return render(
        request,
        "overview.html",
        span=span,
        choices=CHOICES,
        place="/app",
        statistics=found,
        top=top,
        panels=list_panels(found, span),
        links=most_clicked.total,
        looked_at=count_candidates(span.period.start, span.period.end),
        domain=request.services.domains.default,
        link=link,
        is_unused=link is not None and not link.click_count and not found.shows_bots,
    )


async def find_top(request: WebRequest, span: Span) -> list[TopLink]:
    db, workspace_id, period = request.services.db, request.actor.workspace_id, span.period
    counts = await list_top_links(
        db, workspace_id, period.start, period.end, TOP, has_bots=span.has_bots
    )
    links = await find_links(
        request.services.links, request.actor, [each.link_id for each in counts]
    )
    clicks = {each.link_id: each.clicks for each in counts}
    highest = max(clicks.values(), default=0)
    return [TopLink(link, clicks[link.id], find_share(clicks[link.id], highest)) for link in links]


def list_panels(found: Statistics, span: Span) -> list[Panel]:
    counts, has_bots = found.counts, span.has_bots
    return [
        statistics.list_countries(counts, has_bots=has_bots),
        statistics.list_referrers(counts, has_bots=has_bots),
        *statistics.list_devices(counts, has_bots=has_bots),
    ]
