"""Times as the viewer's zone writes them, and as they type them."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shorty.webcore.times import read_time

LONGEST_NAME: Final = 64
MONTHS: Final = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


@lru_cache(maxsize=512)
def find_zone(name: str) -> ZoneInfo:
    """The IANA zone of that name, UTC for one that is none."""
    try:
        return ZoneInfo(name) if len(name) <= LONGEST_NAME else ZoneInfo("UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def read_moment(at: int, zone: ZoneInfo) -> datetime:
    """UTC milliseconds as a time in the zone; in UTC where that has no year from 1 to 9999."""
    moment = datetime.fromtimestamp(at / 1000, UTC)
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment


def write_date(at: int, zone: ZoneInfo) -> str:
    moment = read_moment(at, zone)
    return f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}"


def write_moment(at: int, zone: ZoneInfo) -> str:
    """`22 Nov 2026, 12:00`."""
    return f"{write_date(at, zone)}, {read_moment(at, zone):%H:%M}"


def write_utc(at: int) -> str:
    """For `<time datetime>`."""
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def write_input(at: int | None, zone: ZoneInfo) -> str:
    """The value of an `<input type="datetime-local">`."""
    return "" if at is None else f"{read_moment(at, zone):%Y-%m-%dT%H:%M}"


def read_input(text: str, zone: ZoneInfo) -> int | None:
    """UTC milliseconds of such a value, None for an empty one. Raises ValueError."""
    if not text.strip():
        return None
    moment = datetime.fromisoformat(text.strip())
    return read_time(moment if moment.tzinfo else moment.replace(tzinfo=zone))


def write_age(at: int, now: int) -> str:
    """How long ago, in the largest unit that says something."""
    seconds = max(0, now - at) // 1000
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"
