"""Every statement of lists of links: written for the filter at hand, each able to use its index.

Two ways lead to a page. *Walking* follows the index of the order and keeps what fits the filter:
quick where much fits. *Ranking* gathers everything that fits from the index of one filter (the
source) and sorts it: quick where little fits. `pages` chooses.
"""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from shorty.storage.database import Database, Row, Value
from shorty.storage.search import Match, write_contains, write_source

Order = Literal["created_at", "total"]

UNBOUNDED: Final = 2**62
COUNTED: Final = 10_000

COUNT_ALL: Final = """
select used from quotas where workspace_id = $1 and quota = 'links' and period = ''
"""


class Position(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Where a page ends: the last link's value of what is sorted by, and its id."""

    key: int
    id: int


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """What to list in which order; a filter that is None lets everything through."""

    workspace_id: int
    domain_id: int | None
    tag_id: int | None
    is_active: bool | None
    match: Match | None
    order: Order
    is_descending: bool

    @property
    def has_own_order(self) -> bool:
        """Whether one index holds both the filter and the order, so that walking it is best."""
        is_single = self.domain_id is None or self.is_active is None
        is_of_columns = self.match is None and self.tag_id is None
        return self.order == "created_at" and is_of_columns and is_single

    @property
    def is_settled_by_source(self) -> bool:
        """Whether what the source gives fits the whole filter and needs no second look."""
        return self.tag_id is None and (self.match is None or self.match.is_exact)


class _Statement:
    """A statement in the making: its parameters are numbered as they are written."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self.values: list[Value] = []

    def bind(self, value: Value) -> str:
        self.values.append(value)
        return f"${len(self.values)}"

    def write_source(self) -> str | None:
        """The ids that one filter's index gives; None where walking is as good."""
        listing = self.listing
        if listing.match is not None:
            expression = listing.match.expression
            return None if expression is None else write_source(self.bind(expression))
        if listing.tag_id is not None:
            return f"select link_id as id from link_tags where tag_id = {self.bind(listing.tag_id)}"  # noqa: S608 - a parameter's number
        if listing.is_active is False or listing.domain_id is not None:
            return f"select l.id from links l where {self.write_live()}{self.write_columns()}"  # noqa: S608 - conditions of our own
        return None

    def write_live(self) -> str:
        return f"l.workspace_id = {self.bind(self.listing.workspace_id)} and l.deleted_at is null"

    def write_columns(self) -> str:
        """The conditions that an index of links holds."""
        domain_id, is_active = self.listing.domain_id, self.listing.is_active
        domain = "" if domain_id is None else f" and l.domain_id = {self.bind(domain_id)}"
        # A literal: the index of what is switched off has it in its own condition.
        return domain + ("" if is_active is None else f" and l.is_active = {int(is_active)}")

    def write_tag(self, link_id: str) -> str:
        if self.listing.tag_id is None:
            return ""
        tag_id = self.bind(self.listing.tag_id)
        return (
            f" and exists (select 1 from link_tags t where t.link_id = {link_id}"  # noqa: S608 - names of our own
            f" and t.tag_id = {tag_id})"
        )

    def write_contains(self) -> str:
        match = self.listing.match
        return (
            ""
            if match is None
            else f" and {write_contains(match.text, self.bind(match.text), 'l')}"
        )

    def write_rest(self, link_id: str) -> str:
        """What the source has not settled; the text is looked at when the links are read."""
        if self.listing.match is not None:
            # The index's labels are held against the links wherever these are read anyway.
            columns = self.write_columns() if link_id == "l.id" else ""
            return columns + self.write_tag(link_id)
        return self.write_columns() if self.listing.tag_id is not None else ""

    def write_after(self, key: str, link_id: str, after: Position) -> str:
        sign = "<" if self.listing.is_descending else ">"
        return f"({key}, {link_id}) {sign} ({self.bind(after.key)}, {self.bind(after.id)})"

    def write_order(self, key: str, link_id: str) -> str:
        way = " desc" if self.listing.is_descending else ""
        return f"order by {key}{way}, {link_id}{way}"


async def count_all(db: Database, workspace_id: int) -> int:
    """Every live link of the workspace, as its quota counts them."""
    row = await db.find_one(COUNT_ALL, workspace_id)
    return row["used"] if row else 0


async def count_source(db: Database, listing: Listing) -> int | None:
    """How much one filter's index gives, up to COUNTED + 1; None where there is no source."""
    statement = _Statement(listing)
    source = statement.write_source()
    if source is None:
        return None
    limit = statement.bind(COUNTED + 1)
    return await _count(db, statement, f"{source} limit {limit}")


async def list_source(db: Database, listing: Listing, limit: int) -> list[int]:
    """Some of the ids that the source gives."""
    statement = _Statement(listing)
    source = statement.write_source()
    if source is None:
        return []
    rows = await db.find_all(f"{source} limit {statement.bind(limit)}", *statement.values)
    return [row["id"] for row in rows]


async def count_fitting(db: Database, listing: Listing) -> int:
    """How many links fit the whole filter, up to COUNTED + 1."""
    statement = _Statement(listing)
    source = statement.write_source()
    if source is None:
        fitting = f"select l.id from links l where {statement.write_live()}"  # noqa: S608 - conditions of our own
        fitting += statement.write_columns() + statement.write_tag("l.id")
    else:
        fitting = f"select l.id from ({source}) s cross join links l on l.id = s.id"  # noqa: S608 - conditions of our own
        fitting += f" where {statement.write_live()}{statement.write_rest('l.id')}"
    fitting += statement.write_contains()
    limit = statement.bind(COUNTED + 1)
    return await _count(db, statement, f"{fitting} limit {limit}")


async def rank(db: Database, listing: Listing, after: Position, limit: int) -> list[Position]:
    """The next links that fit, of all that the source gives. A match may be a candidate only."""
    statement = _Statement(listing)
    source = statement.write_source()
    if source is None:
        return await walk(db, listing, after, limit)
    if listing.order == "created_at":
        columns, key, link_id = "l.id, l.created_at as key", "l.created_at", "l.id"
        tables = "cross join links l on l.id = s.id"
        where = statement.write_live()
    else:
        columns, key, link_id = "c.link_id as id, c.total as key", "c.total", "c.link_id"
        tables = "cross join link_counters c on c.link_id = s.id"
        where = f"c.workspace_id = {statement.bind(listing.workspace_id)} and c.is_live = 1"
        if listing.match is None and listing.tag_id is not None:
            tables += " cross join links l on l.id = c.link_id"
    rest = statement.write_rest(link_id)
    rows = await db.find_all(
        f"select {columns} from ({source}) s {tables}"  # noqa: S608 - conditions of our own
        f" where {where}{rest} and {statement.write_after(key, link_id, after)}"
        f" {statement.write_order(key, link_id)} limit {statement.bind(limit)}",
        *statement.values,
    )
    return _read_positions(rows)


async def walk(
    db: Database, listing: Listing, after: Position, limit: int, budget: int = UNBOUNDED
) -> list[Position]:
    """The next links that fit, found among the next `budget` links in the list's order."""
    statement = _Statement(listing)
    if listing.order == "created_at":
        # The inner order holds: nothing outside it sorts, and it is read row by row.
        walked = (
            "select l.id, l.created_at as key, l.slug, l.title, l.url, l.original_url from links l"  # noqa: S608 - conditions of our own
            f" where {statement.write_live()}{statement.write_columns()}"
            f" and {statement.write_after('l.created_at', 'l.id', after)}"
            f" {statement.write_order('l.created_at', 'l.id')} limit {statement.bind(budget)}"
        )
        found = f"select l.id, l.key from ({walked}) l where 1 = 1"  # noqa: S608 - conditions of our own
    else:
        walked = (
            "select c.link_id, c.total as key from link_counters c"  # noqa: S608 - conditions of our own
            f" where c.workspace_id = {statement.bind(listing.workspace_id)} and c.is_live = 1"
            f" and {statement.write_after('c.total', 'c.link_id', after)}"
            f" {statement.write_order('c.total', 'c.link_id')} limit {statement.bind(budget)}"
        )
        found = (
            f"select l.id, c.key from ({walked}) c cross join links l on l.id = c.link_id"  # noqa: S608 - conditions of our own
            f" where l.deleted_at is null{statement.write_columns()}"
        )
    conditions = statement.write_tag("l.id") + statement.write_contains()
    rows = await db.find_all(
        f"{found}{conditions} limit {statement.bind(limit)}", *statement.values
    )
    return _read_positions(rows)


async def _count(db: Database, statement: _Statement, fitting: str) -> int:
    row = await db.find_one(f"select count(*) as links from ({fitting}) f", *statement.values)  # noqa: S608 - a statement of our own
    return row["links"] if row else 0


def _read_positions(rows: Sequence[Row]) -> list[Position]:
    return [Position(key=row["key"], id=row["id"]) for row in rows]
