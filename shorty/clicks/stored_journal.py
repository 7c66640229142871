"""Follows how far the database has stored a journal, and keeps only the segments still needed."""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import takewhile
from typing import Final

import structlog

from shorty.clicks.journal import Journal, Owner, Position, Record, Segment
from shorty.clicks.records import FIRST_OFFSET
from shorty.clicks.store import JournalState, begin_journal, find_journal_state
from shorty.clicks.waiting import Batch
from shorty.storage.database import Database, Lane

log = structlog.get_logger(__name__)

# How far behind a standby may be, where there can be one, so that it costs no clicks if it takes
# over. At 1,000 visits a second they fill some 10 MB.
SHARED_KEEP_S: Final = 60.0
LOCAL_KEEP_S: Final = 0.0


class StoredJournal:
    """A journal, by the id under which the database owns it, and what is stored of it.

    Runs on the event loop, in one task at a time. Each method that works on the folder raises
    OSError if the disk fails.
    """

    def __init__(
        self,
        db: Database,
        journal: Journal,
        read_monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.id = ""  # "" until the database owns the journal
        self.position = Position(0, 0)
        self.batches = 0
        self._db = db
        self._journal = journal
        keep_s = LOCAL_KEEP_S if db.here else SHARED_KEEP_S
        self._segments = StoredSegments(keep_s, read_monotonic)
        self._oldest_segment = 0

    async def find_left(self) -> JournalState | None:
        """What is stored of the journal that an earlier process left; None if it is foreign.

        Raises StorageUnavailableError.
        """
        owner = await asyncio.to_thread(self._journal.find_owner)
        state = None if owner is None else await find_journal_state(self._db, owner.journal_id)
        # A database with fewer batches than the journal's owner is an older copy of it.
        if owner is None or state is None or owner.stored_batches > state.stored_batches:
            return None
        return state

    def resume(self, state: JournalState) -> None:
        self.id, self.position, self.batches = state

    async def begin(self) -> None:
        """Stores a new id in the database first: a journal with an unknown id is foreign.

        Raises StorageUnavailableError. A foreign journal is set aside.
        """
        await asyncio.to_thread(self._clear_folder)
        journal_id = secrets.token_hex(16)
        start = Position(self.position.segment + 1, FIRST_OFFSET)
        begin = partial(begin_journal, journal_id=journal_id, node=self._db.node, start=start)
        await self._db.write(begin, Lane.CLICKS)
        self.resume(JournalState(journal_id, start, 0))

    def _clear_folder(self) -> None:
        if self._journal.holds_records():
            aside = self._journal.set_aside()
            log.warning("journal_set_aside", kept=str(aside))
        elif self._journal.folder.exists():
            self._journal.remove()

    async def make_segment(self) -> Segment:
        return await asyncio.to_thread(self._make_segment)

    def _make_segment(self) -> Segment:
        if self._journal.find_owner() is None:
            self._journal.create(self.id)
        return self._journal.create_segment(after=self.position.segment - 1)

    def note_stored(self, batch: Batch) -> None:
        """Takes microseconds."""
        self.batches = batch.number
        self.position = batch.end or self.position
        self._segments.note(self.position.segment)
        if self._journal.segment:
            self._journal.note_stored(Owner(self.id, self.batches))

    async def read_from(self, state: JournalState) -> list[Record]:
        """What was stored after `state`."""
        return await asyncio.to_thread(self._read_between, state.position, self.position)

    def _read_between(self, start: Position, end: Position) -> list[Record]:
        return list(takewhile(lambda record: record.end <= end, self._journal.read_after(start)))

    @property
    def has_spare_segments(self) -> bool:
        """Whether segments are stored that nobody will need again."""
        return self._oldest_segment < self._segments.find_needed()

    async def remove_spare_segments(self) -> None:
        needed = self._segments.find_needed()
        await asyncio.to_thread(self._journal.remove_before, needed)
        self._oldest_segment = needed

    async def remove(self) -> None:
        """Removes the whole journal, so that another begins; all its records must be stored."""
        await asyncio.to_thread(self._journal.remove)
        self.id = ""


class StoredSegments:
    """From which segment on the journal is still needed.

    Stored segments are kept for `keep_s` more seconds, because a standby that takes over may not
    have received what the former primary had confirmed.
    """

    def __init__(self, keep_s: float, read_monotonic: Callable[[], float]) -> None:
        self._keep_s = keep_s
        self._read_monotonic = read_monotonic
        self._noted: deque[tuple[int, float]] = deque()
        self._newest = self._needed = 0

    def note(self, number: int) -> None:
        """All segments before `number` are stored now."""
        if number > self._newest:
            self._newest = number
            self._noted.append((number, self._read_monotonic()))

    def find_needed(self) -> int:
        """The number of the oldest segment that must not be removed, 0 if none may be."""
        before = self._read_monotonic() - self._keep_s
        while self._noted and self._noted[0][1] <= before:
            self._needed, _ = self._noted.popleft()
        return self._needed
