"""Writes times in ISO 8601, and parses them in the usual forms of other products.

Day and month of `05/06/2024` can be swapped: the other times of its column say which is first.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from re import Match
from typing import Final, Literal, TypeAlias

from shorty.transfer.nothing import is_no_time

DayOrder: TypeAlias = Literal["day", "month"]
"""What comes first."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
FIRST: Final = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND
LAST: Final = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND
# No form of a time is longer, and each form that is tried takes time.
LONGEST_TIME: Final = 100
_NUMBER: Final = re.compile(r"-?\d{1,16}(?:\.\d+)?")
# Seconds stay below this until the year 5138; larger numbers are milliseconds.
_SECONDS_UNTIL: Final = 10**11
# As a number of seconds, the first would be in 1970.
_COMPACT: Final = re.compile(r"((?:19|20)\d\d)([01]\d)([0-3]\d)(?:([0-2]\d)([0-5]\d)([0-5]\d))?")

_CLOCK: Final = re.compile(
    r"""(?<![\d:+-])
    (?:(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?:\s?([ap])\.?\s?m\b\.?)?
      |(\d{1,2})\s?([ap])\.?m\b\.?)
    (?![\d:])""",
    re.IGNORECASE | re.VERBOSE,
)
_ZONE: Final = re.compile(
    r"\s*+(?:(?:UTC|GMT)?\s?([+-])(\d{1,2}):?(\d\d)?(?![\d:])|(Z|UTC|GMT|UT|[ECMP][SD]T)\b)",
    re.IGNORECASE,
)
# The zones that RFC 2822 names, in hours; any other name means different things to many.
_NAMED_ZONES: Final = {
    **dict.fromkeys(("Z", "UTC", "GMT", "UT"), 0),
    **dict(zip(("EST", "CST", "MST", "PST"), (-5, -6, -7, -8), strict=True)),
    **dict(zip(("EDT", "CDT", "MDT", "PDT"), (-4, -5, -6, -7), strict=True)),
}
# JavaScript adds the zone's name in brackets.
_COMMENT: Final = re.compile(r"\s\([^()]*\)$")
_WEEKDAY: Final = re.compile(r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+", re.IGNORECASE)
_BETWEEN: Final = re.compile(r"(?:[\s,]|\bat\b|(?<=\d)T$|\s-\s?$)+$", re.IGNORECASE)

_YEAR_FIRST: Final = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})")
_YEAR_LAST: Final = re.compile(r"(\d{1,2})(?:([-/.])(\d{1,2})\2(\d{4})|([/.])(\d{1,2})\5(\d\d))")
_MONTH_NAMED: Final = re.compile(
    r"""(?P<day>\d{1,2})(?:st|nd|rd|th|\.)?[\s-]+(?:of\s)?(?P<month>[a-z]{3,9})\.?,?[\s-]+(?P<year>\d{4})
    |(?P<month2>[a-z]{3,9})\.?[\s-]+(?P<day2>\d{1,2})(?:st|nd|rd|th)?,?[\s-]+(?P<year2>\d{4})
    |(?P<year3>\d{4})[\s-]+(?P<month3>[a-z]{3,9})\.?[\s-]+(?P<day3>\d{1,2})""",
    re.IGNORECASE | re.VERBOSE,
)
_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september"),
    *("october", "november", "december"),
)
_MONTH_NUMBERS: Final = {
    **{name: number for number, name in enumerate(_MONTHS, 1)},
    **{name[:3]: number for number, name in enumerate(_MONTHS, 1)},
    "sept": 9,
}
MOST_MONTHS: Final = 12


def write_time(at: int | None) -> str:
    """As `2026-11-22T12:00:00.000Z`; empty for None."""
    if at is None:
        return ""
    moment = _EPOCH + at * _MILLISECOND
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(value: str | float | None, order: DayOrder | None = None) -> int | None:
    """UTC milliseconds, None if the text names no time. Without a zone, it is in UTC.

    A zone can't move it out of the years 1 to 9999, so that it can be written again. Raises
    ValueError.
    """
    text = "" if value is None else str(value).strip()
    if is_no_time(text):
        return None
    if not _COMPACT.fullmatch(text) and _NUMBER.fullmatch(text):
        return _parse_number(float(text))
    try:
        moment = _parse_moment(text, order)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return min(max((aware - _EPOCH) // _MILLISECOND, FIRST), LAST)
    except (ValueError, OverflowError) as error:
        if isinstance(error, SwappableError):
            raise
        fault = f"{text[:40]!r} can't be read as a time; write it like 2026-11-22T12:00:00Z"
        raise ValueError(fault) from None


def parse_set_time(value: str | float | None, order: DayOrder | None = None) -> int | None:
    """As parse_time, where 0 and -1 say that no time was set."""
    return None if str(value).strip() in {"0", "-1", "0.0"} else parse_time(value, order)


class SwappableError(ValueError):
    def __init__(self, text: str) -> None:
        super().__init__(
            f"{text[:40]!r} can't be read as a time, since day and month could be swapped; write "
            "it like 2026-11-22"
        )


def read_order(text: str) -> DayOrder | None:
    """What comes first in this time, if it shows: only a day is greater than 12."""
    found = _YEAR_LAST.match(text.strip()[:LONGEST_TIME])
    if not found:
        return None
    first, second = int(found[1]), int(found[3] or found[6])
    if first > MOST_MONTHS >= second:
        return "day"
    return "month" if second > MOST_MONTHS >= first else None


def _parse_number(number: float) -> int:
    at = number * 1000 if abs(number) < _SECONDS_UNTIL else number
    if not 0 <= at < _SECONDS_UNTIL * 1000:
        raise ValueError(f"{number:.0f} can't be read as a time")
    return int(at)


def _parse_moment(text: str, order: DayOrder | None) -> datetime:
    if len(text) > LONGEST_TIME:
        raise ValueError(text)
    if compact := _COMPACT.fullmatch(text):
        form = "%Y%m%d%H%M%S" if compact[4] else "%Y%m%d"
        return datetime.strptime(text, form)  # noqa: DTZ007 - UTC
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    text = _WEEKDAY.sub("", _COMMENT.sub("", text), count=1)
    clock = _CLOCK.search(text)
    if clock is None:
        return _parse_date(text, order)
    rest = text[clock.end() :]
    zone = _ZONE.match(rest)
    date = _BETWEEN.sub("", text[: clock.start()])
    rest = rest[zone.end() :] if zone else rest
    date = f"{date} {rest.strip(' ,')}".strip()
    return _parse_date(date, order).replace(
        **_read_clock(clock), tzinfo=_read_zone(zone) if zone else None
    )


def _read_clock(found: Match[str]) -> dict[str, int]:
    hour = int(found[1] or found[6])
    half = (found[5] or found[7] or "").lower()
    if half:
        if not 1 <= hour <= 12:  # noqa: PLR2004 - of a clock
            raise ValueError(found[0])
        hour = hour % 12 + (12 if half == "p" else 0)
    microseconds = int((found[4] or "0").ljust(6, "0")[:6])
    minute, second = int(found[2] or 0), int(found[3] or 0)
    return {"hour": hour, "minute": minute, "second": second, "microsecond": microseconds}


def _read_zone(found: Match[str]) -> timezone:
    if found[4]:
        return timezone(timedelta(hours=_NAMED_ZONES[found[4].upper()]))
    offset = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    return timezone(-offset if found[1] == "-" else offset)


def _parse_date(text: str, order: DayOrder | None) -> datetime:
    if found := _YEAR_FIRST.fullmatch(text):
        year, month, day = int(found[1]), int(found[3]), int(found[4])
    elif found := _YEAR_LAST.fullmatch(text):
        year = int(found[4]) if found[4] else _complete_year(int(found[7]))
        day, month = _order_day(found, order)
    elif found := _MONTH_NAMED.fullmatch(text):
        day, name, year = (
            found[f"{part}"] or found[f"{part}2"] or found[f"{part}3"]
            for part in ("day", "month", "year")
        )
        month = _MONTH_NUMBERS.get(name.lower(), 0)
        day, year = int(day), int(year)
    else:
        raise ValueError(text)
    return datetime(year, month, day)  # noqa: DTZ001 - UTC, where it has no zone


def _order_day(found: Match[str], order: DayOrder | None) -> tuple[int, int]:
    """Day and month."""
    first, second = int(found[1]), int(found[3] or found[6])
    if first > MOST_MONTHS or first == second:
        return first, second
    if second > MOST_MONTHS:
        return second, first
    # Where dots separate them, nobody writes the month first.
    order = order or ("day" if "." in {found[2], found[5]} else None)
    if order is None:
        raise SwappableError(found[0])
    return (first, second) if order == "day" else (second, first)


def _complete_year(year: int) -> int:
    return year + (2000 if year < 70 else 1900)  # noqa: PLR2004 - as C does
