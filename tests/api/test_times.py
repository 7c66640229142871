"""Times as the API writes and reads them."""

from datetime import datetime

import pytest

from shorty.webcore.times import format_time, read_time


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("2026-11-22T12:00:00.123Z", "2026-11-22T12:00:00.123Z"),
        ("2026-11-22T12:00:00.9999Z", "2026-11-22T12:00:00.999Z"),
        ("2026-11-22T17:30:00+05:30", "2026-11-22T12:00:00.000Z"),
        ("2026-11-22T12:00", "2026-11-22T12:00:00.000Z"),
        ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
        ("9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59.999Z"),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00.000Z"),
    ],
)
def test_every_time_that_can_be_read_can_be_written(given: str, told: str) -> None:
    assert format_time(read_time(datetime.fromisoformat(given))) == told
