"""Every statement about clicks: a batch of visits becomes rows, counters and a journal position.

A batch is stored whole, in one transaction, exactly once. This makes the count exact: after a crash
the visits are either stored and covered by the position, or neither, and then they are replayed.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Final, NamedTuple

import msgspec

from shorty.clicks.journal import Owner, Position
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
from shorty.clicks.passes import add_used
from shorty.clicks.rollup_store import IN_ONE_STATEMENT, add_to_rollups
from shorty.clicks.rollups import REMEMBERED_DETAILS, KnownVisitors
from shorty.clicks.user_agent import read_user_agent, tell_kind
from shorty.clicks.waiting import Batch, read_visits
from shorty.errors import ConflictError, StorageUnavailableError
from shorty.storage.database import Database, Reader, Row, Transaction
from shorty.storage.statements import cut_and_fill, number_places
from shorty.storage.yielding import take_turns
from shorty.webhooks.outbox import Outbox, OutboxClick

FIND_STATE: Final = """
select journal_id, segment, position, stored_batches from journals where journal_id = $1
"""

FIND_NEWEST: Final = "select at from clicks order by id desc limit 1"

FORGET_JOURNALS: Final = """
delete from journals where node = $1
"""

BEGIN_JOURNAL: Final = """
insert into journals (journal_id, node, segment, position, stored_batches)
values ($1, $2, $3, $4, 0)
"""

# The number keeps a batch from being stored twice when a write of unknown result is retried.
# PostgreSQL would take a parameter beside a literal for one of 32 bits.
TAKE_BATCH: Final = """
update journals set stored_batches = $2
where journal_id = $1 and stored_batches = cast($2 as bigint) - 1
"""

MOVE_POSITION: Final = """
update journals set segment = $2, position = $3 where journal_id = $1
"""

# Takes a number that stores nothing, so that a batch which the journal's own process may have under
# way is never stored after this.
TAKE_JOURNAL: Final = """
update journals set stored_batches = stored_batches + 1 where journal_id = $1
returning node, segment, position, stored_batches
"""

FORGET_JOURNAL: Final = """
delete from journals where journal_id = $1
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
  link_id, at, visitor, kind, source, country, referrer, browser, os, device, utm, city, domain_id,
  rule_id, variant
) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
"""

INSERT_OUTBOX_CLICK: Final = f"{INSERT_CLICK} returning id, link_id, at"

FIND_DOMAINS: Final = f"""
select id, domain_id from links where id in ({number_places(IN_ONE_STATEMENT)})
"""  # noqa: S608 - parameters' numbers

# One statement, so that the count and the number of stored batches are of the same moment.
FIND_COUNT: Final = """
select
  coalesce((select stored_batches from journals where journal_id = $2), 0) as stored_batches,
  coalesce((select total from link_counters where link_id = $1), 0) as total
"""


Details = tuple[Kind, Source, *tuple[str | None, ...]]

NO_RULE: Final = (None, None)
_COLUMN_OF_SOURCE: Final = {LINK: 1, QR: 2, BIO: 3}
_READ_MOMENT: Final = itemgetter(Click._fields.index("at"))
_READ_DOMAIN: Final = itemgetter(Click._fields.index("domain_id"))
_READ_WHAT_COUNTS: Final = itemgetter(*map(Click._fields.index, ("link_id", "kind", "source")))


class JournalState(NamedTuple):
    """Which journal has been stored, and up to where."""

    journal_id: str
    position: Position
    stored_batches: int


class DatabaseWentBackError(StorageUnavailableError):
    """The database has not stored all batches that it has confirmed.

    A standby took over that had not received them, or the database was set back to an earlier time.
    """

    def __init__(self, state: JournalState) -> None:
        super().__init__("The database lacks batches of clicks that it had stored.")
        self.state = state


class StoredCount(NamedTuple):
    """A link's clicks by persons in the first `stored_batches` batches of the journal."""

    total: int
    stored_batches: int


def find_newest_time(rows: Reader) -> int | None:
    """The time of the click that was stored last."""
    row = rows.find_one(FIND_NEWEST)
    return row["at"] if row else None


async def find_journal_state(db: Database, journal_id: str) -> JournalState | None:
    return _read_state(await db.find_one(FIND_STATE, journal_id))


def _read_state(row: Row | None) -> JournalState | None:
    if row is None:
        return None
    position = Position(row["segment"], row["position"])
    return JournalState(row["journal_id"], position, row["stored_batches"])


def begin_journal(tx: Transaction, journal_id: str, node: str, start: Position) -> None:
    """Makes the database the owner of the node's journal, which begins at `start`."""
    tx.execute(FORGET_JOURNALS, node)
    tx.execute(BEGIN_JOURNAL, journal_id, node, start.segment, start.offset)


def take_journal(tx: Transaction, owner: Owner) -> tuple[str, JournalState]:
    """The node that wrote the journal, and how far it is stored; the node can store no more of it.

    Raises ConflictError if the journal is not this database's.
    """
    row = tx.find_one(TAKE_JOURNAL, owner.journal_id)
    if row is None:
        raise ConflictError("The click journal belongs to another database.")
    if owner.stored_batches >= row["stored_batches"]:
        raise ConflictError("The click journal belongs to a later state of this database.")
    position = Position(row["segment"], row["position"])
    return row["node"], JournalState(owner.journal_id, position, row["stored_batches"])


def forget_journal(tx: Transaction, journal_id: str) -> None:
    """All its visits must be stored and its files removed: visits of unknown journals are not."""
    tx.execute(FORGET_JOURNAL, journal_id)


def find_count(rows: Reader, link_id: int, journal_id: str) -> StoredCount:
    """Raises StorageUnavailableError."""
    row = rows.find_one(FIND_COUNT, link_id, journal_id)
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
    is ignored. Raises DatabaseWentBackError, and StorageUnavailableError if the database belongs to
    another journal.
    """
    if not _take_batch(tx, journal_id, batch.number):
        return 0
    if batch.end is not None:
        tx.send(MOVE_POSITION, journal_id, batch.end.segment, batch.end.offset)
    clicks = name_domains(tx, add_counts(tx, read_clicks(batch.payloads)))
    persons = {click.link_id for click in clicks if click.kind == PERSON}
    callers = outbox.find_callers(tx, persons) if outbox and persons else {}
    stored, notified = insert_clicks(tx, clicks, callers)
    add_to_rollups(tx, stored, known)
    if outbox and notified:
        outbox.add(tx, callers, notified, clicks[-1].at)
    add_used(tx, clicks, batch.payloads)  # last, as visitors wait for its rows
    return len(batch.payloads) - len(clicks)


def insert_clicks(
    tx: Transaction, clicks: list[Click], callers: Collection[int]
) -> tuple[list[Click], list[OutboxClick]]:
    """Returns the clicks in the order of their ids, and those of persons on links that call."""
    notified: list[Click] = []
    others: list[Click] = []
    for click in clicks if callers else ():
        (notified if click.kind == PERSON and click.link_id in callers else others).append(click)
    numbered = insert_outbox_clicks(tx, notified)
    rest = others if callers else clicks
    for piece in take_turns(rest):
        tx.send_rows(INSERT_CLICK, piece)
    return notified + rest, numbered


def insert_outbox_clicks(tx: Transaction, clicks: list[Click]) -> list[OutboxClick]:
    rows = sorted(tx.insert_rows_returning(INSERT_OUTBOX_CLICK, clicks), key=itemgetter("id"))
    return [OutboxClick(id=row["id"], link_id=row["link_id"], at=row["at"]) for row in rows]


def _take_batch(tx: Transaction, journal_id: str, number: int) -> bool:
    if tx.execute(TAKE_BATCH, journal_id, number):
        return True
    state = _read_state(tx.find_one(FIND_STATE, journal_id))
    if state is None or state.stored_batches > number:
        raise StorageUnavailableError("The database belongs to another click journal.")
    if state.stored_batches < number:
        raise DatabaseWentBackError(state)
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
            details = read_details(fields[3:-2])
            domain_id, won = fields[-2:]
            rule_id, variant = won or NO_RULE
            clicks.append(
                make(Click, (link_id, at, visitor, *details, domain_id, rule_id, variant or None))
            )
    return clicks


def read_click(visit: Visit) -> Click:
    at, link_id, visitor, *details, domain_id, won = msgspec.structs.astuple(visit)
    known = read_details(tuple(details))
    rule_id, variant = won or NO_RULE
    return Click._make((link_id, at, visitor, *known, domain_id, rule_id, variant or None))


@lru_cache(REMEMBERED_DETAILS)
def read_details(details: VisitDetails) -> Details:
    """A click's columns from its kind to its city, from a visit's fields to its city.

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


def name_domains(tx: Transaction, clicks: list[Click]) -> list[Click]:
    """Gives clicks that name no domain their link's; every link exists."""
    if all(map(_READ_DOMAIN, clicks)):
        return clicks
    unnamed = sorted({click.link_id for click in clicks if not click.domain_id})
    domains = {
        row["id"]: row["domain_id"]
        for ids in cut_and_fill(unnamed, IN_ONE_STATEMENT)
        for row in tx.find_all(FIND_DOMAINS, *ids)
    }
    return [
        click if click.domain_id else click._replace(domain_id=domains[click.link_id])
        for click in clicks
    ]


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
