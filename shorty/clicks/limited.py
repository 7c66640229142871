"""Owns the exact count of links with `maxClicks`, which never let more visits through.

A link's count is what the database has stored plus what waits to be stored. From then on it is
counted here, outside the links' cache. Each visit is journalled before it is let through, so that a
crash loses none.
"""

from enum import Enum, auto
from typing import Final

from cachebox import LRUCache

from shorty.clicks.model import PERSON, Visit
from shorty.clicks.recorder import Recorder
from shorty.clicks.store import look_up_count
from shorty.errors import StorageUnavailableError
from shorty.storage.database import Database

REMEMBERED_LINKS: Final = 100_000


class Passage(Enum):
    """The result of a visit to a link with a click limit."""

    THROUGH = auto()
    USED_UP = auto()
    UNAVAILABLE = auto()  # the count is unknown, or the visit cannot be journalled


class LimitedClicks:
    """Counts only on the event loop, so that no two visits see the same count.

    Every person's visit to a limited link must pass through `let_through`. `forget` a link when its
    limit changes, because earlier visits may not have been counted here; its count is then read
    again.
    """

    def __init__(
        self, db: Database, recorder: Recorder, remembered_links: int = REMEMBERED_LINKS
    ) -> None:
        self._db = db
        self._recorder = recorder
        self._counts: LRUCache[int, int | None] = LRUCache(remembered_links)

    def let_through(self, visit: Visit, max_clicks: int) -> Passage:
        """Lets a person's visit through, and records it, while the link has clicks left.

        Raises ValueError for a visit that is not known to be a person's: other visits do not count,
        so they would be let through for ever.
        """
        if visit.kind != PERSON:
            raise ValueError("Only visits of persons use up a click limit")
        try:
            count = self._find_count(visit.link_id)
        except StorageUnavailableError:
            return Passage.UNAVAILABLE
        if count >= max_clicks:
            return Passage.USED_UP
        if not self._recorder.record_or_refuse(visit):
            return Passage.UNAVAILABLE
        self._counts[visit.link_id] = count + 1
        return Passage.THROUGH

    def is_used_up(self, link_id: int, max_clicks: int) -> bool:
        """Raises StorageUnavailableError if the count is unknown."""
        return self._find_count(link_id) >= max_clicks

    def _find_count(self, link_id: int) -> int:
        count: int | None = self._counts.get(link_id)
        if count is None:
            stored = look_up_count(self._db, link_id)
            waiting = self._recorder.count_waiting(link_id, stored.stored_batches)
            count = self._counts[link_id] = stored.total + waiting
        return count

    def forget(self, link_id: int) -> None:
        """Usable in any thread; the next visit reads the count again."""
        self._counts.pop(link_id, None)

    def forget_all(self) -> None:
        self._counts.clear()
