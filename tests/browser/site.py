"""A running shorty, with people inserted directly into its database, and its API for callers."""

import http.client
import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, closing
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal
from playwright.sync_api import BrowserContext

from shorty.accounts.model import Role
from shorty.accounts.service import Home, set_password
from shorty.accounts.sessions import start_session
from shorty.databases import open_database
from shorty.passwords import hash_password
from shorty.storage.database import Database, Transaction
from shorty.web.cookies import PATH, SESSION
from tests.forks import ForkedService
from tests.service import PATIENCE_S
from tests.support import find_storage, make_actor, make_colleague, make_home, make_token

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

T = TypeVar("T")

SERVE: Final = ("-m", "shorty", "serve")
PHONE: Final = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1"
)


def read_clock() -> int:
    return time.time_ns() // 1_000_000


class Site:
    """The database has a loop in another thread, because Playwright's runs in the test's."""

    portal: BlockingPortal
    db: Database

    def __init__(
        self, folder: Path, command: tuple[str, ...] = SERVE, **settings: str | None
    ) -> None:
        self.folder = folder
        self.service = ForkedService(command, folder, **settings)
        self._numbers = count(1)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.service)
            self.service.wait_until_ready()
            self.portal = stack.enter_context(start_blocking_portal())
            self.db = stack.enter_context(self._open_database())
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        return self.service.url

    @property
    def host(self) -> str:
        """The domain on which links are created."""
        return f"localhost:{self.service.address[1]}"

    def add_person(self, name: str = "ann") -> Home:
        """A person with their own workspace; each has another email."""
        email = f"{name}{next(self._numbers)}@acme.example"
        return self.portal.call(make_home, self.db, None, email)

    def add_colleague(self, owner: Home, role: Role, name: str = "bob") -> Home:
        """A person who is also a member of the owner's workspace."""
        email = f"{name}{next(self._numbers)}@acme.example"

        async def work() -> Home:
            home = await make_colleague(self.db, await make_actor(self.db, owner), role, email)
            return Home(user=home.user, workspace=owner.workspace)

        return self.portal.call(work)

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Runs a domain's write beside the server, like commands do."""
        return self.portal.call(self.db.write, work)

    def set_password(self, home: Home, password: str) -> None:
        kept = self.portal.call(hash_password, password)
        self.write(lambda tx: set_password(tx, home.user.email, kept, read_clock()))

    def start_session(self, home: Home) -> str:
        """The cookie's value of a browser in which the person is signed in."""
        user_id, workspace_id = home.user.id, home.workspace.id
        return self.write(
            lambda tx: start_session(tx, user_id, workspace_id, "Chromium", read_clock())
        ).text

    def sign_in(self, context: BrowserContext, home: Home) -> None:
        """Signs in without the page for it."""
        cookie = self.start_session(home)
        context.add_cookies([{"name": SESSION, "value": cookie, "url": f"{self.url}{PATH}"}])

    def make_token(self, home: Home) -> str:
        return self.portal.call(make_token, self.db, home)

    def make_link(self, home: Home, **only_what_matters: object) -> dict[str, Any]:
        plain = {"url": "https://example.com/there", "domain": self.host}
        return self.call(home, "POST", "/links", plain | only_what_matters)["link"]

    def delete_link(self, home: Home, link_id: str) -> None:
        headers = {"Authorization": f"Bearer {self.make_token(home)}"}
        status, _ = self._ask("DELETE", f"/api/v1/links/{link_id}", headers)
        assert status == 204

    def call(self, home: Home, method: str, path: str, body: object = None) -> Any:
        """The API's answer to the person."""
        headers = {
            "Authorization": f"Bearer {self.make_token(home)}",
            "Content-Type": "application/json",
        }
        sent = None if body is None else json.dumps(body)
        status, read = self._ask(method, f"/api/v1{path}", headers, sent)
        answer = json.loads(read or b"null")
        assert status < 300, answer
        return answer

    def visit(self, slug: str, **headers: str) -> int:
        """The status for a person with a phone."""
        fields = {"Host": self.host, "User-Agent": PHONE, **headers}
        return self._ask("GET", f"/{slug}", fields)[0]

    def find_destination(self, place: str, **headers: str) -> str:
        """Where a person with a phone is led; `place` is a slug, maybe with a query."""
        fields = {"Host": self.host, "User-Agent": PHONE, **headers}
        client = http.client.HTTPConnection(*self.service.address, timeout=PATIENCE_S)
        with closing(client):
            client.request("GET", f"/{place}", headers=fields)
            return client.getresponse().headers["location"]

    def _ask(
        self, method: str, path: str, headers: dict[str, str], body: str | None = None
    ) -> tuple[int, bytes]:
        client = http.client.HTTPConnection(*self.service.address, timeout=PATIENCE_S)
        with closing(client):
            client.request(method, path, body, headers)
            answer = client.getresponse()
            return answer.status, answer.read()

    def _open_database(self) -> AbstractContextManager[Database]:
        @asynccontextmanager
        async def hold() -> "AsyncGenerator[Database]":
            db = await open_database(find_storage(self.folder), is_command=True)
            yield db
            await db.close()

        return self.portal.wrap_async_context_manager(hold())
