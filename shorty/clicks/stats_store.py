"""Every statement that reads the roll-ups: one owner's by key, many links' by a filter."""

from collections.abc import AsyncGenerator, Sequence
from typing import Final, NamedTuple

import msgspec

from shorty.clicks.moments import write_moments
from shorty.clicks.owners import number_domain, number_workspace
from shorty.clicks.weeks import Level
from shorty.durations import DAY_MS
from shorty.storage.database import Row, Rows, Snapshot
from shorty.storage.statements import Statement

# Keeps each read short on the event loop; rows of many links are small.
ROWS_AT_ONCE: Final = 64
ROWS_OF_MANY_AT_ONCE: Final = 512

TOTALS: Final = "s.clicks, s.visitors, s.bots, s.scans, s.bio_clicks"
SUMS: Final = (
    "sum(s.clicks) as clicks, sum(s.visitors) as visitors, sum(s.bots) as bots, "
    "sum(s.scans) as scans, sum(s.bio_clicks) as bio_clicks"
)

FIND_DOMAINS_DONE: Final = "select done_since from domain_sums where id = 1"


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Which clicks to count; a field that is None does not filter.

    The sums of a workspace, a link or a domain are stored. Those of a tag's links are added up, at
    a cost that grows with the number of links; together with a tag or a link, a domain stands for
    its links.
    """

    workspace_id: int
    link_id: int | None = None
    domain_id: int | None = None
    tag_id: int | None = None
    adds_up: bool = False
    """Whether a domain's links are added up, for days whose sums of domains are not complete."""

    @property
    def is_domain(self) -> bool:
        """Whether these are the clicks by one domain."""
        return self.domain_id is not None and self.link_id is None and self.tag_id is None

    @property
    def owner(self) -> int | None:
        """The only owner whose sums are needed; None if several links must be added up."""
        if self.domain_id is None and self.tag_id is None:
            return number_workspace(self.workspace_id) if self.link_id is None else self.link_id
        if self.domain_id is not None and self.is_domain and not self.adds_up:
            return number_domain(self.workspace_id, self.domain_id)
        return None


async def find_domains_done(rows: Rows) -> int:
    """The UTC day since which the sums of every domain are complete; 0 if all are."""
    found = await rows.find_all(FIND_DOMAINS_DONE)
    return found[0]["done_since"]


class Part(NamedTuple):
    """A part of a period, and the scope by which to read it."""

    scope: Scope
    start: int
    end: int


async def divide_period(snapshot: Snapshot, scope: Scope, start: int, end: int) -> list[Part]:
    """Parts before and after the day since which the sums of domains are complete."""
    done_since = await find_domains_done(snapshot) if scope.is_domain else 0
    former = msgspec.structs.replace(scope, adds_up=True)
    parts = [
        Part(former, start, min(end, done_since)),
        Part(scope, max(start, done_since), end),
    ]
    return [part for part in parts if part.start < part.end]


class _ScopeStatement(Statement):
    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self.scope = scope

    def write_days(self, columns: str, condition: str) -> str:
        """Reads days through the links, because days are stored by owner."""
        owner = self.scope.owner
        if owner is not None:
            return f"select {columns} from click_days s where s.owner = {self.bind(owner)} and {condition}"  # noqa: S608, E501 - columns and conditions of our own
        return f"select {columns} from {self.write_links()} cross join click_days s where {self.write_filter()} and {condition}"  # noqa: S608, E501 - columns and conditions of our own

    def write_quarters(self, columns: str, start: int, end: int) -> str:
        """Quarter hours are stored by time: one owner's are looked up, many links' are scanned."""
        owner = self.scope.owner
        first, last = self.bind(start), self.bind(end)
        if owner is None:
            return (
                f"select {columns} from click_quarters s cross join {self.write_links()}"  # noqa: S608 - columns and conditions of our own
                f" where s.at >= {first} and s.at < {last} and {self.write_filter()}"
            )
        return f"""
{write_moments(first, last)}
select {columns} from moments m cross join click_quarters s
where s.at = m.at and s.owner = {self.bind(owner)}
"""  # noqa: S608 - columns of our own

    def write_links(self) -> str:
        if self.scope.tag_id is None:
            return "links l"
        return "link_tags t cross join links l"

    def write_filter(self) -> str:
        scope = self.scope
        conditions = [
            f"l.workspace_id = {self.bind(scope.workspace_id)}",
            "l.deleted_at is null",
            "s.owner = l.id",
        ]
        if scope.link_id is not None:
            conditions.append(f"l.id = {self.bind(scope.link_id)}")
        if scope.domain_id is not None:
            conditions.append(f"l.domain_id = {self.bind(scope.domain_id)}")
        if scope.tag_id is not None:
            conditions += [f"t.tag_id = {self.bind(scope.tag_id)}", "l.id = t.link_id"]
        return " and ".join(conditions)

    def write_range(self, first: int, end: int) -> str:
        return f"s.day >= {self.bind(first)} and s.day < {self.bind(end)}"

    def write_choice(self, days: Sequence[int]) -> str:
        """A range if the days are consecutive, otherwise a list, which is looked up day by day."""
        first, last = min(days), max(days)
        if last - first == (len(days) - 1) * DAY_MS:
            return self.write_range(first, last + DAY_MS)
        return f"s.day in ({', '.join(map(self.bind, days))})"


async def find_days(snapshot: Snapshot, scope: Scope, first: int, end: int) -> list[Row]:
    """Each day, and its totals over the scope."""
    statement = _ScopeStatement(scope)
    sql = statement.write_days(f"s.day, {SUMS}", statement.write_range(first, end))
    return await snapshot.find_all(f"{sql} group by s.day", *statement.values)


async def find_sums(
    snapshot: Snapshot, scope: Scope, level: Level, first: int, end: int
) -> list[Row]:
    """The stored weeks or seasons within these days, in order; none for a scope of many links."""
    if scope.owner is None or end - first < level.length:
        return []
    return await snapshot.find_all(level.find, scope.owner, first, end - level.length)


async def find_quarters(snapshot: Snapshot, scope: Scope, start: int, end: int) -> list[Row]:
    """Each quarter hour that is not yet folded into a day, and its totals over the scope."""
    statement = _ScopeStatement(scope)
    sql = statement.write_quarters(f"s.at, {SUMS}", start, end)
    return await snapshot.find_all(f"{sql} group by s.at", *statement.values)


def read_series(snapshot: Snapshot, scope: Scope, days: Sequence[int]) -> AsyncGenerator[list[Row]]:
    """For these days: the day and its series, of each owner in the scope."""
    statement = _ScopeStatement(scope)
    sql = statement.write_days("s.day, s.series", statement.write_choice(days))
    return _read(snapshot, statement, sql)


def read_day_values(
    snapshot: Snapshot, scope: Scope, first: int, end: int
) -> AsyncGenerator[list[Row]]:
    statement = _ScopeStatement(scope)
    condition = statement.write_range(first, end)
    sql = statement.write_days(f"s.day, {TOTALS}, s.persons, s.programs", condition)
    return _read(snapshot, statement, sql)


def read_day_quarters(
    snapshot: Snapshot, scope: Scope, days: Sequence[int]
) -> AsyncGenerator[list[Row]]:
    """For these days: every column, of each owner in the scope."""
    statement = _ScopeStatement(scope)
    sql = statement.write_days("s.*", statement.write_choice(days))
    return _read(snapshot, statement, sql)


def read_quarter_values(
    snapshot: Snapshot, scope: Scope, start: int, end: int
) -> AsyncGenerator[list[Row]]:
    statement = _ScopeStatement(scope)
    columns = f"s.at, {TOTALS}, s.persons, s.programs"
    return _read(snapshot, statement, statement.write_quarters(columns, start, end))


def _read(snapshot: Snapshot, statement: _ScopeStatement, sql: str) -> AsyncGenerator[list[Row]]:
    size = ROWS_AT_ONCE if statement.scope.owner is not None else ROWS_OF_MANY_AT_ONCE
    return snapshot.read_pieces(sql, *statement.values, size=size)
