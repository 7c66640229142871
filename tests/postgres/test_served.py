"""Tests that a served shorty keeps its promises while its PostgreSQL server or itself is killed."""

import asyncio
import signal
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import httpx
import pytest

from tests.cluster import (
    MISSING,
    SUPERUSER,
    Cluster,
    StopMode,
    find_programs,
    open_cluster,
    write_url,
)
from tests.postgres.support import PATIENCE_S, ask_aside
from tests.service import Service

pytestmark = pytest.mark.postgres_only
SERVE = ("-m", "shorty", "serve")
HOST = "go.example"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CREATORS = 4
CREATED, FOUND, UNAVAILABLE = 201, 302, 503
LIST_SLUGS = "select slug from links order by slug"
COUNT_CLICKS = """
select count(*) from clicks join links on links.id = clicks.link_id where links.slug = 'hot'
"""
COUNT_TOTAL = "select total from link_counters join links on id = link_id where slug = 'hot'"


class Site:
    """A served shorty, its database's server, and everything that it was asked and answered."""

    def __init__(self, cluster: Cluster, url: str, folder: Path) -> None:
        self.cluster = cluster
        self.url = url
        self.settings = {
            "SHORTY_STORAGE__DATABASE": url,
            "SHORTY_STORAGE__FOLDER": str(folder / "node"),
            "SHORTY_SERVER__REQUESTS_PER_MINUTE": "1000000",
        }
        self.folder = folder
        self.token = self.run("token", "create").split()[0]
        self.created: set[str] = set()
        self.refused: set[str] = set()
        self.unknown: set[str] = set()
        self.visits: list[int] = []
        self.lost_visits = 0
        self.is_over = False
        self._numbers = count()
        self._news = asyncio.Event()

    def serve(self) -> Service:
        return Service(SERVE, self.folder, **self.settings).wait_until_ready()

    def run(self, *arguments: str) -> str:
        command = Service(("-m", "shorty", *arguments), self.folder, **self.settings)
        with command:
            assert command.wait_for_end() == 0, command.stderr.read_all()
            return "\n".join(command.stdout.read_all())

    async def create(self, client: httpx.AsyncClient, slug: str) -> int:
        """Notes whether the link was created, refused, or nobody can tell."""
        body = {"url": "https://example.com", "domain": HOST, "customSlug": slug}
        headers = {"Authorization": f"Bearer {self.token}"}
        try:
            answer = await client.post("/api/v1/links", json=body, headers=headers)
        except httpx.TransportError:
            self.unknown.add(slug)
            return 0
        (self.created if answer.status_code == CREATED else self.refused).add(slug)
        self._news.set()
        assert answer.status_code in {CREATED, UNAVAILABLE}, answer.text
        return answer.status_code

    async def visit(self, client: httpx.AsyncClient) -> None:
        headers = {"Host": HOST, "User-Agent": BROWSER}
        try:
            answer = await client.get("/hot", headers=headers)
        except httpx.TransportError:
            self.lost_visits += 1
        else:
            self.visits.append(answer.status_code)
            self._news.set()

    @asynccontextmanager
    async def keep_busy(self, service: Service) -> AsyncGenerator[None]:
        """Creates links and follows one, all the time, until the block ends."""
        self.is_over = False
        async with (
            httpx.AsyncClient(base_url=service.url, timeout=PATIENCE_S) as client,
            asyncio.TaskGroup() as tasks,
        ):
            for _ in range(CREATORS):
                tasks.create_task(self._create_on(client))
            tasks.create_task(self._visit_on(client))
            yield
            self.is_over = True

    async def wait_for_more(self, more: int) -> None:
        """Until so many more links were created."""
        wanted = len(self.created) + more
        async with asyncio.timeout(PATIENCE_S):
            while len(self.created) < wanted:
                self._news.clear()
                await self._news.wait()

    async def wait_for_visits(self, more: int) -> None:
        """Until so many more visits were answered."""
        wanted = len(self.visits) + more
        async with asyncio.timeout(PATIENCE_S):
            while len(self.visits) < wanted:
                self._news.clear()
                await self._news.wait()

    async def wait_for_refusals(self, more: int) -> None:
        """Until so many more links were refused."""
        wanted = len(self.refused) + more
        async with asyncio.timeout(PATIENCE_S):
            while len(self.refused) < wanted:
                self._news.clear()
                await self._news.wait()

    async def _create_on(self, client: httpx.AsyncClient) -> None:
        while not self.is_over:
            if await self.create(client, f"link-{next(self._numbers):06}") != CREATED:
                await asyncio.sleep(0.05)  # as a client that was told to try again soon

    async def _visit_on(self, client: httpx.AsyncClient) -> None:
        while not self.is_over:
            await self.visit(client)
            await asyncio.sleep(0.002)

    def require_exactness(self) -> None:
        """Once the server has stopped."""
        stored = {row[0] for row in ask_aside(self.url, LIST_SLUGS)}
        assert self.created <= stored
        assert stored <= self.created | self.unknown | self.refused
        found = self.visits.count(FOUND)
        ((clicks,),) = ask_aside(self.url, COUNT_CLICKS)
        assert found <= clicks <= found + self.lost_visits
        assert ask_aside(self.url, COUNT_TOTAL) == [(clicks,)]


@pytest.fixture
def site(tmp_path: Path) -> Generator[Site]:
    programs = find_programs()
    if programs is None:
        pytest.skip(MISSING)
    with open_cluster(programs) as cluster:
        tmp_path.joinpath("shorty.toml").write_text(f'[[domains]]\nhost = "{HOST}"\n')
        yield Site(cluster, write_url(cluster.folder, SUPERUSER, SUPERUSER), tmp_path)


async def test_nothing_is_lost_or_doubled_while_the_database_restarts(site: Site) -> None:
    modes: tuple[StopMode, ...] = ("fast", "immediate")
    with site.serve() as service:
        async with httpx.AsyncClient(base_url=service.url, timeout=PATIENCE_S) as client:
            assert await site.create(client, "hot") == CREATED
            # While others create links, what is read may not be remembered at once.
            await site.visit(client)
        async with site.keep_busy(service):
            await site.wait_for_more(20)
            for mode in modes:
                await asyncio.to_thread(site.cluster.stop, mode)
                await site.wait_for_visits(20)
                await asyncio.to_thread(site.cluster.start)
                await site.wait_for_more(20)
                await site.wait_for_visits(20)  # the link has to be read again first
        assert service.stop() == 0, service.stderr.read_all()
    assert set(site.visits) == {FOUND}
    assert not site.unknown
    site.require_exactness()


async def test_nothing_is_lost_or_doubled_while_shorty_is_killed(site: Site) -> None:
    for number in range(3):
        with site.serve() as service:
            async with httpx.AsyncClient(base_url=service.url, timeout=PATIENCE_S) as client:
                if not number:
                    assert await site.create(client, "hot") == CREATED
            async with site.keep_busy(service):
                await site.wait_for_more(20)
                service.send_signal_to_all(signal.SIGKILL)
                site.is_over = True
    with site.serve() as service:
        assert service.stop() == 0, service.stderr.read_all()
    site.require_exactness()
