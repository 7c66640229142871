"""Fetches the titles of pages that links lead to, behind the requests that made the links."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import structlog

from shorty.errors import StorageUnavailableError
from shorty.fetch import Fetcher
from shorty.links import store
from shorty.links.book import LinkBook
from shorty.links.model import Link
from shorty.links.page_title import fetch_title

WAITING: Final = 1000
FETCHED_AT_ONCE: Final = 4

log = structlog.get_logger(__name__)


class TitleFiller:
    """Started and stopped by the app. What finds no room, or waits when it stops, gets none."""

    def __init__(self, book: LinkBook, fetcher: Fetcher, read_clock: Callable[[], int]) -> None:
        self._book = book
        self._fetcher = fetcher
        self._read_clock = read_clock
        self._queue: asyncio.Queue[Link] = asyncio.Queue(WAITING)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._run()) for _ in range(FETCHED_AT_ONCE)]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    def ask(self, link: Link) -> None:
        """Never waits. Links that have a title, or lead to no page, are left alone."""
        if link.title is None and link.link_type == "URL":
            with suppress(asyncio.QueueFull):
                self._queue.put_nowait(link)

    async def finish(self) -> None:
        """Returns when everything asked for so far has been tried."""
        await self._queue.join()

    async def _run(self) -> None:
        while True:
            link = await self._queue.get()
            try:
                await fill_title(self._book, self._fetcher, link, self._read_clock)
            except StorageUnavailableError as error:
                log.warning("title_not_stored", link_id=link.id, reason=str(error.__cause__))
            except Exception:
                # One strange page must not end the titles of all others.
                log.exception("title_not_fetched", link_id=link.id)
            finally:
                self._queue.task_done()


async def fill_title(
    book: LinkBook, fetcher: Fetcher, link: Link, read_clock: Callable[[], int]
) -> bool:
    """Gives the link its page's title, unless somebody has given it one meanwhile."""
    title = await fetch_title(fetcher, link.url)
    if not title:
        return False
    filled = await book.db.write(lambda tx: store.set_title(tx, link.id, title, read_clock()))
    if filled is None:
        return False
    # Its slug may have been changed while the page was fetched.
    book.lookup.forget(filled["domain_id"], filled["slug_key"])
    return True
