"""Every statement that maintains the roll-ups: sums of quarter hours, and a day's seen visitors.

Called in the transaction that stores the clicks, so that sums and clicks agree at every commit. See
manual/decisions/2026-11-23-roll-ups.md.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain, groupby
from operator import itemgetter
from typing import Final, NamedTuple

from shorty.clicks.model import Click
from shorty.clicks.owners import (
    LEAST_WORKSPACE,
    find_workspace,
    is_domain,
    number_domain,
    number_workspace,
)
from shorty.clicks.rollups import (
    KnownVisitors,
    Place,
    Seen,
    Stored,
    Sums,
    Visited,
    find_place,
    group_by_rule,
    group_clicks,
)
from shorty.durations import DAY_MS
from shorty.storage.database import Asked, Database, Lane, Row, Transaction, Value
from shorty.storage.statements import cut_and_fill, fill_up, number_places

IN_ONE_STATEMENT: Final = 200
FORGOTTEN_AT_ONCE: Final = 5000
VISITORS_AT_ONCE: Final = 64
SEVERAL: Final = 0
SEEN_FOR_DAYS: Final = 2  # the day itself, and one more for clicks that are stored late

_PLACES: Final = number_places(IN_ONE_STATEMENT)

FIND_HOMES: Final = f"""
select link_id, workspace_id, domain_id from link_counters where link_id in ({_PLACES})
"""  # noqa: S608 - parameters' numbers

NOTE_DOMAIN_OF_LINK: Final = "update link_counters set domain_id = $2 where link_id = $1"

NOTE_DOMAIN_OF_WORKSPACE: Final = """
insert into click_domains (owner, workspace_id) values ($1, $2) on conflict do nothing
"""

FIND_WORKSPACES_OF_SEVERAL: Final = f"""
select workspace_id from click_domains where workspace_id in ({_PLACES})
group by workspace_id having count(*) > 1
"""  # noqa: S608 - parameters' numbers

# The first pair's types are those of all; PostgreSQL would take them for texts.
_PAIRS: Final = ", ".join(
    ["(cast($2 as bigint), cast($3 as bigint))"]
    + [f"(${2 * n}, ${2 * n + 1})" for n in range(2, VISITORS_AT_ONCE + 1)]
)
FIND_VISITORS: Final = f"""
select day, visitor, owner from day_visitors
where (day, visitor) in (values {_PAIRS}) and owner < $1
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


class Home(NamedTuple):
    """A link's workspace, and the domain by which it was reached so far.

    The domain is None before the first visitor, and SEVERAL after there was another one.
    """

    workspace_id: int
    domain_id: int | None


def add_to_rollups(
    tx: Transaction, clicks: Sequence[Click], known: KnownVisitors | None = None
) -> None:
    """Adds clicks to the sums.

    They are in the order of their ids and name their domains; their links exist.
    """
    if not clicks:
        return
    homes = find_homes(tx, {click.link_id for click in clicks})
    workspaces = {each: home.workspace_id for each, home in homes.items()}
    groups = group_clicks(clicks, workspaces)
    places = {group.place for group in groups}
    domains = {place.owner for place in places if is_domain(place.owner)}
    tx.send_rows(NOTE_DOMAIN_OF_WORKSPACE, [(each, find_workspace(each)) for each in domains])
    sums = _find_sums(tx, places)
    for group in groups:
        sums[group.place].add_clicks(group.kind, group.source, group.keys, group.clicks)
    for place, kind, value, count in group_by_rule(clicks, workspaces):
        sums[place].add_rule(kind, value, count)
    for seen, click in _take_visitors(tx, clicks, homes, known or KnownVisitors()):
        sums[find_place(seen[2], click.at)].add_visitor(click)
    put_sums(tx, sums)


def put_sums(tx: Transaction, sums: Mapping[Place, Sums]) -> None:
    """Replaces the stored sums of the same quarter hours."""
    rows: list[tuple[Value, ...]] = []
    for at, owner in _sort(sums):
        each = sums[Place(at, owner)]
        rows.append((at, owner, *each.totals, each.persons.encode(), each.programs.encode()))
    tx.send_rows(PUT_QUARTER, rows)


def find_homes(tx: Transaction, link_ids: Iterable[int]) -> dict[int, Home]:
    """Where those links are that exist."""
    rows = _find_in_pieces(tx, FIND_HOMES, sorted(link_ids))
    return {row["link_id"]: Home(row["workspace_id"], row["domain_id"]) for row in rows}


async def forget_some_visitors(db: Database, now: int) -> int:
    """Deletes some of the visitors seen on past days; returns how many."""
    return await db.write(lambda tx: forget_visitors(tx, now, FORGOTTEN_AT_ONCE), Lane.CLICKS)


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
    homes: Mapping[int, Home],
    known: KnownVisitors,
) -> Iterator[tuple[Seen, Click]]:
    """The first visit of the day to each owner, in the clicks' order."""
    visited = known.find_first_visits(clicks)
    links = _note_domains(tx, visited, homes)
    workspaces = _list_workspaces_of_several(tx, {homes[each[2]].workspace_id for each in visited})
    new: set[Seen] = set()
    # A visitor's rows are stored together, so this order touches each page once.
    ordered = sorted(visited)
    size = tx.dialect.rows_at_once
    for start in range(0, len(ordered), size):
        visits = ordered[start : start + size]
        to_links = _note_visitors(tx, [each[:3] for each in visits])
        new |= to_links
        to_domains = {
            _find_in_domain(each, homes): None
            for each in visits
            if each[:3] in to_links or each[2] in links
        }
        unknown = [seen for seen in to_domains if not known.holds(seen)]
        new.update(_note_in_domains(tx, unknown, workspaces))
        known.note(unknown)
    known.note(ordered)
    for each, click in visited.items():
        domain = _find_in_domain(each, homes)
        for seen in (each[:3], domain, _find_in_workspace(domain)):
            if seen in new:
                new.remove(seen)
                yield seen, click


def _note_in_domains(
    tx: Transaction, seen: Sequence[Seen], workspaces: AbstractSet[int]
) -> Iterator[Seen]:
    """Stores visitors of domains, and returns the new ones of domains and of workspaces.

    A visitor who is new to a domain is new to its workspace, unless another of its domains has seen
    them; `workspaces` are those of several domains.
    """
    doubtful = [each for each in seen if find_workspace(each[2]) in workspaces]
    known = {_find_in_workspace(each) for each in _find_visitors(tx, doubtful)}
    to_domains = _note_visitors(tx, seen)
    yield from to_domains
    yield from {_find_in_workspace(each) for each in to_domains} - known


def _find_visitors(tx: Transaction, seen: Sequence[Seen]) -> Iterator[Seen]:
    """All domains that have seen these visitors."""
    asked: list[Asked] = []
    for start in range(0, len(seen), VISITORS_AT_ONCE):
        pairs = [each[:2] for each in seen[start : start + VISITORS_AT_ONCE]]
        filled = chain.from_iterable(fill_up(pairs, VISITORS_AT_ONCE))
        asked.append(tx.ask(FIND_VISITORS, LEAST_WORKSPACE, *filled))
    for each in asked:
        yield from ((row[0], row[1], row[2]) for row in each.rows())


def _note_domains(
    tx: Transaction, visited: Iterable[Visited], homes: Mapping[int, Home]
) -> AbstractSet[int]:
    """Notes the domains of the links; returns the links that were ever reached by several."""
    domains = {link_id: home.domain_id for link_id, home in homes.items()}
    changed: dict[int, int] = {}
    for _, _, link_id, domain_id in visited:
        earlier = domains[link_id]
        if earlier not in {domain_id, SEVERAL}:
            domains[link_id] = changed[link_id] = domain_id if earlier is None else SEVERAL
    tx.execute_many(NOTE_DOMAIN_OF_LINK, list(changed.items()))
    return {link_id for link_id, domain_id in domains.items() if domain_id == SEVERAL}


def _list_workspaces_of_several(tx: Transaction, workspace_ids: Iterable[int]) -> AbstractSet[int]:
    """Those of these workspaces that were ever reached by several domains."""
    rows = _find_in_pieces(tx, FIND_WORKSPACES_OF_SEVERAL, sorted(workspace_ids))
    return {row["workspace_id"] for row in rows}


def _note_visitors(tx: Transaction, seen: Sequence[Seen]) -> set[Seen]:
    """Stores the visitors and returns the new ones."""
    return {(row[0], row[1], row[2]) for row in tx.insert_rows_returning(TAKE_VISITOR, seen)}


def _find_in_domain(visited: Visited, homes: Mapping[int, Home]) -> Seen:
    day, visitor, link_id, domain_id = visited
    return day, visitor, number_domain(homes[link_id].workspace_id, domain_id)


def _find_in_workspace(seen: Seen) -> Seen:
    day, visitor, owner = seen
    return day, visitor, number_workspace(find_workspace(owner))


def _find_in_pieces(tx: Transaction, sql: str, ids: Sequence[int], *others: Value) -> Iterator[Row]:
    """Reads many rows with few statements."""
    asked = [tx.ask(sql, *piece, *others) for piece in cut_and_fill(ids, IN_ONE_STATEMENT)]
    for each in asked:
        yield from each.rows()
