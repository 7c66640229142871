"""Lines that need several nodes, and so PostgreSQL."""

from collections.abc import Callable

from tests.benchmarks import storing
from tests.benchmarks.bench import CONNECTIONS, WARM_UP_S, Bench, Contender, Sample, make_folder
from tests.benchmarks.engines import SETTING
from tests.benchmarks.lines import HOT_LINKS, find_faults
from tests.benchmarks.load import Scripts
from tests.benchmarks.processes import Server
from tests.benchmarks.product import Product
from tests.benchmarks.report import Line, compare


def run_beside(bench: Bench) -> Line:
    """Creates while another node stores clicks all the time, against those of a node alone."""
    alone: list[Sample] = []
    beside: list[Sample] = []
    stored: list[str] = []
    with make_folder() as folder, Product(folder) as product:
        if SETTING not in product.environment:
            raise RuntimeError("Two nodes need --engine postgres.")
        product.create_links(HOT_LINKS)
        script = Scripts(folder).write_creates("/api/v1/links", product.token)
        own = Contender(product.server, product.port, script)
        own.load(connections=CONNECTIONS, seconds=WARM_UP_S)
        for _ in range(bench.rounds):
            alone.append(own.load(connections=CONNECTIONS, seconds=bench.seconds))
            node = Server(
                ["-m", "tests.benchmarks.storing", product.environment[SETTING]],
                environment={},
                ready=storing.READY,
                core=None,
            )
            with node:
                beside.append(own.load(connections=CONNECTIONS, seconds=bench.seconds))
            stored.append(node.log[-1].strip())
            bench.say(f"  {alone[-1].rate:,.0f}/s alone, {beside[-1].rate:,.0f}/s beside it")
        return Line(
            title="creates beside a node that stores",
            measures=compare(beside, alone),
            faults=find_faults(own),
            notes=[f"stored meanwhile: {', '.join(stored)}"],
        )


def run_pair(bench: Bench) -> Line:
    """Creates through two nodes, the workers of one port, against one, both on all cores.

    Each node has as many callers as the one: who shares a lane waits for the other's groups. With
    half as many for each, two nodes create about as many as one, for 1.3 times the CPU.
    """
    with (
        make_folder() as first,
        make_folder() as second,
        Product(first, core=None, SHORTY_SERVER__WORKERS="2") as product,
        Product(second, core=None) as other_product,
    ):
        if SETTING not in product.environment:
            raise RuntimeError("Two nodes need --engine postgres.")
        pair = [
            Contender(
                each.server, each.port, Scripts(folder).write_creates("/api/v1/links", each.token)
            )
            for each, folder in ((product, first), (other_product, second))
        ]
        for contender in pair:
            contender.load(connections=CONNECTIONS, seconds=WARM_UP_S)
        two: list[Sample] = []
        one: list[Sample] = []
        for _ in range(bench.rounds):
            for contender, samples, nodes in zip(pair, (two, one), (2, 1), strict=True):
                callers = nodes * CONNECTIONS
                samples.append(contender.load(connections=callers, seconds=bench.seconds))
            bench.say(f"  {two[-1].rate:,.0f}/s of two, {one[-1].rate:,.0f}/s of one")
        return Line(
            title="creates of two nodes against one",
            measures=compare(two, one, rate=(1.0, None)),
            faults=[fault for contender in pair for fault in find_faults(contender)],
        )


NODES: dict[str, Callable[[Bench], Line]] = {"pair": run_pair, "beside": run_beside}
