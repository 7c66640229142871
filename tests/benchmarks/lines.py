"""Each line of the table as a function: start the servers, measure them, return the results."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from statistics import median
from time import monotonic

from tests.benchmarks.analytics import run_analytics, run_crowd
from tests.benchmarks.batches import run_store
from tests.benchmarks.bench import CONNECTIONS, WARM_UP_S, Bench, Contender, make_folder, serve_bare
from tests.benchmarks.dashboard import run_dashboard
from tests.benchmarks.engines import read_database_cpu_s
from tests.benchmarks.load import Scripts, run_wrk
from tests.benchmarks.million import LINKS, prepare_million
from tests.benchmarks.processes import SERVER_CORE
from tests.benchmarks.product import Product, prepare_bulk
from tests.benchmarks.report import Line, Measure, compare
from tests.benchmarks.ruled import run_rules

HOT_LINKS = 100  # as many as one page of the list shows, which is how their clicks are counted
BULK = 1000
STORED_TIMEOUT_S = 60
FLAT_MB = 5
TURN_S = 1
DEEP_PAGES = 200
REDIRECTED = 302


def run_hot(bench: Bench) -> Line:
    with serve_hot() as (product, own), serve_bare("redirect", own.script) as other:
        samples = bench.alternate(own, other)
        return Line(
            title="hot redirects, clicks stored",
            measures=compare(*samples, rate=(0.85, 1.0), cpu=(1.2, None), p99=(4, 2)),
            either=frozenset({"req/s", "CPU µs"}),
            faults=[*find_faults(own), *find_lost_clicks(product, own)],
            notes=[
                f"{own.accepted:,} redirects answered, {product.count_clicks():,} clicks stored"
            ],
        )


def run_workers(bench: Bench) -> Line:
    """Two workers against one, both on all cores, where the load and the database also run.

    In short turns, because what is measured here depends most on what else the cores have to do.
    Each worker has as many connections as the one: with fewer, each wakes up more often.
    """
    with (
        serve_hot(core=None, SHORTY_SERVER__WORKERS="2") as (product, own),
        serve_hot(core=None) as (other_product, other),
    ):
        pair = (own, other)
        for contender in pair:
            contender.load(connections=CONNECTIONS, seconds=WARM_UP_S)
        before = read_database_cpu_s(), *(each.server.read_cpu_s() for each in pair)
        answered = [each.accepted for each in pair]
        for _ in range(max(1, round(bench.rounds * bench.seconds))):
            for each, connections in zip(pair, (2 * CONNECTIONS, CONNECTIONS), strict=True):
                each.counts.append(
                    run_wrk(each.port, each.script, connections=connections, seconds=TURN_S)
                )
        wait_until_stored(product, own)
        wait_until_stored(other_product, other)
        after = read_database_cpu_s(), *(each.server.read_cpu_s() for each in pair)
        answered = [each.accepted - former for each, former in zip(pair, answered, strict=True)]
        database, *servers = [(b - a) * 1e6 for a, b in zip(before, after, strict=True)]
        two, one = (used / count for used, count in zip(servers, answered, strict=True))
        return Line(
            title="two workers against one",
            measures=[
                Measure(label="CPU µs", own=two, other=one, value=two / one, bar=1.1),
                Measure(label="answered", own=answered[0], other=answered[1]),
                Measure(label="database's CPU µs", own=database / sum(answered)),
            ],
            faults=[*find_faults(own), *find_lost_clicks(product, own)],
        )


def run_million(bench: Bench) -> Line:
    with make_folder() as folder:
        slugs = prepare_million(bench.cache, folder)
        with Product(folder) as product:
            own = Contender(product.server, product.port, Scripts(folder).write_slugs(slugs))
            with serve_bare("redirect", own.script) as other:
                samples = bench.alternate(own, other)
            return Line(
                title="1 M links, uniform random",
                measures=compare(*samples, rate=(0.6, 0.8)),
                faults=find_faults(own),
                notes=[f"{product.server.read_memory_mb():.0f} MB of memory afterwards"],
            )


def run_single(bench: Bench) -> Line:
    with serve_hot() as (product, own), serve_bare("redirect", own.script) as other:
        samples = bench.alternate(own, other, connections=1)
        return Line(
            title="one connection",
            measures=compare(*samples, p50=(1.2, None)),
            faults=[*find_faults(own), *find_lost_clicks(product, own)],
        )


def run_unknown(bench: Bench) -> Line:
    with make_folder() as folder, Product(folder) as product:
        own = Contender(product.server, product.port, Scripts(folder).write_slugs(None))
        with serve_bare("redirect", own.script) as other:
            bench.alternate(own, other)
            before = product.server.read_memory_mb()
            own.counts.clear()
            samples = bench.alternate(own, other)
        grown = Measure(label="MB grown", own=product.server.read_memory_mb() - before, bar=FLAT_MB)
        faults = [] if own.accepted == 0 else [f"{own.accepted} random slugs were redirected"]
        return Line(
            title="404s, random slugs",
            measures=[*compare(*samples, rate=(0.6, None)), grown],
            faults=faults,
        )


def run_sustained(bench: Bench) -> Line:
    with serve_hot() as (product, own):
        own.load(connections=CONNECTIONS, seconds=WARM_UP_S)
        before = product.server.read_memory_mb()
        sample = own.load(connections=CONNECTIONS, seconds=bench.sustained_s)
        return Line(
            title=f"sustained for {bench.sustained_s:.0f} s",
            measures=[
                Measure(label="s until stored", own=sample.settled_s, bar=2),
                Measure(label="req/s", own=sample.rate),
                Measure(label="CPU µs", own=sample.cpu_us),
                Measure(label="p99 ms", own=sample.p99_ms),
                Measure(label="MB grown", own=product.server.read_memory_mb() - before),
            ],
            faults=[*find_faults(own), *find_lost_clicks(product, own)],
        )


def run_create(bench: Bench) -> Line:
    with make_folder() as folder, Product(folder) as product:
        script = Scripts(folder).write_creates("/api/v1/links", product.token)
        own = Contender(product.server, product.port, script)
        with serve_bare("create", script) as other:
            samples = bench.alternate(own, other)
        made = product.count_links()
        faults = [*find_faults(own)]
        if not own.accepted <= made <= own.sent:
            faults.append(f"{own.accepted} creates were answered, but {made} links exist")
        return Line(
            title="POST /api/v1/links",
            measures=compare(*samples, rate=(0.4, 0.6)),
            faults=faults,
            notes=[f"{own.accepted:,} creates answered, {made:,} links exist"],
        )


def run_bulk(bench: Bench) -> Line:
    body = prepare_bulk(BULK)
    rates: list[float] = []
    with make_folder() as folder, Product(folder) as product:
        product.create_links(BULK)
        before = product.server.read_cpu_s()
        for _ in range(bench.rounds * 4):
            started = monotonic()
            product.call("POST", "/links/bulk", body)
            rates.append(BULK / (monotonic() - started))
        used = (product.server.read_cpu_s() - before) * 1e6 / (len(rates) * BULK)
    return Line(
        title="bulk create of 1,000",
        measures=[
            Measure(label="links/s", own=median(rates), bar=20_000, more_is_better=True),
            Measure(label="CPU µs", own=used),
        ],
    )


def run_start(bench: Bench) -> Line:
    seconds: list[float] = []
    megabytes: list[float] = []
    with make_folder() as folder:
        slugs = prepare_million(bench.cache, folder)
        with slugs.open() as listed:
            slug = next(listed).strip()
        for _ in range(bench.rounds):
            with Product(folder, core=None) as product:
                if product.visit(slug) != REDIRECTED:
                    raise RuntimeError(f"The link {slug} does not redirect.")
                seconds.append(monotonic() - product.started)
                megabytes.append(product.server.read_memory_mb())
    return Line(
        title=f"start and idle, {LINKS / 1e6:.0f} M links",
        measures=[
            Measure(label="s to first answer", own=median(seconds), bar=1.5),
            Measure(label="MB of memory", own=median(megabytes), bar=130),
        ],
    )


LISTS = {
    "first page ms": "limit=100",
    "search a letter ms": "limit=100&search=a",
    "search a word ms": "limit=100&search=lantern",
    "search one link ms": "limit=100&search=willow+9999",
    "search nothing ms": "limit=100&search=zzzzzz",
    "most clicked ms": "limit=100&sort=-clickCount",
    "active ones ms": "limit=100&isActive=true&sort=createdAt",
}


def run_list(bench: Bench) -> Line:
    with make_folder() as folder:
        prepare_million(bench.cache, folder)
        with Product(folder, core=None) as product:
            cursor = ""
            for _ in range(DEEP_PAGES):
                cursor = product.find_next_page(
                    f"limit=100&cursor={cursor}".removesuffix("&cursor=")
                )
            queries = {**LISTS, f"page {DEEP_PAGES + 1} ms": f"limit=100&cursor={cursor}"}
            taken = {label: time_list(bench, product, query) for label, query in queries.items()}
    return Line(
        title=f"list and search, {LINKS / 1e6:.0f} M links",
        measures=[Measure(label=label, own=ms, bar=30) for label, ms in taken.items()],
    )


def time_list(bench: Bench, product: Product, query: str) -> float:
    """The median in milliseconds, including the first call of each."""
    taken: list[float] = []
    for _ in range(bench.rounds * 2 + 1):
        started = monotonic()
        product.find_next_page(query)
        taken.append((monotonic() - started) * 1000)
    return median(taken)


# In the order of the table. A new line is one more entry.
LINES: dict[str, Callable[[Bench], Line]] = {
    "hot": run_hot,
    "workers": run_workers,
    "million": run_million,
    "single": run_single,
    "rules": run_rules,
    "unknown": run_unknown,
    "sustained": run_sustained,
    "create": run_create,
    "bulk": run_bulk,
    "store": run_store,
    "list": run_list,
    "analytics": run_analytics,
    "crowd": run_crowd,
    "dashboard": run_dashboard,
    "start": run_start,
}


@contextmanager
def serve_hot(
    *, core: int | None = SERVER_CORE, **settings: str
) -> Generator[tuple[Product, Contender]]:
    """A shorty with a hundred links, whose rounds end when every click is stored."""
    with make_folder() as folder, Product(folder, core=core, **settings) as product:
        slugs = product.create_links(HOT_LINKS)
        yield (
            product,
            Contender(
                product.server,
                product.port,
                Scripts(folder).write_visits(slugs),
                settle=lambda own: wait_until_stored(product, own),
            ),
        )


def wait_until_stored(product: Product, own: Contender) -> None:
    product.wait_for_clicks(own.accepted, STORED_TIMEOUT_S)


def find_faults(own: Contender) -> list[str]:
    faults = [f"{own.refused} requests were refused"] if own.refused else []
    return [*faults, f"{own.broken} connections failed"] if own.broken else faults


def find_lost_clicks(product: Product, own: Contender) -> list[str]:
    """wrk aborts its last requests, so the clicks are between the answered and the sent ones."""
    stored, _ = product.wait_for_clicks(own.accepted, STORED_TIMEOUT_S)
    if own.accepted <= stored <= own.sent:
        return []
    return [f"{own.accepted} redirects were answered, {own.sent} asked for, {stored} clicks stored"]
