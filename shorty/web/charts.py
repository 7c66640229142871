"""The geometry of the charts: where lines, columns and labels go. `templates/charts.html` draws it.

Across, everything is a share of the width, so that a chart fits any screen without being scaled
and its text stays as large as it is; downwards, it is in pixels.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, count, dropwhile
from typing import Final

import msgspec

from shorty.clicks.periods import Interval

PLOT_WIDTH: Final = 1000  # of the lines' own coordinates, which are stretched over the width
PLOT_HEIGHT: Final = 200
TOP: Final = 12  # above the highest line, for its label
MOST_STEPS: Final = 4
STEPS: Final = (1, 2, 5)
MOST_LABELS: Final = 8
# Every how many intervals there may be a label: aligned to the clock, to weekdays, to the year.
STRIDES: Final[Mapping[Interval, Sequence[int]]] = {
    "hour": (1, 2, 3, 6, 12, 24),
    "day": (1, 2, 7, 14, 28),
    "week": (1, 2, 4, 8, 13, 26, 52),
    "month": (1, 2, 3, 6, 12, 24, 60, 120),
}


class SeriesPoint(msgspec.Struct, frozen=True, kw_only=True):
    """The counts of one interval. `label` is shown below it, `title` is its full name.

    `part` is what there is of it, if not all. Visitors are None where they are not known.
    `is_running` means that it is not over yet, so that
    its counts will still grow.
    """

    label: str
    title: str
    clicks: int
    visitors: int | None
    clicks_before: int | None = None
    part: str = ""
    is_running: bool = False


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """`place` is pixels down or percent across; `is_minor` ones go first where there is no room."""

    place: float
    value: int = 0
    text: str = ""
    is_minor: bool = False


class Spot(msgspec.Struct, frozen=True, kw_only=True):
    """A point's share of the width, for the pointer, and where its dot is."""

    left: float
    width: float
    middle: float
    height: float
    point: SeriesPoint


class SeriesChart(msgspec.Struct, frozen=True, kw_only=True):
    """Paths in coordinates of PLOT_WIDTH by `height`; empty where there is nothing to draw.

    The lines of clicks and visitors end at the last interval that is over; `running_…` go on from
    there to the one that is not.
    """

    height: int
    rows: tuple[Tick, ...]
    columns: tuple[Tick, ...]
    spots: tuple[Spot, ...]
    area: str
    clicks: str
    visitors: str
    before: str
    has_visitors: bool = True
    running_clicks: str = ""
    running_visitors: str = ""


def draw_series(points: Sequence[SeriesPoint], interval: Interval = "day") -> SeriesChart:
    before = [each.clicks_before for each in points if each.clicks_before is not None]
    highest = max(chain((each.clicks for each in points), before), default=0)
    rows = choose_rows(highest)
    top = rows[-1]
    clicks = _place_points([each.clicks for each in points], top)
    known = [each.visitors for each in points if each.visitors is not None]
    visitors = _place_points(known, top)
    over = sum(not each.is_running for each in points)
    return SeriesChart(
        height=PLOT_HEIGHT,
        rows=tuple(Tick(place=_place_height(row, top), value=row) for row in rows),
        columns=tuple(choose_columns([each.label for each in points], interval)),
        spots=tuple(_place_spots(points, top)),
        area=_draw_area(clicks[:over]),
        clicks=_draw_finished(clicks, over),
        visitors=_draw_finished(visitors, over),
        before=_draw_line(_place_points(before, top)) if len(before) == len(points) else "",
        has_visitors=len(known) == len(points),
        running_clicks=_draw_running(clicks, over),
        running_visitors=_draw_running(visitors, over),
    )


def choose_rows(highest: int) -> list[int]:
    """The values of the lines across: from 0, in round steps, the last one not below `highest`."""
    step = next(dropwhile(lambda step: step * MOST_STEPS < highest, _count_round_numbers()))
    return [step * number for number in range(max(1, -(-highest // step)) + 1)]


def choose_columns(labels: Sequence[str], interval: Interval = "day") -> list[Tick]:
    """The labels below the chart, as many as fit, each in the middle of its own interval.

    Hours are those that a clock shows; others are counted from the newest, so that it has one.
    """
    chosen = _choose_hours(labels) if interval == "hour" else _count_back(len(labels), interval)
    ticks = [
        Tick(
            place=round(100 * (index + 0.5) / len(labels), 2),
            text=labels[index],
            is_minor=bool(number % 2),
        )
        for number, index in enumerate(chosen)
    ]
    return sorted(ticks, key=lambda tick: tick.place)


def _choose_hours(labels: Sequence[str]) -> Sequence[int]:
    """By their names, since a day on which the clock changes has more or fewer of them."""
    hours = [int(label[:2]) if ":" in label else 0 for label in labels]
    chosen: list[int] = []
    for stride in STRIDES["hour"]:
        chosen = [index for index, hour in enumerate(hours) if hour % stride == 0]
        if len(chosen) <= MOST_LABELS:
            break
    return chosen


def _count_back(number: int, interval: Interval) -> Sequence[int]:
    strides = (each for each in STRIDES[interval] if -(-number // each) <= MOST_LABELS)
    return range(number - 1, -1, -next(strides, max(1, -(-number // MOST_LABELS))))


def find_share(value: int, highest: int) -> float:
    """A bar's length in percent of the longest; never too short to be seen."""
    if value <= 0 or highest <= 0:
        return 0.0
    return round(max(100 * value / highest, 0.5), 2)


def _count_round_numbers() -> Iterable[int]:
    return (step * 10**power for power in count() for step in STEPS)


def _place_points(values: Sequence[int], top: int) -> list[tuple[float, float]]:
    return [
        (PLOT_WIDTH * (index + 0.5) / len(values), _place_height(value, top))
        for index, value in enumerate(values)
    ]


def _place_height(value: int, top: int) -> float:
    return round(TOP + (PLOT_HEIGHT - TOP) * (1 - value / top), 2)


def _place_spots(points: Sequence[SeriesPoint], top: int) -> Iterable[Spot]:
    width = 100 / max(1, len(points))
    for index, point in enumerate(points):
        yield Spot(
            left=round(index * width, 3),
            width=round(width, 3),
            middle=round((index + 0.5) * width, 3),
            height=_place_height(point.clicks, top),
            point=point,
        )


def _draw_finished(places: Sequence[tuple[float, float]], over: int) -> str:
    """A single place is left to the running line, if that begins there."""
    return "" if over == 1 < len(places) else _draw_line(places[:over])


def _draw_running(places: Sequence[tuple[float, float]], over: int) -> str:
    return _draw_line(places[max(0, over - 1) :]) if over < len(places) else ""


def _draw_line(places: Sequence[tuple[float, float]]) -> str:
    """A single point is drawn as a short stroke, since a line of no length is invisible."""
    if len(places) == 1:
        ((across, down),) = places
        return f"M{across - 10:.5g} {down:.5g}H{across + 10:.5g}"
    steps = (f"{across:.5g} {down:.5g}" for across, down in places)
    return f"M{'L'.join(steps)}" if places else ""


def _draw_area(places: Sequence[tuple[float, float]]) -> str:
    """Closed along the bottom; empty where there is but one place, or nothing but zeros."""
    if len(places) < 2 or all(down == PLOT_HEIGHT for _, down in places):  # noqa: PLR2004
        return ""
    first, last = places[0][0], places[-1][0]
    return f"{_draw_line(places)}L{last:.5g} {PLOT_HEIGHT}L{first:.5g} {PLOT_HEIGHT}Z"
