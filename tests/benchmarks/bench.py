"""Shared by all benchmarks: servers under load, alternating rounds, and temporary folders."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection, create_server
from tempfile import TemporaryDirectory
from threading import Event
from time import monotonic

from rich.console import Console

from tests.benchmarks import bare
from tests.benchmarks.load import Count, run_wrk
from tests.benchmarks.processes import Server

CONNECTIONS = 32
WARM_UP_S = 1
START_TIMEOUT_S = 20


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One round on one server; `cpu_us` is per answered request, for all its processes together."""

    rate: float
    cpu_us: float
    p50_ms: float
    p99_ms: float
    settled_s: float  # from the end of the load until all its work was done


class Contender:
    """A running server and its load; remembers everything that it answered.

    `settle` waits until the work that a round left behind is done, which is part of the round's
    cost.
    """

    def __init__(
        self,
        server: Server,
        port: int,
        script: Path,
        *,
        settle: Callable[["Contender"], None] = lambda _: None,
    ) -> None:
        self.server = server
        self.port = port
        self.script = script
        self.counts: list[Count] = []
        self._settle = settle

    @property
    def sent(self) -> int:
        return sum(count.sent for count in self.counts)

    @property
    def accepted(self) -> int:
        """Answers with a status below 400."""
        return sum(count.answered - count.refused for count in self.counts)

    @property
    def refused(self) -> int:
        return sum(count.refused for count in self.counts)

    @property
    def broken(self) -> int:
        return sum(count.broken for count in self.counts)

    def load(self, *, connections: int, seconds: float) -> Sample:
        used_before = self.server.read_cpu_s()
        count = run_wrk(self.port, self.script, connections=connections, seconds=seconds)
        self.counts.append(count)
        ended = monotonic()
        self._settle(self)
        settled_s = monotonic() - ended
        used = self.server.read_cpu_s() - used_before
        return Sample(
            rate=count.answered / count.seconds,
            cpu_us=used * 1e6 / max(1, count.answered),
            p50_ms=count.p50_ms,
            p99_ms=count.p99_ms,
            settled_s=settled_s,
        )


@dataclass(frozen=True, kw_only=True)
class Bench:
    """How long to measure, where the million links are stored, and where to report."""

    rounds: int
    seconds: float
    sustained_s: float
    cache: Path
    console: Console

    def say(self, words: str) -> None:
        self.console.print(words, style="dim", highlight=False)

    def alternate(
        self, own: Contender, other: Contender, *, connections: int = CONNECTIONS
    ) -> tuple[Sequence[Sample], Sequence[Sample]]:
        """The samples of both from A B A B …, each warmed up first."""
        for contender in (own, other):
            contender.load(connections=connections, seconds=WARM_UP_S)
        pairs: list[tuple[Sample, Sample]] = []
        for number in range(1, self.rounds + 1):
            pair = (
                own.load(connections=connections, seconds=self.seconds),
                other.load(connections=connections, seconds=self.seconds),
            )
            pairs.append(pair)
            said = ", ".join(f"{sample.rate:,.0f}/s {sample.cpu_us:.1f} µs" for sample in pair)
            self.say(f"  round {number}: {said}")
        return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


@contextmanager
def make_folder() -> Generator[Path]:
    with TemporaryDirectory(prefix="shorty-benchmark-") as folder:
        yield Path(folder)


@contextmanager
def serve_bare(name: str, script: Path) -> Generator[Contender]:
    with create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    command = ["-m", "tests.benchmarks.bare", name, str(port)]
    with Server(command, environment={}, ready=bare.READY) as server:
        wait_for_listener(port)
        yield Contender(server, port, script)


def wait_for_listener(port: int) -> None:
    """Granian's worker listens some time after the supervisor has started, without any signal."""
    deadline = monotonic() + START_TIMEOUT_S
    while True:
        try:
            create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if monotonic() > deadline:
                raise
            Event().wait(0.01)
        else:
            return
