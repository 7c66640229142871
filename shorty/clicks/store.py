"""Every statement about clicks: a batch of visits becomes rows, counters and a journal position.

A batch is stored whole, in one transaction, exactly once. This makes the count exact: after a crash
the visits are either stored and covered by the position, or neither, and then they are replayed.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Final, NamedTuple

import msgspec

from shorty.clicks.journal import Position
from shorty.clicks.model import (
    BIO,
    BOT,
    LINK,
    PERSON,
    QR,
    Click,
    Kind,
    Source,
    Visit,
    VisitDetails,
    decode_fields,
)
from shorty.clicks.rollup_store import add_to_rollups
from shorty.clicks.rollups import REMEMBERED_DETAILS, KnownVisitors
from shorty.clicks.user_agent import read_user_agent, tell_kind
from shorty.clicks.waiting import Batch, read_visits
from shorty.errors import StorageUnavailableError
from shorty.storage.database import Database, Transaction
from shorty.storage.writer import take_turns
from shorty.webhooks.outbox import Outbox, OutboxClick

FIND_STATE: Final = """
select journal_id, segment, position, stored_batches from journal_state where id = 1
"""

FIND_NEWEST: Final = "select at from clicks order by id desc limit 1"

BEGIN_JOURNAL: Final = """
insert into journal_state (id, journal_id, segment, position, stored_batches)
values (1, $1, $2, $3, 0)
on conflict (id) do update set
  journal_id = excluded.journal_id, segment = excluded.segment,
  position = excluded.position, stored_batches = excluded.stored_batches
"""

# The number keeps a batch from being stored twice when a write of unknown result is retried.
TAKE_BATCH: Final = """
update journal_state set stored_batches = $2
where id = 1 and journal_id = $1 and stored_batches = $2 - 1
"""

MOVE_POSITION: Final = """
update journal_state set segment = $1, position = $2 where id = 1
"""

ADD_COUNTS: Final = """
update link_counters set
  clicks = clicks + $2, scans = scans + $3, bio_clicks = bio_clicks + $4, bots = bots + $5,
  total = total + $2 + $3 + $4,
  last_click_at = case when $6 > coalesce(last_click_at, 0) then $6 else last_click_at end
where link_id = $1
"""

FIND_COUNTERS: Final = """
select link_id from link_counters where link_id = $1
"""

INSERT_CLICK: Final = """
insert into clicks (
  link_id, at, visitor, kind, source, country, referrer, browser, os, device, utm, city
) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""

# One statement, so that the count and the number of stored batches are of the same moment.
FIND_COUNT: Final = """
select journal_state.stored_batches, coalesce(link_counters.total, 0) as total
from journal_state
left join link_counters on link_counters.link_id = $1
where journal_state.id = 1
"""


Details = tuple[Kind, Source, *tuple[str | None, ...]]

_COLUMN_OF_SOURCE: Final = {LINK: 1, QR: 2, BIO: 3}
_READ_MOMENT: Final = itemgetter(Click._fields.index("at"))
_READ_WHAT_COUNTS: Final = itemgetter(*map(Click._fields.index, ("link_id", "kind", "source")))


class JournalState(NamedTuple):
    """Which journal has been stored, and up to where."""

    journal_id: str
    position: Position
    stored_batches: int


class StoredCount(NamedTuple):
    """A link's clicks by persons in the first `stored_batches` batches of the journal."""

    total: int
    stored_batches: int


def find_newest_time(db: Database) -> int | None:
    """The time of the click that was stored last."""
    row = db.look_up(FIND_NEWEST)
    return row["at"] if row else None


async def find_journal_state(db: Database) -> JournalState | None:
    row = await db.find_one(FIND_STATE)
    if row is None:
        return None
    position = Position(row["segment"], row["position"])
    return JournalState(row["journal_id"], position, row["stored_batches"])


def begin_journal(tx: Transaction, journal_id: str, start: Position) -> None:
    """Makes the database the owner of this journal, which begins at `start`."""
    tx.execute(BEGIN_JOURNAL, journal_id, start.segment, start.offset)


def look_up_count(db: Database, link_id: int) -> StoredCount:
    """Raises StorageUnavailableError."""
    row = db.look_up(FIND_COUNT, link_id)
    return StoredCount(row["total"], row["stored_batches"]) if row else StoredCount(0, 0)


def store_batch(
    tx: Transaction,
    journal_id: str,
    batch: Batch,
    outbox: Outbox | None = None,
    known: KnownVisitors | None = None,
) -> int:
    """Stores a batch and returns how many of its visits were skipped.

    A visit is skipped if its link was deleted or it is unreadable. A batch that is already stored
    is ignored.
    """
    if not _take_batch(tx, journal_id, batch.number):
        return 0
    if batch.end is not None:
        tx.execute(MOVE_POSITION, batch.end.segment, batch.end.offset)
    clicks = add_counts(tx, read_clicks(batch.payloads))
    add_to_rollups(tx, insert_clicks(tx, clicks, outbox), known)
    return len(batch.payloads) - len(clicks)


def insert_clicks(tx: Transaction, clicks: list[Click], outbox: Outbox | None) -> list[Click]:
    """Inserts the clicks and the webhook deliveries that they trigger.

    Returns the clicks in the order of their ids.
    """
    persons = {click.link_id for click in clicks if click.kind == PERSON}
    calls = outbox.find_calls(tx, persons, clicks[-1].at) if outbox and persons else {}
    notified: list[Click] = []
    others: list[Click] = []
    for click in clicks if calls else ():
        (notified if click.kind == PERSON and click.link_id in calls else others).append(click)
    if outbox and notified:
        outbox.add(tx, calls, insert_outbox_clicks(tx, notified))
    rest = others if calls else clicks
    for piece in take_turns(rest):
        tx.insert_rows(INSERT_CLICK, piece)
    return notified + rest


def insert_outbox_clicks(tx: Transaction, clicks: list[Click]) -> list[OutboxClick]:
    return [
        OutboxClick(id=click_id, link_id=click.link_id, at=click.at)
        for click in clicks
        if (click_id := tx.insert(INSERT_CLICK, *click)) is not None
    ]


def _take_batch(tx: Transaction, journal_id: str, number: int) -> bool:
    if tx.execute(TAKE_BATCH, journal_id, number):
        return True
    row = tx.find_one(FIND_STATE)
    if row is None or row["journal_id"] != journal_id or row["stored_batches"] != number:
        raise StorageUnavailableError("The database belongs to another click journal.")
    return False


def read_clicks(payloads: Sequence[bytes]) -> list[Click]:
    """The clicks of the readable visits."""
    clicks: list[Click] = []
    make: Callable[..., Click] = tuple.__new__  # pyright: ignore[reportUnknownVariableType]
    for payload in chain.from_iterable(take_turns(payloads)):
        try:
            fields = decode_fields(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            # Written by a release with fewer fields, or not a visit.
            clicks += [read_click(visit) for visit in read_visits([payload])]
        else:
            at, link_id, visitor = fields[:3]
            clicks.append(make(Click, (link_id, at, visitor, *read_details(fields[3:]))))
    return clicks


def read_click(visit: Visit) -> Click:
    at, link_id, visitor, *details = msgspec.structs.astuple(visit)
    return Click(link_id, at, visitor, *read_details(tuple(details)))


@lru_cache(REMEMBERED_DETAILS)
def read_details(details: VisitDetails) -> Details:
    """A click's columns from its kind on, from a visit's fields from its country on.

    Cached, because most visits of a busy link have the same ones.
    """
    country, source, kind, user_agent, referrer, utm, city = details
    agent = read_user_agent(user_agent)
    return (
        tell_kind(kind, user_agent),
        source,
        country or None,
        referrer or None,
        agent.browser or None,
        agent.os or None,
        agent.device,
        msgspec.json.encode(utm).decode() if utm else None,
        city or None,
    )


def add_counts(tx: Transaction, clicks: list[Click]) -> list[Click]:
    """Counts the clicks on their links and returns those whose link exists."""
    counts = sum_clicks(clicks)
    if tx.execute_many(ADD_COUNTS, counts) == len(counts):
        return clicks
    gone = {link_id for link_id, *_ in counts if tx.find_one(FIND_COUNTERS, link_id) is None}
    return [click for click in clicks if click.link_id not in gone]


def sum_clicks(clicks: list[Click]) -> list[list[int]]:
    """For each link: its id, clicks, scans, bio clicks, bots, and a person's latest visit or 0.

    Prefetches are not counted. Sorted by id, because neighbours share pages.
    """
    counted: Counter[tuple[int, int, int]] = Counter()
    latest: dict[int, int] = {}
    for piece in take_turns(sorted(clicks, key=_READ_MOMENT)):
        counted.update(map(_READ_WHAT_COUNTS, piece))
        latest.update((click[0], click[1]) for click in piece if click[3] == PERSON)
    counts: dict[int, list[int]] = {}
    for (link_id, kind, source), count in counted.items():
        row = counts.get(link_id)
        if row is None:
            row = counts[link_id] = [link_id, 0, 0, 0, 0, latest.get(link_id, 0)]
        if kind == PERSON:
            row[_COLUMN_OF_SOURCE[source]] += count
        elif kind == BOT:
            row[4] += count
    return [counts[link_id] for link_id in sorted(counts)]
