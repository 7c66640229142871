"""The period of a page's analytics, read from the query, in the viewer's time zone."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec

from shorty.clicks.periods import Interval, Period, read_moment, read_period
from shorty.durations import DAY_MS
from shorty.errors import InvalidFieldsError

DEFAULT: Final = "30d"
CUSTOM: Final = "custom"
CHOICES: Final = {
    "today": "Today",
    "7d": "7 days",
    "30d": "30 days",
    "90d": "90 days",
    "12m": "12 months",
}
DAYS: Final = {"today": 1, "7d": 7, "30d": 30, "90d": 90, "12m": 365}
FAULT: Final = "The first day must be a date, and the last day must not lie before it."
MOST_HOURS: Final = 2  # days that are shown by the hour
MOST_DAYS: Final = 92
MOST_WEEKS: Final = 740


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """`first` and `last` are its days, both part of it, as they stand in the fields of the form.

    `fault` is what is wrong with a custom choice, where the usual period is shown instead.
    """

    choice: str
    period: Period
    interval: Interval
    first: str
    last: str
    has_bots: bool
    fault: str

    def write_query(self, choice: str = "", *, has_bots: bool | None = None) -> str:
        """The query that selects this range, or the given choice; empty for the default."""
        chosen = choice or self.choice
        bots = self.has_bots if has_bots is None else has_bots
        values = {} if chosen == DEFAULT else {"range": chosen}
        if chosen == CUSTOM:
            values |= {"from": self.first, "to": self.last}
        if bots:
            values["bots"] = "1"
        return f"?{urlencode(values)}" if values else ""


def read_span(query: Mapping[str, str], zone: ZoneInfo, now: int) -> Span:
    choice = query.get("range", DEFAULT)
    if choice not in DAYS and choice != CUSTOM:
        choice = DEFAULT
    first, last, fault = query.get("from", ""), query.get("to", ""), ""
    period = _read_custom(first, last, zone, now) if choice == CUSTOM else None
    if choice == CUSTOM and period is None:
        choice, fault = DEFAULT, FAULT
    if period is None:
        period = _count_back(DAYS[choice], zone, now)
    if not fault:
        first, last = _write_date(period.start, zone), _write_date(period.end - 1, zone)
    return Span(
        choice=choice,
        period=period,
        interval=_choose_interval(period),
        first=first,
        last=last,
        has_bots=is_on(query.get("bots", "")),
        fault=fault,
    )


def is_on(text: str) -> bool:
    return text not in {"", "0"}


def _read_custom(first: str, last: str, zone: ZoneInfo, now: int) -> Period | None:
    """None if a day is invalid or the last one is before the first."""
    try:
        return read_period(first or None, last or None, str(zone), now)
    except InvalidFieldsError:
        return None


def _write_date(at: int, zone: ZoneInfo) -> str:
    return read_moment(at, zone).date().isoformat()


def _count_back(days: int, zone: ZoneInfo, now: int) -> Period:
    """The last so many days, including today."""
    first = read_moment(now, zone).date() - timedelta(days=days - 1)
    return read_period(first.isoformat(), None, str(zone), now)


def _choose_interval(period: Period) -> Interval:
    days = (period.end - period.start) / DAY_MS
    if days <= MOST_HOURS:
        return "hour"
    if days <= MOST_DAYS:
        return "day"
    return "week" if days <= MOST_WEEKS else "month"


def name_interval(at: int, interval: Interval, zone: ZoneInfo) -> tuple[str, str]:
    """Its label in a chart, and its full name."""
    moment = read_moment(at, zone)
    if interval == "hour":
        return f"{moment:%H:%M}", f"{write_day(moment)}, {moment:%H:%M}"
    if interval == "month":
        return f"{moment:%b %y}", f"{moment:%B %Y}"
    short = f"{moment.day} {moment:%b}"
    return short, f"Week of {write_day(moment)}" if interval == "week" else write_day(moment)


def write_day(day: datetime) -> str:
    return f"{day:%a} {day.day} {day:%b %Y}"
