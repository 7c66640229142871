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


NODES: dict[str, Callable[[Bench], Line]] = {"beside": run_beside}
