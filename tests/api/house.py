"""What a test of the API has at hand: the application, its first workspace, its clock."""

from contextlib import AsyncExitStack
from typing import Any

import httpx

from shorty.accounts.model import Actor, Scope
from shorty.accounts.service import Home
from shorty.app import App
from shorty.links.model import Link, LinkChange
from shorty.links.service import create_link
from tests.rsgi_client import make_client
from tests.support import break_table, make_actor, make_token


class House:
    def __init__(self, app: App, home: Home, clock: list[int]) -> None:
        self.app = app
        self.home = home
        self.clock = clock
        self._stack = AsyncExitStack()

    @property
    def now(self) -> int:
        return self.clock[0]

    async def make_client(
        self, *, home: Home | None = None, scope: Scope = "admin", token: str | None = None
    ) -> httpx.AsyncClient:
        """A caller with a new token, or with the one given; an empty one sends none."""
        client = await self._stack.enter_async_context(make_client(self.app))
        if token is None:
            token = await make_token(self.app.db, home or self.home, scope=scope)
        if token:
            client.headers["authorization"] = f"Bearer {token}"
        return client

    async def make_actor(self, home: Home | None = None) -> Actor:
        return await make_actor(self.app.db, home or self.home, config=self.app.config)

    async def make_link(self, **only_what_matters: Any) -> Link:
        plain: dict[str, Any] = {"url": "https://example.com/there", "domain": "localhost:8000"}
        new = LinkChange(**(plain | only_what_matters))
        return await create_link(self.app.services.links, await self.make_actor(), new, self.now)

    async def ruin_database(self, table: str) -> None:
        """Afterwards an SQLite file is none, and PostgreSQL refuses to read that table."""
        if self.app.config.storage.is_postgres:
            await break_table(self.app.db, table)
        else:
            self.app.config.storage.path.write_bytes(bytes(100_000))

    async def settle(self) -> None:
        """Lets every write that waits, such as of a token's last use, be done."""
        await self.app.db.write(lambda _: None)

    async def close(self) -> None:
        await self._stack.aclose()
