"""The analytics of a page: totals with their trend, a chart, and breakdowns.

Two reads, whatever is shown; `date_range` reads the period.
"""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from typing import Final

import msgspec

from shorty.clicks import breakdown
from shorty.clicks.breakdown import count_clicks
from shorty.clicks.days import Totals, add_totals
from shorty.clicks.periods import Slots, cut_period
from shorty.clicks.stats import WORD_FOR_OTHERS, Count, ValueCounts, count_by_slot, count_values
from shorty.clicks.stats_store import Scope
from shorty.clicks.value_series import count_value_by_slot
from shorty.idn import write_host
from shorty.storage.database import Database
from shorty.web.analytics_filters import ValueFilter
from shorty.web.charts import SeriesChart, SeriesPoint, draw_series, find_share
from shorty.web.date_range import SO_FAR, Span, name_interval, name_part
from shorty.web.formatting import (
    Change,
    name_country,
    tell_change,
    write_count,
    write_flag,
    write_plural,
    write_share,
)

MOST_ROWS: Final = 100
UTM_TITLES: Final = ("source", "medium", "campaign", "term", "content")


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One total; `change` is against the previous period, where that makes sense."""

    name: str
    value: int
    change: Change | None = None
    before: int | None = None
    about: str = ""


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """`mark` is shown before the name, `about` after it; `length` is in percent.

    `query` is the address that filters by this row; empty if it does not.
    """

    name: str
    clicks: int
    share: str
    length: float
    mark: str = ""
    about: str = ""
    value: str | None = None
    query: str = ""
    is_chosen: bool = False


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """`name` is the filter by its rows, if they filter."""

    name: str = ""
    title: str
    what: str
    bars: Sequence[Bar]


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
    """`about` is the chart in a sentence. `clicks` are those of a filter's value, if it has one.

    `shows_bots`: there are some, and they are counted in."""

    figures: Sequence[Figure]
    chart: SeriesChart
    about: str
    counts: ValueCounts
    clicks: int
    bots: int
    shows_bots: bool


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A value of a breakdown, before it becomes a bar."""

    name: str
    clicks: int
    mark: str = ""
    about: str = ""
    value: str | None = None


async def read_statistics(
    db: Database,
    scope: Scope,
    span: Span,
    kinds: Collection[str],
    value: ValueFilter | None = None,
) -> Statistics:
    """`kinds` are those of `breakdown` that will be shown; with `value`, only its clicks count."""
    period, has_bots = span.period, span.has_bots
    slots = cut_period(period, span.interval)
    kinds = kinds if value is None else value.list_kinds()
    counted, counts = await asyncio.gather(
        count_series(db, scope, span, slots, value),
        count_values(db, scope, period.start, period.end, kinds, has_bots=has_bots),
    )
    middle = len(slots.starts)
    before, found = add_totals(counted[:middle]), add_totals(counted[middle:])
    has_visitors = value is None or value.kind.visitors != ""
    points = list_points(span, slots, counted, has_visitors=has_visitors)
    if value is None:
        figures = list_figures(found, before, has_bots=has_bots)
    else:
        whole = count_clicks(counts.totals, has_bots=has_bots)
        figures = list_figures_of_value(found, before, whole, value, has_bots=has_bots)
    return Statistics(
        figures=figures,
        chart=draw_series(points, span.interval),
        about=describe_series(points),
        counts=counts,
        clicks=count_clicks(found, has_bots=has_bots),
        bots=counts.totals[2],
        shows_bots=has_bots and counts.totals[2] > 0,
    )


async def count_series(
    db: Database, scope: Scope, span: Span, slots: Slots, value: ValueFilter | None = None
) -> list[Totals]:
    """The totals of the previous period's intervals, then of this one's.

    Both have the same intervals, so that one query reads them.
    """
    length = span.period.end - span.period.start
    bounds = (*(each - length for each in slots.bounds[:-1]), *slots.bounds)
    if value is None:
        return await count_by_slot(db, scope, bounds)
    return await count_value_by_slot(db, scope, bounds, value.choice)


def list_points(
    span: Span, slots: Slots, counted: Sequence[Totals], *, has_visitors: bool = True
) -> list[SeriesPoint]:
    """`counted` has the previous period's intervals, then this one's."""
    middle, has_bots = len(slots.starts), span.has_bots
    points: list[SeriesPoint] = []
    for index, start in enumerate(slots.starts):
        totals, earlier = counted[middle + index], counted[index]
        label, title = name_interval(start, span.interval, span.period.zone)
        part = name_part(slots, index, span)
        points.append(
            SeriesPoint(
                label=label,
                title=f"{title} ({part})" if part else title,
                clicks=count_clicks(totals, has_bots=has_bots),
                visitors=totals[1] if has_visitors else None,
                clicks_before=count_clicks(earlier, has_bots=has_bots),
                part=part,
                is_running=part == SO_FAR,
            )
        )
    return points


def list_figures(found: Totals, before: Totals, *, has_bots: bool) -> list[Figure]:
    clicks, clicks_before = (count_clicks(each, has_bots=has_bots) for each in (found, before))
    _, visitors, bots, scans, _ = found
    return [
        compare(
            "Clicks", clicks, clicks_before, "including bots" if has_bots else "excluding bots"
        ),
        compare("Visitors", visitors, before[1], "unique per day"),
        compare("QR scans", scans, before[3], f"{write_share(scans, found[0])} of clicks"),
        Figure(
            name="Bots", value=bots, about="included in clicks" if has_bots else "not in the totals"
        ),
    ]


def list_figures_of_value(
    found: Totals, before: Totals, whole: int, value: ValueFilter, *, has_bots: bool
) -> list[Figure]:
    """`whole` is all clicks of the period."""
    clicks, clicks_before = (count_clicks(each, has_bots=has_bots) for each in (found, before))
    share = f"{write_share(clicks, whole)} of {write_count(whole)}"
    figures = [compare("Clicks", clicks, clicks_before, share)]
    if value.kind.visitors:
        figures.append(compare("Visitors", found[1], before[1], "unique per day"))
    return figures


def compare(name: str, now: int, before: int, about: str) -> Figure:
    return Figure(name=name, value=now, change=tell_change(now, before), before=before, about=about)


def describe_series(points: Sequence[SeriesPoint]) -> str:
    clicks = sum(each.clicks for each in points)
    visitors = [each.visitors for each in points if each.visitors is not None]
    before = sum(each.clicks_before or 0 for each in points)
    text = write_plural(clicks, "click")
    if len(visitors) == len(points):
        text += f" and {write_plural(sum(visitors), 'visitor')}"
    text += ", "
    if len(points) > 1:
        text += f"{points[0].title} to {points[-1].title}"
    else:
        text += points[0].title
    text += f". Previous period: {write_plural(before, 'click')}."
    if clicks:
        most = max(points, key=lambda each: each.clicks)
        text += f" Most clicks: {most.clicks:,}, {most.title}."
    return text


def list_countries(counts: ValueCounts, *, has_bots: bool) -> Panel:
    countries = [
        Named(
            name=name_country(each.value),
            mark=write_flag(each.value),
            clicks=each.clicks,
            about=write_plural(each.visitors, "visitor"),
            value=each.value,
        )
        for each in breakdown.list_countries(counts, has_bots=has_bots)
    ]
    return build_panel("Countries", "Country", countries, "country")


def list_cities(counts: ValueCounts, *, has_bots: bool, country: str = "") -> list[Panel]:
    """Of one country, if it is given; none where no city is known."""
    cities = [
        Named(
            name=name_value(each.city),
            mark=write_flag(each.country),
            clicks=each.clicks,
            about=name_country(each.country) if each.country else "",
            value=breakdown.join_city(each),
        )
        for each in breakdown.list_cities(counts, has_bots=has_bots)
        if not country or each.country == country
    ]
    return [build_panel("Cities", "City", cities, "city")] if cities else []


def list_referrers(counts: ValueCounts, *, has_bots: bool) -> Panel:
    sites = [
        Named(
            name=write_host(site.name),
            clicks=site.clicks,
            about=", ".join(write_host(each.value) for each in site.hosts if each.value),
            value=None if site.name == breakdown.OTHER_SITES else site.name,
        )
        for site in breakdown.list_sites(counts, has_bots=has_bots)
    ]
    return build_panel("Referrers", "Referrer", sites, "referrer")


def list_devices(counts: ValueCounts, *, has_bots: bool) -> list[Panel]:
    return [
        build_panel(
            "Devices",
            "Device",
            [
                Named(
                    name=name_value(each.value).capitalize(), clicks=each.clicks, value=each.value
                )
                for each in breakdown.list_devices(counts, has_bots=has_bots)
            ],
            "device",
        ),
        build_panel(
            "Browsers",
            "Browser",
            name_all(breakdown.list_browsers(counts, has_bots=has_bots)),
            "browser",
        ),
        build_panel(
            "Operating systems",
            "Operating system",
            name_all(breakdown.list_systems(counts, has_bots=has_bots)),
            "os",
        ),
    ]


def list_utm(counts: ValueCounts, *, has_bots: bool) -> list[Panel]:
    """Panels of the parameters that any click had."""
    found = breakdown.list_utm(counts, has_bots=has_bots)
    return [
        build_panel(f"UTM {name}", f"UTM {name}", name_all(values), f"utm_{name}")
        for name, values in zip(UTM_TITLES, found, strict=True)
        if values
    ]


def list_sources(counts: ValueCounts) -> Panel:
    return build_panel("Source", "Source", count_sources(counts))


def count_sources(counts: ValueCounts) -> list[Named]:
    """The sources: the short link itself, its QR code, a bio page."""
    clicks, _, _, scans, bio_clicks = counts.totals
    sources = [
        Named(name="Link", clicks=clicks - scans - bio_clicks),
        Named(name="QR code", clicks=scans),
        Named(name="Bio page", clicks=bio_clicks),
    ]
    return [each for each in sources if each.clicks]


def name_value(value: str | None) -> str:
    if value is None:
        return "Unknown"
    return "Others" if value == WORD_FOR_OTHERS else value


def name_all(counts: Iterable[Count]) -> list[Named]:
    return [
        Named(name=name_value(each.value), clicks=each.clicks, value=each.value) for each in counts
    ]


def build_panel(title: str, what: str, values: Sequence[Named], name: str = "") -> Panel:
    whole = sum(each.clicks for each in values)
    highest = max((each.clicks for each in values), default=0)
    bars = [
        Bar(
            name=each.name,
            clicks=each.clicks,
            share=write_share(each.clicks, whole),
            length=find_share(each.clicks, highest),
            mark=each.mark,
            about=each.about,
            value=each.value,
        )
        for each in values[:MOST_ROWS]
    ]
    return Panel(name=name, title=title, what=what, bars=bars)
