"""The lines of the table: measures, their bars, and whether they meet them."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from rich.table import Table

from tests.benchmarks.bench import Sample


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One figure beside its counterpart. Without one, `value` itself must meet the bar."""

    label: str
    own: float
    other: float | None = None
    value: float | None = None
    bar: float | None = None
    aim: float | None = None
    more_is_better: bool = False

    def meets(self, bound: float) -> bool:
        value = self.own if self.value is None else self.value
        return value >= bound if self.more_is_better else value <= bound


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the table. Of the measures in `either`, one that meets its bar is enough."""

    title: str
    measures: Sequence[Measure]
    either: frozenset[str] = frozenset()
    faults: Sequence[str] = ()
    notes: Sequence[str] = ()

    def holds(self) -> bool:
        return not self.faults and self._meets("bar")

    def reaches_aim(self) -> bool:
        return self.holds() and self._meets("aim")

    def _meets(self, which: Literal["bar", "aim"]) -> bool:
        bounds = [(measure, getattr(measure, which)) for measure in self.measures]
        met = {
            measure.label: measure.meets(bound) for measure, bound in bounds if bound is not None
        }
        chosen = [held for label, held in met.items() if label in self.either]
        others = [held for label, held in met.items() if label not in self.either]
        return all(others) and (not chosen or any(chosen))


def compare(
    own: Sequence[Sample], other: Sequence[Sample], **bars: tuple[float | None, float | None]
) -> list[Measure]:
    """req/s, CPU, p50 and p99 of alternating rounds; `bars` maps rate, cpu, p50, p99 to
    (bar, aim). A ratio is the median of the rounds' own ratios, because the machine's speed drifts.
    """
    return [
        _compare_one("req/s", [s.rate for s in own], [s.rate for s in other], bars.get("rate")),
        _compare_one("CPU µs", [s.cpu_us for s in own], [s.cpu_us for s in other], bars.get("cpu")),
        _compare_one(
            "p50 ms",
            [s.p50_ms for s in own],
            [s.p50_ms for s in other],
            bars.get("p50"),
        ),
        _compare_one(
            "p99 ms",
            [s.p99_ms for s in own],
            [s.p99_ms for s in other],
            bars.get("p99"),
        ),
    ]


def _compare_one(
    label: str,
    own: Sequence[float],
    other: Sequence[float],
    bounds: tuple[float | None, float | None] | None,
) -> Measure:
    bar, aim = bounds or (None, None)
    return Measure(
        label=label,
        own=median(own),
        other=median(other),
        value=median(a / max(b, 1e-9) for a, b in zip(own, other, strict=True)),
        bar=bar,
        aim=aim,
        more_is_better=label == "req/s",
    )


def build_table(lines: Sequence[Line]) -> Table:
    table = Table("what", "", title="shorty against the bar", caption=_CAPTION)
    for heading in ("shorty", "bare", "ratio", "bar", "aim"):
        table.add_column(heading, justify="right")
    table.add_column("holds")
    for line in lines:
        for place, measure in enumerate(line.measures):
            table.add_row(
                line.title if place == 0 else "",
                measure.label,
                format_number(measure.own),
                "" if measure.other is None else format_number(measure.other),
                "" if measure.value is None else f"{measure.value:.2f} x",
                _format_bound(measure, measure.bar),
                _format_bound(measure, measure.aim),
                _judge(line) if place == 0 else "",
                end_section=place == len(line.measures) - 1,
            )
    return table


_CAPTION = (
    "Ratios are medians of the rounds' own ratios; CPU is that of all the server's processes,"
    " for one request."
)


def _judge(line: Line) -> str:
    if not line.holds():
        return "NO"
    return "yes, and the aim" if line.reaches_aim() else "yes"


def _format_bound(measure: Measure, bound: float | None) -> str:
    if bound is None:
        return ""
    number = f"{bound:g} x" if measure.other is not None else format_number(bound)
    return f"{'≥' if measure.more_is_better else '≤'} {number}"


def format_number(number: float) -> str:
    if number >= 1000:
        return f"{number:,.0f}"
    return f"{number:.1f}" if number >= 10 else f"{number:.2f}"
