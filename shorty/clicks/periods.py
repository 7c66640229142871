"""Owns the periods of analytics: reads their ends and cuts them into intervals.

Days, weeks and months are those of the caller's time zone, with its clock changes. Moments are UTC
milliseconds; ends are rounded to a quarter hour, the finest grain of the sums.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from shorty.clicks.rollups import QUARTER_MS
from shorty.durations import HOUR_MS
from shorty.errors import InvalidFieldsError

Interval = Literal["hour", "day", "week", "month"]

DEFAULT_DAYS: Final = 30
MOST_POINTS: Final = 10_000
FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2999

_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
# A plus sign that was not escaped in a query arrives as a space.
_LOST_PLUS: Final = re.compile(r"(T[\d:.,]+) (\d\d:?\d\d)$")


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """From `start` up to, but not including, `end`."""

    start: int
    end: int
    zone: ZoneInfo

    @property
    def previous(self) -> "Period":
        """The period of the same length just before."""
        return Period(start=2 * self.start - self.end, end=self.start, zone=self.zone)

    def write_moment(self, at: int) -> str:
        """ISO 8601 with the zone's offset at that moment."""
        moment = read_moment(at, self.zone)
        return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


class Slots(msgspec.Struct, frozen=True, kw_only=True):
    """A period cut into intervals: slot i is from `bounds[i]` up to `bounds[i + 1]`.

    `starts` are the starts of the intervals; the first may be before the period. `end` is the end
    of the last one, which may be after it.
    """

    starts: tuple[int, ...]
    bounds: tuple[int, ...]
    end: int


def read_period(start: str | None, end: str | None, zone_name: str, now: int) -> Period:
    """A date as `end` includes that whole day. Raises InvalidFieldsError with every fault."""
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
                ("must be in the past unless `to` is given")
                if end is None
                else "must be after `from`"
            )
    raise InvalidFieldsError(faults)


def find_zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def cut_period(period: Period, interval: Interval) -> Slots:
    """Raises InvalidFieldsError if the period has too many intervals."""
    starts = [_find_start(period.start, interval, period.zone)]
    while (following := _find_next(starts[-1], interval, period.zone)) < period.end:
        if len(starts) == MOST_POINTS:
            fault = (
                f"must be longer for this period: it would return more than {MOST_POINTS:,} points"
            )
            raise InvalidFieldsError({"interval": fault})
        starts.append(following)
    bounds = (period.start, *starts[1:], period.end)
    return Slots(starts=tuple(starts), bounds=bounds, end=following)


def read_moment(at: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(at // 1000, UTC).astimezone(zone)


def _read_end(text: str, zone: ZoneInfo, *, is_last: bool) -> int | None:
    """A date or a moment as milliseconds; None if the text is neither."""
    try:
        if _DATE.fullmatch(text):
            given = date.fromisoformat(text)
            moment = datetime.combine(given + timedelta(days=is_last), time(), zone)
        else:
            given = datetime.fromisoformat(_LOST_PLUS.sub(r"\1+\2", text))
            moment = given if given.tzinfo else given.replace(tzinfo=zone)
        return _to_ms(moment) if FIRST_YEAR <= given.year <= LAST_YEAR else None
    except (ValueError, OverflowError):
        return None


def _find_default_start(end: int, zone: ZoneInfo) -> int:
    last = read_moment(end - 1, zone).date()
    return _to_ms(datetime.combine(last - timedelta(days=DEFAULT_DAYS - 1), time(), zone))


def _find_start(at: int, interval: Interval, zone: ZoneInfo) -> int:
    """The start of the interval that contains the moment."""
    if interval == "hour":
        return _find_hour(at, zone)
    day = read_moment(at, zone).date()
    if interval == "week":
        day -= timedelta(days=day.weekday())
    elif interval == "month":
        day = day.replace(day=1)
    return _to_ms(datetime.combine(day, time(), zone))


def _find_next(start: int, interval: Interval, zone: ZoneInfo) -> int:
    if interval == "hour":
        return _find_next_hour(start, zone)
    day = read_moment(start, zone).date()
    if interval == "day":
        day += timedelta(days=1)
    elif interval == "week":
        day += timedelta(days=7)
    else:
        day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return _to_ms(datetime.combine(day, time(), zone))


def _find_hour(at: int, zone: ZoneInfo) -> int:
    start = at // QUARTER_MS * QUARTER_MS
    while _name_hour(start - QUARTER_MS, zone) == _name_hour(start, zone):
        start -= QUARTER_MS
    return start


def _find_next_hour(start: int, zone: ZoneInfo) -> int:
    (_, offset), later = _name_hour(start, zone), read_moment(start + HOUR_MS, zone)
    if later.minute or later.utcoffset() != offset:
        # The clock changed meanwhile, so this hour may be shorter.
        return _find_change(start, zone)
    return start + HOUR_MS


def _find_change(start: int, zone: ZoneInfo) -> int:
    end = start + QUARTER_MS
    while _name_hour(end, zone) == _name_hour(start, zone):
        end += QUARTER_MS
    return end


def _name_hour(at: int, zone: ZoneInfo) -> tuple[int, timedelta | None]:
    """A name that differs from the neighbouring hours' even when the clock changes."""
    moment = read_moment(at, zone)
    return moment.hour, moment.utcoffset()


def _to_ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
