"""`/app/analytics.csv` and a link's: each table and series of the analytics pages as a file.

They have the page's range, filters and bots, by the same query, and every row of a table, of which
the page shows the first.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from shorty.clicks import breakdown
from shorty.clicks.breakdown import OF_RULES, CityCount, SiteCount
from shorty.clicks.periods import Interval, cut_period
from shorty.clicks.stats import Count, count_values
from shorty.clicks.top_links import list_top_links
from shorty.errors import NotFoundError
from shorty.links.model import Link
from shorty.links.service import find_links
from shorty.web.analytics_filters import Question, ask_of_link, read_question
from shorty.web.csv_files import (
    Cell,
    Table,
    name_file,
    send_csv,
    write_exact,
    write_local,
    write_table,
)
from shorty.web.formatting import name_country
from shorty.web.guard import Pages
from shorty.web.link_form import get_link
from shorty.web.panels import (
    BREAKDOWNS,
    SourceCount,
    choose_tables,
    count_rows,
    list_rows,
    name_value,
)
from shorty.web.requests import WebRequest
from shorty.web.rule_sentences import write_sentence
from shorty.web.statistics import count_series, list_points
from shorty.webcore.answers import Answer

pages = Pages()

SERIES: Final = "over-time"
TOP_LINKS: Final = "top-links"
RULES: Final = "rules"
MOST_LINKS: Final = 100
INTERVAL_HEADINGS: Final[Mapping[Interval, str]] = {
    "hour": "Hour",
    "day": "Day",
    "week": "Week from",
    "month": "Month from",
}
TOP_HEADING: Final = ("Short link", "Title", "Destination", "Clicks", "Visitors")
RULES_HEADING: Final = ("Rule", "Rule ID", "Variant", "Clicks", "Visitors", "Note")
DELETED: Final = "deleted"
EVERYONE_ELSE: Final = "Everyone else"


@pages.handle("GET /analytics.csv")
async def send_overview_table(request: WebRequest) -> Answer:
    question = await read_question(request)
    if question.fault:
        raise NotFoundError("domain or tag", "of the filter")
    return await send_named_table(request, question)


@pages.handle("GET /links/{link_id}/analytics.csv")
async def send_link_table(request: WebRequest) -> Answer:
    return await send_named_table(request, ask_of_link(request, await get_link(request)))


async def send_named_table(request: WebRequest, question: Question) -> Answer:
    """Raises NotFoundError for a table that there is not, or not with this filter."""
    name, value = request.read_query().get("table", SERIES), question.value
    if name == SERIES:
        table = await build_series(request, question)
    elif name == TOP_LINKS and question.link is None and value is None:
        table = await build_top_links(request, question)
    elif name == RULES and question.link is not None and value is None:
        table = await build_rules(request, question, question.link)
    elif name in choose_tables(BREAKDOWNS, value):
        table = await build_breakdown(request, question, name)
    else:
        raise NotFoundError("table", name)
    file_name = name_file(name, question.span.period, question.link)
    return send_csv(request, file_name, write_table(table))


async def build_series(request: WebRequest, question: Question) -> Table:
    span, value = question.span, question.value
    slots = cut_period(span.period, span.interval)
    counted = await count_series(request.services.db, question, slots)
    has_visitors = value is None or value.kind.visitors != ""
    points = list_points(span, slots, counted, has_visitors=has_visitors)
    zone = span.period.zone
    places = 16 if span.interval == "hour" else 10  # of the time: to the minute, or the day
    heading = (INTERVAL_HEADINGS[span.interval], "Start (ISO 8601)", "Clicks")
    visitors = ("Visitors",) if has_visitors else ()
    return Table(
        heading=(*heading, *visitors, "Previous period", "Note"),
        rows=[
            (
                *(write_local(start, zone)[:places], write_exact(start, zone), point.clicks),
                *((point.visitors,) if has_visitors else ()),
                *(point.clicks_before, point.part),
            )
            for start, point in zip(slots.starts, points, strict=True)
        ],
    )


async def build_top_links(request: WebRequest, question: Question) -> Table:
    services, period = request.services, question.span.period
    counts = await list_top_links(
        services.db,
        question.scope,
        period.start,
        period.end,
        MOST_LINKS,
        has_bots=question.span.has_bots,
    )
    links = await find_links(services.links, request.actor, [each.link_id for each in counts])
    found = {link.id: link for link in links}
    return Table(
        heading=TOP_HEADING,
        rows=[
            (link.short_url, link.title, link.original_url, each.clicks, each.visitors)
            for each in counts
            if (link := found.get(each.link_id)) is not None
        ],
    )


async def build_rules(request: WebRequest, question: Question, link: Link) -> Table:
    """Each rule or its variants, then the visits that none won, then rules that were deleted."""
    period, has_bots = question.span.period, question.span.has_bots
    counts = await count_values(
        request.services.db, question.scope, period.start, period.end, OF_RULES, has_bots=has_bots
    )
    found = breakdown.list_rules(counts, has_bots=has_bots)
    left = {(each.rule_id, each.variant): (each.clicks, each.visitors) for each in found}
    rows: list[Sequence[Cell]] = []
    for rule in link.rules:
        name = rule.name or write_sentence(rule.conditions, request.zone)
        for variant in [each.key for each in rule.variants] or [None]:
            numbers = left.pop((rule.id, variant), (0, 0))
            rows.append((name, rule.id, variant, *numbers, ""))
    rows.append((EVERYONE_ELSE, "", "", *left.pop((None, None), (0, 0)), ""))
    known = {rule.id: rule.name for rule in link.rules}
    for (rule_id, variant), numbers in left.items():
        rows.append((known.get(rule_id or ""), rule_id, variant, *numbers, DELETED))
    return Table(heading=RULES_HEADING, rows=rows)


async def build_breakdown(request: WebRequest, question: Question, name: str) -> Table:
    counts = await count_rows(request.services.db, question, name, is_file=True)
    heading, write_row = COLUMNS.get(name, ((BREAKDOWNS[name].what, "Clicks"), write_value))
    rows = list_rows(name, counts, question)
    return Table(heading=heading, rows=[write_row(each) for each in rows])


def write_country(count: Count) -> Sequence[Cell]:
    return name_country(count.value), count.value, count.clicks, count.visitors


def write_city(count: CityCount) -> Sequence[Cell]:
    place = name_value(count.city), name_country(count.country), count.country
    return *place, count.clicks, count.visitors


def write_site(site: SiteCount) -> Sequence[Cell]:
    return site.name, " ".join(each.value for each in site.hosts if each.value), site.clicks


def write_source(source: SourceCount) -> Sequence[Cell]:
    return source.name, source.clicks


def write_value(count: Count) -> Sequence[Cell]:
    return name_value(count.value), count.clicks


COLUMNS: Final[Mapping[str, tuple[Sequence[str], Callable[[Any], Sequence[Cell]]]]] = {
    "countries": (("Country", "Code", "Clicks", "Visitors"), write_country),
    "cities": (("City", "Country", "Code", "Clicks", "Visitors"), write_city),
    "referrers": (("Referrer", "Hosts", "Clicks"), write_site),
    "source": (("Source", "Clicks"), write_source),
}
