"""Several workers of the whole product, on one PostgreSQL database: each answered visit counts."""

import os
import re
import signal
import socket
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from tests.postgres.support import ask_aside
from tests.serve.several import connect_to, find_workers
from tests.serve.test_product import BROWSER, Visitor, make_token
from tests.service import PATIENCE_S, Service, list_settings

pytestmark = pytest.mark.postgres_only
SERVE = ["-m", "shorty", "serve"]
FOUND = b"HTTP/1.1 302"
COUNTS = """
select total, (select count(*) from clicks where link_id = link_counters.link_id)
from link_counters
"""


class Follower(Thread):
    """Follows a short link on one connection, and on another once that breaks."""

    def __init__(self, service: Service, worker: int, slug: str) -> None:
        super().__init__(daemon=True)
        host = f"localhost:{service.address[1]}"
        self._request = (
            f"GET /{slug} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {BROWSER}\r\n\r\n"
        ).encode()
        self._service = service
        self._client = connect_to(service, worker)
        self._more = Event()
        self._wanted = 0
        self.answered = 0
        self.broken = 0
        self.is_over = False

    def follow(self) -> bool:
        self._client.sendall(self._request)
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            piece = self._client.recv(4096)
            if not piece:
                return False
            answer += piece
        assert answer.startswith(FOUND), answer
        self.answered += 1
        if self.answered >= self._wanted:
            self._more.set()
        return True

    def run(self) -> None:
        while not self.is_over:
            try:
                if self.follow():
                    continue
            except (ConnectionResetError, BrokenPipeError):
                pass
            self.broken += 1
            self._client.close()
            try:
                self._client = self._connect()
            except ConnectionRefusedError:  # the server has ended
                return

    def _connect(self) -> socket.socket:
        """A worker that is killed breaks off connections that it has not accepted yet, too."""
        while True:
            try:
                return self._service.connect()
            except ConnectionResetError:
                continue

    def end(self) -> None:
        self.is_over = True
        self.join(PATIENCE_S)
        self._client.close()

    def wait_for(self, more: int) -> None:
        """Until so many more visits were answered."""
        self._more.clear()
        self._wanted = self.answered + more
        assert self._more.wait(PATIENCE_S)


@contextmanager
def follow(service: Service, slug: str) -> Generator[list[Follower]]:
    """Two on each worker's connections, in the order of workers, until the block ends."""
    workers = find_workers(service)
    followers = [Follower(service, worker, slug) for worker in workers for _ in range(2)]
    for each in followers:
        each.start()
    try:
        yield followers
    finally:
        for each in followers:
            each.end()


def wait_for_figures(service: Service, nodes: set[str]) -> None:
    """Until a scrape shows visits of each node."""
    until = time.monotonic() + PATIENCE_S
    seen: set[str] = set()
    while seen != nodes:
        assert time.monotonic() < until
        found = re.findall(
            r'^shorty_visits_journalled_total.node="(\S+)". [1-9]',
            service.get("/metrics"),
            re.MULTILINE,
        )
        seen = set(found)


def ask(folder: Path, sql: str) -> list[Any]:
    return ask_aside(list_settings(folder)["SHORTY_STORAGE__DATABASE"], sql)


def read_clicks(folder: Path) -> int:
    """Of the only link, as many as its counter has."""
    ((total, clicks),) = ask(folder, COUNTS)
    assert total == clicks
    return clicks


def sum_answered(followers: list[Follower]) -> int:
    return sum(each.answered for each in followers)


def test_a_worker_that_is_killed_under_load_takes_only_its_own_connections_and_no_click(
    folder: Path,
) -> None:
    command = [*SERVE, "--workers", "2"]
    with Service(command, folder, SHORTY_STORAGE__NODE="a").wait_until_ready() as service:
        slug = Visitor(service, make_token(folder)).make_link()["shortCode"]
        first, second = find_workers(service)
        with follow(service, slug) as followers:
            for each in followers:
                each.wait_for(20)
            nodes = {f"a-{number}" for number in (1, 2)}
            wait_for_figures(service, nodes)
            os.kill(second, signal.SIGKILL)
            service.stderr.wait_for("worker_ended")
            service.stderr.wait_for("server_ready worker=2")
            for each in followers:
                each.wait_for(20)
            assert [each.broken for each in followers] == [0, 0, 1, 1]
            assert first in find_workers(service)
            assert service.stop() == 0, service.stderr.read_all()
        killed, ended = 2, sum(each.broken for each in followers) - 2
        assert ended <= len(followers) * 2
        answered = sum_answered(followers)
        assert answered <= read_clicks(folder) <= answered + killed + ended
    assert not list(folder.glob("*/shorty.journal"))


def test_what_killed_workers_left_is_stored_by_one_worker_alone(folder: Path) -> None:
    command, named = [*SERVE, "--workers", "2"], {"SHORTY_STORAGE__NODE": "a"}
    with Service(command, folder, **named).wait_until_ready() as service:
        slug = Visitor(service, make_token(folder)).make_link()["shortCode"]
        with follow(service, slug) as followers:
            for each in followers:
                each.wait_for(20)
            service.send_signal_to_all(signal.SIGKILL)
    assert len(list(folder.glob("*/shorty.journal/*.log"))) == 2
    with Service(SERVE, folder, **named).wait_until_ready() as service:
        for number in (1, 2):
            said = service.stderr.wait_for("journal_adopted")
            assert str(folder / str(number)) in said
        assert ask(folder, "select name from nodes") == [("a",)]
        assert service.stop() == 0
    assert sum_answered(followers) <= read_clicks(folder) <= sum_answered(followers) + 4
