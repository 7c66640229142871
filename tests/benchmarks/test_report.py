"""The table's verdicts: a missed bar must never count as met."""

from tests.benchmarks.bench import Sample
from tests.benchmarks.report import Line, Measure, compare


def make_sample(rate: float = 30_000, cpu_us: float = 30, p99_ms: float = 2) -> Sample:
    return Sample(rate=rate, cpu_us=cpu_us, p50_ms=1, p99_ms=p99_ms, settled_s=0)


def make_line(own: Sample, other: Sample, *, faults: tuple[str, ...] = ()) -> Line:
    measures = compare([own], [other], rate=(0.85, 1.0), cpu=(1.2, None), p99=(4, 2))
    either = frozenset({"req/s", "CPU µs"})
    return Line(title="redirects", measures=measures, either=either, faults=faults)


def test_a_line_that_meets_every_bar_holds_and_one_that_meets_every_aim_says_so() -> None:
    line = make_line(make_sample(), make_sample())
    assert line.holds()
    assert line.reaches_aim()
    slower = make_line(make_sample(rate=29_000), make_sample())
    assert slower.holds()
    assert not slower.reaches_aim()
    late = make_line(make_sample(p99_ms=7), make_sample())
    assert late.holds()
    assert not late.reaches_aim()


def test_one_of_two_alternatives_is_enough_but_not_none() -> None:
    assert make_line(make_sample(rate=20_000), make_sample()).holds()
    assert make_line(make_sample(cpu_us=50), make_sample()).holds()
    assert not make_line(make_sample(rate=20_000, cpu_us=50), make_sample()).holds()


def test_what_is_no_alternative_must_hold_by_itself() -> None:
    assert not make_line(make_sample(p99_ms=9), make_sample()).holds()


def test_a_lost_click_is_never_made_good_by_speed() -> None:
    assert not make_line(make_sample(), make_sample(), faults=("1 click lost",)).holds()


def test_a_figure_without_a_counterpart_meets_the_bar_by_itself() -> None:
    slow = Measure(label="links/s", own=19_000, bar=20_000, more_is_better=True)
    heavy = Measure(label="MB", own=131, bar=130)
    assert not Line(title="bulk", measures=[slow]).holds()
    assert not Line(title="memory", measures=[heavy]).holds()


def test_the_ratio_is_the_median_of_the_rounds_own() -> None:
    own = [make_sample(rate=rate) for rate in (10_000, 30_000, 100)]
    other = [make_sample(rate=rate) for rate in (20_000, 60_000, 100)]
    rate = compare(own, other)[0]
    assert rate.value == 0.5
