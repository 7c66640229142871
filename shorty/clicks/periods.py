"""Owns the periods that questions are about: their ends, and how they are cut into intervals.

Days, weeks and months are those of the caller's time zone, with its changes of the clock. Moments
are UTC milliseconds; ends are on a quarter hour, the finest that sums are kept by.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from shorty.clicks.rollups import QUARTER_MS
from shorty.errors import InvalidFieldsError

Interval = Literal["hour", "day", "week", "month"]

DEFAULT_DAYS: Final = 30
HOUR_MS: Final = 3_600_000
MOST_POINTS: Final = 10_000
FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2999

_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
# A plus sign that was not escaped in a query arrives as a space.
_LOST_PLUS: Final = re.compile(r"(T[\d:.,]+) (\d\d:?\d\d)$")


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """From `start` up to `end`, which is not part of it."""

    start: int
    end: int
    zone: ZoneInfo

    @property
    def previous(self) -> "Period":
        """The one of the same length just before."""
        return Period(start=2 * self.start - self.end, end=self.start, zone=self.zone)

    def write_moment(self, at: int) -> str:
        """ISO 8601 with the zone's offset at that moment."""
        moment = read_moment(at, self.zone)
        return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


class Slots(msgspec.Struct, frozen=True, kw_only=True):
    """A period cut into intervals: slot i goes from `bounds[i]` to `bounds[i + 1]`.

    `starts` are where the intervals begin, the first one perhaps before the period.
    """

    starts: tuple[int, ...]
    bounds: tuple[int, ...]


def read_period(start: str | None, end: str | None, zone_name: str, now: int) -> Period:
    """A date as `end` means the whole of that day. Raises InvalidFieldsError with every fault."""
    faults: dict[str, str] = {}
    zone = find_zone(zone_name)
    if zone is None:
        faults["timezone"] = "must be a zone of the IANA database such as Europe/Berlin"
    fitting = zone or ZoneInfo("UTC")
    ends = now if end is None else _read_end(end, fitting, is_last=True)
    begins = _find_default_start(ends or now, fitting)
    if start is not None:
        begins = _read_end(start, fitting, is_last=False)
    for name, found in (("from", begins), ("to", ends)):
        if found is None:
            faults[name] = (
                "must be a date such as 2026-12-31 or a time such as 2026-12-31T23:59:59Z, "
                f"from {FIRST_YEAR} to {LAST_YEAR}"
            )
    if begins is not None and ends is not None:
        begins = begins // QUARTER_MS * QUARTER_MS
        ends = -(-ends // QUARTER_MS) * QUARTER_MS
        if begins < ends and not faults:
            return Period(start=begins, end=ends, zone=fitting)
        if begins >= ends:
            faults["from" if end is None else "to"] = (
                "must lie before now, or `to` be given" if end is None else "must lie after `from`"
            )
    raise InvalidFieldsError(faults)


def find_zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def cut_period(period: Period, interval: Interval) -> Slots:
    """Raises InvalidFieldsError where there would be too many."""
    first = _find_interval(read_moment(period.start, period.zone), interval)
    starts = [_tell(first)]
    while (following := _find_next(starts[-1], interval, period.zone)) < period.end:
        if len(starts) == MOST_POINTS:
            fault = f"must be longer for this period: there would be over {MOST_POINTS:,} points"
            raise InvalidFieldsError({"interval": fault})
        starts.append(following)
    return Slots(starts=tuple(starts), bounds=(period.start, *starts[1:], period.end))


def read_moment(at: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(at // 1000, UTC).astimezone(zone)


def _read_end(text: str, zone: ZoneInfo, *, is_last: bool) -> int | None:
    """A date or a moment as milliseconds; None where it is neither."""
    try:
        if _DATE.fullmatch(text):
            day = date.fromisoformat(text)
            moment = datetime.combine(day + timedelta(days=is_last), time(), zone)
        else:
            moment = datetime.fromisoformat(_LOST_PLUS.sub(r"\1+\2", text))
            moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        if not FIRST_YEAR <= moment.year <= LAST_YEAR:
            return None
        return _tell(moment)
    except (ValueError, OverflowError):
        return None


def _find_default_start(end: int, zone: ZoneInfo) -> int:
    last = read_moment(end - 1, zone).date()
    return _tell(datetime.combine(last - timedelta(days=DEFAULT_DAYS - 1), time(), zone))


def _find_interval(moment: datetime, interval: Interval) -> datetime:
    """The beginning of the interval that the moment is in."""
    if interval == "hour":
        past = timedelta(minutes=moment.minute, seconds=moment.second)
        return (moment.astimezone(UTC) - past).astimezone(moment.tzinfo)
    day = moment.date()
    if interval == "week":
        day -= timedelta(days=day.weekday())
    elif interval == "month":
        day = day.replace(day=1)
    return datetime.combine(day, time(), moment.tzinfo)


def _find_next(start: int, interval: Interval, zone: ZoneInfo) -> int:
    if interval == "hour":
        later = read_moment(start + HOUR_MS, zone)
        # Where the clock was set by half an hour, an hour began in between.
        return _tell(_find_interval(later, interval) if read_moment(start, zone).minute else later)
    day = read_moment(start, zone).date()
    if interval == "day":
        day += timedelta(days=1)
    elif interval == "week":
        day += timedelta(days=7)
    else:
        day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return _tell(datetime.combine(day, time(), zone))


def _tell(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
