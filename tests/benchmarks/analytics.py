"""Queries about clicks: of a link with ten million, one with ten thousand, and of many links."""

import time
from statistics import median
from urllib.parse import urlencode

from tests.benchmarks.bench import Bench, make_folder
from tests.benchmarks.load import HOST
from tests.benchmarks.past_clicks import CROWD, FEW_ID, MANY_ID, prepare_clicks
from tests.benchmarks.product import Product
from tests.benchmarks.report import Line, Measure

MONTH_ASKED = {"from": "2026-06-01", "to": "2026-06-30"}
YEAR_ASKED = {"from": "2025-07-01", "to": "2026-06-30"}
ZONE = {"timezone": "Asia/Kolkata"}  # none of its days is one of UTC's

# The queries for each link: the path, and its period.
OF_A_MONTH: dict[str, tuple[str, dict[str, str]]] = {
    "summary": ("summary", MONTH_ASKED),
    "days": ("timeseries", MONTH_ASKED | ZONE),
    "hours": ("timeseries", MONTH_ASKED | ZONE | {"interval": "hour"}),
    "countries": ("geo", MONTH_ASKED | ZONE),
    "devices": ("devices", MONTH_ASKED | ZONE),
    "referrers": ("referrers", MONTH_ASKED | ZONE),
    "utm": ("utm", MONTH_ASKED | ZONE),
    "today's referrers": ("referrers", {}),
}
OF_A_YEAR: dict[str, tuple[str, dict[str, str]]] = {
    "year, summary": ("summary", YEAR_ASKED | ZONE),
    "year, weeks": ("timeseries", YEAR_ASKED | ZONE | {"interval": "week"}),
    "year, countries": ("geo", YEAR_ASKED | ZONE),
    "year, referrers": ("referrers", YEAR_ASKED | ZONE),
    "year, utm": ("utm", YEAR_ASKED | ZONE),
}
# Of many links together.
CROWD_QUESTIONS: dict[str, tuple[str, dict[str, str]]] = {
    "summary": ("summary", MONTH_ASKED),
    "days": ("timeseries", MONTH_ASKED | ZONE),
    "countries": ("geo", MONTH_ASKED | ZONE),
    "referrers": ("referrers", MONTH_ASKED | ZONE),
}


def run_analytics(bench: Bench) -> Line:
    with make_folder() as folder:
        prepare_clicks(bench.cache, folder)
        with Product(folder, core=None) as product:
            measures = [
                measure
                for questions, bar in ((OF_A_MONTH, 2), (OF_A_YEAR, None))
                for name, (path, asked) in questions.items()
                for measure in compare_links(bench, product, name, path, asked, bar)
            ]
    return Line(
        title="analytics of one link with 10 M clicks, and one with 10 k", measures=measures
    )


def compare_links(
    bench: Bench,
    product: Product,
    name: str,
    path: str,
    asked: dict[str, str],
    bar: float | None,
) -> list[Measure]:
    """Queries both links in turn, because the machine's speed drifts."""
    queries = [f"/analytics/{path}?{urlencode(asked | {'linkId': i})}" for i in (MANY_ID, FEW_ID)]
    taken = [[time_answer(product, query) for query in queries] for _ in range(count_turns(bench))]
    many, few = (median(times) for times in list(zip(*taken, strict=True)))
    bench.say(f"  {name}: {many:.1f} ms, {few:.1f} ms")
    return [
        Measure(label=f"{name}, ms", own=many, bar=30),
        Measure(label=f"{name}, to 10 k", own=many, other=few, value=many / few, bar=bar),
    ]


def run_crowd(bench: Bench) -> Line:
    """All links of a domain, and nearly all of them by their tag."""
    with make_folder() as folder:
        prepare_clicks(bench.cache, folder)
        with Product(folder, core=None) as product:
            scopes = {"domain": {"domain": HOST}, "tag": {"tagId": "1"}}
            measures = [
                Measure(label=f"{kind}, {name} ms", own=time_scope(bench, product, path, asked))
                for kind, scope in scopes.items()
                for name, (path, asked) in (
                    (name, (path, asked | scope)) for name, (path, asked) in CROWD_QUESTIONS.items()
                )
            ]
    return Line(title=f"analytics of {CROWD:,} links together", measures=measures)


def time_scope(bench: Bench, product: Product, path: str, asked: dict[str, str]) -> float:
    query = f"/analytics/{path}?{urlencode(asked)}"
    return median(time_answer(product, query) for _ in range(bench.rounds))


def count_turns(bench: Bench) -> int:
    return bench.rounds * 4 + 1


def time_answer(product: Product, path: str) -> float:
    started = time.perf_counter()
    product.call("GET", path)
    return (time.perf_counter() - started) * 1000
