"""Every statement of lists of links: written for the filter at hand, each able to use its index.

Three ways lead to a page; `pages` chooses. *Walking* follows the index of the order and keeps what
fits the filter: quick where much fits. *Ranking* gathers what one filter's index (the source)
gives and sorts it: quick where little fits. *Following* reads a source in the order of ids, which
is that of creation: quick in any case, but only for that order.

`cross join` keeps the tables in the order they are written in: what narrows most stands first.
"""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec
from msgspec import json

from shorty.links.model import LinkKind
from shorty.storage.database import Database, Row, Transaction
from shorty.storage.search import Match, write_contains, write_ids, write_source
from shorty.storage.statements import Statement

Order = Literal["created_at", "total"]
Source = Literal["search", "tag", "starred", "inactive", "domain"]

# The first condition is that of the index `links_of_codes_and_pages`, word for word.
_OF_CODE_OR_PAGE: Final = "(l.made_through = 'qr' or l.is_link_in_bio = 1)"
_KINDS: Final[dict[LinkKind, str]] = {
    "plain": "l.made_through <> 'qr' and l.is_link_in_bio = 0",
    "qr": f"{_OF_CODE_OR_PAGE} and l.made_through = 'qr'",
    "bio": f"{_OF_CODE_OR_PAGE} and l.made_through <> 'qr'",
    "qr-or-bio": _OF_CODE_OR_PAGE,
    "coded": "l.qr_settings is not null",
}

UNBOUNDED: Final = 2**62
COUNTED: Final = 10_000

COUNT_ALL: Final = """
select used from quotas where workspace_id = $1 and quota = 'links' and period = ''
"""
# Of such a workspace, the order of ids is not that of creation.
NOTE_IMPORTED: Final = """
insert into server_state (name, value) values ($1, '1') on conflict (name) do nothing
"""
FIND_IMPORTED: Final = "select value from server_state where name = $1"


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
    is_starred: bool | None
    kind: LinkKind | None
    match: Match | None
    order: Order
    is_descending: bool
    found_ids: tuple[int, ...] | None = None  # all that the search's source gives, if known

    @property
    def is_of_columns(self) -> bool:
        """Whether the filter asks for nothing but what the indexes of links hold."""
        return self.match is None and self.tag_id is None

    @property
    def is_of_match(self) -> bool:
        """Whether the search's own index knows all that the filter asks for."""
        return self.tag_id is None and self.is_starred is None and self.kind is None

    @property
    def has_index_of_its_own(self) -> bool:
        """Whether one index holds both the filter and the order."""
        return self.is_of_columns and self.order == "created_at"

    def list_sources(self) -> list[Source]:
        """The filters whose index can give what fits them."""
        there: dict[Source, bool] = {
            "search": self.match is not None and self.match.expression is not None,
            "tag": self.tag_id is not None,
            "starred": self.is_starred is True,
            "inactive": self.is_active is False,
            "domain": self.domain_id is not None,
        }
        return [source for source, is_there in there.items() if is_there]

    def is_settled_by(self, source: Source) -> bool:
        """Whether all that the source gives fits the whole filter."""
        if self.kind is not None or (self.is_starred is not None and source != "starred"):
            return False
        match source:
            case "search":
                return self.tag_id is None and self.match is not None and self.match.is_exact
            case "tag":
                return False  # deleted links keep their tags
            case "starred":
                return self.is_of_columns and self.domain_id is None and self.is_active is None
            case "inactive":
                return self.tag_id is None and self.match is None and self.domain_id is None
            case "domain":
                return self.tag_id is None and self.match is None and self.is_active is None


class _ListStatement(Statement):
    def __init__(self, listing: Listing) -> None:
        super().__init__()
        self.listing = listing

    def write_source(self, source: Source) -> str:
        """The ids that the source gives."""
        listing = self.listing
        match source:
            case "search":
                if listing.found_ids is not None:
                    return write_ids(self.bind(json.encode(listing.found_ids).decode()))
                return write_source(self.bind(listing.match.expression if listing.match else None))
            case "tag":
                tag_id = self.bind(listing.tag_id)
                return f"select link_id as id from link_tags where tag_id = {tag_id}"  # noqa: S608 - a parameter's number
            case "starred":
                return f"select l.id from links l where {self.write_live()} and l.is_starred = 1"  # noqa: S608 - conditions of our own
            case "inactive":
                return f"select l.id from links l where {self.write_live()} and l.is_active = 0"  # noqa: S608 - conditions of our own
            case "domain":
                live, domain_id = self.write_live(), self.bind(listing.domain_id)
                return f"select l.id from links l where {live} and l.domain_id = {domain_id}"  # noqa: S608 - conditions of our own

    def write_live(self) -> str:
        return f"l.workspace_id = {self.bind(self.listing.workspace_id)} and l.deleted_at is null"

    def write_columns(self) -> str:
        domain_id, is_active = self.listing.domain_id, self.listing.is_active
        # Literals: the indexes of what is switched off or starred have them in their condition.
        active = "" if is_active is None else f" and l.is_active = {int(is_active)}"
        active += self.write_starred() + self.write_kind()
        if domain_id is None:
            return active
        # The plus leaves the index to the rarer condition.
        plus = "+" if is_active is False or self.listing.is_starred else ""
        return f" and {plus}l.domain_id = {self.bind(domain_id)}{active}"

    def write_starred(self) -> str:
        is_starred = self.listing.is_starred
        return "" if is_starred is None else f" and l.is_starred = {int(is_starred)}"

    def write_kind(self) -> str:
        kind = self.listing.kind
        return "" if kind is None else f" and {_KINDS[kind]}"

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
        if match is None:
            return ""
        return f" and {write_contains(match.text, self.bind(match.text), 'l')}"

    def write_rest(self, source: Source) -> str:
        """What the source has not settled, on a row of links; the index knows the columns too."""
        match = self.listing.match
        if source == "search" and match is not None:
            contains = "" if match.is_exact else self.write_contains()
            rest = self.write_starred() + self.write_kind()
            return rest + self.write_tag("l.id") + contains
        tag = "" if source == "tag" else self.write_tag("l.id")
        return self.write_columns() + tag + self.write_contains()

    def write_after(self, key: str, link_id: str, after: Position) -> str:
        sign = "<" if self.listing.is_descending else ">"
        return f"({key}, {link_id}) {sign} ({self.bind(after.key)}, {self.bind(after.id)})"

    def write_walk(
        self, columns: str, where: str, key: str, link_id: str, after: Position, budget: int
    ) -> str:
        """The next rows of a table in the order of an index.

        First those that share the last link's key, then those beyond it: of a comparison of pairs
        SQLite's index uses the first half alone, and a million links share a count of 0.
        """
        sign = "<" if self.listing.is_descending else ">"
        last_key, last_id = self.bind(after.key), self.bind(after.id)
        limit = self.bind(budget)
        return (
            f"select * from (select {columns} where {where} and {key} = {last_key}"  # noqa: S608 - conditions of our own
            f" and {link_id} {sign} {last_id} {self.write_order(link_id)} limit {limit})"
            " union all"
            f" select * from (select {columns} where {where} and {key} {sign} {last_key}"
            f" {self.write_order(key, link_id)} limit {limit})"
        )

    def write_order(self, *columns: str) -> str:
        way = " desc" if self.listing.is_descending else ""
        return f"order by {', '.join(column + way for column in columns)}"


async def count_all(db: Database, workspace_id: int) -> int:
    """Every live link of the workspace, as its quota counts them."""
    row = await db.find_one(COUNT_ALL, workspace_id)
    return row["used"] if row else 0


async def has_imported(db: Database, workspace_id: int) -> bool:
    """Whether there may be links that brought an earlier time of creation along."""
    return await db.find_one(FIND_IMPORTED, _name_imported(workspace_id)) is not None


def note_imported(tx: Transaction, workspace_id: int) -> None:
    """From now on the workspace's links are not listed by their ids."""
    tx.execute(NOTE_IMPORTED, _name_imported(workspace_id))


def _name_imported(workspace_id: int) -> str:
    return f"imported-links-{workspace_id}"


async def count_source(db: Database, listing: Listing, source: Source) -> int:
    """How much a filter's index gives, up to COUNTED + 1."""
    statement = _ListStatement(listing)
    found = statement.write_source(source)
    return await _count(db, statement, f"{found} limit {statement.bind(COUNTED + 1)}")


async def list_source(db: Database, listing: Listing, source: Source, limit: int) -> list[int]:
    """Some of the ids that the source gives."""
    statement = _ListStatement(listing)
    found = statement.write_source(source)
    rows = await db.find_all(f"{found} limit {statement.bind(limit)}", *statement.values)
    return [row["id"] for row in rows]


async def count_fitting(db: Database, listing: Listing, source: Source | None) -> int:
    """How many links fit the whole filter, up to COUNTED + 1."""
    statement = _ListStatement(listing)
    if source is None:
        fitting = (
            f"select l.id from links l where {statement.write_live()}{statement.write_columns()}"  # noqa: S608 - conditions of our own
            f"{statement.write_tag('l.id')}{statement.write_contains()}"
        )
    else:
        fitting = (
            f"select l.id from ({statement.write_source(source)}) s"  # noqa: S608 - conditions of our own
            " cross join links l on l.id = s.id"
            f" where {statement.write_live()}{statement.write_rest(source)}"
        )
    return await _count(db, statement, f"{fitting} limit {statement.bind(COUNTED + 1)}")


async def follow(
    db: Database, listing: Listing, source: Source, after: Position, limit: int
) -> list[Position]:
    """The next links that fit, in the order of their ids."""
    listing = _sort_found(listing)
    statement = _ListStatement(listing)
    sign = "<" if listing.is_descending else ">"
    found = f"select s.id from ({statement.write_source(source)}) s"  # noqa: S608 - conditions of our own
    where = f"s.id {sign} {statement.bind(after.id)}"
    if not listing.is_settled_by(source):
        found += " cross join links l on l.id = s.id"
        where += f" and {statement.write_live()}{statement.write_rest(source)}"
    is_sorted = source == "search" and listing.found_ids is not None
    order = "" if is_sorted else statement.write_order("s.id")
    rows = await db.find_all(
        f"{found} where {where} {order} limit {statement.bind(limit)}", *statement.values
    )
    # What follows is found by the id alone.
    return [Position(key=0, id=row["id"]) for row in rows]


def _sort_found(listing: Listing) -> Listing:
    """The ids that are known already, in the list's order: so they need not be sorted again."""
    if listing.found_ids is None:
        return listing
    ids = sorted(listing.found_ids, reverse=listing.is_descending)
    return msgspec.structs.replace(listing, found_ids=tuple(ids))


async def rank(
    db: Database, listing: Listing, source: Source, after: Position, limit: int
) -> list[Position]:
    """The next links that fit, of all that the source gives."""
    statement = _ListStatement(listing)
    found = statement.write_source(source)
    if listing.order == "created_at":
        key, link_id = "l.created_at", "l.id"
        tables = "cross join links l on l.id = s.id"
        where = statement.write_live() + statement.write_rest(source)
    else:
        key, link_id = "c.total", "c.link_id"
        tables = "cross join link_counters c on c.link_id = s.id"
        where = f"c.workspace_id = {statement.bind(listing.workspace_id)} and c.is_live = 1"
        if rest := statement.write_rest(source):
            tables += " cross join links l on l.id = c.link_id"
            where += rest
    rows = await db.find_all(
        f"select {link_id} as id, {key} as key from ({found}) s {tables}"  # noqa: S608 - conditions of our own
        f" where {where} and {statement.write_after(key, link_id, after)}"
        f" {statement.write_order(key, link_id)} limit {statement.bind(limit)}",
        *statement.values,
    )
    return _read_positions(rows)


async def walk(
    db: Database, listing: Listing, after: Position, limit: int, budget: int = UNBOUNDED
) -> list[Position]:
    """The next links that fit, found among about the next `budget` links in the list's order."""
    statement = _ListStatement(listing)
    # The inner order holds: nothing outside it sorts, and it is read row by row.
    if listing.order == "created_at":
        columns = "l.id, l.created_at as key, l.slug, l.title, l.url, l.original_url from links l"
        where = statement.write_live() + statement.write_columns()
        walked = statement.write_walk(columns, where, "l.created_at", "l.id", after, budget)
        found = f"select l.id, l.key from ({walked}) l where 1 = 1"  # noqa: S608 - conditions of our own
    else:
        columns = "c.link_id, c.total as key from link_counters c"
        where = f"c.workspace_id = {statement.bind(listing.workspace_id)} and c.is_live = 1"
        walked = statement.write_walk(columns, where, "c.total", "c.link_id", after, budget)
        found = (
            f"select l.id, c.key from ({walked}) c cross join links l on l.id = c.link_id"  # noqa: S608 - conditions of our own
            f" where l.deleted_at is null{statement.write_columns()}"
        )
    found += f"{statement.write_tag('l.id')}{statement.write_contains()}"
    rows = await db.find_all(f"{found} limit {statement.bind(limit)}", *statement.values)
    return _read_positions(rows)


async def _count(db: Database, statement: _ListStatement, fitting: str) -> int:
    row = await db.find_one(f"select count(*) as links from ({fitting}) f", *statement.values)  # noqa: S608 - a statement of our own
    return row["links"] if row else 0


def _read_positions(rows: Sequence[Row]) -> list[Position]:
    return [Position(key=row["key"], id=row["id"]) for row in rows]
