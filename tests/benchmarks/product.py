"""Runs shorty as its users do, `python -m shorty serve`, and uses its API."""

import http.client
import os
import subprocess
import sys
from contextlib import closing
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from threading import Event
from time import monotonic
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import msgspec

from shorty.web.cookies import SESSION
from tests.benchmarks.engines import prepare_database
from tests.benchmarks.load import BROWSERS, HOST
from tests.benchmarks.processes import SERVER_CORE, Server

READY = "Shorty is ready on "
DATABASE = "shorty.db"
POLL_S = 0.2  # polling costs the server time, which counts as the load's
WORDS = [
    "Harbour",
    "lantern",
    "meadow",
    "orchard",
    "pebble",
    "quarry",
    "river",
    "summit",
    "thicket",
    "valley",
    "willow",
]

CONFIGURATION = f"""
[server]
port = 0
requests_per_minute = 1000000000

[storage]
database = "{{database}}"

[[domains]]
host = "{HOST}"
scheme = "http"
"""


class _Link(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    short_code: str
    click_count: int


class _Listed(msgspec.Struct, frozen=True, kw_only=True):
    links: list[_Link]
    total: int = 0
    cursor: str | None = msgspec.field(default=None, name="nextCursor")


class _Made(_Listed, frozen=True, kw_only=True):
    created: int


class Product:
    """A running shorty with its data in `folder`, and a token of its owner's."""

    def __init__(self, folder: Path, *, core: int | None = SERVER_CORE, **settings: str) -> None:
        self.environment = write_configuration(folder)
        self.environment |= prepare_database(self.environment, folder / DATABASE)
        self.environment |= settings
        self.started = monotonic()
        self.server = Server(
            ["-m", "shorty", "serve"], environment=self.environment, ready=READY, core=core
        )
        address = self.server.ready_line.partition(READY)[2].split()[0]
        self.port = urlsplit(address).port or 80

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.server.stop()

    @cached_property
    def token(self) -> str:
        run = subprocess.run(
            [sys.executable, "-m", "shorty", "token", "create", "--name", "benchmarks"],
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return run.stdout.strip()

    def call(self, method: str, path: str, body: object = None) -> bytes:
        """The body of the answer; anything but 200 or 201 raises with the body."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        encoded = None if body is None else msgspec.json.encode(body)
        status, content = self._ask(method, f"/api/v1{path}", encoded, headers)
        if status not in {200, 201}:
            raise RuntimeError(f"{method} {path} answered {status}: {content[:500]!r}")
        return content

    def open_page(self, path: str, session: str) -> bytes:
        """A page of the dashboard, for the person signed in with that session."""
        status, content = self._ask("GET", path, None, {"Cookie": f"{SESSION}={session}"})
        if status != HTTPStatus.OK:
            raise RuntimeError(f"{path} answered {status}: {content[:500]!r}")
        return content

    def visit(self, slug: str) -> int:
        """The status for a person's visit."""
        return self._ask("GET", f"/{slug}", None, {"User-Agent": BROWSERS[0]})[0]

    def create_links(self, count: int, *, first: int = 0) -> list[str]:
        """Creates links with generated slugs in one bulk call, and returns the slugs."""
        return self.create(prepare_bulk(count, first=first), count)

    def create(self, body: object, count: int) -> list[str]:
        """Creates so many links in one bulk call, and returns their slugs."""
        made = msgspec.json.decode(self.call("POST", "/links/bulk", body), type=_Made)
        if made.created != count:
            raise RuntimeError(f"{made.created} of {count} links were made.")
        return [link.short_code for link in made.links]

    def find_next_page(self, query: str) -> str:
        """The cursor of the page after the one that `query` requests; empty at the end."""
        return msgspec.json.decode(self.call("GET", f"/links?{query}"), type=_Listed).cursor or ""

    def count_links(self) -> int:
        return msgspec.json.decode(self.call("GET", "/links?limit=1"), type=_Listed).total

    def count_clicks(self) -> int:
        """The sum of `clickCount` over the newest hundred links."""
        listed = msgspec.json.decode(self.call("GET", "/links?limit=100"), type=_Listed)
        return sum(link.click_count for link in listed.links)

    def wait_for_clicks(self, expected: int, timeout_s: float) -> tuple[int, float]:
        """(clicks stored, seconds waited) once `expected` are stored, or at the timeout."""
        started = monotonic()
        while (stored := self.count_clicks()) < expected and monotonic() - started < timeout_s:
            Event().wait(POLL_S)
        return stored, monotonic() - started

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with closing(connection):
            connection.request(method, path, body, {"Host": HOST, **headers})
            answer = connection.getresponse()
            return answer.status, answer.read()


def write_configuration(folder: Path) -> dict[str, str]:
    """Environment variables for a shorty with its data in `folder`."""
    path = folder / "shorty.toml"
    path.write_text(CONFIGURATION.format(database=folder / DATABASE), encoding="utf-8")
    return {"SHORTY_CONFIG": str(path)}


def prepare_bulk(count: int, *, first: int = 0) -> object:
    links = [
        {
            "url": f"https://www.example.com/{WORDS[number % 7]}/{number}",
            "title": f"{WORDS[number % 5]} {WORDS[number % 11]} {number}",
        }
        for number in range(first, first + count)
    ]
    return {"domain": HOST, "links": links}
