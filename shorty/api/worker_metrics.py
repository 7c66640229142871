"""The metrics of several workers on one port, of which each scrape reaches only one.

Each writes its own to a file in its folder once a second. The one that is asked adds those of the
others to its own, so that every scrape shows all, labelled with the name of their node.
"""

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
import structlog
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

WRITE_EVERY_S: Final = 1.0
FRESH_S: Final = 10.0  # an older file was left by a worker that is gone

log = structlog.get_logger(__name__)


class Family(msgspec.Struct, frozen=True, array_like=True):
    """One metric of one worker; each sample is its name, labels and value."""

    name: str
    meaning: str
    kind: str
    samples: list[tuple[str, dict[str, str], float]]


def label_families(metrics: Iterable[Metric], node: str) -> list[Family]:
    return [
        Family(
            each.name,
            each.documentation,
            each.type,
            [(item.name, {**item.labels, "node": node}, item.value) for item in each.samples],
        )
        for each in metrics
    ]


class AllWorkers(Collector):
    """The same metrics of several workers."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._metrics: dict[str, Metric] = {}
        for each in families:
            metric = self._metrics.setdefault(each.name, Metric(each.name, each.meaning, each.kind))
            for name, labels, value in each.samples:
                metric.add_sample(name, labels, value)

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics.values()


def read_others(own: Path) -> Iterator[Family]:
    """What the workers beside the one with the file `own` wrote last."""
    for path in sorted(own.parents[1].glob(f"[0-9]*/{own.name}")):
        with suppress(FileNotFoundError):  # its worker has just stopped
            if path != own and time.time() - path.stat().st_mtime < FRESH_S:
                yield from msgspec.msgpack.decode(path.read_bytes(), type=list[Family])


def write_figures(own: Path, families: list[Family]) -> None:
    """Replaces the file at once, so that nobody reads half of it. Raises OSError."""
    new = own.with_name(f"{own.name}.new")
    new.write_bytes(msgspec.msgpack.encode(families))
    new.replace(own)


class WorkerMetrics:
    """Writes this worker's metrics to its file, from `start` to `stop`."""

    def __init__(self, own: Path, collect: Callable[[], list[Family]]) -> None:
        self._own = own
        self._collect = collect
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._write_until_stopped())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            with suppress(OSError):
                self._own.unlink(missing_ok=True)

    async def _write_until_stopped(self) -> None:
        is_written = True
        while True:
            was_written = is_written
            try:
                await asyncio.to_thread(write_figures, self._own, self._collect())
            except OSError as error:
                is_written = False
                if was_written:
                    log.warning("metrics_not_shared", reason=os.strerror(error.errno or 0))
            else:
                is_written = True
            await asyncio.sleep(WRITE_EVERY_S)
