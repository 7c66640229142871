"""One who opens a connection for each request, and the load of some who never pause for long."""

import json
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from http.client import HTTPConnection, HTTPException
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from tests.nodes.client import BROWSER
from tests.nodes.pair import HOST, wait_for
from tests.output import PATIENCE_S

PACE_S: Final = 0.02


class Caller:
    """Opens a connection for each request, as most visitors do."""

    def __init__(self, port: int, token: str, source: str = "127.0.0.1") -> None:
        self.port = port
        self.token = token
        self.source = source

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, bytes]:
        client = HTTPConnection(
            "127.0.0.1", self.port, timeout=PATIENCE_S, source_address=(self.source, 0)
        )
        with closing(client):
            said = {"Host": HOST, "User-Agent": BROWSER, **headers}
            if path.startswith("/api/"):
                said |= {
                    "Authorization": f"Bearer {self.token}",
                    "Content-Type": "application/json",
                }
            client.request(method, path, json.dumps(body) if body else None, said)
            answer = client.getresponse()
            return answer.status, answer.read()

    def visit(self, link: "Made") -> None:
        status, said = self.ask("GET", link.path)
        assert status == 302, (status, said)

    def create(self) -> "Made":
        body = {"url": "https://example.com/", "domain": HOST}
        status, said = self.ask("POST", "/api/v1/links", body)
        assert status == 201, said
        link = json.loads(said)["link"]
        return Made(link["id"], urlsplit(link["shortUrl"]).path)


class Made(NamedTuple):
    """A link: its id, and the path at which it redirects."""

    id: str
    path: str


class Load:
    """Does it again and again in a thread, and keeps what went wrong."""

    def __init__(
        self, stack: ExitStack, work: Callable[[], object], *, endures: bool = False
    ) -> None:
        """With `endures`, what fails is tried on; else it is over, and the test too."""
        self.done: list[object] = []
        self.faults: list[str] = []
        self._work = work
        self._endures = endures
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        stack.callback(self.end)

    def wait_for_more(self, count: int) -> None:
        until = len(self.done) + count
        wait_for(lambda: self._is_finished or len(self.done) >= until)
        assert self._endures or self.faults == []

    @property
    def _is_finished(self) -> bool:
        return bool(self.faults) and not self._endures

    def end(self) -> None:
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_over.wait(PACE_S) and not self._is_finished:
            try:
                self.done.append(self._work())
            except (OSError, HTTPException, AssertionError) as error:
                self.faults.append(repr(error))
