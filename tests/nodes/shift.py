"""What those share that are at work on a site at the same time."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from random import Random
from typing import Final

from tests.nodes.client import CREATED, Client, Door, read_link
from tests.nodes.ledger import Entry, Ledger
from tests.nodes.site import HOST, Node, Site
from tests.nodes.wire import PATIENCE_S, Answer

TRY_AGAIN_S: Final = 0.05


class Shift:
    """`pace_s` is how long each of them rests between two requests."""

    def __init__(self, site: Site, doors: Sequence[Door], ledger: Ledger, pace_s: float) -> None:
        self.site = site
        self.doors = doors
        self.ledger = ledger
        self.random = Random(17)  # noqa: S311 - the same load each time
        self.is_over = False
        self.hot: list[Entry] = []
        """Links that are followed all the time."""
        self.visits: Counter[Door] = Counter()
        """Those of the hot links that were answered, by door."""
        self.writes: Counter[Door] = Counter()
        """Those that were answered, by door."""
        self._pace_s = pace_s
        self._numbers = count()
        self._news = asyncio.Event()
        self._clients: list[Client] = []

    def open(self, door: Door) -> Client:
        self._clients.append(Client(door, self.ledger, self.random))
        return self._clients[-1]

    def close(self) -> None:
        for client in self._clients:
            client.close()

    def name(self, kind: str) -> str:
        """A slug that nobody else uses."""
        return f"{kind}-{next(self._numbers)}"

    def note_visit(self, client: Client) -> None:
        self.visits[client.door] += 1
        self._news.set()

    def note_write(self, what: str, client: Client) -> None:
        self.ledger.counts[what] += 1
        self.writes[client.door] += 1
        self._news.set()

    async def warm(self, node: Node) -> None:
        """Returns once the node has cached the hot links, which it then needs no database for."""
        client = self.open(node)
        for entry in self.hot:
            await client.visit(entry)

    async def rest(self, times: int = 1) -> None:
        await asyncio.sleep(times * self._pace_s)

    async def wait_until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not is_so():
                self._news.clear()
                await self._news.wait()

    async def wait_for_more(self, doors: Sequence[Door], visits: int = 0, writes: int = 0) -> None:
        """Until each of them has answered so many more."""
        goals = [(door, self.visits[door] + visits, self.writes[door] + writes) for door in doors]
        await self.wait_until(
            lambda: all(
                self.visits[door] >= visits and self.writes[door] >= writes
                for door, visits, writes in goals
            )
        )

    async def insist(
        self, client: Client, method: str, path: str, body: object = None, **options: str
    ) -> Answer:
        """Asks again while nobody can tell whether it was done."""
        token = options.pop("token", self.site.token)
        return await self.persist(lambda: client.call(method, path, body, token=token, **options))

    async def persist(self, ask: Callable[[], Awaitable[Answer | None]]) -> Answer:
        while (answer := await ask()) is None:
            await self.pause()
        return answer

    async def pause(self) -> None:
        """As a client that was told to try again soon."""
        await asyncio.sleep(TRY_AGAIN_S)

    async def create(self, client: Client, slug: str, **fields: object) -> Entry | None:
        """None where nobody can tell whether it was created."""
        limit = fields.get("maxClicks")
        entry = self.ledger.add(
            slug,
            has_webhook="webhookUrls" in fields,
            limit=limit if isinstance(limit, int) else None,
        )
        body = {"url": f"https://example.com/{slug}", "domain": HOST, "customSlug": slug, **fields}
        answer = await client.call("POST", "/links", body, token=self.site.token)
        if answer is None:
            await self.pause()
            return None
        if answer.status != CREATED:
            self.ledger.note_fault(f"{slug} was not created: {answer.describe()}")
            return None
        entry.note_created(read_link(answer))
        self.note_write("created", client)
        return entry
