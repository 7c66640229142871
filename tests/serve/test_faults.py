"""A locked database, a full disk: visitors are answered, and every click counts."""

import signal
import sqlite3
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event, Timer
from time import monotonic
from typing import Any, Final

import pytest

from shorty.sqlite.connections import BUSY_TIMEOUT_MS
from tests.disks import Disk, mount_disk
from tests.forks import ForkedService
from tests.serve.running import make_database
from tests.serve.test_product import SERVE, Visitor
from tests.service import PATIENCE_S, Service

LOCKED_S: Final = 10  # longer than a write waits for the lock, so that one waits twice
WAIT_S: Final = BUSY_TIMEOUT_MS / 1000
PROMPT_S: Final = WAIT_S  # what waits for the lock takes longer
PACE_S: Final = 0.02
CREATES: Final = 4
DISK_BYTES: Final = 8 * 1024 * 1024
LIMIT: Final = 1000
FEW: Final = 20
pytestmark = pytest.mark.sqlite_only("locks its file, or fills the disk of file and journal")
DATABASE_WAITS: Final = "clicks_wait"
JOURNAL_WAITS: Final = "journal_not_written"


@pytest.fixture
def disk(folder: Path) -> Generator[Disk]:
    with mount_disk(folder, DISK_BYTES) as disk:
        yield disk


class Traffic:
    """Visits to a link, each of which must be answered at once."""

    def __init__(self, visitor: Visitor, link: dict[str, Any]) -> None:
        self.link = link
        self.answered = 0
        self._visitor = visitor

    def visit(self) -> int:
        began = monotonic()
        status = self._visitor.visit(self.link["shortCode"])
        assert monotonic() - began < PROMPT_S
        self.answered += status == 302
        return status

    def visit_often(self, times: int) -> None:
        assert {self.visit() for _ in range(times)} == {302}

    def visit_until_refused(self) -> None:
        statuses = [self.visit()]
        while statuses[-1] == 302 and len(statuses) < LIMIT // 2:
            statuses.append(self.visit())
        assert statuses[-1] == 503


def read_metric(service: Service, name: str) -> int:
    lines = service.get("/metrics").splitlines()
    (value,) = [line.split()[1] for line in lines if line.startswith(f"shorty_visits_{name} ")]
    return int(float(value))


def wait_until(is_true: Callable[[], bool]) -> None:
    """Polls, because another process's work sets no event here."""
    never, until = Event(), monotonic() + PATIENCE_S
    while not is_true():
        assert monotonic() < until, "It never came true"
        never.wait(PACE_S)


def wait_until_stored(service: Service) -> None:
    wait_until(lambda: read_metric(service, "waiting") == 0)


def assert_stored(folder: Path, *traffics: Traffic) -> None:
    """Raw clicks, counters and sums all match the number of answers, and nothing is broken."""
    with closing(sqlite3.connect(folder / "shorty.db")) as db:
        assert db.execute("pragma integrity_check").fetchall() == [("ok",)]
        for traffic in traffics:
            key = (traffic.link["id"],)
            found = [
                db.execute(sql, key).fetchone()[0]
                for sql in (
                    "select count(*) from clicks where link_id = ?",
                    "select total from link_counters where link_id = ?",
                    "select coalesce(sum(clicks), 0) from click_quarters where owner = ?",
                )
            ]
            assert found == [traffic.answered] * 3


@contextmanager
def lock_for(path: Path, seconds: float) -> Generator[Event]:
    """Keeps the database's write lock; the event is set once it has lasted long enough."""
    is_over = Event()
    timer = Timer(seconds, is_over.set)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin immediate")
        timer.start()
        try:
            yield is_over
        finally:
            timer.cancel()
            other.execute("update workspaces set name = name")  # a change to notice
            other.execute("commit")


def try_to_create(service: Service, visitor: Visitor) -> tuple[int, Any]:
    host = f"localhost:{service.address[1]}"
    return visitor.call("POST", "/links", {"url": "https://example.com/late", "domain": host})


def create_in_vain(service: Service, visitor: Visitor) -> float:
    """The seconds until the server answers that the database is locked."""
    began = monotonic()
    status, problem = try_to_create(service, visitor)
    assert (status, problem["code"]) == (503, "storage-unavailable")
    return monotonic() - began


def test_while_another_process_locks_the_database_visitors_are_answered(folder: Path) -> None:
    token = make_database(folder)
    with ForkedService(SERVE, folder).wait_until_ready() as service:
        visitor = Visitor(service, token)
        plain = Traffic(visitor, visitor.make_link())
        limited = Traffic(visitor, visitor.make_link(maxClicks=FEW))
        seen: list[int] = []
        creates: list[Future[float]] = []
        with (
            ThreadPoolExecutor(CREATES) as threads,
            lock_for(folder / "shorty.db", LOCKED_S) as is_over,
        ):
            while len(seen) <= FEW or not (
                is_over.is_set() and all(each.done() for each in creates)
            ):
                is_over.wait(5 * PACE_S)
                if len(creates) < CREATES:
                    creates.append(threads.submit(create_in_vain, service, visitor))
                plain.visit_often(1)
                seen.append(limited.visit())
            assert service.stderr.wait_for(DATABASE_WAITS).endswith('reason="database is locked"')
            assert read_metric(service, "waiting") == plain.answered + limited.answered
            assert max(create.result(PATIENCE_S) for create in creates) < 2 * WAIT_S
        wait_until_stored(service)
        assert limited.visit() == 410
        assert try_to_create(service, visitor)[0] == 201
        assert len(visitor.call("GET", "/links")[1]["links"]) == 3
        assert read_metric(service, "dropped_total") == 0
        assert service.stop() == 0
        assert "Traceback" not in "\n".join(service.stderr.read_all())
    assert seen == [302] * FEW + [410] * (plain.answered - FEW)
    assert_stored(folder, plain, limited)


def test_while_the_disk_is_full_visitors_are_answered(disk: Disk) -> None:
    token = make_database(disk.folder)
    with ForkedService(SERVE, disk.folder).wait_until_ready() as service:
        visitor = Visitor(service, token)
        plain = Traffic(visitor, visitor.make_link())
        limited = Traffic(visitor, visitor.make_link(maxClicks=LIMIT))
        for traffic in (plain, limited):
            traffic.visit_often(5)
        wait_until_stored(service)
        disk.fill()
        limited.visit_until_refused()
        plain.visit_often(300)
        assert limited.visit() == 503
        service.stderr.wait_for(JOURNAL_WAITS)
        status, problem = try_to_create(service, visitor)
        assert (status, problem["code"]) == (503, "storage-unavailable")
        assert read_metric(service, "waiting") >= 300
        disk.free()
        wait_until_stored(service)
        assert try_to_create(service, visitor)[0] == 201
        for traffic in (plain, limited):
            traffic.visit_often(5)
        assert read_metric(service, "dropped_total") == 0
        assert service.stop() == 0
        assert "Traceback" not in "\n".join(service.stderr.read_all())
    assert_stored(disk.folder, plain, limited)


def test_what_was_journalled_outlives_a_kill_on_a_full_disk(disk: Disk) -> None:
    token = make_database(disk.folder)
    with ForkedService(SERVE, disk.folder).wait_until_ready() as service:
        port = str(service.address[1])
        visitor = Visitor(service, token)
        limited = Traffic(visitor, visitor.make_link(maxClicks=LIMIT))
        limited.visit_often(5)
        wait_until_stored(service)
        disk.fill()
        limited.visit_until_refused()
        assert read_metric(service, "waiting") > 0
        service.send_signal_to_all(signal.SIGKILL)
        service.wait_for_end()
    disk.free()
    with ForkedService(SERVE, disk.folder, SHORTY_SERVER__PORT=port).wait_until_ready() as service:
        again = Visitor(service, token)
        assert again.count_clicks(limited.link) == limited.answered
        assert again.visit(limited.link["shortCode"]) == 302
        limited.answered += 1
        assert service.stop() == 0
    assert_stored(disk.folder, limited)


def test_a_start_on_a_full_disk_is_refused_in_one_sentence(disk: Disk) -> None:
    assert start_in_vain(disk) == (
        f"The database folder {disk.folder} is not writable: No space left on device."
    )
    with ForkedService(SERVE, disk.folder).wait_until_ready() as service:
        assert service.stop() == 0
    assert start_in_vain(disk) == (
        f"The database {disk.folder}/shorty.db cannot be opened for writing: the disk is full."
    )
    with ForkedService(SERVE, disk.folder).wait_until_ready() as service:
        assert service.stop() == 0


def start_in_vain(disk: Disk) -> str:
    """The one sentence that is logged while the disk is full."""
    disk.fill()
    with ForkedService(SERVE, disk.folder) as service:
        assert service.wait_for_end() == 1
        assert service.stdout.read_all() == []
        (sentence,) = service.stderr.read_all()
    disk.free()
    return sentence
