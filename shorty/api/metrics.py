"""Metrics for Prometheus: the process, and the storage of clicks."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from shorty.api.worker_metrics import AllWorkers, Family, label_families, read_others
from shorty.nodes import Node
from shorty.storage.database import LaneHolder
from shorty.storage.lane_holders import measure_lanes
from shorty.webcore.services import Services

# Reads /proc at each scrape; the figures are the process's, so one serves every app in it.
_PROCESS: Final = CollectorRegistry()
ProcessCollector(registry=_PROCESS)
PlatformCollector(registry=_PROCESS)


class ClickCollector(Collector):
    """The recorder's figures at one moment."""

    def __init__(self, services: Services) -> None:
        self._stats = services.recorder.describe()
        self._is_in_place = services.db.is_in_place()

    def collect(self) -> Iterator[Metric]:
        stats = self._stats
        counters = {
            "journalled": ("Visits written to the journal.", stats.journalled),
            "stored": ("Visits stored in the database.", stats.stored),
            "skipped": ("Visits of links that no longer exist.", stats.skipped),
            "dropped": (
                ("Visits lost because neither the journal nor memory had room."),
                stats.dropped,
            ),
        }
        for name, (meaning, value) in counters.items():
            yield CounterMetricFamily(f"shorty_visits_{name}", meaning, value=value)
        yield CounterMetricFamily(
            "shorty_journal_damaged_bytes",
            "Damaged bytes of the journal that were skipped at startup.",
            value=stats.damaged_bytes,
        )
        gauges = {
            "visits_waiting": ("Visits not yet in the database.", stats.waiting),
            "visits_in_memory": (
                ("Visits not yet in the database nor in the journal."),
                stats.in_memory,
            ),
            "visits_lag_seconds": ("How long the oldest of them has been waiting.", stats.wait_s),
            "journal_refusing_seconds": (
                "How long the journal has been failing to take visits; 0 while it works.",
                stats.refused_s or 0,
            ),
            "database_replaced": (
                (
                    "1 while another file, or none, has taken the database's place, "
                    "or another process this node's name."
                ),
                int(not self._is_in_place),
            ),
        }
        for name, (meaning, value) in gauges.items():
            yield GaugeMetricFamily(f"shorty_{name}", meaning, value=value)


class NodeCollector(Collector):
    """The nodes that share the database, and their lanes; nothing on SQLite."""

    def __init__(self, nodes: Sequence[Node], holders: Sequence[LaneHolder]) -> None:
        self._nodes = nodes
        self._holders = holders

    def collect(self) -> Iterator[Metric]:
        gauges: dict[str, tuple[str, Callable[[Node], float]]] = {
            "silent_seconds": ("How long it has said nothing.", lambda node: node.silent_ms / 1000),
            "visits_waiting": (
                "Visits in its journal that were not yet in the database when it last spoke.",
                lambda node: node.facts.waiting,
            ),
            "clock_ahead_seconds": (
                "By how much its clock is ahead of the database's.",
                lambda node: node.ahead_ms / 1000,
            ),
            "keeper": (
                "1 for the node that does what is done by the clock.",
                lambda node: int(node.facts.is_keeper),
            ),
        }
        for name, (meaning, measure) in gauges.items() if self._nodes else ():
            family = GaugeMetricFamily(f"shorty_node_{name}", meaning, labels=["node"])
            for node in self._nodes:
                family.add_metric([node.name], measure(node))
            yield family
        if self._nodes:
            family = GaugeMetricFamily(
                "shorty_lane_held_seconds",
                "How long one transaction has kept the writes of this kind for itself.",
                labels=["lane"],
            )
            for lane, held_s in measure_lanes(self._holders).items():
                family.add_metric([lane], held_s)
            yield family


def collect_own(services: Services) -> list[Family]:
    """Those of this process, labelled with its node."""
    metrics = [*_PROCESS.collect(), *ClickCollector(services).collect()]
    return label_families(metrics, services.db.node)


def write_metrics(
    services: Services, nodes: Sequence[Node], holders: Sequence[LaneHolder]
) -> tuple[bytes, str]:
    """Returns the exposition format and its media type; the metrics of all workers on the port."""
    registry = CollectorRegistry()
    registry.register(NodeCollector(nodes, holders))
    if services.config.server.workers > 1:
        others = read_others(services.db.place("metrics"))
        registry.register(AllWorkers([*collect_own(services), *others]))
        return generate_latest(registry), CONTENT_TYPE_LATEST
    registry.register(ClickCollector(services))
    return generate_latest(_PROCESS) + generate_latest(registry), CONTENT_TYPE_LATEST
