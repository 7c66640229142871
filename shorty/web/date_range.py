"""The period of a page's analytics, read from the query, in the viewer's time zone."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from shorty.clicks.periods import Interval, Period, Slots, read_moment, read_period
from shorty.clicks.rollups import QUARTER_MS
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
FAULT: Final = "Choose a first day that is not in the future, and a last day that is not before it."
SO_FAR: Final = "so far"
MOST_HOURS: Final = 2  # days that are shown by the hour
MOST_DAYS: Final = 92
MOST_WEEKS: Final = 740


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """`first` and `last` are its days, both part of it, as they stand in the fields of the form.

    The period ends now where these days do not end before. `fault` is what is wrong with a custom
    choice, where the usual period is shown instead. `filters` are kept in every address, by their
    names in the query.
    """

    choice: str
    period: Period
    interval: Interval
    first: str
    last: str
    has_bots: bool
    fault: str
    now: int
    filters: Mapping[str, str] = {}

    def write_query(self, choice: str = "", *, has_bots: bool | None = None) -> str:
        """The query that selects this range, or the given choice; empty for the default."""
        chosen = choice or self.choice
        bots = self.has_bots if has_bots is None else has_bots
        values = {} if chosen == DEFAULT else {"range": chosen}
        if chosen == CUSTOM:
            values |= {"from": self.first, "to": self.last}
        if bots:
            values["bots"] = "1"
        values |= self.filters
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
    # What is to come has no numbers yet, and would make the comparison unfair.
    period = replace(period, end=min(period.end, -(-now // QUARTER_MS) * QUARTER_MS))
    return Span(
        choice=choice,
        period=period,
        interval=_choose_interval(period),
        first=first,
        last=last,
        has_bots=is_on(query.get("bots", "")),
        fault=fault,
        now=now,
    )


def is_on(text: str) -> bool:
    return text not in {"", "0"}


def _read_custom(first: str, last: str, zone: ZoneInfo, now: int) -> Period | None:
    """None if a day is invalid, the last one is before the first, or the first is to come."""
    try:
        period = read_period(first or None, last or None, str(zone), now)
    except InvalidFieldsError:
        return None
    return period if period.start < now else None


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
    """Its label in a chart, and its full name. Midnight's label is the day."""
    moment = read_moment(at, zone)
    day = f"{moment.day} {moment:%b}"
    if interval == "hour":
        clock = f"{moment:%H:%M}"
        name = f"{write_day(moment)}, {clock}{_name_repeated_hour(moment)}"
        return (clock if moment.hour or moment.minute else day), name
    if interval == "month":
        return f"{moment:%b %y}", f"{moment:%B %Y}"
    return day, f"Week of {write_day(moment)}" if interval == "week" else write_day(moment)


def _name_repeated_hour(moment: datetime) -> str:
    """Tells the two hours apart that have one name where the clock is set back."""
    is_repeated = moment.replace(fold=0).utcoffset() != moment.replace(fold=1).utcoffset()
    return f" {moment:%Z}" if is_repeated else ""


def name_part(slots: Slots, index: int, span: Span) -> str:
    """What there is of an interval that lies in the period only in part; empty for a whole one."""
    period = span.period
    is_last = index == len(slots.starts) - 1
    if is_last and slots.end > span.now:
        return SO_FAR
    notes: list[str] = []
    if slots.starts[index] < slots.bounds[index]:
        notes.append(f"from {write_day(read_moment(period.start, period.zone))}")
    if is_last and slots.end > period.end:
        notes.append(f"until {write_day(read_moment(period.end - 1, period.zone))}")
    return " ".join(notes)


def write_day(day: datetime) -> str:
    return f"{day:%a} {day.day} {day:%b %Y}"
