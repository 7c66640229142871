"""`/app/analytics.csv` and a link's: each table and series of the analytics pages as a file.

They have the page's range, filters and bots, by the same query, and every row of a table, of which
the page shows the first.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from shorty.clicks import breakdown
from shorty.clicks.breakdown import OF_COUNTRIES, OF_GEO, OF_REFERRERS, OF_RULES
from shorty.clicks.periods import Interval, cut_period
from shorty.clicks.stats import ValueCounts, count_values
from shorty.clicks.stats_store import Scope
from shorty.clicks.top_links import list_top_links
from shorty.errors import NotFoundError
from shorty.links.model import Link
from shorty.links.service import find_links
from shorty.web.analytics_filters import KINDS, NONE, ValueFilter, read_filters, read_value
from shorty.web.breakdown_rows import list_names
from shorty.web.csv_files import (
    Cell,
    Table,
    name_file,
    send_csv,
    write_exact,
    write_local,
    write_table,
)
from shorty.web.date_range import Span, read_span
from shorty.web.formatting import name_country
from shorty.web.guard import Pages
from shorty.web.link_form import get_link
from shorty.web.requests import WebRequest
from shorty.web.rule_sentences import write_sentence
from shorty.web.statistics import (
    UTM_TITLES,
    count_series,
    count_sources,
    list_points,
    name_value,
)
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


class Breakdown(msgspec.Struct, frozen=True, kw_only=True):
    """A table that comes from counts of these `kinds`; `name` is that of its rows' filter."""

    name: str
    kinds: Collection[str]
    build: Callable[[ValueCounts, bool], Table]


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What the page was asked for: whose clicks, when, and which filters are on."""

    scope: Scope
    span: Span
    value: ValueFilter | None
    link: Link | None = None


@pages.handle("GET /analytics.csv")
async def send_overview_table(request: WebRequest) -> Answer:
    chosen = read_span(request.read_query(), request.zone, request.now)
    filters, span = await read_filters(request, chosen)
    if filters.fault:
        raise NotFoundError("domain or tag", "of the filter")
    return await send_named_table(
        request, Question(scope=filters.scope, span=span, value=filters.value)
    )


@pages.handle("GET /links/{link_id}/analytics.csv")
async def send_link_table(request: WebRequest) -> Answer:
    link, query = await get_link(request), request.read_query()
    question = Question(
        scope=Scope(workspace_id=link.workspace_id, link_id=link.id),
        span=read_span(query, request.zone, request.now),
        value=read_value(query),
        link=link,
    )
    return await send_named_table(request, question)


async def send_named_table(request: WebRequest, question: Question) -> Answer:
    """Raises NotFoundError for a table that there is not, or not with this filter."""
    name, value = request.read_query().get("table", SERIES), question.value
    if name == SERIES:
        table = await build_series(request, question)
    elif name == TOP_LINKS and question.link is None and value is None:
        table = await build_top_links(request, question)
    elif name == RULES and question.link is not None and value is None:
        table = await build_rules(request, question, question.link)
    elif name in BREAKDOWNS and (value is None or BREAKDOWNS[name].name in list_names(value)):
        table = await build_breakdown(request, question, BREAKDOWNS[name])
    else:
        raise NotFoundError("table", name)
    file_name = name_file(name, question.span.period, question.link)
    return send_csv(request, file_name, write_table(table))


async def build_series(request: WebRequest, question: Question) -> Table:
    span, value = question.span, question.value
    slots = cut_period(span.period, span.interval)
    counted = await count_series(request.services.db, question.scope, span, slots, value)
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


async def build_breakdown(request: WebRequest, question: Question, wanted: Breakdown) -> Table:
    """With a country's filter, the cities are that country's."""
    period, has_bots, value = question.span.period, question.span.has_bots, question.value
    counts = await count_values(
        request.services.db,
        question.scope,
        period.start,
        period.end,
        wanted.kinds,
        has_bots=has_bots,
    )
    table = wanted.build(counts, has_bots)
    if wanted.name == "city" and value is not None and value.name == "country":
        code = None if value.value == NONE else value.value
        place = table.heading.index("Code")
        return replace(table, rows=[row for row in table.rows if row[place] == code])
    return table


def build_countries(counts: ValueCounts, has_bots: bool) -> Table:  # noqa: FBT001
    found = breakdown.list_countries(counts, has_bots=has_bots)
    return Table(
        heading=("Country", "Code", "Clicks", "Visitors"),
        rows=[(name_country(each.value), each.value, each.clicks, each.visitors) for each in found],
    )


def build_cities(counts: ValueCounts, has_bots: bool) -> Table:  # noqa: FBT001
    return Table(
        heading=("City", "Country", "Code", "Clicks", "Visitors"),
        rows=[
            (
                *(name_value(each.city), name_country(each.country), each.country),
                *(each.clicks, each.visitors),
            )
            for each in breakdown.list_cities(counts, has_bots=has_bots)
        ],
    )


def build_referrers(counts: ValueCounts, has_bots: bool) -> Table:  # noqa: FBT001
    return Table(
        heading=("Referrer", "Hosts", "Clicks"),
        rows=[
            (site.name, " ".join(each.value for each in site.hosts if each.value), site.clicks)
            for site in breakdown.list_sites(counts, has_bots=has_bots)
        ],
    )


def build_sources(counts: ValueCounts, _: bool) -> Table:  # noqa: FBT001
    return Table(
        heading=("Source", "Clicks"),
        rows=[(each.name, each.clicks) for each in count_sources(counts)],
    )


def build_values(name: str, heading: str, *, has_unknown: bool = True) -> Breakdown:
    kind = KINDS[name].kind

    def build(counts: ValueCounts, has_bots: bool) -> Table:  # noqa: FBT001
        found = counts.list_counts(kind, has_bots=has_bots, has_unknown=has_unknown)
        return Table(
            heading=(heading, "Clicks"),
            rows=[(name_value(each.value), each.clicks) for each in found],
        )

    return Breakdown(name=name, kinds=(kind,), build=build)


BREAKDOWNS: Final[Mapping[str, Breakdown]] = {
    "countries": Breakdown(name="country", kinds=OF_COUNTRIES, build=build_countries),
    "cities": Breakdown(name="city", kinds=OF_GEO, build=build_cities),
    "referrers": Breakdown(name="referrer", kinds=OF_REFERRERS, build=build_referrers),
    "source": Breakdown(name="source", kinds=(), build=build_sources),
    "devices": build_values("device", "Device"),
    "browsers": build_values("browser", "Browser"),
    "operating-systems": build_values("os", "Operating system"),
    **{
        f"utm-{name}": build_values(f"utm_{name}", f"UTM {name}", has_unknown=False)
        for name in UTM_TITLES
    },
}
