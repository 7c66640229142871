"""Two `shorty serve` on one database, on this machine, and people who use both of them."""

import asyncio
import re
import signal
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx

from shorty.accounts.model import NewToken
from shorty.accounts.service import Home, add_user
from shorty.accounts.sessions import start_session
from shorty.accounts.tokens import create_token_for
from shorty.config import Config, Plan, StorageConfig
from shorty.config.settings import UNLIMITED, DefaultsConfig
from shorty.databases import open_database
from shorty.storage.database import Transaction
from shorty.web.cookies import SESSION
from tests.forks import ForkedService
from tests.nodes.client import BROWSER
from tests.service import PATIENCE_S, Service

T = TypeVar("T")
HOST: Final = "go.example"
SERVE: Final = ("-m", "shorty", "serve")
NAMES: Final = ("a", "b")
SETTINGS: Final = """
[[domains]]
host = "go.example"
scheme = "http"

[plans.small]
links = 3
"""
TOKEN: Final = re.compile(r'data-token="([\w-]+)"')
PAUSE_S: Final = 0.02


class Person:
    """At one node: by API token, by the dashboard's session, or as a visitor."""

    def __init__(self, node: Service, *, token: str = "", session: str = "") -> None:
        self.node = node
        headers = {"Host": HOST, "User-Agent": BROWSER}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self.client = httpx.Client(base_url=node.url, headers=headers, timeout=PATIENCE_S)
        if session:
            self.client.cookies.set(SESSION, session)
        self.session = session

    def call(self, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
        return self.client.request(method, f"/api/v1{path}", json=body, headers=headers)

    def make_link(self, **fields: object) -> Any:
        body = {"url": "https://example.com/", "domain": HOST, **fields}
        answer = self.call("POST", "/links", body)
        assert answer.status_code == 201, answer.text
        return answer.json()["link"]

    def visit(self, path: str, **headers: str) -> httpx.Response:
        return self.client.get(path, headers=headers)

    def send(
        self,
        path: str,
        fields: Mapping[str, str],
        files: dict[str, tuple[str, bytes]] | None = None,
    ) -> httpx.Response:
        """A form of the dashboard."""
        data = {"form_token": self.find_form_token(), **fields}
        return self.client.post(path, data=data, files=files)

    def find_form_token(self) -> str:
        page = self.client.get("/app/tags" if self.session else "/app/sign-in")
        found = TOKEN.search(page.text)
        assert found, page.text
        return found[1]


class Pair:
    """Its nodes run until it is closed; what one test does must not touch another's links."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.settings = {
            "SHORTY_STORAGE__DATABASE": url,
            "SHORTY_SERVER__PORT": "0",
            "SHORTY_SERVER__TRUSTED_PROXIES": '["127.0.0.1"]',
        }
        (folder / "shorty.toml").write_text(SETTINGS)
        self.config = Config(plans={"small": Plan(name="small", links=3)})
        self.nodes: list[Service] = []
        self._people = 0

    def start(self, stack: ExitStack, *, is_in_turn: bool = False) -> None:
        self._stack = stack
        for name in NAMES:
            service = self._launch(name)
            self.nodes.append(service)
            if is_in_turn:
                service.wait_until_ready(3 * PATIENCE_S)
        for node in self.nodes if not is_in_turn else ():
            node.wait_until_ready(3 * PATIENCE_S)

    def restart(self, number: int) -> None:
        """As for an upgrade."""
        assert self.nodes[number].stop() == 0
        self.start_again(number)

    def start_again(self, number: int) -> None:
        """A node that has ended, on the same port."""
        port = self.nodes[number].address[1]
        self.nodes[number] = self._launch(NAMES[number], SHORTY_SERVER__PORT=str(port))
        self.nodes[number].wait_until_ready(3 * PATIENCE_S)

    def _launch(self, name: str, **changed: str) -> Service:
        own = {
            "SHORTY_STORAGE__NODE": name,
            "SHORTY_STORAGE__FOLDER": str(self.folder / name),
            **changed,
        }
        service = ForkedService(SERVE, self.folder, **{**self.settings, **own})
        return self._stack.enter_context(service)

    def stop(self) -> list[int]:
        for node in self.nodes:
            node.send_signal(signal.SIGTERM)
        return [node.wait_for_end() for node in self.nodes]

    def write(self, work: Callable[[Transaction, int], T]) -> T:
        """As a command beside the nodes, which they all hear of."""

        async def run() -> T:
            storage = StorageConfig(database=self.url, folder=str(self.folder))
            db = await open_database(storage, is_command=True)
            try:
                return await db.write(lambda tx: work(tx, time.time_ns() // 1_000_000))
            finally:
                await db.close()

        return asyncio.run(run())

    def add_home(self, plan: str = UNLIMITED) -> tuple[Home, str, str]:
        """A person with a workspace of their own: with an API token, and a session's text."""
        self._people += 1
        email = f"person{self._people}@a.example"
        plans = {**self.config.plans, "small": Plan(name="small")}
        config = Config(plans=plans, defaults=DefaultsConfig(plan=plan))

        def work(tx: Transaction, now: int) -> tuple[Home, str, str]:
            home = add_user(tx, config, email, now)
            token = create_token_for(
                tx, home.workspace.id, home.user.id, NewToken(scope="admin"), now
            )
            session = start_session(tx, home.user.id, home.workspace.id, "Firefox", now)
            return home, token.text, session.text

        return self.write(work)

    def add_people(self, plan: str = UNLIMITED) -> tuple[Person, Person]:
        """One person in a workspace of their own, at each node."""
        _, token, session = self.add_home(plan)
        return self.open(0, token=token, session=session), self.open(
            1, token=token, session=session
        )

    def open(self, number: int, *, token: str = "", session: str = "") -> Person:
        """Somebody at the first node, 0, or the second, 1; until the pair is stopped."""
        person = Person(self.nodes[number], token=token, session=session)
        self._stack.callback(person.client.close)
        return person


def wait_for(is_so: Callable[[], bool]) -> None:
    """For what another node does soon after this one has answered."""
    ends_at = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < ends_at, "it never came about"
        time.sleep(PAUSE_S)


@contextmanager
def watch(person: Person, path: str) -> Generator[HTTPResponse]:
    """A stream of events."""
    with closing(HTTPConnection(*person.node.address, timeout=PATIENCE_S)) as client:
        client.request("GET", path, headers={"Host": HOST, "Cookie": f"{SESSION}={person.session}"})
        yield client.getresponse()


def read_until(stream: HTTPResponse, text: str) -> str:
    found, ends_at = "", time.monotonic() + PATIENCE_S
    while text not in found:
        line = stream.readline().decode()  # it beats
        assert line, found
        assert time.monotonic() < ends_at, found
        found += line
    return found
