"""Analytics on the command line: read as the API does, printed for people, as JSON or as CSV."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import msgspec
import rich_click as click

from shorty.api.analytics_answers import Point, PreviousTotals
from shorty.cli.options import json_option, print_json
from shorty.cli.tables import clean, find_width, print_facts, write_table
from shorty.clicks import breakdown
from shorty.clicks.days import Totals, add_totals
from shorty.clicks.periods import Interval, Period, cut_period, read_moment, read_period
from shorty.clicks.stats import Count, ValueCounts, count_by_slot, count_values
from shorty.clicks.stats_store import Scope
from shorty.durations import DAY_MS
from shorty.errors import InvalidFieldsError
from shorty.storage.database import Database
from shorty.transfer.tables import write_cell, write_rows

F = TypeVar("F", bound=Callable[..., Any])

OF_ALL: Final = (
    *breakdown.OF_GEO,
    *breakdown.OF_DEVICES,
    *breakdown.OF_REFERRERS,
    *breakdown.OF_UTM,
)
MOST_DAYS: Final = 92
MOST_WEEKS: Final = 740
SHOWN: Final = 5  # of each breakdown
LONGEST_BAR: Final = 40
EIGHTHS: Final = " ▏▎▍▌▋▊▉"
UTM_NAMES: Final = ("source", "medium", "campaign", "term", "content")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the options ask for."""

    period: Period
    interval: Interval
    has_bots: bool
    as_json: bool
    as_csv: bool


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    totals: Totals
    before: Totals
    series: Sequence[Point]
    counts: ValueCounts


def numbers_options(command: F) -> F:
    for option in (
        json_option,
        click.option(
            "--csv", "as_csv", is_flag=True, help="Print clicks and visitors over time as CSV."
        ),
        click.option("--include-bots", "has_bots", is_flag=True, help="Include clicks by bots."),
        click.option(
            "--timezone",
            metavar="ZONE",
            default="UTC",
            show_default=True,
            help="IANA time zone that defines the days.",
        ),
        click.option("--to", "end", metavar="DATE", help="Last day, or ISO 8601. Default: now."),
        click.option(
            "--from",
            "start",
            metavar="DATE",
            help="First day, or ISO 8601. Default: 30 days, including the last one.",
        ),
    ):
        command = option(command)
    return command


def read_wanted(
    now: int,
    *,
    start: str | None,
    end: str | None,
    timezone: str,
    has_bots: bool,
    as_json: bool,
    as_csv: bool,
) -> Wanted:
    """Raises InvalidFieldsError, in the options' names."""
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other.")
    try:
        period = read_period(start, end, timezone, now)
    except InvalidFieldsError as error:
        # A fault of one end may name the other: "must be after `from`".
        raise InvalidFieldsError(
            {f"--{name}": fault.replace("`", "") for name, fault in error.fields.items()}
        ) from None
    return Wanted(
        period=period,
        interval=choose_interval(period),
        has_bots=has_bots,
        as_json=as_json,
        as_csv=as_csv,
    )


def choose_interval(period: Period) -> Interval:
    days = (period.end - period.start) / DAY_MS
    if days <= MOST_DAYS:
        return "day"
    return "week" if days <= MOST_WEEKS else "month"


async def read_numbers(db: Database, scope: Scope, wanted: Wanted) -> Numbers:
    period = wanted.period
    slots = cut_period(period, wanted.interval)
    before, *found = await count_by_slot(db, scope, (period.previous.start, *slots.bounds))
    counts = await count_values(
        db, scope, period.start, period.end, OF_ALL, has_bots=wanted.has_bots
    )
    series = [
        Point(
            start=period.write_moment(start),
            clicks=breakdown.count_clicks(totals, has_bots=wanted.has_bots),
            visitors=totals[1],
        )
        for start, totals in zip(slots.starts, found, strict=True)
    ]
    return Numbers(totals=add_totals(found), before=before, series=series, counts=counts)


def print_numbers(numbers: Numbers, wanted: Wanted, of_what: dict[str, str]) -> None:
    """`of_what` names the link or the filters."""
    if wanted.as_csv:
        rows = [("start", "clicks", "visitors")]
        rows += [(write_cell(p.start), str(p.clicks), str(p.visitors)) for p in numbers.series]
        click.echo(write_rows(rows).decode(), nl=False)
    elif wanted.as_json:
        print_json(of_what | build_json(numbers, wanted))
    else:
        print_for_people(numbers, wanted, of_what)


def build_json(numbers: Numbers, wanted: Wanted) -> dict[str, Any]:
    """The answers of the API's analytics, in one object."""
    clicks, visitors, bots, scans, _ = numbers.totals
    period, has_bots, counts = wanted.period, wanted.has_bots, numbers.counts
    utm = zip(UTM_NAMES, breakdown.list_utm(counts, has_bots=has_bots), strict=True)
    return {
        "from": period.write_moment(period.start),
        "to": period.write_moment(period.end),
        "timezone": period.zone.key,
        "clicks": clicks + bots if has_bots else clicks,
        "visitors": visitors,
        "scans": scans,
        "bots": bots,
        "previous": PreviousTotals(
            clicks=breakdown.count_clicks(numbers.before, has_bots=has_bots),
            visitors=numbers.before[1],
        ),
        "interval": wanted.interval,
        "series": numbers.series,
        "countries": [
            {"country": each.value, "clicks": each.clicks, "visitors": each.visitors}
            for each in breakdown.list_countries(counts, has_bots=has_bots)
        ],
        "referrers": [
            {"name": each.name, "clicks": each.clicks}
            for each in breakdown.list_sites(counts, has_bots=has_bots)
        ],
        **{
            name: [{field: each.value, "clicks": each.clicks} for each in found]
            for name, field, found in list_devices(counts, has_bots=has_bots)
        },
        "utm": {
            name: [{"value": each.value, "clicks": each.clicks} for each in found]
            for name, found in utm
        },
    }


def list_devices(
    counts: ValueCounts, *, has_bots: bool
) -> tuple[tuple[str, str, Sequence[Count]], ...]:
    return (
        ("devices", "device", breakdown.list_devices(counts, has_bots=has_bots)),
        ("browsers", "browser", breakdown.list_browsers(counts, has_bots=has_bots)),
        ("os", "os", breakdown.list_systems(counts, has_bots=has_bots)),
    )


def print_for_people(numbers: Numbers, wanted: Wanted, of_what: dict[str, str]) -> None:
    clicks, visitors, bots, scans, _ = numbers.totals
    period = wanted.period
    ends = (read_moment(at, period.zone) for at in (period.start, period.end - 1))
    first, last = (f"{each:%Y-%m-%d}" for each in ends)
    clicks = breakdown.count_clicks(numbers.totals, has_bots=wanted.has_bots)
    before = breakdown.count_clicks(numbers.before, has_bots=wanted.has_bots)
    print_facts(
        {
            **of_what,
            "period": f"{first} to {last} ({period.zone.key})",
            "clicks": f"{clicks:,} (previous period: {before:,})",
            "visitors": f"{visitors:,} (previous period: {numbers.before[1]:,})",
            "scans": f"{scans:,}",
            "bots": f"{bots:,} ({'included' if wanted.has_bots else 'not included'})",
        }
    )
    if not clicks:
        return
    print_section(wanted.interval.upper(), list_series(numbers.series))
    for title, rows in list_breakdowns(numbers.counts, has_bots=wanted.has_bots):
        print_section(title, rows[:SHOWN], whole=clicks)


def list_series(series: Sequence[Point]) -> list[tuple[str, int]]:
    return [(each.start[:10], each.clicks) for each in series]


def list_breakdowns(
    counts: ValueCounts, *, has_bots: bool
) -> list[tuple[str, list[tuple[str, int]]]]:
    countries = breakdown.list_countries(counts, has_bots=has_bots)
    sites = breakdown.list_sites(counts, has_bots=has_bots)
    found = [
        ("COUNTRY", [(each.value or "unknown", each.clicks) for each in countries]),
        ("REFERRER", [(each.name, each.clicks) for each in sites]),
    ]
    for _, field, values in list_devices(counts, has_bots=has_bots):
        found.append((field.upper(), [(each.value or "unknown", each.clicks) for each in values]))
    for name, values in zip(UTM_NAMES, breakdown.list_utm(counts, has_bots=has_bots), strict=True):
        found.append((f"UTM {name.upper()}", [(each.value or "-", each.clicks) for each in values]))
    return [(title, rows) for title, rows in found if rows]


def print_section(title: str, rows: Sequence[tuple[str, int]], whole: int = 0) -> None:
    """A table, on a terminal with a bar for each row; shares are of `whole`."""
    width, highest = find_width(), max(clicks for _, clicks in rows)
    heads = [title, "CLICKS", *(["SHARE"] if whole else [])]
    longest = max(len(f"{clicks:,}") for _, clicks in rows)
    table = [heads]
    for name, clicks in rows:
        number = f"{clicks:,}".rjust(longest) if width is not None else str(clicks)
        share = [f"{100 * clicks / whole:.0f}%"] if whole else []
        table.append([clean(name), number, *share])
    if width is not None:
        room = min(LONGEST_BAR, width // 3)
        bars = ["", *(draw_bar(clicks, highest, room) for _, clicks in rows)]
        table = [[*row, bar] for row, bar in zip(table, bars, strict=True)]
    click.echo()
    for line in write_table(table, width):
        click.echo(line)


def draw_bar(value: int, highest: int, width: int) -> str:
    """In eighths of a column; any click can be seen."""
    if not value or not highest:
        return ""
    eighths = max(1, round(value / highest * width * 8))
    return ("█" * (eighths // 8) + EIGHTHS[eighths % 8]).rstrip()
