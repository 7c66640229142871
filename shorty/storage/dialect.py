"""What the two engines write in different ways: the walk of a list, known ids, full-text search.

All other SQL is written once, for both. A member here needs a reason:

- `write_walk` and `keeps_order`: SQLite compares a pair of columns by the first alone when it looks
  into an index, and reads subqueries row by row in their order; PostgreSQL knows pairs, and
  promises no order that the outermost statement does not ask for.
- `write_ids` and `write_texts`: SQLite takes many values as a JSON array, PostgreSQL as an array.
- `rows_at_once`: to SQLite each statement is a call, to PostgreSQL a round trip.
- `is_shared`: what must be exact over several nodes is counted in tables, where there can be any.
- The search: each engine has an index of its own for parts of words.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

# Adds a parameter to the statement that is being written, and returns its place, such as $3.
Bind = Callable[[str | int], str]


class Walk(msgspec.Struct, frozen=True, kw_only=True):
    """A table in the order of two of its columns, read from behind a place on.

    `last_key`, `last_id` and `limit` are places of parameters.
    """

    columns: str
    where: str
    key: str
    id: str
    last_key: str
    last_id: str
    limit: str
    is_descending: bool

    @property
    def sign(self) -> str:
        return "<" if self.is_descending else ">"

    def write_order(self, *columns: str) -> str:
        return write_order(columns, is_descending=self.is_descending)


def write_order(columns: Sequence[str], *, is_descending: bool) -> str:
    way = " desc" if is_descending else ""
    return f"order by {', '.join(column + way for column in columns)}"


class SearchedText(msgspec.Struct, frozen=True, kw_only=True):
    """What a link is found by, and what its entry in the index depends on besides."""

    workspace_id: int
    domain_id: int
    is_active: bool
    slug: str
    alias_slugs: str
    title: str | None
    url: str
    original_url: str

    def list_fields(self) -> list[str]:
        """The texts to search; a destination that is part of the other one adds nothing."""
        given = [] if self.original_url in self.url else [self.original_url]
        others = [self.alias_slugs] if self.alias_slugs else []
        return [self.slug, self.title or "", self.url, *given, *others]


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """How to find the links that contain `text`, which is folded.

    `expression` is the index query, or None if every link must be scanned. If it `is_exact`, the
    index's answer is final; otherwise each result must be compared with the text. The index's
    answer is narrowed to the workspace, the domain and the flag already.
    """

    text: str
    expression: str | None = None
    is_exact: bool = False
    workspace_id: int | None = None
    domain_id: int | None = None
    is_active: bool | None = None


class _Row(Protocol):
    def __getitem__(self, key: str, /) -> Any: ...


class TermReader(Protocol):
    """A database to read from; `storage.database` imports this module, not the other way round."""

    async def find_all(self, sql: str, *parameters: str | int) -> Sequence[_Row]: ...


class EntryWriter(Protocol):
    """A transaction that runs statements of the index just before the commit."""

    def execute_late(self, sql: str, *parameters: str | int) -> None: ...


class Dialect(Protocol):
    """One engine's fragments and its search."""

    @property
    def rows_at_once(self) -> int:
        """How many rows a statement had best take where the answer decides what follows."""
        ...

    @property
    def keeps_order(self) -> bool:
        """Whether a statement that only filters a subquery's rows gives them in its order."""
        ...

    @property
    def searches_by_entries(self) -> bool:
        """Whether only the index's entries can be compared with a text, and not the links.

        Then deleted links keep theirs, and even a scan needs those of all links.
        """
        ...

    @property
    def is_shared(self) -> bool:
        """Whether several nodes may serve from one database, so that none counts for all alone."""
        ...

    def write_walk(self, walk: Walk) -> str:
        """A select of the walk's columns; of them the next `limit` rows or a few more."""
        ...

    def write_ids(self, ids: Sequence[int], bind: Bind) -> str:
        """A select of these ids, with one column `id`."""
        ...

    def write_texts(self, texts: Sequence[str], bind: Bind) -> str:
        """A select of these texts, with one column `text`."""
        ...

    def index_links(self, tx: EntryWriter, entries: Sequence[tuple[int, SearchedText]]) -> None:
        """Gives an entry to each of these stored links, which have none to be found."""
        ...

    def reindex_link(
        self, tx: EntryWriter, link_id: int, old: SearchedText, new: SearchedText
    ) -> None:
        """Replaces an entry if it changes; at the commit the link must be stored as in `new`."""
        ...

    def unindex_link(self, tx: EntryWriter, link_id: int, text: SearchedText) -> None:
        """Removes an entry, whose text is exactly this one."""
        ...

    async def find_match(
        self,
        db: TermReader,
        query: str,
        *,
        workspace_id: int,
        domain_id: int | None = None,
        is_active: bool | None = None,
    ) -> Match | None:
        """How to find the workspace's live links that contain `query`; None if no link can."""
        ...

    def write_source(self, match: Match, bind: Bind) -> str:
        """A select of the ids that the match's expression finds, with one column `id`."""
        ...

    def write_contains(self, match: Match, link: str, bind: Bind) -> str:
        """An SQL condition: whether the link with the alias `link` contains the match's text."""
        ...
