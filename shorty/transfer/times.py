"""Writes times in ISO 8601, and parses them in the usual forms of other products."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
FIRST: Final = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND
LAST: Final = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND
# No form of a time is longer, and each form that is tried takes time.
LONGEST_TIME: Final = 100
_NUMBER: Final = re.compile(r"-?\d{1,16}(?:\.\d+)?")
# Seconds stay below this until the year 5138; larger numbers are milliseconds.
_SECONDS_UNTIL: Final = 10**11
# Besides ISO 8601: MySQL's zero, and what people and spreadsheets write. Never days first, since
# they can't be told from months.
_NOTHING: Final = frozenset({"", "-", "never", "null", "none", "n/a", "\\n", "0000-00-00 00:00:00"})
_FORMS: Final = (
    *("%Y/%m/%d %H:%M:%S", "%Y/%m/%d", "%d %b %Y", "%d %B %Y"),
    *("%b %d, %Y", "%B %d, %Y", "%b %d, %Y %I:%M %p", "%B %d, %Y %I:%M %p"),
    *("%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y"),
    *("%a, %d %b %Y %H:%M:%S GMT", "%a %b %d %Y %H:%M:%S GMT%z"),
)


def write_time(at: int | None) -> str:
    """As `2026-11-22T12:00:00.000Z`; empty for None."""
    if at is None:
        return ""
    moment = _EPOCH + at * _MILLISECOND
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(value: str | float | None) -> int | None:
    """UTC milliseconds, None if the text names no time. Without a zone, it is in UTC.

    A zone can't move it out of the years 1 to 9999, so that it can be written again. Raises
    ValueError.
    """
    if value is None:
        return None
    text = str(value).strip()
    if text.lower() in _NOTHING:
        return None
    if _NUMBER.fullmatch(text):
        return _parse_number(float(text))
    try:
        moment = _parse_moment(text)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return min(max((aware - _EPOCH) // _MILLISECOND, FIRST), LAST)
    except (ValueError, OverflowError):
        fault = f"{text[:40]!r} can't be read as a time; write it like 2026-11-22T12:00:00Z"
        raise ValueError(fault) from None


def _parse_number(number: float) -> int:
    at = number * 1000 if abs(number) < _SECONDS_UNTIL else number
    if not 0 <= at < _SECONDS_UNTIL * 1000:
        raise ValueError(f"{number:.0f} can't be read as a time")
    return int(at)


def _parse_moment(text: str) -> datetime:
    if len(text) > LONGEST_TIME:
        raise ValueError(text)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    # JavaScript adds the zone's name in brackets, Ruby writes UTC out.
    plain = re.sub(r"\s*\([^)]*\)$", "", text)
    if plain.endswith(" UTC"):
        return datetime.fromisoformat(plain.removesuffix(" UTC"))
    for form in _FORMS:
        try:
            return datetime.strptime(plain, form)  # noqa: DTZ007 - UTC, where it has no zone
        except ValueError:
            continue
    raise ValueError(text)
