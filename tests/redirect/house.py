"""What a visit's test has at hand: the application, its owner and its clock."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace

from shorty.accounts.model import Actor
from shorty.app import App
from shorty.config import Config, StorageConfig
from shorty.links.model import Link, LinkChange
from shorty.links.service import change_link, create_link, delete_link, get_link
from tests.clicks.making import store_all
from tests.support import NOW, make_actor, make_home, prepare_copy


class House(NamedTuple):
    app: App
    actor: Actor
    clock: list[int]

    @property
    def now(self) -> int:
        return self.clock[0]

    async def make_link(self, **only_what_matters: Any) -> Link:
        plain: dict[str, Any] = {
            "url": "https://example.com/there",
            "domain": "localhost:8000",
            "slug": "sale",
        }
        new = LinkChange(**(plain | only_what_matters))
        return await create_link(self.app.services.links, self.actor, new, self.now)

    async def change_link(self, link: Link, **changes: Any) -> Link:
        change = LinkChange(**changes)
        return await change_link(self.app.services.links, self.actor, link.id, change, self.now)

    async def delete_link(self, link: Link) -> None:
        await delete_link(self.app.services.links, self.actor, link.id, self.now)

    async def read_link(self, link: Link) -> Link:
        """With its counts, once all that waits is stored."""
        await store_all(self.app.services.recorder)
        return await get_link(self.app.services.links, self.actor, link.id)

    async def list_kinds(self) -> list[int]:
        await store_all(self.app.services.recorder)
        rows = await self.app.db.find_all("select kind from clicks order by id")
        return [row["kind"] for row in rows]


@asynccontextmanager
async def open_house(folder: Path, config: Config) -> AsyncGenerator[House]:
    clock = [NOW]
    config = replace(config, storage=StorageConfig(database=prepare_copy(folder)))
    app = App(config, lambda: clock[0] * 1_000_000)
    await app.start()
    try:
        actor = await make_actor(app.db, await make_home(app.db, config), config=config)
        yield House(app=app, actor=actor, clock=clock)
    finally:
        await app.stop()
