from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shorty.web.times import read_input, write_input, write_moment, write_utc
from shorty.webcore.times import FIRST, LAST, format_time

ZONES = ("UTC", "America/New_York", "Europe/Berlin", "Pacific/Kiritimati")


@given(st.integers(FIRST, LAST), st.sampled_from(ZONES))
def test_every_time_can_be_shown(at: int, name: str) -> None:
    zone = ZoneInfo(name)
    assert write_moment(at, zone)
    assert write_input(at, zone)
    assert write_utc(at)


@pytest.mark.parametrize("at", [FIRST, LAST])
@pytest.mark.parametrize("name", ZONES)
def test_the_first_and_the_last_time_can_be_shown(at: int, name: str) -> None:
    assert write_moment(at, ZoneInfo(name))


@pytest.mark.parametrize("text", ["0001-01-01T00:00", "9999-12-31T23:59"])
@pytest.mark.parametrize("name", ZONES)
def test_what_was_typed_can_be_written_again(text: str, name: str) -> None:
    at = read_input(text, ZoneInfo(name))
    assert at is not None
    assert format_time(at)
    assert write_utc(at)
