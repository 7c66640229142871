"""Lets visits to links with `maxClicks` through, exactly as many as the link allows.

Where this process is the only one that lets visits through, it counts in memory: a link's count is
what the database has stored plus what waits to be stored. Each visit is journalled before it is let
through, so that a crash loses none.

Where several nodes share a database, a visit takes a pass there first (`clicks.passes`), together
with the others that wait, and is journalled with it. A crash in between loses the pass.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import Enum, auto
from functools import partial
from typing import Final, NamedTuple

import structlog
from cachebox import LRUCache

from shorty.clicks.model import PERSON, Visit, give_pass
from shorty.clicks.passes import Asked, begin_count, find_used, give_back_passes, take_passes
from shorty.clicks.recorder import Recorder
from shorty.clicks.store import find_count
from shorty.errors import StorageUnavailableError
from shorty.storage.batcher import Batcher
from shorty.storage.changes import AnythingChanged, hear_of
from shorty.storage.database import Database, Lane, Reader

REMEMBERED_LINKS: Final = 100_000

log = structlog.get_logger(__name__)


_KNOWN: Final = object()


class Passage(Enum):
    """The result of a visit to a link with a click limit."""

    THROUGH = auto()
    USED_UP = auto()
    UNAVAILABLE = auto()  # the count is unknown, or the visit cannot be journalled


class LimitedClicks:
    """Every person's visit to a limited link must pass through `let_through`, on the event loop.

    `forget` a link when its limit changes, because earlier visits may not have been counted here;
    its count is then read again.
    """

    def __init__(
        self, db: Database, recorder: Recorder, remembered_links: int = REMEMBERED_LINKS
    ) -> None:
        self._counts = (
            _SharedCounts(db, recorder, remembered_links)
            if db.here is None
            else _OwnCounts(db.here, recorder, remembered_links)
        )
        db.subscribe(hear_of(AnythingChanged, call=self.forget_all))

    async def let_through(self, visit: Visit, max_clicks: int) -> Passage:
        """Lets a person's visit through, and records it, while the link has clicks left.

        Raises ValueError for a visit that is not known to be a person's: other visits do not count,
        so they would be let through for ever.
        """
        if visit.kind != PERSON:
            raise ValueError("Only visits of persons use up a click limit")
        try:
            return await self._counts.let_through(visit, max_clicks)
        except StorageUnavailableError:
            return Passage.UNAVAILABLE

    async def is_used_up(self, link_id: int, max_clicks: int) -> bool:
        """Raises StorageUnavailableError if the count is unknown."""
        return await self._counts.find(link_id) >= max_clicks

    def forget(self, link_id: int) -> None:
        """Usable in any thread; the next visit reads the count again."""
        self._counts.known.pop(link_id, None)

    def forget_all(self) -> None:
        self._counts.known.clear()


class _OwnCounts:
    """Counts without waiting, so that no two visits see the same count."""

    def __init__(self, here: Reader, recorder: Recorder, remembered_links: int) -> None:
        self._here = here
        self._recorder = recorder
        self.known: LRUCache[int, int | None] = LRUCache(remembered_links)

    async def let_through(self, visit: Visit, most: int) -> Passage:
        count = self._find(visit.link_id)
        if count >= most:
            return Passage.USED_UP
        if not self._recorder.record_or_refuse(visit):
            return Passage.UNAVAILABLE
        self.known[visit.link_id] = count + 1
        return Passage.THROUGH

    async def find(self, link_id: int) -> int:
        return self._find(link_id)

    def _find(self, link_id: int) -> int:
        count: int | None = self.known.get(link_id)
        if count is None:
            stored = find_count(self._here, link_id, self._recorder.journal_id)
            waiting = self._recorder.count_waiting(link_id, stored.stored_batches)
            count = self.known[link_id] = stored.total + waiting
        return count


class _Waiting(NamedTuple):
    visit: Visit
    most: int


class _SharedCounts:
    """Counts in the database, in rows that all nodes change.

    `known` are the links that have their row, and of which no visit waits to be stored that came
    before their limit: such visits are in no count yet.
    """

    def __init__(self, db: Database, recorder: Recorder, remembered_links: int) -> None:
        self._db = db
        self._recorder = recorder
        self._visits: Batcher[_Waiting, Passage] = Batcher()
        self._questions: Batcher[int, int | None] = Batcher()
        self.known: LRUCache[int, object] = LRUCache(remembered_links)

    async def let_through(self, visit: Visit, most: int) -> Passage:
        await self._get_to_know(visit.link_id)
        return await self._visits.run(_Waiting(visit, most), self._let_through)

    async def find(self, link_id: int) -> int:
        await self._get_to_know(link_id)
        return await self._questions.run(link_id, self._find) or 0

    async def _get_to_know(self, link_id: int) -> None:
        if self.known.get(link_id) is _KNOWN:
            return
        mark = self.known[link_id] = object()
        if await self._questions.run(link_id, self._find) is None:
            await self._db.write(partial(begin_count, link_id=link_id), Lane.CLICKS)
        if self._recorder.has_waiting(link_id):
            await self._recorder.store_now()
        if self.known.get(link_id) is mark:  # it was not forgotten meanwhile
            self.known[link_id] = _KNOWN

    async def _find(self, link_ids: Sequence[int], _asked_at: float) -> list[int | None]:
        used = await find_used(self._db, set(link_ids))
        return [used.get(link_id) for link_id in link_ids]

    async def _let_through(self, waiting: Sequence[_Waiting], _asked_at: float) -> list[Passage]:
        """Also records them: the pass of a visitor who leaves meanwhile is used."""
        visits = Counter(each.visit.link_id for each in waiting)
        most = {each.visit.link_id: each.most for each in waiting}
        passes = await take_passes(
            self._db, {link_id: Asked(visits[link_id], most[link_id]) for link_id in visits}
        )
        passages = [self._use_pass(passes, each.visit) for each in waiting]
        await self._give_back(passes)
        return passages

    def _use_pass(self, passes: dict[int, int], visit: Visit) -> Passage:
        if not passes.get(visit.link_id):
            return Passage.USED_UP
        if not self._recorder.record_or_refuse(give_pass(visit)):
            return Passage.UNAVAILABLE
        passes[visit.link_id] -= 1
        return Passage.THROUGH

    async def _give_back(self, passes: Mapping[int, int]) -> None:
        """What the journal refused."""
        for link_id, count in passes.items():
            if not count:
                continue
            try:
                await give_back_passes(self._db, link_id, count)
            except StorageUnavailableError as error:
                log.warning(
                    "passes_lost", link_id=link_id, count=count, reason=str(error.__cause__)
                )
