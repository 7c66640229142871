"""How the API writes and reads times: ISO 8601 in UTC with milliseconds and Z."""

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def format_time(at: int) -> str:
    """UTC milliseconds as `2026-11-22T12:00:00.000Z`."""
    moment = _EPOCH + at * _MILLISECOND
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at % 1000:03}Z"


def format_optional_time(at: int | None) -> str | None:
    return None if at is None else format_time(at)


def read_time(moment: datetime) -> int:
    """UTC milliseconds; a time without a zone is meant in UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // _MILLISECOND
