"""What a visit's test has at hand: the application, its owner and its clock."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from msgspec.structs import replace

from shorty.accounts.model import Actor
from shorty.app import App
from shorty.config import Config
from shorty.links.model import Link, LinkChange
from shorty.links.rules import Rule, encode_rules
from shorty.links.service import change_link, create_link, delete_link, get_link
from shorty.links.slug import RESERVED_SLUGS, slug_key
from tests.clicks.making import store_all
from tests.support import NOW, make_actor, make_home, make_storage


class House(NamedTuple):
    app: App
    actor: Actor
    clock: list[int]
    draws: list[float]

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

    async def make_ruled(self, *rules: Rule, **only_what_matters: Any) -> Link:
        """A link with rules that were stored before anyone could check them."""
        link = await self.make_link(**only_what_matters)
        await self.set_rules(link, *rules)
        return link

    async def set_rules(self, link: Link, *rules: Rule) -> None:
        await self.set_column(link, "rules", encode_rules(rules))

    async def set_column(self, link: Link, name: str, value: str | int | None) -> None:
        sql = f"update links set {name} = $1 where id = $2"  # noqa: S608 - a name of our own
        await self.app.db.write(lambda tx: tx.execute(sql, value, link.id))
        self.app.services.links.lookup.forget_all()

    async def change_link(self, link: Link, **changes: Any) -> Link:
        change = LinkChange(**changes)
        return await change_link(self.app.services.links, self.actor, link.id, change, self.now)

    async def delete_link(self, link: Link) -> None:
        await delete_link(self.app.services.links, self.actor, link.id, self.now)

    async def read_link(self, link: Link) -> Link:
        """With its counts, once all that waits is stored."""
        await store_all(self.app.services.recorder)
        return await get_link(self.app.services.links, self.actor, link.id)

    async def remember(self, path: str, host: str = "localhost:8000") -> None:
        """On PostgreSQL, only a link that was read before is answered aside of the loop."""
        domain = self.app.services.domains.find_by_host(host)
        slug = slug_key(unquote(urlsplit(path).path)[1:].rstrip("/"))
        if self.app.db.here is None and domain and slug.partition("/")[0] not in RESERVED_SLUGS:
            await self.app.services.links.lookup.find(domain.id, slug)

    async def list_kinds(self) -> list[int]:
        await store_all(self.app.services.recorder)
        rows = await self.app.db.find_all("select kind from clicks order by id")
        return [row["kind"] for row in rows]


@asynccontextmanager
async def open_house(
    folder: Path, config: Config, draw: Callable[[], float] | None = None
) -> AsyncGenerator[House]:
    """Without a `draw`, what decides between variants is the first of the house's draws."""
    clock, draws = [NOW], [0.0]
    config = replace(config, storage=make_storage(folder))
    app = App(config, lambda: clock[0] * 1_000_000, draw=draw or (lambda: draws[0]))
    await app.start()
    try:
        actor = await make_actor(app.db, await make_home(app.db, config), config=config)
        yield House(app=app, actor=actor, clock=clock, draws=draws)
    finally:
        await app.stop()
