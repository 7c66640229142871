"""Keeps the search index up with the links.

New links are indexed a little later, hundreds at once: by itself an entry costs several times as
much, for the index writes itself out at each commit. `search_mark` holds the id up to which links
are indexed; until then, changes of a link leave the index alone. Whoever searches catches up first,
and so misses nothing.
"""

from collections.abc import Mapping
from typing import Any, Final

from shorty.links.model import Link
from shorty.storage.database import Database, Row, Transaction
from shorty.storage.search import index_link, join_search_text, unindex_link

AT_ONCE: Final = 500  # some 5 ms of the writer's time

FIND_MARK: Final = "select indexed_until from search_mark"
FIND_NEWEST: Final = "select coalesce(max(id), 0) as id from links"
LIST_WAITING: Final = """
select id, workspace_id, domain_id, is_active, slug, title, url, original_url, deleted_at
from links where id > $1 order by id limit $2
"""
MOVE_MARK: Final = "update search_mark set indexed_until = $1"


async def catch_up(db: Database) -> None:
    """Returns once every link is indexed that was there when it was called.

    Those that come meanwhile wait for the next time: otherwise it would go on as long as they come,
    a few in each write.
    """
    newest = _read(db.look_up(FIND_NEWEST))
    while _read(db.look_up(FIND_MARK)) < newest and await db.write(index_waiting):
        pass


def index_waiting(tx: Transaction) -> int:
    """Indexes some of the links that wait for it; returns how many those were."""
    rows = tx.find_all(LIST_WAITING, _find_mark(tx), AT_ONCE)
    for row in rows:
        if row["deleted_at"] is None:
            index_link(tx, row["id"], read_search_text(row))
    if rows:
        tx.execute(MOVE_MARK, rows[-1]["id"])
    return len(rows)


def add_entry(tx: Transaction, link_id: int, text: str) -> None:
    """Of a link that comes back; for a new one the mark is enough."""
    if link_id <= _find_mark(tx):
        index_link(tx, link_id, text)


def remove_entry(tx: Transaction, link_id: int, text: str) -> None:
    """`text` is the very text that was indexed."""
    if link_id <= _find_mark(tx):
        unindex_link(tx, link_id, text)


def replace_entry(tx: Transaction, link_id: int, old: str, new: str) -> None:
    if old != new and link_id <= _find_mark(tx):
        unindex_link(tx, link_id, old)
        index_link(tx, link_id, new)


def search_text(link: Link) -> str:
    return join_search_text(
        workspace_id=link.workspace_id,
        domain_id=link.domain_id,
        is_active=link.is_active,
        slug=link.slug,
        title=link.title,
        url=link.url,
        original_url=link.original_url,
    )


def read_search_text(row: Row | Mapping[str, Any]) -> str:
    return join_search_text(
        workspace_id=row["workspace_id"],
        domain_id=row["domain_id"],
        is_active=bool(row["is_active"]),
        slug=row["slug"],
        title=row["title"],
        url=row["url"],
        original_url=row["original_url"],
    )


def _find_mark(tx: Transaction) -> int:
    return _read(tx.find_one(FIND_MARK))


def _read(row: Row | None) -> int:
    if row is None:
        raise AssertionError
    return row[0]
