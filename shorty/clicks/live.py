"""Notifies watchers of clicks as they are stored: those of one link or of a workspace.

The recorder passes each batch after its commit; where other nodes store clicks too, they are read
from the database, in the order of their ids, which is that of the commits. Nothing is kept for
later watchers, and without watchers no work is done.
"""

import asyncio
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

import msgspec
import structlog

from shorty.clicks.model import BOT, PREFETCH, Kind, Source
from shorty.clicks.store import read_click
from shorty.clicks.waiting import read_visits
from shorty.errors import StorageUnavailableError
from shorty.storage.database import Database, Row
from shorty.storage.statements import cut_and_fill, number_places

log = structlog.get_logger(__name__)

MOST_KEPT: Final = 100  # for a slow watcher
MOST_OF_WORKSPACE: Final = 50  # watchers: each uses a connection
IN_ONE_STATEMENT: Final = 200

FIND_LINKS: Final = f"""
select id, workspace_id, slug from links where id in ({number_places(IN_ONE_STATEMENT)})
"""  # noqa: S608 - parameters' numbers


LOOK_S: Final = 0.5
READ_AT_ONCE: Final = 500
WORKSPACES_AT_ONCE: Final = 50

FIND_LAST: Final = "select coalesce(max(id), 0) as last from clicks"
# The latest of them, if there are more.
LIST_NEW: Final = f"""
select c.id, c.at, c.link_id, l.slug, l.workspace_id, c.kind, c.source, c.country, c.city,
  c.referrer, c.browser, c.os, c.device
from clicks c join links l on l.id = c.link_id
where c.id > $1 and c.kind <> $2 and l.workspace_id in ({number_places(WORKSPACES_AT_ONCE, 4)})
order by c.id desc limit $3
"""  # noqa: S608 - parameters' numbers


class LiveClick(msgspec.Struct, frozen=True, kw_only=True):
    """A click as a watcher sees it: only stored columns, without the visitor number."""

    at: int
    link_id: int
    slug: str
    kind: Kind
    source: Source
    country: str | None
    city: str | None
    referrer: str | None
    browser: str | None
    os: str | None
    device: str | None

    @property
    def is_bot(self) -> bool:
        return self.kind == BOT


class News(NamedTuple):
    """The latest clicks, oldest first, and the number of older ones that were dropped unread."""

    clicks: tuple[LiveClick, ...]
    missed: int


class _Place(NamedTuple):
    """A link's workspace and slug."""

    workspace_id: int
    slug: str


class _Head(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The first fields of a visit, which take a quarter of the time to read."""

    at: int
    link_id: int


_decode_head = msgspec.msgpack.Decoder(_Head).decode


class Watcher:
    """Iterates over the news of its link or workspace until it is ended."""

    def __init__(self, workspace_id: int, link_id: int | None) -> None:
        self.workspace_id = workspace_id
        self.link_id = link_id
        self._clicks: deque[LiveClick] = deque()
        self._missed = 0
        self._is_over = False
        self._has_news = asyncio.Event()

    def __aiter__(self) -> "Watcher":
        return self

    async def __anext__(self) -> News:
        await self._has_news.wait()
        if self._is_over:
            raise StopAsyncIteration
        news = News(tuple(self._clicks), self._missed)
        self._clicks.clear()
        self._missed = 0
        self._has_news.clear()
        return news

    def watches(self, link_id: int, workspace_id: int) -> bool:
        return workspace_id == self.workspace_id and self.link_id in {None, link_id}

    def add(self, clicks: Sequence[LiveClick], missed: int) -> None:
        """Keeps only the latest clicks."""
        self._clicks.extend(clicks)
        self._missed += missed
        while len(self._clicks) > MOST_KEPT:
            self._clicks.popleft()
            self._missed += 1
        if self._clicks or self._missed:
            self._has_news.set()

    def end(self) -> None:
        self._is_over = True
        self._has_news.set()


class LiveClicks:
    def __init__(self, db: Database) -> None:
        self._db = db
        self._watchers: dict[Watcher, None] = {}  # oldest first
        self._last_id = 0
        self._looking: asyncio.Task[None] | None = None

    @property
    def is_watched(self) -> bool:
        return bool(self._watchers)

    @contextmanager
    def watch(self, workspace_id: int, link_id: int | None = None) -> Generator[Watcher]:
        """Watches a workspace or one of its links; ends the oldest watcher if they are too many."""
        others = [each for each in self._watchers if each.workspace_id == workspace_id]
        if len(others) >= MOST_OF_WORKSPACE:
            self._end(others[0])
        watcher = Watcher(workspace_id, link_id)
        self._watchers[watcher] = None
        try:
            yield watcher
        finally:
            self._end(watcher)

    def end(self) -> None:
        for watcher in list(self._watchers):
            self._end(watcher)

    def _end(self, watcher: Watcher) -> None:
        self._watchers.pop(watcher, None)
        watcher.end()

    async def begin(self) -> None:
        """Awaited before `watch`, so that nothing is missed which is stored after it.

        Raises StorageUnavailableError.
        """
        if self._db.dialect.is_shared and self._looking is None:
            row = await self._db.find_one(FIND_LAST)
            if self._looking is None:  # by another watcher meanwhile
                self._last_id = row["last"] if row else 0
                self._looking = asyncio.get_running_loop().create_task(self._look())

    async def _look(self) -> None:
        """Reads new clicks of all nodes until nobody watches."""
        try:
            while True:
                await asyncio.sleep(LOOK_S)
                if not self._watchers:
                    return
                try:
                    await self._read_new()
                except StorageUnavailableError as error:
                    log.warning("live_clicks_missed", reason=str(error.__cause__))
        finally:
            self._looking = None

    async def _read_new(self) -> None:
        last_id = self._last_id
        for ids in cut_and_fill(
            sorted({each.workspace_id for each in self._watchers}), WORKSPACES_AT_ONCE
        ):
            rows = await self._db.find_all(LIST_NEW, last_id, PREFETCH, READ_AT_ONCE, *ids)
            if not rows:
                continue
            self._last_id = max(self._last_id, rows[0]["id"])
            for watcher in tuple(self._watchers):
                mine = [row for row in rows if watcher.watches(row["link_id"], row["workspace_id"])]
                clicks = [_read_click(row) for row in reversed(mine[:MOST_KEPT])]
                watcher.add(clicks, missed=max(0, len(mine) - MOST_KEPT))

    async def notify(self, payloads: Sequence[bytes]) -> None:
        """Notifies watchers of stored visits, given as their journal payloads."""
        if self._db.dialect.is_shared:
            return  # they are read with those of the other nodes
        heads = [_read_link_id(payload) for payload in payloads]
        places = await self._find_places(self._choose_links(heads))
        known: dict[int, LiveClick | None] = {}
        for watcher in tuple(self._watchers):
            mine = [
                index
                for index, link_id in enumerate(heads)
                if (place := places.get(link_id)) and watcher.watches(link_id, place.workspace_id)
            ]
            for index in mine[-MOST_KEPT:]:
                if index not in known:
                    known[index] = _show_click(payloads[index], places)
            shown = [click for index in mine[-MOST_KEPT:] if (click := known[index])]
            watcher.add(shown, missed=max(0, len(mine) - MOST_KEPT))

    def _choose_links(self, heads: Sequence[int]) -> set[int]:
        """The links that may have a watcher."""
        watched = {each.link_id for each in self._watchers}
        return {each for each in heads if each in watched or None in watched}

    async def _find_places(self, link_ids: set[int]) -> dict[int, _Place]:
        """The places of links that still exist."""
        places: dict[int, _Place] = {}
        try:
            for ids in cut_and_fill(sorted(link_ids), IN_ONE_STATEMENT):
                for row in await self._db.find_all(FIND_LINKS, *ids):
                    places[row["id"]] = _Place(row["workspace_id"], row["slug"])
        except StorageUnavailableError as error:
            log.warning("live_clicks_missed", reason=str(error.__cause__))
        return places


def _read_click(row: Row) -> LiveClick:
    return LiveClick(
        at=row["at"],
        link_id=row["link_id"],
        slug=row["slug"],
        kind=row["kind"],
        source=row["source"],
        country=row["country"],
        city=row["city"],
        referrer=row["referrer"],
        browser=row["browser"],
        os=row["os"],
        device=row["device"],
    )


def _read_link_id(payload: bytes) -> int:
    try:
        return _decode_head(payload).link_id
    except msgspec.MsgspecError:
        return 0  # the id of no link; storing the batch has already logged the fault


def _show_click(payload: bytes, places: dict[int, _Place]) -> LiveClick | None:
    """None for a prefetch or an unreadable visit."""
    for visit in read_visits([payload]):
        click = read_click(visit)
        if click.kind != PREFETCH:
            return LiveClick(
                at=click.at,
                link_id=click.link_id,
                slug=places[click.link_id].slug,
                kind=click.kind,
                source=click.source,
                country=click.country,
                city=click.city,
                referrer=click.referrer,
                browser=click.browser,
                os=click.os,
                device=click.device,
            )
    return None
