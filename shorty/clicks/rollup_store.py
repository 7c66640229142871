"""Every statement that maintains the roll-ups: sums of quarter hours, and a day's seen visitors.

Called in the transaction that stores the clicks, so that sums and clicks agree at every commit. See
manual/decisions/2026-11-23-roll-ups.md.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Final

from shorty.clicks.model import Click
from shorty.clicks.rollups import KnownVisitors, Place, Seen, Stored, Sums, find_place, group_clicks
from shorty.durations import DAY_MS
from shorty.storage.database import Database, Row, Transaction, Value
from shorty.storage.statements import cut_and_fill, number_places

IN_ONE_STATEMENT: Final = 200
FORGOTTEN_AT_ONCE: Final = 5000
VISITORS_AT_ONCE: Final = 64
SEEN_FOR_DAYS: Final = 2  # the day itself, and one more for clicks that are stored late

_PLACES: Final = number_places(IN_ONE_STATEMENT)

FIND_WORKSPACES: Final = f"""
select link_id, workspace_id from link_counters where link_id in ({_PLACES})
"""  # noqa: S608 - parameters' numbers

FIND_QUARTERS: Final = f"""
select at, owner, clicks, visitors, bots, scans, bio_clicks, persons, programs
from click_quarters where owner in ({_PLACES}) and at = ${IN_ONE_STATEMENT + 1}
"""  # noqa: S608 - parameters' numbers

PUT_QUARTER: Final = """
insert into click_quarters (
  at, owner, clicks, visitors, bots, scans, bio_clicks, persons, programs
) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (at, owner) do update set
  clicks = excluded.clicks, visitors = excluded.visitors, bots = excluded.bots,
  scans = excluded.scans, bio_clicks = excluded.bio_clicks,
  persons = excluded.persons, programs = excluded.programs
"""

TAKE_VISITOR: Final = """
insert into day_visitors (day, visitor, owner) values ($1, $2, $3) on conflict do nothing
returning day, visitor, owner
"""

FORGET_VISITORS: Final = """
delete from day_visitors where (day, visitor, owner) in (
  select day, visitor, owner from day_visitors where day < $1 limit $2
)
"""


def add_to_rollups(
    tx: Transaction, clicks: Sequence[Click], known: KnownVisitors | None = None
) -> None:
    """Adds clicks to the sums; the clicks are in the order of their ids and their links exist."""
    if not clicks:
        return
    workspaces = find_workspaces(tx, {click.link_id for click in clicks})
    groups = group_clicks(clicks, workspaces)
    sums = _find_sums(tx, {group.place for group in groups})
    for group in groups:
        sums[group.place].add_clicks(group.kind, group.source, group.keys, group.clicks)
    for seen, click in _take_visitors(tx, clicks, workspaces, known or KnownVisitors()):
        sums[find_place(seen[2], click.at)].add_visitor(click)
    put_sums(tx, sums)


def put_sums(tx: Transaction, sums: Mapping[Place, Sums]) -> None:
    """Replaces the stored sums of the same quarter hours."""
    rows: list[tuple[Value, ...]] = []
    for at, owner in _sort(sums):
        each = sums[Place(at, owner)]
        rows.append((at, owner, *each.totals, each.persons.encode(), each.programs.encode()))
    tx.insert_rows(PUT_QUARTER, rows)


def find_workspaces(tx: Transaction, link_ids: Iterable[int]) -> dict[int, int]:
    """The workspaces of those links that exist."""
    rows = _find_in_pieces(tx, FIND_WORKSPACES, sorted(link_ids))
    return {row["link_id"]: row["workspace_id"] for row in rows}


async def forget_some_visitors(db: Database, now: int) -> int:
    """Deletes some of the visitors seen on past days; returns how many."""
    return await db.write(lambda tx: forget_visitors(tx, now, FORGOTTEN_AT_ONCE))


def forget_visitors(tx: Transaction, now: int, limit: int) -> int:
    return tx.execute(FORGET_VISITORS, find_first_kept_day(now), limit)


def find_first_kept_day(now: int) -> int:
    """The oldest UTC day whose seen visitors are still stored."""
    return (now // DAY_MS - SEEN_FOR_DAYS + 1) * DAY_MS


def read_stored(row: Row) -> Stored:
    totals = (row["clicks"], row["visitors"], row["bots"], row["scans"], row["bio_clicks"])
    return Stored(totals, row["persons"], row["programs"])


def _find_sums(tx: Transaction, places: set[Place]) -> dict[Place, Sums]:
    sums = {place: Sums() for place in places}
    for at, found in groupby(_sort(places), key=itemgetter(0)):
        for row in _find_in_pieces(tx, FIND_QUARTERS, [owner for _, owner in found], at):
            sums[Place(row["at"], row["owner"])] = Sums(read_stored(row))
    return sums


def _sort(places: Iterable[Place]) -> list[tuple[int, int]]:
    """In storage order, so that neighbours share pages; plain tuples compare much faster."""
    return sorted((place[0], place[1]) for place in places)


def _take_visitors(
    tx: Transaction,
    clicks: Sequence[Click],
    workspaces: Mapping[int, int],
    known: KnownVisitors,
) -> Iterator[tuple[Seen, Click]]:
    """The first visit of the day to each link and to each workspace, in the clicks' order."""
    to_links = known.find_first_visits(clicks)
    # A visitor who is new to a workspace is new to each of its links.
    to_workspaces: dict[Seen, Click] = {}
    for seen, click in to_links.items():
        to_workspaces.setdefault(_find_in_workspace(seen, workspaces), click)
    new: set[Seen] = set()
    # A visitor's rows are stored together, so this order touches each page once.
    ordered = sorted(to_links)
    for first in range(0, len(ordered), VISITORS_AT_ONCE):
        of_links = _note_visitors(tx, ordered[first : first + VISITORS_AT_ONCE], known)
        of_workspaces = {_find_in_workspace(seen, workspaces): None for seen in of_links}
        unknown = [seen for seen in of_workspaces if not known.holds(seen)]
        new.update(of_links, _note_visitors(tx, unknown, known))
    for first_visits in (to_links, to_workspaces):
        yield from ((seen, click) for seen, click in first_visits.items() if seen in new)


def _note_visitors(tx: Transaction, seen: Sequence[Seen], known: KnownVisitors) -> list[Seen]:
    """Stores the visitors and returns the new ones."""
    known.note(seen)
    return [(row[0], row[1], row[2]) for row in tx.insert_rows_returning(TAKE_VISITOR, seen)]


def _find_in_workspace(seen: Seen, workspaces: Mapping[int, int]) -> Seen:
    day, visitor, link_id = seen
    return day, visitor, -workspaces[link_id]


def _find_in_pieces(tx: Transaction, sql: str, ids: Sequence[int], *others: Value) -> Iterator[Row]:
    """Reads many rows with few statements."""
    for piece in cut_and_fill(ids, IN_ONE_STATEMENT):
        yield from tx.find_all(sql, *piece, *others)
