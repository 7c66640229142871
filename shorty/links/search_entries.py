"""Keeps the search index up with the links.

New links are indexed a little later, hundreds at once: by itself an entry costs several times as
much, for the index writes itself out at each commit. `search_mark` holds the id up to which links
are indexed; until then, changes of a link leave the index alone. Whoever searches catches up first,
and so misses nothing, unless so many links wait that it would take too long: after `shorty move`,
which leaves all of them to be indexed, that is for minutes.
"""

import math
import time
from collections.abc import Mapping
from typing import Any, Final

from shorty.links.model import Link
from shorty.storage.database import Asked, Database, Row, Transaction
from shorty.storage.dialect import SearchedText

AT_ONCE: Final = 500  # some 5 ms of the writer's time

FIND_MARK: Final = "select indexed_until from search_mark"
FIND_NEWEST: Final = "select coalesce(max(id), 0) as id from links"
LIST_WAITING: Final = """
select id, workspace_id, domain_id, is_active, slug, alias_slugs, title, url, original_url,
       deleted_at
from links where id > $1 order by id limit $2
"""
MOVE_MARK: Final = "update search_mark set indexed_until = $1"


async def catch_up(db: Database, patience_s: float = math.inf) -> bool:
    """Returns True once every link is indexed that was there when it was called.

    Those that come meanwhile wait for the next time: otherwise it would go on as long as they come,
    a few in each write. It returns False if it has indexed some for so many seconds.
    """
    until = time.monotonic() + patience_s
    newest = _read(await db.find_one(FIND_NEWEST))
    while _read(await db.find_one(FIND_MARK)) < newest:
        if not await db.write(index_waiting):
            break
        if time.monotonic() > until:
            return False
    return True


def index_waiting(tx: Transaction) -> int:
    """Indexes some of the links that wait for it; returns how many those were."""
    rows, dialect = tx.find_all(LIST_WAITING, _read(tx.find_one(FIND_MARK)), AT_ONCE), tx.dialect
    entries = [
        (row["id"], read_search_text(row))
        for row in rows
        if row["deleted_at"] is None or dialect.searches_by_entries
    ]
    if entries:
        dialect.index_links(tx, entries)
    if rows:
        tx.send(MOVE_MARK, rows[-1]["id"])
    return len(rows)


def ask_mark(tx: Transaction) -> Asked:
    """The mark, for functions that change the entry of a link in the same write."""
    return tx.ask(FIND_MARK)


def add_entry(tx: Transaction, mark: Asked, link_id: int, text: SearchedText) -> None:
    """Of a link that comes back; for a new one the mark is enough."""
    if link_id <= _read(mark.row()):
        tx.dialect.index_links(tx, [(link_id, text)])


def remove_entry(tx: Transaction, mark: Asked, link_id: int, text: SearchedText) -> None:
    """`text` is the very text that was indexed."""
    if link_id <= _read(mark.row()):
        tx.dialect.unindex_link(tx, link_id, text)


def replace_entry(tx: Transaction, link_id: int, old: SearchedText, new: SearchedText) -> None:
    if old != new and link_id <= _read(tx.find_one(FIND_MARK)):
        tx.dialect.reindex_link(tx, link_id, old, new)


def search_text(link: Link) -> SearchedText:
    return SearchedText(
        workspace_id=link.workspace_id,
        domain_id=link.domain_id,
        is_active=link.is_active,
        slug=link.slug,
        alias_slugs=link.alias_slugs,
        title=link.title,
        url=link.url,
        original_url=link.original_url,
    )


def read_search_text(row: Row | Mapping[str, Any]) -> SearchedText:
    return SearchedText(
        workspace_id=row["workspace_id"],
        domain_id=row["domain_id"],
        is_active=bool(row["is_active"]),
        slug=row["slug"],
        alias_slugs=row["alias_slugs"],
        title=row["title"],
        url=row["url"],
        original_url=row["original_url"],
    )


def _read(row: Row | None) -> int:
    if row is None:
        raise AssertionError
    return row[0]
