"""`/app`: the analytics of the whole workspace."""

import asyncio
from typing import Any, Final, NamedTuple

from shorty.clicks.breakdown import OF_COUNTRIES, OF_DEVICES, OF_REFERRERS
from shorty.clicks.top_links import count_candidates, list_top_links
from shorty.durations import DAY_MS
from shorty.links import listing
from shorty.links.model import Link, LinkFilter
from shorty.links.service import find_links
from shorty.links.tags import list_tags
from shorty.web import statistics
from shorty.web.analytics_filters import Filters, ValueFilter, keep_value, read_filters
from shorty.web.breakdown_rows import link_rows
from shorty.web.charts import find_share
from shorty.web.date_range import CHOICES, Span, is_on, read_span
from shorty.web.guard import Pages
from shorty.web.rendering import render
from shorty.web.requests import WebRequest
from shorty.web.statistics import Panel, Statistics
from shorty.webcore.answers import Answer

pages = Pages()

TOP: Final = 8
# The links of a tag that are added up at once, and their days together: these take about a tenth of
# a second.
MOST_LINKS_AT_ONCE: Final = 500
MOST_DAYS_AT_ONCE: Final = 6000
COUNT_LINKS: Final = "select link_id from link_tags where tag_id = $1 limit $2"
SHOWN: Final = (*OF_COUNTRIES, *OF_REFERRERS, *OF_DEVICES)


class TopLink(NamedTuple):
    link: Link
    clicks: int
    length: float  # of its bar, in percent


@pages.handle("GET /")
async def show_overview(request: WebRequest) -> Answer:
    chosen = read_span(request.read_query(), request.zone, request.now)
    filters, span = await read_filters(request, chosen)
    most_clicked = await listing.list_links(
        request.services.links, request.actor, LinkFilter(sort="-clickCount", limit=1)
    )
    link = most_clicked.links[0] if most_clicked.links else None
    domains = request.services.domains.list_for_workspace(request.actor.workspace_id)
    about: dict[str, Any] = {
        "span": span,
        "choices": CHOICES,
        "place": "/app",
        "filters_on": filters,
        "tags": await list_tags(request.services.db, request.actor.workspace_id),
        "hosts": [domain.host for domain in domains],
        "links": most_clicked.total,
    }
    if await must_wait(request, filters, span):
        return render(request, "overview_waiting.html", **about)
    found, top = await asyncio.gather(
        statistics.read_statistics(
            request.services.db, filters.scope, span, SHOWN, value=filters.value
        ),
        find_top(request, span, filters),
    )
    return render(
        request,
        "overview.html",
        **about,
        statistics=found,
        top=top,
        link_span=keep_value(span, filters.value),
        panels=link_rows(list_panels(found, span, filters.value), span, "/app", filters.value),
        looked_at=count_candidates(span.period.start, span.period.end),
        domain=request.services.domains.default,
        link=link,
        is_unused=link is not None
        and not link.click_count
        and not found.shows_bots
        and not filters.chips,
    )


async def must_wait(request: WebRequest, filters: Filters, span: Span) -> bool:
    """Whether the page comes without numbers first, since many links have to be added up."""
    scope = filters.scope
    if scope.tag_id is None or request.is_fragment or is_on(request.read_query().get("all", "")):
        return False
    days = max(1, (span.period.end - span.period.start) // DAY_MS)
    most = min(MOST_LINKS_AT_ONCE, MOST_DAYS_AT_ONCE // days)
    links = await request.services.db.find_all(COUNT_LINKS, scope.tag_id, most + 1)
    return len(links) > most


async def find_top(request: WebRequest, span: Span, filters: Filters) -> list[TopLink]:
    if filters.value is not None:
        return []
    db, period = request.services.db, span.period
    counts = await list_top_links(
        db, filters.scope, period.start, period.end, TOP, has_bots=span.has_bots
    )
    links = await find_links(
        request.services.links, request.actor, [each.link_id for each in counts]
    )
    clicks = {each.link_id: each.clicks for each in counts}
    highest = max(clicks.values(), default=0)
    return [TopLink(link, clicks[link.id], find_share(clicks[link.id], highest)) for link in links]


def list_panels(found: Statistics, span: Span, value: ValueFilter | None) -> list[Panel]:
    counts, has_bots = found.counts, span.has_bots
    country = value.value if value is not None and value.name == "country" else ""
    panels = [
        statistics.list_countries(counts, has_bots=has_bots),
        *(statistics.list_cities(counts, has_bots=has_bots, country=country) if country else ()),
        statistics.list_referrers(counts, has_bots=has_bots),
        *statistics.list_devices(counts, has_bots=has_bots),
    ]
    return [each for each in panels if each.bars]
