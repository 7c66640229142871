"""Recalculates the roll-ups from single clicks, a UTC day at a time, while the server runs.

A day is recalculated for the workspaces that still have all its clicks. Clicks and sums are read
from one snapshot and corrected by their difference, so that clicks stored meanwhile stay counted.
The sums of a day's clicks are held in memory. Days to recalculate are noted in the database, where
they survive a stop or a crash.
"""

import asyncio
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from functools import partial
from itertools import islice
from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

from shorty.clicks.days import (
    NOTHING,
    Quarter,
    add_counts,
    add_quarters,
    fold_quarters,
    read_quarter,
    unfold_day,
)
from shorty.clicks.folding import FIND_DAY, put_days
from shorty.clicks.model import PERSON, Click
from shorty.clicks.owners import find_workspace, is_domain, number_domain, number_workspace
from shorty.clicks.recounts import Recount, TakenOverError, begin_recount, end_recount
from shorty.clicks.retention import LIST_REMOVALS
from shorty.clicks.rollup_store import PUT_QUARTER, read_stored
from shorty.clicks.rollups import (
    QUARTER_MS,
    Counts,
    Place,
    Sums,
    encode_counts,
    find_place,
    group_by_rule,
    group_clicks,
)
from shorty.clicks.stats import read_day
from shorty.clicks.weeks import note_removed_day
from shorty.durations import DAY_MS
from shorty.storage.database import Database, Lane, Row, Snapshot, Transaction

CLICKS_AT_ONCE: Final = 2000
CORRECTIONS_AT_ONCE: Final = 200
IN_PROGRESS: Final = 1  # milliseconds after the day's start by which it is noted meanwhile

FIND_SPAN: Final = """
select (select min(at) from clicks) as first, (select max(at) from clicks) as last
"""

LIST_CLICKS: Final = """
select c.id, k.workspace_id, c.link_id, c.at, c.visitor, c.kind, c.source, c.country, c.referrer,
  c.browser, c.os, c.device, c.utm, c.city,
  coalesce(c.domain_id, f.domain_id, 0) as domain_id, c.rule_id, c.variant
from clicks c join link_counters k on k.link_id = c.link_id
left join former_domains f on f.link_id = c.link_id
where c.at >= $1 and c.at < $2 order by c.id
"""

LIST_QUARTERS: Final = """
select s.*, k.workspace_id
from click_quarters s left join link_counters k on k.link_id = s.owner
where s.at >= $1 and s.at < $2
"""

LIST_DAYS_OF_LINKS: Final = """
select d.*, k.workspace_id from link_counters k cross join click_days d
where d.owner = k.link_id and d.day = $1
"""

LIST_DAYS_OF_WORKSPACES: Final = """
select d.*, w.id as workspace_id from workspaces w cross join click_days d
where d.owner = -w.id and d.day = $1
"""

LIST_DAYS_OF_DOMAINS: Final = """
select d.*, o.workspace_id from click_domains o cross join click_days d
where d.owner = o.owner and d.day = $1
"""

# In whose domain links' sums are counted whose single clicks were removed.
LIST_QUARTERS_OF_LINKS: Final = """
select s.*, k.workspace_id, coalesce(f.domain_id, l.domain_id) as domain_id
from click_quarters s
join link_counters k on k.link_id = s.owner
join links l on l.id = s.owner
left join former_domains f on f.link_id = s.owner
where s.at >= $1 and s.at < $2
"""

LIST_DAYS_WITH_DOMAINS: Final = """
select d.*, k.workspace_id, coalesce(f.domain_id, l.domain_id) as domain_id
from link_counters k
cross join links l
left join former_domains f on f.link_id = k.link_id
cross join click_days d
where l.id = k.link_id and d.owner = k.link_id and d.day = $1
"""

# Statements that list what is stored of a day, and whether they list rows of days.
_LISTS: Final = (
    (LIST_QUARTERS, False),
    (LIST_DAYS_OF_LINKS, True),
    (LIST_DAYS_OF_WORKSPACES, True),
    (LIST_DAYS_OF_DOMAINS, True),
)
_LISTS_OF_DOMAINS: Final = ((LIST_QUARTERS, False), (LIST_DAYS_OF_DOMAINS, True))

FIND_QUARTER: Final = "select * from click_quarters where at = $1 and owner = $2"

DELETE_QUARTER: Final = "delete from click_quarters where at = $1 and owner = $2"

NOTE_DAY: Final = "insert into days_to_recount (day) values ($1) on conflict (day) do nothing"

TAKE_DAY: Final = """
delete from days_to_recount where day = (select min(day) from days_to_recount) returning day
"""

FORGET_DAY: Final = "delete from days_to_recount where day = $1"

# In one process they wait for each other.
_TURNS: Final[WeakKeyDictionary[Database, asyncio.Lock]] = WeakKeyDictionary()

DELETE_DAY: Final = "delete from click_days where owner = $1 and day = $2"


class Correction(NamedTuple):
    """What to add to the sums of a quarter hour; counts may be negative."""

    place: Place
    difference: Quarter


class _Recount:
    """The sums of a day's clicks, which arrive by quarter hour in the order of their ids."""

    def __init__(self, *, only_domains: bool) -> None:
        self.sums: dict[Place, Sums] = {}
        self._only_domains = only_domains
        self._first: dict[tuple[int, int], tuple[int, Click]] = {}

    def add(self, rows: Iterable[Row]) -> None:
        workspaces = {row["link_id"]: row["workspace_id"] for row in rows}
        clicks = [(row["id"], Click(*tuple(row)[2:])) for row in rows]
        for group in group_clicks([click for _, click in clicks], workspaces):
            if not self._only_domains or is_domain(group.place.owner):
                sums = self.sums.setdefault(group.place, Sums())
                sums.add_clicks(group.kind, group.source, group.keys, group.clicks)
        for place, kind, value, count in group_by_rule([click for _, click in clicks], workspaces):
            if not self._only_domains or is_domain(place.owner):
                self.sums[place].add_rule(kind, value, count)
        for click_id, click in clicks:
            if click.visitor and click.kind == PERSON:
                for owner in self._list_owners(click, workspaces[click.link_id]):
                    known = self._first.get((owner, click.visitor))
                    if known is None or click_id < known[0]:
                        self._first[owner, click.visitor] = (click_id, click)

    def _list_owners(self, click: Click, workspace_id: int) -> Iterator[int]:
        if click.domain_id:
            yield number_domain(workspace_id, click.domain_id)
        if not self._only_domains:
            yield click.link_id
            yield number_workspace(workspace_id)

    def add_visitors(self) -> None:
        """Called after all clicks: a visitor counts with the click that was stored first."""
        for (owner, _), (_, click) in sorted(self._first.items(), key=lambda item: item[1][0]):
            self.sums[find_place(owner, click.at)].add_visitor(click)


async def list_days(db: Database) -> list[int]:
    """Every UTC day from the oldest click to the newest."""
    row = await db.find_one(FIND_SPAN)
    if row is None or row["first"] is None:
        return []
    return list(range(row["first"] // DAY_MS * DAY_MS, row["last"] + 1, DAY_MS))


def note_days(tx: Transaction, days: Iterable[int]) -> None:
    """Notes days whose visitors may be counted wrongly until rebuild_noted_day has run."""
    for day in days:
        tx.execute(NOTE_DAY, day)


async def rebuild_noted_day(db: Database) -> int:
    """Recalculates the first noted day; returns 0 if none is noted.

    Or if another process takes the day over; then it stays noted for the next time.
    """
    async with _find_turn(db):
        day = await db.write(_take_day, Lane.CLICKS)
        if day is None:
            return 0
        try:
            await rebuild_day(db, day)
        except TakenOverError:
            return 0
        await db.write(lambda tx: tx.execute(FORGET_DAY, day + IN_PROGRESS), Lane.CLICKS)
        return 1


def _take_day(tx: Transaction) -> int | None:
    """The first noted day, which stays noted as one in progress.

    After a crash it is recalculated again, and a new note meanwhile gets its own row.
    """
    row = tx.find_one(TAKE_DAY)
    if row is None:
        return None
    day = row["day"] // DAY_MS * DAY_MS
    tx.execute(NOTE_DAY, day + IN_PROGRESS)
    return day


async def rebuild_day(db: Database, day: int) -> int:
    """Recalculates a day; returns how many quarter hours of links and others were wrong.

    Raises TakenOverError.
    """
    recount = await begin_recount(db, day)
    async with db.open_snapshot() as snapshot:
        incomplete = await _find_incomplete(snapshot, day)
        counted = await _recount(snapshot, day, incomplete)
        stored = await _read_stored(snapshot, day, incomplete)
    return await _correct_differences(db, recount, counted, stored)


async def sum_up_domains(db: Database, day: int) -> None:
    """Calculates the sums of domains of a day that had none when it was stored.

    Where single clicks were removed, they are what the links had, whose visitors count for each.
    Raises TakenOverError.
    """
    async with _find_turn(db):
        recount = await begin_recount(db, day)
        async with db.open_snapshot() as snapshot:
            incomplete = await _find_incomplete(snapshot, day)
            counted = await _recount(snapshot, day, incomplete, only_domains=True)
            if incomplete:
                counted |= await _add_up_links(snapshot, day, incomplete)
            stored = await _read_stored(snapshot, day, only_domains=True)
        await _correct_differences(db, recount, counted, stored)


def _find_turn(db: Database) -> asyncio.Lock:
    return _TURNS.setdefault(db, asyncio.Lock())


async def _find_incomplete(snapshot: Snapshot, day: int) -> set[int]:
    """The workspaces without all clicks of that day."""
    removals = await snapshot.find_all(LIST_REMOVALS)
    return {row["workspace_id"] for row in removals if row["begun_before"] > day}


async def _correct_differences(
    db: Database, recount: Recount, counted: dict[Place, Quarter], stored: dict[Place, Quarter]
) -> int:
    nothing = Quarter(0, NOTHING, {}, {})
    differences = (
        Correction(place, subtract(counted.get(place, nothing), stored.get(place, nothing), place))
        for place in counted.keys() | stored.keys()
    )
    corrections = [each for each in differences if has_any(each.difference)]
    remaining = iter(corrections)
    while batch := list(islice(remaining, CORRECTIONS_AT_ONCE)):
        await db.write(partial(_correct_some, recount=recount, corrections=batch), Lane.CLICKS)
    await end_recount(db, recount)
    return len(corrections)


def _correct_some(tx: Transaction, recount: Recount, corrections: Iterable[Correction]) -> None:
    recount.require_turn(tx)
    correct_sums(tx, recount.day, corrections)


async def _recount(
    snapshot: Snapshot, day: int, incomplete: set[int], *, only_domains: bool = False
) -> dict[Place, Quarter]:
    recount = _Recount(only_domains=only_domains)
    for start in range(day, day + DAY_MS, QUARTER_MS):
        pieces = snapshot.read_pieces(LIST_CLICKS, start, start + QUARTER_MS, size=CLICKS_AT_ONCE)
        async for rows in pieces:
            recount.add([row for row in rows if row["workspace_id"] not in incomplete])
    recount.add_visitors()
    return {
        place: Quarter(find_number(place), sums.totals, sums.persons.counts, sums.programs.counts)
        for place, sums in recount.sums.items()
    }


async def _read_stored(
    snapshot: Snapshot,
    day: int,
    incomplete: AbstractSet[int] = frozenset(),
    *,
    only_domains: bool = False,
) -> dict[Place, Quarter]:
    """What is stored for the owners of all workspaces but the incomplete ones."""
    stored: dict[Place, Quarter] = {}
    lists = _LISTS_OF_DOMAINS if only_domains else _LISTS
    for sql, is_day in lists:
        parameters = (day,) if is_day else (day, day + DAY_MS)
        async for rows in snapshot.read_pieces(sql, *parameters, size=CLICKS_AT_ONCE):
            for row in rows:
                owner, workspace_id = row["owner"], row["workspace_id"]
                if workspace_id is None:  # of a quarter hour that is no link's
                    workspace_id = find_workspace(owner)
                if workspace_id not in incomplete and (is_domain(owner) or not only_domains):
                    _add_stored(stored, row, owner, day, is_day=is_day)
    return stored


async def _add_up_links(
    snapshot: Snapshot, day: int, workspaces: AbstractSet[int]
) -> dict[Place, Quarter]:
    """The sums of these workspaces' links, by domain."""
    sums: dict[Place, Quarter] = {}
    for sql, is_day in ((LIST_QUARTERS_OF_LINKS, False), (LIST_DAYS_WITH_DOMAINS, True)):
        parameters = (day,) if is_day else (day, day + DAY_MS)
        async for rows in snapshot.read_pieces(sql, *parameters, size=CLICKS_AT_ONCE):
            for row in rows:
                if row["workspace_id"] in workspaces:
                    owner = number_domain(row["workspace_id"], row["domain_id"])
                    _add_stored(sums, row, owner, day, is_day=is_day)
    return sums


def _add_stored(
    stored: dict[Place, Quarter], row: Row, owner: int, day: int, *, is_day: bool
) -> None:
    quarters = (
        unfold_day(read_day(row)) if is_day else [read_quarter(day, row["at"], read_stored(row))]
    )
    for quarter in quarters:
        place = Place(day + quarter.number * QUARTER_MS, owner)
        earlier = stored.get(place)
        stored[place] = quarter if earlier is None else add_quarters(earlier, quarter)


def correct_sums(tx: Transaction, day: int, corrections: Iterable[Correction]) -> None:
    for place, difference in corrections:
        folded = tx.find_one(FIND_DAY, place.owner, day)
        if folded is None:
            _correct_quarter(tx, place, difference)
        else:
            _correct_day(tx, place.owner, day, [*unfold_day(read_day(folded)), difference])


def _correct_quarter(tx: Transaction, place: Place, difference: Quarter) -> None:
    row = tx.find_one(FIND_QUARTER, *place)
    if row is not None:
        difference = add_quarters(difference, read_quarter(place.at, place.at, read_stored(row)))
    left = drop_zeros(difference)
    if not has_any(left):
        tx.execute(DELETE_QUARTER, *place)
        return
    values = (encode_counts(left.persons), encode_counts(left.programs))
    tx.execute(PUT_QUARTER, *place, *left.totals, *values)


def _correct_day(tx: Transaction, owner: int, day: int, quarters: Iterable[Quarter]) -> None:
    joined: dict[int, Quarter] = {}
    for quarter in quarters:
        earlier = joined.get(quarter.number)
        joined[quarter.number] = quarter if earlier is None else add_quarters(earlier, quarter)
    left = [quarter for quarter in map(drop_zeros, joined.values()) if has_any(quarter)]
    if left:
        put_days(tx, day, [(owner, fold_quarters(left))])
    else:
        tx.execute(DELETE_DAY, owner, day)
        note_removed_day(tx, owner, day)


def find_number(place: Place) -> int:
    return place.at % DAY_MS // QUARTER_MS


def subtract(one: Quarter, other: Quarter, place: Place) -> Quarter:
    clicks, visitors, bots, scans, bio_clicks = (
        a - b for a, b in zip(one.totals, other.totals, strict=True)
    )
    return Quarter(
        find_number(place),
        (clicks, visitors, bots, scans, bio_clicks),
        subtract_counts(one.persons, other.persons),
        subtract_counts(one.programs, other.programs),
    )


def subtract_counts(one: Counts, other: Counts) -> Counts:
    differences = add_counts((one, negate_counts(other)))
    return drop_zero_counts(differences)


def negate_counts(counts: Counts) -> Counts:
    return {
        kind: {value: -count for value, count in values.items()} for kind, values in counts.items()
    }


def drop_zeros(quarter: Quarter) -> Quarter:
    return Quarter(
        quarter.number,
        quarter.totals,
        drop_zero_counts(quarter.persons),
        drop_zero_counts(quarter.programs),
    )


def drop_zero_counts(counts: Counts) -> Counts:
    left = {
        kind: {value: count for value, count in values.items() if count}
        for kind, values in counts.items()
    }
    return {kind: values for kind, values in left.items() if values}


def has_any(quarter: Quarter) -> bool:
    return any(quarter.totals) or bool(quarter.persons) or bool(quarter.programs)
