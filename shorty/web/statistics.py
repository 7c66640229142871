"""The analytics of a page: totals with their trend, a chart, and the counts of its breakdowns.

Two reads, whatever is shown; `date_range` reads the period, `panels` shows the breakdowns.
"""

import asyncio
from collections.abc import Collection, Sequence

import msgspec

from shorty.clicks.breakdown import count_clicks
from shorty.clicks.days import Totals, add_totals
from shorty.clicks.periods import Slots, cut_period
from shorty.clicks.stats import ValueCounts, count_by_slot, count_values
from shorty.clicks.value_series import count_value_by_slot
from shorty.storage.database import Database
from shorty.web.analytics_filters import Question, ValueFilter
from shorty.web.charts import SeriesChart, SeriesPoint, draw_series
from shorty.web.date_range import SO_FAR, Span, name_interval, name_part
from shorty.web.formatting import (
    Change,
    tell_change,
    write_count,
    write_plural,
    write_share,
)


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One total; `change` is against the previous period, where that makes sense."""

    name: str
    value: int
    change: Change | None = None
    before: int | None = None
    about: str = ""


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


async def read_statistics(db: Database, question: Question, kinds: Collection[str]) -> Statistics:
    """`kinds` are those of the breakdowns that will be shown."""
    span, value = question.span, question.value
    period, has_bots = span.period, span.has_bots
    slots = cut_period(period, span.interval)
    counted, counts = await asyncio.gather(
        count_series(db, question, slots),
        count_values(db, question.scope, period.start, period.end, kinds, has_bots=has_bots),
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


async def count_series(db: Database, question: Question, slots: Slots) -> list[Totals]:
    """The totals of the previous period's intervals, then of this one's.

    Both have the same intervals, so that one query reads them.
    """
    period, value = question.span.period, question.value
    length = period.end - period.start
    bounds = (*(each - length for each in slots.bounds[:-1]), *slots.bounds)
    if value is None:
        return await count_by_slot(db, question.scope, bounds)
    return await count_value_by_slot(db, question.scope, bounds, value.choice)


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
