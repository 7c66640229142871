import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@given(st.integers(1, 400))
def test_labels_are_few_and_stay_inside(number: int) -> None:
    ticks = choose_columns([str(each) for each in range(number)])
    assert 1 <= len(ticks) <= MOST_LABELS
    assert ticks[0].text == "0"
    assert not ticks[0].is_minor
    assert [tick.place for tick in ticks] == sorted(tick.place for tick in ticks)
    assert all(0 <= tick.place <= 100 for tick in ticks)


def test_few_intervals_are_all_labelled() -> None:
    assert len(choose_columns(list("abcdefg"))) == 7


@pytest.mark.parametrize(
    ("value", "highest", "share"),
    [(0, 0, 0), (0, 10, 0), (10, 10, 100), (1, 3, 33.33), (1, 10**9, 0.5), (-1, 10, 0)],
)
def test_a_bar_is_a_share_of_the_longest(value: int, highest: int, share: float) -> None:
    assert find_share(value, highest) == share
