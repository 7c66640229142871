"""How the API writes and reads times: ISO 8601 in UTC with milliseconds and Z."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
FIRST: Final = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND
LAST: Final = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND


@lru_cache(maxsize=1024)
def format_time(at: int) -> str:
    """UTC milliseconds as `2026-11-22T12:00:00.000Z`."""
    moment = _EPOCH + at * _MILLISECOND
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def format_optional_time(at: int | None) -> str | None:
    return None if at is None else format_time(at)


def read_time(moment: datetime) -> int:
    """UTC milliseconds; a time without a zone is in UTC.

    Clamped to the years 1 to 9999, which a zone can move a time out of.
    """
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max((aware - _EPOCH) // _MILLISECOND, FIRST), LAST)
