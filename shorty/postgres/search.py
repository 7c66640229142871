"""PostgreSQL's fragments, and its search: a table of folded texts with an index of their trigrams.

A link is found by any part of its slug, title or destination, or of an alias's slug, from one
character on.

1. A link's entry is its fields, folded, each on a line of its own, with the workspace, by which
   pg_trgm's index is divided, and what else lists with a search are narrowed by.
2. `find_match` folds the query in the same way. `write_source` asks for texts that are `like` it,
   of which the index gives candidates. PostgreSQL compares their texts itself, so its answer is
   final. For a query of one or two characters it looks through the texts of the workspace.

Only these texts can be compared with a query, because PostgreSQL folds letters in another way than
Python. So links that wait for their entry are not found even by a scan, and deleted links keep
theirs: it is marked.
"""

import re
from collections.abc import Sequence
from typing import Final

from shorty.postgres.values import write_array
from shorty.storage.dialect import Bind, EntryWriter, Match, SearchedText, TermReader, Walk
from shorty.storage.text import fold_text

# No field holds one, and so no query finds a text that begins in one field and ends in the next.
_BREAK: Final = "\n"
_TRIGRAM: Final = 3
_PATTERN: Final = re.compile(r"[\\%_]")
_ESCAPED: Final = r"\\\g<0>"

INDEX_LINKS: Final = """
insert into links_search (link_id, workspace_id, domain_id, is_active, is_live, text)
select l.id, l.workspace_id, l.domain_id, l.is_active,
  case when l.deleted_at is null then 1 else 0 end, given.text
from unnest(cast($1 as bigint[]), cast($2 as text[])) as given (id, text)
join links l on l.id = given.id
on conflict (link_id) do update set
  domain_id = excluded.domain_id, is_active = excluded.is_active, is_live = excluded.is_live,
  text = excluded.text
"""
UNINDEX_LINK: Final = "update links_search set is_live = 0 where link_id = $1"


class PostgresDialect:
    """`storage.dialect.Dialect` for PostgreSQL."""

    rows_at_once = 5000
    keeps_order = False
    is_shared = True
    searches_by_entries = True

    def write_walk(self, walk: Walk) -> str:
        """An index of both columns is read from the pair on."""
        return (
            f"select {walk.columns} where {walk.where}"
            f" and ({walk.key}, {walk.id}) {walk.sign} ({walk.last_key}, {walk.last_id})"
            f" {walk.write_order(walk.key, walk.id)} limit {walk.limit}"
        )

    def write_ids(self, ids: Sequence[int], bind: Bind) -> str:
        array = bind(f"{{{','.join(map(str, ids))}}}")
        return f"select unnest(cast({array} as bigint[])) as id"

    def write_texts(self, texts: Sequence[str], bind: Bind) -> str:
        array = bind(write_array(texts).decode())
        return f"select unnest(cast({array} as text[])) as text"

    def index_links(self, tx: EntryWriter, entries: Sequence[tuple[int, SearchedText]]) -> None:
        ids = [link_id for link_id, _ in entries]
        texts = [_join_search_text(text) for _, text in entries]
        tx.execute_late(INDEX_LINKS, write_array(ids).decode(), write_array(texts).decode())

    def reindex_link(
        self, tx: EntryWriter, link_id: int, old: SearchedText, new: SearchedText
    ) -> None:
        if old != new:
            self.index_links(tx, [(link_id, new)])

    def unindex_link(self, tx: EntryWriter, link_id: int, text: SearchedText) -> None:  # noqa: ARG002 - SQLite needs it
        tx.execute_late(UNINDEX_LINK, link_id)

    async def find_match(
        self,
        db: TermReader,  # noqa: ARG002 - SQLite looks terms up
        query: str,
        *,
        workspace_id: int,
        domain_id: int | None = None,
        is_active: bool | None = None,
    ) -> Match | None:
        text = fold_text(query)
        if _BREAK in text:
            return None
        return Match(
            text=text,
            expression=text,
            is_exact=True,
            workspace_id=workspace_id,
            domain_id=domain_id,
            is_active=is_active,
        )

    def write_source(self, match: Match, bind: Bind) -> str:
        """The workspace is a parameter: as a literal of 32 bits it would not use the index."""
        where = f"e.workspace_id = {bind(match.workspace_id or 0)} and e.is_live = 1"
        if len(match.text) < _TRIGRAM:
            # Of so short a text the index of trigrams knows nothing, and would be read whole.
            where += f" and {_write_contains(match.text, bind)}"
        else:
            where += f" and e.text like {bind(_write_pattern(match.text))}"
        if match.domain_id is not None:
            where += f" and e.domain_id = {bind(match.domain_id)}"
        if match.is_active is not None:
            where += f" and e.is_active = {int(match.is_active)}"
        return f"select e.link_id as id from links_search e where {where}"  # noqa: S608 - conditions of our own

    def write_contains(self, match: Match, link: str, bind: Bind) -> str:
        if _BREAK in match.text:  # between two fields, which no text goes over
            return "1 = 0"
        return (
            f"exists (select 1 from links_search e where e.link_id = {link}.id"  # noqa: S608 - names of our own
            f" and {_write_contains(match.text, bind)})"
        )


POSTGRES: Final = PostgresDialect()


def _join_search_text(text: SearchedText) -> str:
    return _BREAK.join(map(fold_text, text.list_fields()))


def _write_contains(text: str, bind: Bind) -> str:
    return f"position({bind(text)} in e.text) > 0"


def _write_pattern(text: str) -> str:
    """What `like` takes for this text in any place."""
    return f"%{_PATTERN.sub(_ESCAPED, text)}%"
