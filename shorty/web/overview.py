"""`/app`: the analytics of the whole workspace."""

import asyncio
from typing import Any, Final, NamedTuple

from shorty.clicks.top_links import count_candidates, list_top_links
from shorty.durations import DAY_MS
from shorty.links import listing
from shorty.links.model import Link, LinkFilter
from shorty.links.service import find_links
from shorty.links.tags import list_tags
from shorty.web import statistics
from shorty.web.analytics_filters import Question, keep_value, read_question
from shorty.web.charts import find_share
from shorty.web.date_range import CHOICES, is_on
from shorty.web.guard import Pages
from shorty.web.panels import BREAKDOWNS, build_panels, choose_tables, list_kinds
from shorty.web.rendering import render
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer

pages = Pages()

TOP: Final = 8
# The links of a tag that are added up at once, and their days together: these take about a tenth of
# a second.
MOST_LINKS_AT_ONCE: Final = 500
MOST_DAYS_AT_ONCE: Final = 6000
COUNT_LINKS: Final = "select link_id from link_tags where tag_id = $1 limit $2"
TABLES: Final = ("countries", "referrers", "devices", "browsers", "operating-systems")


class TopLink(NamedTuple):
    link: Link
    clicks: int
    length: float  # of its bar, in percent


@pages.handle("GET /")
async def show_overview(request: WebRequest) -> Answer:
    question = await read_question(request)
    span, value = question.span, question.value
    most_clicked = await listing.list_links(
        request.services.links, request.actor, LinkFilter(sort="-clickCount", limit=1)
    )
    link = most_clicked.links[0] if most_clicked.links else None
    domains = request.services.domains.list_for_workspace(request.actor.workspace_id)
    about: dict[str, Any] = {
        "question": question,
        "choices": CHOICES,
        "place": question.place,
        "tags": await list_tags(request.services.db, request.actor.workspace_id),
        "hosts": [domain.host for domain in domains],
        "links": most_clicked.total,
    }
    if await must_wait(request, question):
        return render(request, "overview_waiting.html", **about)
    tables = choose_tables(TABLES if value is None else BREAKDOWNS, value)
    found, top = await asyncio.gather(
        statistics.read_statistics(request.services.db, question, list_kinds(tables)),
        find_top(request, question),
    )
    return render(
        request,
        "overview.html",
        **about,
        statistics=found,
        top=top,
        link_span=keep_value(span, value),
        panels=build_panels(tables, found.counts, question),
        looked_at=count_candidates(span.period.start, span.period.end),
        domain=request.services.domains.default,
        link=link,
        is_unused=link is not None
        and not link.click_count
        and not found.shows_bots
        and not question.chips,
    )


async def must_wait(request: WebRequest, question: Question) -> bool:
    """Whether the page comes without numbers first, since many links have to be added up."""
    tag_id, period = question.scope.tag_id, question.span.period
    if tag_id is None or request.is_fragment or is_on(request.read_query().get("all", "")):
        return False
    days = max(1, (period.end - period.start) // DAY_MS)
    most = min(MOST_LINKS_AT_ONCE, MOST_DAYS_AT_ONCE // days)
    links = await request.services.db.find_all(COUNT_LINKS, tag_id, most + 1)
    return len(links) > most


async def find_top(request: WebRequest, question: Question) -> list[TopLink]:
    if question.value is not None:
        return []
    db, span = request.services.db, question.span
    counts = await list_top_links(
        db, question.scope, span.period.start, span.period.end, TOP, has_bots=span.has_bots
    )
    links = await find_links(
        request.services.links, request.actor, [each.link_id for each in counts]
    )
    clicks = {each.link_id: each.clicks for each in counts}
    highest = max(clicks.values(), default=0)
    return [TopLink(link, clicks[link.id], find_share(clicks[link.id], highest)) for link in links]
