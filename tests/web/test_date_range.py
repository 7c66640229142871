from zoneinfo import ZoneInfo

import pytest

from shorty.web.date_range import FAULT, Span, name_interval, read_span
from tests.support import DAY, NOW

UTC = ZoneInfo("UTC")
KOLKATA = ZoneInfo("Asia/Kolkata")
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
        ("2026-11-20", "2026-11-22", 3, "day"),
        ("2024-11-20", "2026-11-22", 733, "week"),
        ("2020-01-01", "2026-11-22", 2518, "month"),
    ],
)
def test_other_days_are_whole_both_of_them(first: str, last: str, days: int, interval: str) -> None:
    span = read(range="custom", from_=first, to=last)
    assert (span.first, span.last, span.interval) == (first, last, interval)
    assert span.period.end - span.period.start == days * DAY
    assert span.write_query() == f"?range=custom&from={first}&to={last}"


@pytest.mark.parametrize(
    ("first", "last"),
    [("2026-11-20", "2026-11-01"), ("soon", "2026-11-01"), ("0001-01-01", ""), ("2027-01-01", "")],
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
def test_an_interval_is_named_in_the_zone(interval: str, names: tuple[str, str]) -> None:
    assert name_interval(NOW, interval, KOLKATA) == names  # pyright: ignore[reportArgumentType]
