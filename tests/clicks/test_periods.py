from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shorty.clicks.periods import (
    MOST_POINTS,
    Interval,
    Period,
    Slots,
    cut_period,
    find_zone,
    read_moment,
    read_period,
)
from shorty.clicks.rollups import QUARTER_MS
from shorty.durations import DAY_MS, HOUR_MS
from shorty.errors import InvalidFieldsError

NOON = "2026-11-22T12:00:00Z"
UTC = ZoneInfo("UTC")
WRONG_END = (
    "must be a date such as 2026-12-31 or a time such as 2026-12-31T23:59:59Z, from 1970 to 2999"
)
WRONG_ZONE = "must be a zone of the IANA database such as Europe/Berlin"
# Offsets of quarter hours, and clocks that change by half an hour, by two hours, at midnight, by a
# whole day, or the other way round in winter.
ZONES = (
    *("UTC", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Eucla", "Pacific/Marquesas"),
    *("Pacific/Chatham", "Australia/Lord_Howe", "America/St_Johns", "Antarctica/Troll"),
    *("Europe/Berlin", "Europe/Dublin", "Africa/Casablanca", "Atlantic/Azores", "Asia/Tehran"),
    *("America/Havana", "America/Santiago", "Africa/Cairo", "America/Nuuk", "Pacific/Apia"),
)
LONGEST_DAYS: dict[Interval, int] = {"hour": 15, "day": 200, "week": 800, "month": 2000}


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def make_period(start: str, end: str, zone: str) -> Period:
    return Period(start=at(start), end=at(end), zone=ZoneInfo(zone))


def find_faults(start: str | None, end: str | None, zone: str = "UTC") -> dict[str, str]:
    with pytest.raises(InvalidFieldsError) as caught:
        read_period(start, end, zone, at(NOON))
    return dict(caught.value.fields)


@pytest.mark.parametrize(
    ("start", "end", "zone", "starts_at", "ends_at"),
    [
        (None, None, "UTC", "2026-10-24T00:00:00Z", "2026-11-22T12:00:00Z"),
        (None, None, "Asia/Kathmandu", "2026-10-24T00:00:00+05:45", "2026-11-22T17:45:00+05:45"),
        (None, None, "Pacific/Apia", "2026-10-25T00:00:00+13:00", "2026-11-23T01:00:00+13:00"),
        (None, "2026-12-31", "UTC", "2026-12-02T00:00:00Z", "2027-01-01T00:00:00Z"),
        (None, "2026-11-01", "Europe/Berlin",
         "2026-10-03T00:00:00+02:00", "2026-11-02T00:00:00+01:00"),
        ("2026-11-22", None, "UTC", "2026-11-22T00:00:00Z", "2026-11-22T12:00:00Z"),
        ("2026-03-29", "2026-03-29", "Europe/Berlin",
         "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"),
        ("2026-10-25", "2026-10-25", "Europe/Berlin",
         "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"),
        ("2026-09-06", "2026-09-06", "America/Santiago",
         "2026-09-06T01:00:00-03:00", "2026-09-07T00:00:00-03:00"),
        # Of a year that is over: releases of the time zones differ in what they know of this one.
        ("2025-11-02", "2025-11-02", "America/Havana",
         "2025-11-02T00:00:00-04:00", "2025-11-03T00:00:00-05:00"),
        ("2011-12-29", "2011-12-30", "Pacific/Apia",
         "2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00"),
        ("2024-02-28", "2024-02-29", "UTC", "2024-02-28T00:00:00Z", "2024-03-01T00:00:00Z"),
        # Started quarter hours are included whole.
        ("2026-11-19T12:14:59Z", "2026-11-19T12:15:01Z", "UTC",
         "2026-11-19T12:00:00Z", "2026-11-19T12:30:00Z"),
        ("2026-11-19T12:15:00Z", "2026-11-19T12:30:00Z", "UTC",
         "2026-11-19T12:15:00Z", "2026-11-19T12:30:00Z"),
        # A time without an offset is in the zone; a plus sign may have become a space.
        ("2026-11-19T12:00", "2026-11-19T12:30:00.5", "Asia/Kolkata",
         "2026-11-19T12:00:00+05:30", "2026-11-19T12:45:00+05:30"),
        ("2026-11-19T12:00:00 01:00", "2026-11-19T12:00:00-0100", "UTC",
         "2026-11-19T11:00:00Z", "2026-11-19T13:00:00Z"),
        ("1970-01-01", "1970-01-01", "UTC", "1970-01-01T00:00:00Z", "1970-01-02T00:00:00Z"),
        ("2999-12-31", "2999-12-31", "UTC", "2999-12-31T00:00:00Z", "3000-01-01T00:00:00Z"),
    ],
)  # fmt: skip
def test_a_period_is_read(
    start: str | None, end: str | None, zone: str, starts_at: str, ends_at: str
) -> None:
    period = read_period(start, end, zone, at(NOON))
    assert (period.start, period.end, period.zone) == (at(starts_at), at(ends_at), ZoneInfo(zone))
    assert [period.write_moment(each) for each in (period.start, period.end)] == [
        starts_at,
        ends_at,
    ]


def test_the_default_period_begins_with_a_whole_day() -> None:
    midnight = at("2026-11-22T00:00:00Z")
    for now, starts_at in ((midnight, "2026-10-23"), (midnight + 1, "2026-10-24")):
        assert read_period(None, None, "UTC", now).start == at(f"{starts_at}T00:00:00Z")


@pytest.mark.parametrize(
    ("start", "end", "zone", "faults"),
    [
        ("2026-11-20", "2026-11-19", "UTC", {"to": "must be after `from`"}),
        (NOON, NOON, "UTC", {"to": "must be after `from`"}),
        ("2026-11-23", None, "UTC", {"from": "must be in the past unless `to` is given"}),
        (NOON, None, "UTC", {"from": "must be in the past unless `to` is given"}),
        ("1969-12-31", "2026-11-19", "UTC", {"from": WRONG_END}),
        ("2026-11-19", "3000-01-01", "UTC", {"to": WRONG_END}),
        (None, "9999-12-31", "UTC", {"to": WRONG_END}),
        ("2026-02-29", "2026-13-01", "UTC", {"from": WRONG_END, "to": WRONG_END}),
        ("20261119", "2026-11-19T25:00:00Z", "UTC", {"to": WRONG_END}),
        ("soon", None, "Mars/Base", {"from": WRONG_END, "timezone": WRONG_ZONE}),
        (None, None, "Mars/Base", {"timezone": WRONG_ZONE}),
        ("2026-11-20", "2026-11-19", "", {"timezone": WRONG_ZONE, "to": "must be after `from`"}),
    ],
)
def test_every_fault_of_a_period_is_said(
    start: str | None, end: str | None, zone: str, faults: dict[str, str]
) -> None:
    assert find_faults(start, end, zone) == faults


@pytest.mark.parametrize("name", ["", "Mars/Base", "Europe", "../UTC", "/etc", "UTC\0", "x" * 999])
def test_what_names_no_zone_is_none(name: str) -> None:
    assert find_zone(name) is None


def test_the_previous_period_is_as_long_and_ends_where_this_one_begins() -> None:
    period = make_period("2026-03-28T00:00:00+01:00", "2026-03-30T00:00:00+02:00", "Europe/Berlin")
    before = make_period("2026-03-26T01:00:00+01:00", "2026-03-28T00:00:00+01:00", "Europe/Berlin")
    assert period.previous == before


@pytest.mark.parametrize(
    ("interval", "zone", "start", "end", "starts"),
    [
        ("hour", "UTC", "2026-11-19T12:45:00Z", "2026-11-19T14:15:00Z",
         ["2026-11-19T12:00:00Z", "2026-11-19T13:00:00Z", "2026-11-19T14:00:00Z"]),
        ("hour", "Asia/Kathmandu", "2026-11-19T23:30:00+05:45", "2026-11-20T01:00:00+05:45",
         ["2026-11-19T23:00:00+05:45", "2026-11-20T00:00:00+05:45"]),
        ("hour", "Europe/Berlin", "2026-03-29T01:30:00+01:00", "2026-03-29T04:00:00+02:00",
         ["2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00"]),
        ("hour", "Europe/Berlin", "2026-10-25T02:30:00+02:00", "2026-10-25T03:15:00+01:00",
         ["2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T03:00:00+01:00"]),
        ("hour", "Australia/Lord_Howe", "2026-10-04T01:00:00+10:30", "2026-10-04T04:00:00+11:00",
         ["2026-10-04T01:00:00+10:30", "2026-10-04T02:30:00+11:00", "2026-10-04T03:00:00+11:00"]),
        ("hour", "Australia/Lord_Howe", "2026-10-04T02:45:00+11:00", "2026-10-04T03:15:00+11:00",
         ["2026-10-04T02:30:00+11:00", "2026-10-04T03:00:00+11:00"]),
        ("hour", "Australia/Lord_Howe", "2026-04-05T01:45:00+10:30", "2026-04-05T02:15:00+10:30",
         ["2026-04-05T01:30:00+10:30", "2026-04-05T02:00:00+10:30"]),
        ("hour", "Pacific/Chatham", "2026-04-05T03:00:00+13:45", "2026-04-05T04:00:00+12:45",
         ["2026-04-05T03:00:00+13:45", "2026-04-05T02:45:00+12:45", "2026-04-05T03:00:00+12:45"]),
        ("day", "America/Havana", "2025-11-02T00:30:00-05:00", "2025-11-03T00:15:00-05:00",
         ["2025-11-02T00:00:00-04:00", "2025-11-03T00:00:00-05:00"]),
        ("day", "America/Santiago", "2026-04-04T23:30:00-04:00", "2026-04-05T01:00:00-04:00",
         ["2026-04-04T00:00:00-03:00", "2026-04-05T00:00:00-04:00"]),
        ("day", "Pacific/Apia", "2011-12-29T12:00:00-10:00", "2012-01-02T00:00:00+14:00",
         ["2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00", "2012-01-01T00:00:00+14:00"]),
        ("week", "Europe/Berlin", "2026-03-29T23:45:00+02:00", "2026-03-30T00:15:00+02:00",
         ["2026-03-23T00:00:00+01:00", "2026-03-30T00:00:00+02:00"]),
        ("week", "UTC", "2026-12-30T00:00:00Z", "2027-01-04T00:15:00Z",
         ["2026-12-28T00:00:00Z", "2027-01-04T00:00:00Z"]),
        ("month", "America/St_Johns", "2026-10-31T23:45:00-02:30", "2026-12-01T00:00:00-03:30",
         ["2026-10-01T00:00:00-02:30", "2026-11-01T00:00:00-02:30"]),
        ("month", "UTC", "2023-12-31T00:00:00Z", "2024-03-01T00:15:00Z",
         ["2023-12-01T00:00:00Z", "2024-01-01T00:00:00Z", "2024-02-01T00:00:00Z",
          "2024-03-01T00:00:00Z"]),
    ],
)  # fmt: skip
def test_a_period_is_cut_where_the_zones_clock_begins_an_interval(
    interval: Interval, zone: str, start: str, end: str, starts: list[str]
) -> None:
    period = make_period(start, end, zone)
    slots = cut_period(period, interval)
    assert [period.write_moment(each) for each in slots.starts] == starts
    bounds = (period.start, *(at(each) for each in starts[1:]), period.end)
    assert (slots.starts, slots.bounds) == (tuple(at(each) for each in starts), bounds)


def name_interval(moment: int, interval: Interval, zone: ZoneInfo) -> object:
    """A name that an interval's moments share, and its neighbours' do not."""
    local = read_moment(moment, zone)
    return {
        "hour": (local.date(), local.hour, local.utcoffset()),
        "day": local.date(),
        "week": local.isocalendar()[:2],
        "month": (local.year, local.month),
    }[interval]


@given(
    st.sampled_from(ZONES),
    st.sampled_from(sorted(LONGEST_DAYS)),
    st.integers(at("2012-01-01T00:00:00Z") // QUARTER_MS, at("2090-01-01T00:00:00Z") // QUARTER_MS),
    st.integers(0, 10_000),
)
@example("Pacific/Chatham", "hour", at("2026-04-04T00:00:00Z") // QUARTER_MS, 900)
@example("Antarctica/Troll", "hour", at("2026-10-24T00:00:00Z") // QUARTER_MS, 900)
@example("Asia/Tehran", "day", at("2021-03-01T00:00:00Z") // QUARTER_MS, 10_000)
def test_whatever_the_zone_a_slot_is_one_interval_and_its_neighbours_are_others(
    name: str, interval: Interval, quarter: int, share: int
) -> None:
    zone, start = ZoneInfo(name), quarter * QUARTER_MS
    length = share * LONGEST_DAYS[interval] * DAY_MS // 10_000 // QUARTER_MS * QUARTER_MS
    period = Period(start=start, end=start + length + QUARTER_MS, zone=zone)
    slots = cut_period(period, interval)
    assert slots.starts[0] <= period.start
    assert slots.starts[1:] == slots.bounds[1:-1]
    assert (slots.bounds[0], slots.bounds[-1]) == (period.start, period.end)
    for first, end in zip(slots.bounds, slots.bounds[1:], strict=False):
        assert first % QUARTER_MS == 0
        assert first < end
        inside = {name_interval(each, interval, zone) for each in (first, end - 1)}
        assert len(inside) == 1
        if end != period.end:
            assert name_interval(end, interval, zone) not in inside
    assert period.end <= slots.end
    assert cut_period(Period(start=period.start, end=slots.end, zone=zone), interval) == Slots(
        starts=slots.starts, bounds=(*slots.bounds[:-1], slots.end), end=slots.end
    )
    for begins in slots.starts:
        before, begun = (name_interval(each, interval, zone) for each in (begins - 1, begins))
        assert before != begun


def test_there_may_be_ten_thousand_points_and_no_more() -> None:
    period = make_period("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "UTC")
    longest = Period(start=period.start, end=period.start + MOST_POINTS * HOUR_MS, zone=UTC)
    assert len(cut_period(longest, "hour").starts) == 10_000
    with pytest.raises(InvalidFieldsError) as caught:
        cut_period(Period(start=longest.start, end=longest.end + QUARTER_MS, zone=UTC), "hour")
    assert caught.value.fields == {
        "interval": "must be longer for this period: it would return more than 10,000 points"
    }
