"""What Prometheus is told: the process, and how the clicks get on."""

from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from shorty.http.services import Services

# Reads /proc at each scrape; its numbers are the process's, so one serves every app of it.
_PROCESS: Final = CollectorRegistry()
ProcessCollector(registry=_PROCESS)
PlatformCollector(registry=_PROCESS)


class ClickCollector(Collector):
    """The recorder's numbers at one moment."""

    def __init__(self, services: Services, now: int) -> None:
        self._stats = services.recorder.describe(now)

    def collect(self) -> Iterator[Metric]:
        stats = self._stats
        counters = {
            "journalled": ("Visits written to the journal.", stats.journalled),
            "stored": ("Visits stored in the database.", stats.stored),
            "skipped": ("Visits of links that are gone.", stats.skipped),
            "dropped": ("Visits lost because neither journal nor memory had room.", stats.dropped),
        }
        for name, (meaning, value) in counters.items():
            yield CounterMetricFamily(f"shorty_visits_{name}", meaning, value=value)
        yield GaugeMetricFamily(
            "shorty_visits_waiting", "Visits not yet in the database.", value=stats.waiting
        )
        yield GaugeMetricFamily(
            "shorty_visits_lag_seconds",
            "How long the oldest of them has waited.",
            value=stats.lag_ms / 1000,
        )


def write_metrics(services: Services, now: int) -> tuple[bytes, str]:
    """The exposition format and its media type."""
    clicks = CollectorRegistry()
    clicks.register(ClickCollector(services, now))
    return generate_latest(_PROCESS) + generate_latest(clicks), CONTENT_TYPE_LATEST
