import re
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shorty.clicks.periods import Interval, cut_period, read_period
from shorty.web.charts import (
    MOST_LABELS,
    MOST_STEPS,
    PLOT_HEIGHT,
    PLOT_WIDTH,
    TOP,
    SeriesChart,
    SeriesPoint,
    choose_columns,
    choose_rows,
    draw_series,
    find_share,
)
from shorty.web.date_range import name_interval
from tests.support import NOW

INTERVALS: tuple[Interval, ...] = ("day", "week", "month")


def make_points(*counts: int, before: list[int] | None = None) -> list[SeriesPoint]:
    return [
        SeriesPoint(
            label=str(index),
            title=f"Point {index}",
            clicks=clicks,
            visitors=clicks // 2,
            clicks_before=before[index] if before else None,
        )
        for index, clicks in enumerate(counts)
    ]


def read_places(path: str) -> list[tuple[float, float]]:
    numbers = [float(each) for each in re.findall(r"[\d.e+]+", path)]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def read_rows(chart: SeriesChart) -> list[int]:
    return [row.value for row in chart.rows]


@pytest.mark.parametrize(
    ("highest", "rows"),
    [
        (0, [0, 1]),
        (1, [0, 1]),
        (3, [0, 1, 2, 3]),
        (4, [0, 1, 2, 3, 4]),
        (5, [0, 2, 4, 6]),
        (11, [0, 5, 10, 15]),
        (99, [0, 50, 100]),
        (100, [0, 50, 100]),
        (101, [0, 50, 100, 150]),
        (1_234_567, [0, 500_000, 1_000_000, 1_500_000]),
    ],
)
def test_rows_are_round_steps(highest: int, rows: list[int]) -> None:
    assert choose_rows(highest) == rows


@given(st.integers(0, 10**15))
def test_rows_are_few_and_reach_the_highest(highest: int) -> None:
    rows = choose_rows(highest)
    assert 2 <= len(rows) <= MOST_STEPS + 1
    assert rows[-1] >= highest
    assert len({after - before for before, after in pairwise(rows)}) == 1
    assert str(rows[1]).rstrip("0") in {"1", "2", "5"}


def test_nothing_to_draw_is_a_frame_without_lines() -> None:
    chart = draw_series([])
    assert (chart.area, chart.clicks, chart.visitors, chart.before) == ("", "", "", "")
    assert (chart.spots, chart.columns, read_rows(chart)) == ((), (), [0, 1])


def test_a_single_point_is_seen() -> None:
    chart = draw_series(make_points(7, before=[3]))
    assert chart.clicks == "M490 35.5H510"
    assert chart.area == ""
    assert [(spot.left, spot.width, spot.middle) for spot in chart.spots] == [(0, 100, 50)]


def test_zeros_lie_on_the_ground() -> None:
    chart = draw_series(make_points(0, 0, 0))
    assert {down for _, down in read_places(chart.clicks)} == {PLOT_HEIGHT}
    assert chart.area == ""
    assert read_rows(chart) == [0, 1]


def test_the_period_before_counts_for_the_height_and_is_left_out_where_it_is_not_known() -> None:
    assert read_rows(draw_series(make_points(1, 2, before=[40, 80])))[-1] == 80
    assert draw_series(make_points(1, 2)).before == ""


@given(st.lists(st.integers(0, 10**12), min_size=2, max_size=400))
def test_all_points_lie_in_the_plot_from_left_to_right(counts: list[int]) -> None:
    chart = draw_series(make_points(*counts, before=counts[::-1]))
    for path in (chart.clicks, chart.visitors, chart.before):
        places = read_places(path)
        assert len(places) == len(counts)
        assert all(TOP <= down <= PLOT_HEIGHT for _, down in places)
        assert [across for across, _ in places] == sorted({across for across, _ in places})
        assert all(0 < across < PLOT_WIDTH for across, _ in places)
    assert sum(spot.width for spot in chart.spots) == pytest.approx(100, abs=0.5)
    highest = max(range(len(counts)), key=counts.__getitem__)
    assert chart.spots[highest].height == min(spot.height for spot in chart.spots)


@given(st.integers(1, 400), st.sampled_from(INTERVALS))
def test_labels_are_few_and_each_stands_under_its_own_interval(
    number: int, interval: Interval
) -> None:
    ticks = choose_columns([str(each) for each in range(number)], interval)
    assert 1 <= len(ticks) <= MOST_LABELS
    assert all(a.is_minor != b.is_minor for a, b in pairwise(ticks))
    for tick in ticks:
        assert tick.place == pytest.approx(100 * (int(tick.text) + 0.5) / number, abs=0.01)


@pytest.mark.parametrize("interval", INTERVALS)
def test_the_newest_interval_always_has_a_label(interval: Interval) -> None:
    for number in range(1, 400):
        last = choose_columns([str(each) for each in range(number)], interval)[-1]
        assert (last.text, last.is_minor) == (str(number - 1), False)


@pytest.mark.parametrize(
    ("interval", "number", "stride"),
    [
        ("day", 7, 1),
        ("day", 14, 2),
        ("day", 30, 7),
        ("day", 92, 14),
        ("week", 53, 8),
        ("week", 105, 26),
        ("month", 84, 12),
    ],
)
def test_labels_are_whole_weeks_and_years_apart(
    interval: Interval, number: int, stride: int
) -> None:
    places = [int(tick.text) for tick in choose_columns([*map(str, range(number))], interval)]
    assert {b - a for a, b in pairwise(places)} == {stride}


@pytest.mark.parametrize(
    ("first", "last", "texts"),
    [
        ("2026-11-20", "2026-11-20", "20 Nov,03:00,06:00,09:00,12:00,15:00,18:00,21:00"),
        ("2026-11-20", "2026-11-21", "20 Nov,06:00,12:00,18:00,21 Nov,06:00,12:00,18:00"),
        ("2026-10-25", "2026-10-25", "25 Oct,03:00,06:00,09:00,12:00,15:00,18:00,21:00"),
        ("2026-03-29", "2026-03-29", "29 Mar,03:00,06:00,09:00,12:00,15:00,18:00,21:00"),
    ],
)
def test_hours_have_the_labels_of_a_clock_also_where_it_changes(
    first: str, last: str, texts: str
) -> None:
    zone = ZoneInfo("Europe/Berlin")
    starts = cut_period(read_period(first, last, str(zone), NOW), "hour").starts
    names = [name_interval(start, "hour", zone)[0] for start in starts]
    ticks = choose_columns(names, "hour")
    assert ",".join(tick.text for tick in ticks) == texts
    for tick in ticks:
        assert names[int(tick.place * len(names) / 100)] == tick.text


def test_few_intervals_are_all_labelled() -> None:
    assert len(choose_columns(list("abcdefg"))) == 7


def make_running(*counts: int) -> SeriesChart:
    points = make_points(*counts)
    return draw_series([*points[:-1], replace(points[-1], is_running=True)])


def test_an_interval_that_is_not_over_has_a_line_of_its_own() -> None:
    chart, whole = make_running(1, 5, 3), draw_series(make_points(1, 5, 3))
    assert read_places(chart.clicks) == read_places(whole.clicks)[:2]
    assert read_places(chart.running_clicks) == read_places(whole.clicks)[1:]
    assert read_places(chart.visitors) == read_places(whole.visitors)[:2]
    assert read_places(chart.running_visitors) == read_places(whole.visitors)[1:]
    assert max(across for across, _ in read_places(chart.area.rstrip("Z"))) == 500
    assert (whole.running_clicks, whole.running_visitors) == ("", "")


def test_the_first_interval_of_all_may_be_the_one_that_is_not_over() -> None:
    chart = make_running(7)
    assert (chart.clicks, chart.area) == ("", "")
    assert chart.running_clicks == "M490 35.5H510"
    second = make_running(7, 7)
    assert (second.clicks, second.area) == ("", "")
    assert [across for across, _ in read_places(second.running_clicks)] == [250, 750]


@pytest.mark.parametrize(
    ("value", "highest", "share"),
    [(0, 0, 0), (0, 10, 0), (10, 10, 100), (1, 3, 33.33), (1, 10**9, 0.5), (-1, 10, 0)],
)
def test_a_bar_is_a_share_of_the_longest(value: int, highest: int, share: float) -> None:
    assert find_share(value, highest) == share
