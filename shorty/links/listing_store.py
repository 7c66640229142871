"""Every statement of lists of links: written for the filter at hand, each able to use its index.

Three ways lead to a page; `pages` chooses. *Walking* follows the index of the order and keeps what
fits the filter: quick where much fits. *Ranking* gathers what one filter's index (the source)
gives and sorts it: quick where little fits. *Following* reads a source in the order of ids, which
is that of creation: quick in any case, but only for that order.

`cross join` keeps the tables in the order they are written in on SQLite: what narrows most stands
first. PostgreSQL takes no `on` behind it, so what joins them is a condition like the others.
"""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from shorty.links.listing_states import DELETED, INDEXED, KINDS, LIVE, write_state
from shorty.links.model import JudgedState, LinkKind
from shorty.storage.database import Database, Row, Transaction
from shorty.storage.dialect import Dialect, Match, Walk, write_order
from shorty.storage.statements import Statement

Order = Literal["created_at", "deleted_at", "total"]
Source = Literal["search", "tag", "starred", "inactive", "domain", "state"]

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
    state: JudgedState | None  # None too where the flags above say all of it
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
        is_of_labels = self.is_starred is None and self.kind is None and self.state is None
        return self.tag_id is None and is_of_labels

    @property
    def is_of_counters(self) -> bool:
        """Whether the counters know the state, and links do not."""
        return self.state is not None and self.state.name == "used-up"

    @property
    def is_of_deleted(self) -> bool:
        return self.state is not None and self.state.name == "deleted"

    @property
    def has_state_source(self) -> bool:
        """Whether an index gives what is in the state; of active links it would give most."""
        return self.state is not None and self.state.name != "active"

    @property
    def has_rare_columns(self) -> bool:
        """Whether an index of few links holds one of the conditions."""
        is_flagged = self.is_active is False or self.is_starred is True or self.kind == "coded"
        return is_flagged or self.has_state_source

    @property
    def has_index_of_its_own(self) -> bool:
        """Whether one index holds both the filter and the order."""
        is_indexed = self.state is None or self.state.name in INDEXED or not self.has_state_source
        return self.is_of_columns and self.order != "total" and is_indexed

    def list_followed(self) -> list[Source]:
        """The filters whose index is in the order of ids."""
        in_order = {"search", "tag", *(("state",) if self.is_of_counters else ())}
        return [source for source in self.list_sources() if source in in_order]

    @property
    def has_index_of_order(self) -> bool:
        """The counters of deleted links have none."""
        return self.order != "total" or not self.is_of_deleted

    @property
    def is_walked_whole(self) -> bool:
        """Whether all can be walked through: it takes an index's entry, and no row, for each."""
        is_of_ends = self.state is not None and self.state.name == "expired"
        return self.is_of_columns and self.order == "created_at" and is_of_ends

    def list_sources(self) -> list[Source]:
        """The filters whose index can give what fits them."""
        there: dict[Source, bool] = {
            "search": self.match is not None and self.match.expression is not None,
            "tag": self.tag_id is not None,
            "starred": self.is_starred is True,
            "inactive": self.is_active is False,
            "domain": self.domain_id is not None,
            "state": self.has_state_source,
        }
        return [source for source, is_there in there.items() if is_there]

    def is_settled_by(self, source: Source) -> bool:
        """Whether all that the source gives fits the whole filter."""
        if self.kind is not None or (self.is_starred is not None and source != "starred"):
            return False
        if self.state is not None and source != "state":
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
            case "state":
                return self.is_of_columns and self.domain_id is None and self.is_active is None


class _ListStatement(Statement):
    def __init__(self, listing: Listing, dialect: Dialect) -> None:
        super().__init__()
        self.listing = listing
        self.dialect = dialect

    def write_source(self, source: Source) -> str:
        """The ids that the source gives."""
        listing = self.listing
        match source:
            case "search":
                return self.write_search_source()
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
            case "state":
                return self.write_state_source()

    def write_search_source(self) -> str:
        if self.listing.found_ids is not None:
            return self.dialect.write_ids(self.listing.found_ids, self.bind)
        if self.listing.match is None:
            raise AssertionError
        return self.dialect.write_source(self.listing.match, self.bind)

    def write_state_source(self) -> str:
        if self.listing.is_of_counters:
            workspace_id = self.bind(self.listing.workspace_id)
            return (
                f"select u.link_id as id from link_counters u where u.workspace_id = {workspace_id}"  # noqa: S608 - conditions of our own
                " and u.is_live = 1 and u.total >= u.max_clicks"
            )
        return f"select l.id from links l where {self.write_live()}{self.write_state()}"  # noqa: S608 - conditions of our own

    def write_live(self) -> str:
        workspace_id = self.bind(self.listing.workspace_id)
        return f"l.workspace_id = {workspace_id} and {self.write_whether_live()}"

    def write_whether_live(self) -> str:
        return DELETED if self.listing.is_of_deleted else LIVE

    def write_counted(self) -> str:
        """The counters of live links, or of deleted ones."""
        is_live = 0 if self.listing.is_of_deleted else 1
        return f"c.workspace_id = {self.bind(self.listing.workspace_id)} and c.is_live = {is_live}"

    def write_columns(self, *, is_walked: bool = False) -> str:
        domain_id, is_active = self.listing.domain_id, self.listing.is_active
        # Literals: the indexes of what is switched off or starred have them in their condition.
        active = "" if is_active is None else f" and l.is_active = {int(is_active)}"
        active += self.write_starred() + self.write_kind() + self.write_state(is_walked=is_walked)
        if domain_id is None:
            return active
        # The plus leaves the index to the rarer condition.
        plus = "+" if self.listing.has_rare_columns else ""
        return f" and {plus}l.domain_id = {self.bind(domain_id)}{active}"

    def write_starred(self) -> str:
        is_starred = self.listing.is_starred
        return "" if is_starred is None else f" and l.is_starred = {int(is_starred)}"

    def write_kind(self) -> str:
        kind = self.listing.kind
        return "" if kind is None else f" and {KINDS[kind]}"

    def write_state(self, *, is_walked: bool = False) -> str:
        state = self.listing.state
        return "" if state is None else f" and {write_state(self, state, is_walked=is_walked)}"

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
        return f" and {self.dialect.write_contains(match, 'l', self.bind)}"

    def write_rest(self, source: Source) -> str:
        """What the source has not settled, on a row of links; the index knows the columns too."""
        match = self.listing.match
        if source == "search" and match is not None:
            contains = "" if match.is_exact else self.write_contains()
            rest = self.write_starred() + self.write_kind() + self.write_state()
            return rest + self.write_tag("l.id") + contains
        tag = "" if source == "tag" else self.write_tag("l.id")
        return self.write_columns() + tag + self.write_contains()

    def write_after(self, key: str, link_id: str, after: Position) -> str:
        sign = "<" if self.listing.is_descending else ">"
        return f"({key}, {link_id}) {sign} ({self.bind(after.key)}, {self.bind(after.id)})"

    def write_walk(
        self, columns: str, where: str, key: str, link_id: str, after: Position, budget: int
    ) -> str:
        """The next rows of a table in the order of an index."""
        return self.dialect.write_walk(
            Walk(
                columns=columns,
                where=where,
                key=key,
                id=link_id,
                last_key=self.bind(after.key),
                last_id=self.bind(after.id),
                limit=self.bind(budget),
                is_descending=self.listing.is_descending,
            )
        )

    def write_order(self, *columns: str) -> str:
        return write_order(columns, is_descending=self.listing.is_descending)

    def write_kept_order(self, *columns: str) -> str:
        """The same, where the engine does not keep the order of a subquery by itself."""
        return "" if self.dialect.keeps_order else f" {self.write_order(*columns)}"


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
    statement = _ListStatement(listing, db.dialect)
    found = statement.write_source(source)
    return await _count(db, statement, f"{found} limit {statement.bind(COUNTED + 1)}")


async def list_source(db: Database, listing: Listing, source: Source, limit: int) -> list[int]:
    """Some of the ids that the source gives."""
    statement = _ListStatement(listing, db.dialect)
    found = statement.write_source(source)
    rows = await db.find_all(f"{found} limit {statement.bind(limit)}", *statement.values)
    return [row["id"] for row in rows]


async def count_fitting(db: Database, listing: Listing, source: Source | None) -> int:
    """How many links fit the whole filter, up to COUNTED + 1."""
    statement = _ListStatement(listing, db.dialect)
    if source is None:
        fitting = (
            f"select l.id from links l where {statement.write_live()}{statement.write_columns()}"  # noqa: S608 - conditions of our own
            f"{statement.write_tag('l.id')}{statement.write_contains()}"
        )
    else:
        fitting = (
            f"select l.id from ({statement.write_source(source)}) s"  # noqa: S608 - conditions of our own
            " cross join links l"
            f" where l.id = s.id and {statement.write_live()}{statement.write_rest(source)}"
        )
    return await _count(db, statement, f"{fitting} limit {statement.bind(COUNTED + 1)}")


async def follow(
    db: Database, listing: Listing, source: Source, after: Position, limit: int
) -> list[Position]:
    """The next links that fit, in the order of their ids."""
    listing = _sort_found(listing)
    statement = _ListStatement(listing, db.dialect)
    sign = "<" if listing.is_descending else ">"
    found = f"select s.id from ({statement.write_source(source)}) s"  # noqa: S608 - conditions of our own
    where = f"s.id {sign} {statement.bind(after.id)}"
    if not listing.is_settled_by(source):
        found += " cross join links l"
        where += f" and l.id = s.id and {statement.write_live()}{statement.write_rest(source)}"
    is_sorted = source == "search" and listing.found_ids is not None
    order = (statement.write_kept_order if is_sorted else statement.write_order)("s.id")
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
    statement = _ListStatement(listing, db.dialect)
    found = statement.write_source(source)
    if listing.order != "total":
        key, link_id = f"l.{listing.order}", "l.id"
        tables = "cross join links l"
        where = f"l.id = s.id and {statement.write_live()}{statement.write_rest(source)}"
    else:
        key, link_id = "c.total", "c.link_id"
        tables = "cross join link_counters c"
        where = f"c.link_id = s.id and {statement.write_counted()}"
        if rest := statement.write_rest(source):
            tables += " cross join links l"
            where += f" and l.id = c.link_id{rest}"
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
    statement = _ListStatement(listing, db.dialect)
    if listing.order != "total":
        key = f"l.{listing.order}"
        columns = (
            f"l.id, {key} as key, l.slug, l.alias_slugs, l.title, l.url, l.original_url"
            " from links l"
        )
        where = statement.write_live() + statement.write_columns(is_walked=True)
        walked = statement.write_walk(columns, where, key, "l.id", after, budget)
        found = f"select l.id, l.key from ({walked}) l where 1 = 1"  # noqa: S608 - conditions of our own
        order = statement.write_kept_order("l.key", "l.id")
    else:
        columns = "c.link_id, c.total as key from link_counters c"
        where = statement.write_counted()
        walked = statement.write_walk(columns, where, "c.total", "c.link_id", after, budget)
        found = (
            f"select l.id, c.key from ({walked}) c cross join links l"  # noqa: S608 - conditions of our own
            f" where l.id = c.link_id and {statement.write_whether_live()}"
            f"{statement.write_columns()}"
        )
        order = statement.write_kept_order("c.key", "c.link_id")
    found += f"{statement.write_tag('l.id')}{statement.write_contains()}"
    rows = await db.find_all(f"{found}{order} limit {statement.bind(limit)}", *statement.values)
    return _read_positions(rows)


async def _count(db: Database, statement: _ListStatement, fitting: str) -> int:
    row = await db.find_one(f"select count(*) as links from ({fitting}) f", *statement.values)  # noqa: S608 - a statement of our own
    return row["links"] if row else 0


def _read_positions(rows: Sequence[Row]) -> list[Position]:
    return [Position(key=row["key"], id=row["id"]) for row in rows]
