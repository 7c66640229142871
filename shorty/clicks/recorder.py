"""Records visits for the redirect: at once in the journal, in batches in the database.

A visit is safe once it is journalled. It then waits in memory until its batch is stored, or longer,
up to a limit, while the database cannot be written. A visit that the journal cannot take (on a full
disk) waits only in memory.
"""

import asyncio
import time
from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from math import inf
from threading import Lock
from typing import Final

import msgspec
import structlog

from shorty.clicks.journal import Journal
from shorty.clicks.live import LiveClicks
from shorty.clicks.model import Visit, encode_visit
from shorty.clicks.rollups import KnownVisitors
from shorty.clicks.store import DatabaseWentBackError, JournalState, store_batch
from shorty.clicks.stored_journal import StoredJournal
from shorty.clicks.user_agent import load_patterns
from shorty.clicks.waiting import IN_MEMORY, Batch, WaitingVisits, read_visits
from shorty.errors import StorageUnavailableError
from shorty.storage.database import Database, Lane
from shorty.webhooks.outbox import Outbox

log = structlog.get_logger(__name__)

BATCH_VISITS: Final = 20_000
# Where other nodes, and callers who delete links, wait for the lane of clicks meanwhile.
SHARED_BATCH_VISITS: Final = 5_000
MOST_WAITING: Final = 1_000_000  # about 200 MB
SHORTEST_REST_S: Final = 0.05
LONGEST_REST_S: Final = 1.0
# It rests this many times as long as it worked: with larger batches, clicks spread over a million
# links cost a third.
REST_PER_WORK: Final = 8
FIRST_RETRY_S: Final = 0.1
LAST_RETRY_S: Final = 5.0
WARNING_INTERVAL_S: Final = 60.0


class RecorderStats(msgspec.Struct, frozen=True, kw_only=True):
    """Counts since the start, and the current state.

    `in_memory` are the waiting visits that are in no journal. `wait_s` is how long the oldest visit
    has waited; `refused_s` is how long the journal has refused visits, or None if it accepts them.
    """

    waiting: int
    in_memory: int
    journalled: int
    stored: int
    skipped: int
    dropped: int
    damaged_bytes: int
    wait_s: float
    refused_s: float | None


class Recorder:
    """Records visits from `start` to `stop`.

    `record` does not wait and works in any thread; everything else runs on the event loop. One task
    stores the recorded visits, and only it creates and removes segments, in threads. The lock
    covers what both share: the current segment and the queue of waiting visits.
    """

    def __init__(
        self,
        db: Database,
        *,
        journal: Journal | None = None,
        batch_visits: int | None = None,
        most_waiting: int = MOST_WAITING,
        rest_s: float = SHORTEST_REST_S,
        outbox: Outbox | None = None,
        read_monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.live = LiveClicks(db)
        self._db = db
        self._outbox = outbox
        self._journal = journal or Journal(db.place("journal"))
        self._lock = Lock()
        self._known = KnownVisitors()
        if batch_visits is None:
            batch_visits = BATCH_VISITS if db.here else SHARED_BATCH_VISITS
        self._waiting = WaitingVisits(batch_visits, read_monotonic)
        self._read_monotonic = read_monotonic
        self._refused_since: float | None = None
        self._refused_after = 0  # the value of `_journalled` at the last refusal
        self._batch_visits = batch_visits
        self._most_waiting = most_waiting
        self._rest_s = rest_s
        self._stored = StoredJournal(db, self._journal, read_monotonic)
        self._journalled = self._stored_visits = self._skipped = self._dropped = 0
        self._has_work = asyncio.Event()
        self._must_hurry = asyncio.Event()
        self._must_stop = asyncio.Event()
        self._loop: AbstractEventLoop | None = None
        self._awaiting: list[asyncio.Future[None]] = []  # the end of the next round
        self._is_notified = False  # whether the task was notified; it resets this each round
        self._task: asyncio.Task[None] | None = None
        self._warned_at: dict[str, float] = {}

    def record(self, visit: Visit) -> bool:
        """Records a visit; returns whether it survives a crash. Takes 3 µs, never raises.

        A visit that the journal cannot take waits in memory. A visit beyond the limit is dropped:
        the only case in which an answered click is lost.
        """
        payload = encode_visit(visit)
        # `_append` and `_wait` inlined, because every visit comes this way.
        waiting, journal = self._waiting, self._journal
        with self._lock:
            if waiting.count >= self._most_waiting:
                self._dropped += 1
                self._warn("clicks_dropped", waiting=waiting.count)
                return False
            try:
                offset = journal.append(payload)
            except OSError as error:
                self._warn("journal_not_written", reason=str(error))
                self._note_refusal()
                self._wait(payload, IN_MEMORY, 0)
                return False
            self._journalled += 1
            waiting.add(payload, journal.segment, offset)
            if not self._is_notified or waiting.count == self._batch_visits:
                self._notify()
            return True

    def record_or_refuse(self, visit: Visit) -> bool:
        """Records a visit only if it survives a crash; returns whether it did."""
        payload = encode_visit(visit)
        with self._lock:
            if self._waiting.count >= self._most_waiting:
                waiting = self._waiting.count
                self._warn("limited_links_closed", waiting=waiting)
                return False
            return self._append(payload)

    @property
    def journal_id(self) -> str:
        """Empty until the database owns this journal."""
        return self._stored.id

    def count_waiting(self, link_id: int, stored_batches: int) -> int:
        """A link's visits by persons that are not in the first `stored_batches` batches."""
        with self._lock:
            return self._waiting.count_persons(link_id, stored_batches)

    def has_waiting(self, link_id: int) -> bool:
        """Whether a visit of the link, of whatever kind, waits to be stored."""
        with self._lock:
            payloads = self._waiting.list_payloads()
        # Decoding all that wait would take twenty times as long.
        number = msgspec.msgpack.encode(link_id)
        likely = (payload for payload in payloads if number in payload)
        return any(visit.link_id == link_id for visit in read_visits(likely))

    async def store_now(self) -> None:
        """Returns once all that was recorded until now is stored.

        Raises StorageUnavailableError if the database does not take it, or the recorder stops.
        """
        if self._must_stop.is_set():
            raise StorageUnavailableError
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._awaiting.append(future)
        self._must_hurry.set()
        self._has_work.set()
        await future

    def describe(self) -> RecorderStats:
        with self._lock:
            in_memory = self._waiting.count_in_memory()
            wait_s = self._waiting.find_longest_wait()
            refused_s = self._find_refusal()
        return RecorderStats(
            waiting=self._waiting.count,
            in_memory=in_memory,
            journalled=self._journalled,
            stored=self._stored_visits,
            skipped=self._skipped,
            dropped=self._dropped,
            damaged_bytes=self._journal.skipped_bytes,
            wait_s=wait_s,
            refused_s=refused_s,
        )

    def try_journal(self) -> None:
        """Checks whether a journal that refused a visit accepts visits again."""
        with self._lock:
            if self._find_refusal() is None:
                return
            if self._journal.has_room():
                self._refused_since = None
            else:
                self._notify()

    def _find_refusal(self) -> float | None:
        """Seconds since the journal began to refuse visits.

        Costs nothing when a visit is journalled.
        """
        if self._refused_since is None or self._refused_after != self._journalled:
            return None
        return self._read_monotonic() - self._refused_since

    def _note_refusal(self) -> None:
        if self._find_refusal() is None:
            self._refused_since, self._refused_after = self._read_monotonic(), self._journalled

    def _append(self, payload: bytes) -> bool:
        try:
            offset = self._journal.append(payload)
        except OSError as error:
            self._warn("journal_not_written", reason=str(error))
            self._note_refusal()
            self._notify()
            return False
        self._journalled += 1
        self._wait(payload, self._journal.segment, offset)
        return True

    def _wait(self, payload: bytes, segment: int, offset: int) -> None:
        self._waiting.add(payload, segment, offset)
        if not self._is_notified or self._waiting.count == self._batch_visits:
            self._notify()

    def _notify(self) -> None:
        """Notifies the task of work, from any thread; called for the first visit of a round."""
        self._is_notified = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._note_work)

    def _note_work(self) -> None:
        self._has_work.set()
        if self._waiting.count >= self._batch_visits:
            self._must_hurry.set()

    def _warn(self, event: str, **values: object) -> None:
        """Logs each event at most once a minute."""
        now = time.monotonic()
        if now - self._warned_at.get(event, -inf) >= WARNING_INTERVAL_S:
            self._warned_at[event] = now
            log.warning(event, **values)

    async def start(self) -> None:
        """Replays the visits that an earlier process left in the journal, then starts recording.

        Raises StorageUnavailableError if the database cannot be read, or if it cannot be written
        and more visits remain than may wait.
        """
        self._loop = asyncio.get_running_loop()
        await asyncio.to_thread(load_patterns)
        if (left := await self._stored.find_left()) is not None:
            await self._replay(left)
        await self._tend_journal()
        self._task = asyncio.create_task(self._store_until_stopped())

    async def stop(self) -> None:
        """Stores the waiting visits. Those that fail stay in the journal for the next start."""
        if self._task is None:
            return
        self._must_stop.set()
        self._must_hurry.set()
        self._has_work.set()
        await self._task
        _answer(self._awaiting, is_stored=False)
        self.live.end()
        if self._waiting.count:
            self._warn_at_end(self._waiting.count, self._waiting.count_in_memory())
            self._journal.close()
        elif self._stored.id and self._may_remove():
            await asyncio.to_thread(self._journal.remove)
        else:
            self._journal.close()

    def _may_remove(self) -> bool:
        """Whether stored visits are safe to remove: not if the database's file was replaced."""
        if self._db.is_in_place():
            return True
        self._warn("journal_kept", database=self._db.name)
        return False

    def _warn_at_end(self, waiting: int, lost: int) -> None:
        if waiting > lost:
            log.warning("clicks_left_in_journal", count=waiting - lost)
        if lost:
            log.error("clicks_lost", count=lost)

    async def store_left(self, state: JournalState) -> int:
        """Stores the visits of a journal that nobody appends to any more, and removes it.

        Returns how many were stored. Raises StorageUnavailableError, and what is left may then be
        stored by another recorder.
        """
        await asyncio.to_thread(load_patterns)
        await self._replay(state)
        if self._stored.id:
            raise StorageUnavailableError
        return self._stored_visits

    async def _replay(self, state: JournalState) -> None:
        """Stores and removes the old journal, because each start begins a new one."""
        self._stored.resume(state)
        is_writable = True
        for record in self._journal.read_after(state.position):
            self._waiting.add_again(record)
            if is_writable and self._waiting.count >= self._batch_visits:
                is_writable = await self._store_waiting()
            if self._waiting.count >= self._most_waiting:
                raise StorageUnavailableError
        if self._waiting.count:
            self._notify()
        if is_writable and await self._store_waiting():
            log.info("clicks_recovered", count=self._stored_visits)
            await self._stored.remove()

    async def _store_until_stopped(self) -> None:
        rest_s, retry_s = self._rest_s, FIRST_RETRY_S
        while True:
            await self._has_work.wait()
            await _wait_for(self._must_hurry, rest_s)
            self._must_hurry.clear()
            self._has_work.clear()
            self._is_notified = False  # before `seal`, so that later visits notify again
            awaiting, self._awaiting = self._awaiting, []
            is_last = self._must_stop.is_set()
            began = time.monotonic()
            await self._tend_journal()
            is_stored = await self._store_waiting()
            _answer(awaiting, is_stored=is_stored)
            if is_last or (self._must_stop.is_set() and not is_stored):
                return
            if is_stored:
                rest_s = (time.monotonic() - began) * REST_PER_WORK
                rest_s = min(max(rest_s, self._rest_s), LONGEST_REST_S)
                retry_s = FIRST_RETRY_S
            else:
                self._has_work.set()
                await _wait_for(self._must_stop, retry_s)
                retry_s = min(retry_s * 2, LAST_RETRY_S)

    async def _store_waiting(self) -> bool:
        """Stores the visits that wait now; returns whether the database accepted them."""
        if not self._stored.id:
            return self._waiting.count == 0
        with self._lock:
            self._waiting.seal()
        while batch := self._find_oldest():
            batch.number = self._stored.batches + 1
            work = partial(
                store_batch,
                journal_id=self._stored.id,
                batch=batch,
                outbox=self._outbox,
                known=self._known,
            )
            try:
                skipped = await self._db.write(work, Lane.CLICKS)
            except DatabaseWentBackError as error:
                if not await self._go_back(error.state):
                    return False
            except StorageUnavailableError as error:
                self._known.drop_noted()
                self._warn("clicks_wait", reason=str(error.__cause__))
                await self._sync_journal()
                return False
            except Exception:
                self._known.drop_noted()
                log.exception("clicks_refused", count=len(batch.payloads))
                if not self._isolate_fault(batch):
                    return False
            else:
                self._note_stored(batch, skipped)
                if self.live.is_watched:
                    await self.live.notify(batch.payloads)
        return True

    async def _go_back(self, state: JournalState) -> bool:
        """Lets the visits that the database does not have any more wait once more.

        Returns False if the journal cannot be read.
        """
        try:
            records = await self._stored.read_from(state)
        except OSError as error:
            self._warn("journal_not_read", reason=str(error))
            return False
        with self._lock:
            count = self._waiting.add_before(records)
        batches = self._stored.batches - state.stored_batches
        log.warning("clicks_went_back", batches=batches, count=count)
        self._known = KnownVisitors()  # the database lacks some of them
        self._stored.resume(state)
        return True

    def _find_oldest(self) -> Batch | None:
        with self._lock:
            return self._waiting.find_oldest()

    def _note_stored(self, batch: Batch, skipped: int) -> None:
        self._known.keep_noted()
        with self._lock:
            self._waiting.remove_oldest()
        self._stored_visits += len(batch.payloads) - skipped
        self._skipped += skipped
        try:
            self._stored.note_stored(batch)
        except OSError as error:
            self._warn("journal_owner_not_noted", reason=str(error))

    def _isolate_fault(self, batch: Batch) -> bool:
        """Splits a refused batch until the faulty visit is alone, and drops that visit.

        Returns False if no visit is at fault.
        """
        with self._lock:
            if len(batch.payloads) > 1:
                self._waiting.divide_oldest()
                return True
            self._skipped += len(batch.payloads)
            is_at_fault = bool(batch.payloads)
            self._waiting.empty_oldest()
            return is_at_fault

    async def _tend_journal(self) -> None:
        """Creates a segment if one is needed, and removes segments that are completely stored."""
        try:
            if not self._stored.id:
                await self._stored.begin()
            if self._journal.needs_segment:
                segment = await self._stored.make_segment()
                with self._lock:
                    self._journal.continue_in(segment)
                    self._refused_since = None
            if self._stored.has_spare_segments and self._may_remove():
                await self._stored.remove_spare_segments()
        except (OSError, StorageUnavailableError) as error:
            self._warn("journal_not_tended", reason=str(error))
            if not self._journal.is_open:
                with self._lock:
                    self._note_refusal()

    async def _sync_journal(self) -> None:
        """While the database rejects writes, only a synced journal survives a power cut."""
        try:
            await asyncio.to_thread(self._journal.sync)
        except OSError as error:
            self._warn("journal_not_synchronised", reason=str(error))


def _answer(futures: "Iterable[asyncio.Future[None]]", *, is_stored: bool) -> None:
    for future in futures:
        if future.done():
            continue  # its caller was cancelled
        if is_stored:
            future.set_result(None)
        else:
            future.set_exception(StorageUnavailableError())


async def _wait_for(signal: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await signal.wait()
