"""Fetches titles and icons of pages that links lead to, behind the requests that made the links."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple, TypeAlias
from weakref import WeakValueDictionary

import structlog

from shorty.errors import BusyError, FetchError, InvalidFieldsError, StorageUnavailableError
from shorty.fetch import Fetcher
from shorty.links import icons, store
from shorty.links.destination import destination_host
from shorty.links.icons import Icons
from shorty.links.model import Link
from shorty.links.page_metadata import PageFacts, fetch_page_facts, guess_icon
from shorty.storage.database import Database

WAITING: Final = 1000
FETCHED_AT_ONCE: Final = 4
ICON_LIMIT_BYTES: Final = 256_000
ICON_TIMEOUT_S: Final = 10.0

DrawIcon: TypeAlias = Callable[[bytes], Awaitable[bytes]]
"""Makes a small PNG of a stranger's picture. Raises InvalidFieldsError and BusyError."""

log = structlog.get_logger(__name__)


class Wish(NamedTuple):
    link: Link
    wants_title: bool


class PageFetcher:
    """Started and stopped by the app. Without `draw_icon` there are no icons.

    Wishes that do not fit the queue, or are still queued at shutdown, are dropped. A host's icon is
    looked for once, and stored for all links that lack it by then in one write.
    """

    def __init__(
        self,
        db: Database,
        icons: Icons,
        fetcher: Fetcher,
        read_clock: Callable[[], int],
        draw_icon: DrawIcon | None = None,
    ) -> None:
        self._db = db
        self._icons = icons
        self._fetcher = fetcher
        self._read_clock = read_clock
        self._draw_icon = draw_icon
        self._queue: asyncio.Queue[Wish] = asyncio.Queue(WAITING)
        self._tasks: list[asyncio.Task[None]] = []
        self._lacking: dict[str, list[Link]] = {}  # links without their host's icon, by host
        self._lacking_count = 0
        self._hosts: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._run()) for _ in range(FETCHED_AT_ONCE)]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        self._lacking.clear()
        self._lacking_count = 0

    def ask(self, link: Link, wants_title: bool) -> None:  # noqa: FBT001 - as AskPage has it
        """Never waits. What a link has already, or what leads to no page, is left alone."""
        if self._queue.full() or link.link_type != "URL":
            return
        is_first = self._lacks_icon(link) and self._note_lacking(link)
        if wants_title or is_first:
            self._queue.put_nowait(Wish(link, wants_title))

    async def finish(self) -> None:
        """Returns when everything asked for so far has been tried."""
        await self._queue.join()

    def _lacks_icon(self, link: Link) -> bool:
        if link.favicon_url or self._draw_icon is None:
            return False
        return not self._icons.is_without(destination_host(link.url), self._read_clock())

    def _note_lacking(self, link: Link) -> bool:
        """Whether it is the first of its host's links that wait."""
        if self._lacking_count >= WAITING:
            return False
        self._lacking_count += 1
        links = self._lacking.setdefault(destination_host(link.url), [])
        links.append(link)
        return len(links) == 1

    def _take_lacking(self, host: str) -> list[Link]:
        links = self._lacking.pop(host, [])
        self._lacking_count -= len(links)
        return links

    async def _run(self) -> None:
        while True:
            wish = await self._queue.get()
            try:
                await self._fill(wish.link, wants_title=wish.wants_title)
            except StorageUnavailableError as error:
                log.warning("title_not_stored", link_id=wish.link.id, reason=str(error.__cause__))
            except Exception:
                # One strange page must not end the titles of all others.
                log.exception("title_not_fetched", link_id=wish.link.id)
            finally:
                self._queue.task_done()

    async def _fill(self, link: Link, *, wants_title: bool) -> None:
        facts = await self._fill_icons(link.url)
        if wants_title:
            facts = facts or await fetch_page_facts(self._fetcher, link.url)
            if facts.title:
                await fill_title(self._db, link, facts.title, self._read_clock())

    async def _fill_icons(self, url: str) -> PageFacts | None:
        """What the page says, if it had to be asked for its host's icon."""
        host, facts = destination_host(url), None
        async with self._hosts.setdefault(host, asyncio.Lock()):
            links = self._take_lacking(host)
            if not links:
                return None
            path = await icons.find_fresh_path(self._db, host, self._read_clock())
            if path is None:
                facts = await fetch_page_facts(self._fetcher, url)
                path = await self._look_for_icon(host, facts.icon or guess_icon(url))
            # Links that came meanwhile; later ones know the icon, or that there is none.
            links += self._take_lacking(host)
            self._icons.remember(host, path, self._read_clock())
        if path:
            wanting = [(link.id, link.url) for link in links]
            await self._db.write(lambda tx: icons.set_icons(tx, wanting, path))
        return facts

    async def _look_for_icon(self, host: str, address: str) -> str:
        png = None
        if self._draw_icon is not None:
            png = await fetch_icon(self._fetcher, address, self._draw_icon)
        now = self._read_clock()
        return await self._db.write(lambda tx: icons.put_icon(tx, host, png, now))


async def fill_title(db: Database, link: Link, title: str, now: int) -> bool:
    """Gives the link its page's title, unless somebody has given it one meanwhile."""
    return await db.write(lambda tx: store.set_title(tx, link.id, title, now))


async def fetch_icon(fetcher: Fetcher, url: str, draw: DrawIcon) -> bytes | None:
    """A small PNG; None where there is no picture at that address."""
    try:
        found = await fetcher.get_page(url, limit_bytes=ICON_LIMIT_BYTES, timeout_s=ICON_TIMEOUT_S)
        return await draw(found.body) if found.status == 200 and found.body else None  # noqa: PLR2004 OK
    except (BusyError, FetchError, InvalidFieldsError):
        return None
