"""Times in the many ways in which files have them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shorty.transfer.times import (
    DayOrder,
    parse_set_time,
    parse_time,
    read_order,
    write_time,
)

NOON = 1_795_348_800_000  # 2026-11-22 12:00 UTC


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T12:00:00.000Z",
        "2026-11-22T13:00:00+01:00",
        "2026-11-22T12:00:00+0000",
        "2026-11-22 12:00:00",
        "2026-11-22 12:00:00 UTC",
        "2026/11/22 12:00:00",
        "11/22/2026 12:00",
        "22/11/2026, 12:00:00 pm",
        "22.11.2026 12:00",
        "22.11.26 12:00",
        "22-11-2026 12:00",
        "2026.11.22 12:00",
        "20261122120000",
        "20261122T120000Z",
        "2026-11-22 13:00:00 +0100",
        "2026-11-22T12:00:00.000000000Z",
        "Nov 22, 2026 at 12:00 PM",
        "November 22nd, 2026 12pm",
        "Sunday, 22 November 2026 12:00",
        "22-Nov-2026 12:00 p.m.",
        "2026 Nov 22 12:00",
        "22. Nov. 2026 12:00",
        "Sun, 22 Nov 2026 13:00:00 +0100",
        "Sun, 22 Nov 2026 07:00:00 EST",
        "Sun Nov 22 12:00:00 2026",
        "Sun Nov 22 12:00:00 UTC 2026",
        "12:00, 22 Nov 2026",
        "Nov 22, 2026 12:00 PM",
        "Sun, 22 Nov 2026 12:00:00 GMT",
        "Sun Nov 22 2026 13:00:00 GMT+0100 (Central European Standard Time)",
        "1795348800",
        "1795348800.0",
        "1795348800000",
        1_795_348_800,
    ],
)
def test_usual_forms_are_read(text: str | int) -> None:
    assert parse_time(text) == NOON


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("99999999999", 99_999_999_999_000),
        ("100000000000", 100_000_000_000),
        ("1.5", 1500),
        ("0", 0),
        ("2026-11-22", NOON - 12 * 3_600_000),
        ("22 November 2026", NOON - 12 * 3_600_000),
        ("x" * 101, None),
        ("100000000000000", None),
    ],
)
def test_a_number_counts_seconds_until_it_would_be_the_year_5138(text: str, at: int | None) -> None:
    if at is None:
        with pytest.raises(ValueError, match="can't be read as a time"):
            parse_time(text)
    else:
        assert parse_time(text) == at


@pytest.mark.parametrize(
    "text",
    [
        *(None, "", " ", "Never", "null", "0000-00-00 00:00:00", "\\N", "-", "0000-00-00", "None"),
        *("nil", "NaT", "unlimited", "0001-01-01T00:00:00Z"),
    ],
)
def test_nothing_is_no_time(text: str | None) -> None:
    assert parse_time(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "31.11.2026",
        "24-01-05",
        "13:00 pm",
        "5 Foo 2026",
        "2026-13-01",
        "-5",
        "99999999999999999",
        "12:00",
        "x" * 999,
    ],
)
def test_what_is_no_time_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="can't be read as a time"):
        parse_time(text)


@given(st.integers(0, 253_402_300_799_999))
def test_a_time_comes_back_as_it_was(at: int) -> None:
    assert parse_time(write_time(at)) == at


def test_no_time_is_written_as_nothing() -> None:
    assert write_time(None) == ""


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+05:00"])
def test_what_a_zone_moves_past_all_years_can_be_written_again(text: str) -> None:
    at = parse_time(text)
    assert parse_time(write_time(at)) == at


def test_day_and_month_that_can_be_swapped_are_read_as_the_column_says() -> None:
    for text in ("05/06/2026", "5-6-2026", "05/06/26"):
        assert write_time(parse_time(text, "day")).startswith("2026-06-05")
        assert write_time(parse_time(text, "month")).startswith("2026-05-06")
        with pytest.raises(ValueError, match="day and month could be swapped"):
            parse_time(text)
    assert write_time(parse_time("05.06.2026")).startswith("2026-06-05")
    assert write_time(parse_time("06/06/2026")).startswith("2026-06-06")
    assert write_time(parse_time("25/12/2026", "month")).startswith("2026-12-25")


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("25/12/2026", "day"),
        ("12/25/2026 10:00", "month"),
        ("12/25/26", "month"),
        ("05/06/2026", None),
        ("2026-12-25", None),
        ("25/25/2026", None),
        ("25 Dec 2026", None),
    ],
)
def test_a_day_greater_than_twelve_shows_what_comes_first(text: str, order: DayOrder) -> None:
    assert read_order(text) == order


@pytest.mark.parametrize("value", [0, -1, "0", "-1", "never", None])
def test_a_time_that_was_not_set_is_nothing(value: str | int | None) -> None:
    assert parse_set_time(value) is None
    assert parse_set_time("1795348800") == NOON
