from zoneinfo import ZoneInfo

import pytest

from shorty.clicks.periods import Interval, cut_period
from shorty.clicks.rollups import QUARTER_MS
from shorty.web.date_range import FAULT, SO_FAR, Span, name_interval, name_part, read_span
from tests.support import DAY, NOW

UTC = ZoneInfo("UTC")
KOLKATA = ZoneInfo("Asia/Kolkata")
BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3_600_000


def read(zone: ZoneInfo = UTC, now: int = NOW, **query: str) -> Span:
    return read_span({name.rstrip("_"): text for name, text in query.items()}, zone, now)


@pytest.mark.parametrize(
    ("choice", "first", "interval"),
    [
        ("today", "2026-11-22", "hour"),
        ("7d", "2026-11-16", "day"),
        ("30d", "2026-10-24", "day"),
        ("90d", "2026-08-25", "day"),
        ("12m", "2025-11-23", "week"),
    ],
)
def test_a_usual_period_ends_now_with_today_in_it(choice: str, first: str, interval: str) -> None:
    span = read(range=choice)
    assert (span.choice, span.first, span.last) == (choice, first, "2026-11-22")
    assert (span.interval, span.period.end) == (interval, NOW)


@pytest.mark.parametrize("query", [{}, {"range": "30d"}, {"range": "ages"}])
def test_without_a_choice_it_is_the_last_thirty_days(query: dict[str, str]) -> None:
    span = read_span(query, UTC, NOW)
    assert span.choice == "30d"
    assert not span.fault
    assert span.write_query() == ""


def test_days_are_the_viewers() -> None:
    late = NOW + 7 * HOUR  # 0:30 of the next day in Kolkata
    span = read(KOLKATA, late, range="today")
    assert span.first == "2026-11-23"
    assert span.period.start == late - HOUR // 2


@pytest.mark.parametrize(
    ("first", "last", "days", "interval"),
    [
        ("2026-11-20", "2026-11-20", 1, "hour"),
        ("2026-11-20", "2026-11-21", 2, "hour"),
        ("2026-11-19", "2026-11-21", 3, "day"),
        ("2024-11-20", "2026-11-21", 732, "week"),
        ("2020-01-01", "2026-11-21", 2517, "month"),
    ],
)
def test_other_days_are_whole_both_of_them(first: str, last: str, days: int, interval: str) -> None:
    span = read(range="custom", from_=first, to=last)
    assert (span.first, span.last, span.interval) == (first, last, interval)
    assert span.period.end - span.period.start == days * DAY
    assert span.write_query() == f"?range=custom&from={first}&to={last}"


@pytest.mark.parametrize("last", ["2026-11-22", "2026-12-31"])
def test_days_to_come_stay_in_the_form_and_the_period_ends_now(last: str) -> None:
    span = read(now=NOW + 1, range="custom", from_="2026-11-20", to=last)
    assert (span.first, span.last, span.interval) == ("2026-11-20", last, "day")
    assert span.period.end == NOW + QUARTER_MS
    assert span.write_query() == f"?range=custom&from=2026-11-20&to={last}"


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2026-11-20", "2026-11-01"),
        ("soon", "2026-11-01"),
        ("0001-01-01", ""),
        ("2027-01-01", ""),
        ("2026-11-23", "2026-11-30"),
    ],
)
def test_what_is_no_period_is_said_and_kept_in_the_form(first: str, last: str) -> None:
    span = read(range="custom", from_=first, to=last)
    assert span.fault == FAULT
    assert (span.choice, span.first, span.last) == ("30d", first, last)


def test_a_choice_keeps_whether_bots_are_counted() -> None:
    span = read(range="7d", bots="1")
    assert span.has_bots
    assert span.write_query("today") == "?range=today&bots=1"
    assert span.write_query(has_bots=False) == "?range=7d"


@pytest.mark.parametrize(
    ("interval", "names"),
    [
        ("hour", ("17:30", "Sun 22 Nov 2026, 17:30")),
        ("day", ("22 Nov", "Sun 22 Nov 2026")),
        ("week", ("22 Nov", "Week of Sun 22 Nov 2026")),
        ("month", ("Nov 26", "November 2026")),
    ],
)
def test_an_interval_is_named_in_the_zone(interval: Interval, names: tuple[str, str]) -> None:
    assert name_interval(NOW, interval, KOLKATA) == names


def test_the_hour_at_midnight_is_labelled_with_its_day() -> None:
    midnight = NOW // DAY * DAY
    assert name_interval(midnight, "hour", UTC) == ("22 Nov", "Sun 22 Nov 2026, 00:00")
    assert name_interval(midnight - HOUR // 2, "hour", KOLKATA)[0] == "05:00"


def test_an_hour_that_comes_twice_is_told_apart() -> None:
    span = read(BERLIN, range="custom", from_="2026-10-25", to="2026-10-25")
    slots = cut_period(span.period, span.interval)
    titles = [name_interval(each, "hour", BERLIN)[1] for each in slots.starts]
    assert len(set(titles)) == len(titles) == 25
    assert titles[2:4] == ["Sun 25 Oct 2026, 02:00 CEST", "Sun 25 Oct 2026, 02:00 CET"]


def name_parts(span: Span) -> list[str]:
    slots = cut_period(span.period, span.interval)
    return [name_part(slots, index, span) for index in range(len(slots.starts))]


@pytest.mark.parametrize("choice", ["today", "7d", "30d", "90d"])
def test_the_last_interval_is_not_over_until_it_ends(choice: str) -> None:
    for zone in (UTC, KOLKATA, BERLIN):
        parts = name_parts(read(zone, NOW + 1, range=choice))
        assert parts[-1] == SO_FAR
        assert not any(parts[:-1])


def test_at_its_end_an_interval_is_over() -> None:
    assert name_parts(read(now=NOW, range="today"))[-1] == ""
    assert name_parts(read(now=NOW + DAY // 2 - 1, range="today"))[-1] == SO_FAR


def test_weeks_that_the_period_cuts_are_named_as_parts() -> None:
    span = read(range="custom", from_="2026-02-04", to="2026-11-12")
    assert (span.interval, span.period.end < NOW) == ("week", True)
    parts = name_parts(span)
    assert (parts[0], parts[-1]) == ("from Wed 4 Feb 2026", "until Thu 12 Nov 2026")
    assert not any(parts[1:-1])
    running = name_parts(read(range="12m"))
    assert (running[0], running[-1]) == ("from Sun 23 Nov 2025", SO_FAR)
