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
from shorty.clicks.periods import cut_period
from shorty.clicks.stats import WORD_FOR_OTHERS, Count, ValueCounts, count_by_slot, count_values
from shorty.clicks.stats_store import Scope
from shorty.storage.database import Database
from shorty.web.charts import SeriesChart, SeriesPoint, draw_series, find_share
from shorty.web.date_range import Span, name_interval
from shorty.web.formatting import (
    Change,
    name_country,
    tell_change,
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
    """`mark` is shown before the name, `about` after it; `length` is in percent."""

    name: str
    clicks: int
    share: str
    length: float
    mark: str = ""
    about: str = ""


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    what: str
    bars: Sequence[Bar]


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
    """`about` is the chart in a sentence. `shows_bots`: there are some, and they are counted in."""

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


async def read_statistics(
    db: Database, scope: Scope, span: Span, kinds: Collection[str]
) -> Statistics:
    """`kinds` are those of `breakdown` that will be shown."""
    period, has_bots = span.period, span.has_bots
    slots = cut_period(period, span.interval)
    length = period.end - period.start
    # The previous period has the same intervals, so that one query reads both.
    bounds = (*(each - length for each in slots.bounds[:-1]), *slots.bounds)
    counted, counts = await asyncio.gather(
        count_by_slot(db, scope, bounds),
        count_values(db, scope, period.start, period.end, kinds, has_bots=has_bots),
    )
    middle = len(slots.starts)
    before, found = add_totals(counted[:middle]), add_totals(counted[middle:])
    points: list[SeriesPoint] = []
    for start, totals, earlier in zip(
        slots.starts, counted[middle:], counted[:middle], strict=True
    ):
        label, title = name_interval(start, span.interval, period.zone)
        points.append(
            SeriesPoint(
                label=label,
                title=title,
                clicks=count_clicks(totals, has_bots=has_bots),
                visitors=totals[1],
                clicks_before=count_clicks(earlier, has_bots=has_bots),
            )
        )
    return Statistics(
        figures=list_figures(found, before, has_bots=has_bots),
        chart=draw_series(points),
        about=describe_series(points),
        counts=counts,
        clicks=count_clicks(found, has_bots=has_bots),
        bots=found[2],
        shows_bots=has_bots and found[2] > 0,
    )


def list_figures(found: Totals, before: Totals, *, has_bots: bool) -> list[Figure]:
    clicks, clicks_before = (count_clicks(each, has_bots=has_bots) for each in (found, before))
    _, visitors, bots, scans, _ = found
    return [
        compare("Clicks", clicks, clicks_before, "bots among them" if has_bots else "by people"),
        compare("Visitors", visitors, before[1], "counted anew each day"),
        compare("QR scans", scans, before[3], f"{write_share(scans, found[0])} of the clicks"),
        Figure(name="Bots", value=bots, about="counted as clicks" if has_bots else "kept apart"),
    ]


def compare(name: str, now: int, before: int, about: str) -> Figure:
    return Figure(name=name, value=now, change=tell_change(now, before), before=before, about=about)


def describe_series(points: Sequence[SeriesPoint]) -> str:
    clicks = sum(each.clicks for each in points)
    visitors = sum(each.visitors for each in points)
    before = sum(each.clicks_before or 0 for each in points)
    text = f"{write_plural(clicks, 'click')} by {write_plural(visitors, 'visitor')}"
    text += f" from {points[0].title} to {points[-1].title}; {write_plural(before, 'click')} before"
    if clicks:
        most = max(points, key=lambda each: each.clicks)
        text += f". The most, {most.clicks:,}: {most.title}"
    return f"{text}."


def list_countries(counts: ValueCounts, *, has_bots: bool) -> Panel:
    countries = [
        Named(
            name=name_country(each.value),
            mark=write_flag(each.value),
            clicks=each.clicks,
            about=write_plural(each.visitors, "visitor"),
        )
        for each in breakdown.list_countries(counts, has_bots=has_bots)
    ]
    return build_panel("Countries", "Country", countries)


def list_cities(counts: ValueCounts, *, has_bots: bool) -> list[Panel]:
    """None, where no city is known."""
    cities = [
        Named(
            name=name_value(each.city),
            mark=write_flag(each.country),
            clicks=each.clicks,
            about=name_country(each.country) if each.country else "",
        )
        for each in breakdown.list_cities(counts, has_bots=has_bots)
    ]
    return [build_panel("Cities", "City", cities)] if cities else []


def list_referrers(counts: ValueCounts, *, has_bots: bool) -> Panel:
    sites = [
        Named(
            name=site.name,
            clicks=site.clicks,
            about=", ".join(each.value for each in site.hosts if each.value),
        )
        for site in breakdown.list_sites(counts, has_bots=has_bots)
    ]
    return build_panel("Referrers", "Referrer", sites)


def list_devices(counts: ValueCounts, *, has_bots: bool) -> list[Panel]:
    return [
        build_panel(
            "Devices",
            "Device",
            [
                Named(name=name_value(each.value).capitalize(), clicks=each.clicks)
                for each in breakdown.list_devices(counts, has_bots=has_bots)
            ],
        ),
        build_panel(
            "Browsers", "Browser", name_all(breakdown.list_browsers(counts, has_bots=has_bots))
        ),
        build_panel(
            "Operating systems",
            "Operating system",
            name_all(breakdown.list_systems(counts, has_bots=has_bots)),
        ),
    ]


def list_utm(counts: ValueCounts, *, has_bots: bool) -> list[Panel]:
    """Panels of the parameters that any click had."""
    found = breakdown.list_utm(counts, has_bots=has_bots)
    return [
        build_panel(f"UTM {name}", f"UTM {name}", name_all(values))
        for name, values in zip(UTM_TITLES, found, strict=True)
        if values
    ]


def list_sources(counts: ValueCounts) -> Panel:
    """The sources: the short link itself, its QR code, a bio page."""
    clicks, _, _, scans, bio_clicks = counts.totals
    sources = [
        Named(name="Link", clicks=clicks - scans - bio_clicks),
        Named(name="QR code", clicks=scans),
        Named(name="Bio page", clicks=bio_clicks),
    ]
    return build_panel("Links and codes", "Way", [each for each in sources if each.clicks])


def name_value(value: str | None) -> str:
    if value is None:
        return "Unknown"
    return "Others" if value == WORD_FOR_OTHERS else value


def name_all(counts: Iterable[Count]) -> list[Named]:
    return [Named(name=name_value(each.value), clicks=each.clicks) for each in counts]


def build_panel(title: str, what: str, values: Sequence[Named]) -> Panel:
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
        )
        for each in values[:MOST_ROWS]
    ]
    return Panel(title=title, what=what, bars=bars)
