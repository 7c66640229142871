"""A queue of visits to be stored, in batches, in the order in which they were journalled.

Visits wait as the bytes of the journal, which take a third of the memory and have one decoder.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final

import msgspec
import structlog

from shorty.clicks.journal import Position, Record
from shorty.clicks.model import PERSON, Visit, decode_visit
from shorty.clicks.records import HEADER_BYTES
from shorty.clicks.user_agent import tell_kind

log = structlog.get_logger(__name__)

IN_MEMORY: Final = 0  # in place of a segment's number, for visits that the journal could not take


class Batch:
    """Consecutive payloads of one segment, or payloads that are only in memory.

    `offset` is the end of the last payload; `since` is the monotonic time at which the first
    arrived. `number` counts the batches of one journal; it is 0 until the first attempt to store
    the batch.
    """

    __slots__ = ("_counted", "_counts", "number", "offset", "payloads", "segment", "since")

    def __init__(
        self, segment: int, payloads: list[bytes], offset: int, since: float = 0.0
    ) -> None:
        self.segment = segment
        self.payloads = payloads
        self.offset = offset
        self.number = 0
        self.since = since
        self._counts: Counter[int] = Counter()
        self._counted = 0

    @property
    def end(self) -> Position | None:
        """Its end in the journal."""
        return None if self.segment == IN_MEMORY else Position(self.segment, self.offset)

    def count_persons(self, link_id: int) -> int:
        """The visits that count towards the link's `maxClicks`; reads each payload only once."""
        fresh = islice(self.payloads, self._counted, len(self.payloads))
        self._counts.update(
            visit.link_id
            for visit in read_visits(fresh)
            if tell_kind(visit.kind, visit.user_agent) == PERSON
        )
        self._counted = len(self.payloads)
        return self._counts[link_id]

    def split(self) -> tuple["Batch", "Batch"]:
        middle = len(self.payloads) // 2
        first, second = self.payloads[:middle], self.payloads[middle:]
        length = sum(HEADER_BYTES + len(payload) for payload in second)
        return (
            Batch(self.segment, first, self.offset - length, self.since),
            Batch(self.segment, second, self.offset, self.since),
        )


class WaitingVisits:
    """The queue. A new visit joins the last batch; the oldest batch is stored first."""

    def __init__(
        self, batch_visits: int, read_monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._read_monotonic = read_monotonic
        self._batch_visits = batch_visits
        self._batches: deque[Batch] = deque()
        self._open: Batch | None = None
        self.count = 0

    def add(self, payload: bytes, segment: int, offset: int) -> None:
        batch = self._open
        if batch is None or batch.segment != segment or len(batch.payloads) >= self._batch_visits:
            batch = self._open = Batch(segment, [], offset, self._read_monotonic())
            self._batches.append(batch)
        batch.payloads.append(payload)
        batch.offset = offset
        self.count += 1

    def add_again(self, record: Record) -> None:
        """Adds a visit that is already in the journal; starts a new batch after damage."""
        batch = self._open
        if batch is not None and batch.end != record.start:
            self.seal()
        self.add(record.payload, record.end.segment, record.end.offset)

    def add_before(self, records: Iterable[Record]) -> int:
        """Adds visits that are already in the journal before all others, and returns how many."""
        earlier = WaitingVisits(self._batch_visits, self._read_monotonic)
        for record in records:
            earlier.add_again(record)
        self._batches.extendleft(reversed(earlier._batches))
        self.count += earlier.count
        return earlier.count

    def seal(self) -> None:
        """Closes the last batch, so that no visit joins it."""
        self._open = None

    def find_oldest(self) -> Batch | None:
        """The oldest closed batch."""
        if not self._batches or self._batches[0] is self._open:
            return None
        return self._batches[0]

    def find_longest_wait(self) -> float:
        """The seconds for which the oldest visit has waited in this process."""
        return self._read_monotonic() - self._batches[0].since if self._batches else 0.0

    def remove_oldest(self) -> None:
        self.count -= len(self._batches.popleft().payloads)

    def divide_oldest(self) -> None:
        """Replaces the oldest batch with its two halves."""
        self._batches.extendleft(reversed(self._batches.popleft().split()))

    def empty_oldest(self) -> None:
        """Drops the oldest batch's visits, but keeps its position in the journal."""
        self.count -= len(self._batches[0].payloads)
        self._batches[0].payloads = []

    def count_in_memory(self) -> int:
        """The number of visits that are in no journal."""
        return sum(len(batch.payloads) for batch in self._batches if batch.segment == IN_MEMORY)

    def list_payloads(self) -> list[bytes]:
        return [payload for batch in self._batches for payload in batch.payloads]

    def count_persons(self, link_id: int, stored_batches: int) -> int:
        """A link's visits by persons that are not in the first `stored_batches` batches."""
        return sum(
            batch.count_persons(link_id)
            for batch in self._batches
            if batch.number == 0 or batch.number > stored_batches
        )


def read_visits(payloads: Iterable[bytes]) -> Iterator[Visit]:
    """The readable visits; unreadable ones are logged and skipped."""
    for payload in payloads:
        try:
            yield decode_visit(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            log.warning("visit_not_read", reason=str(error))
