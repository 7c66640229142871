"""Owns full-text search: the one place that knows how SQLite does it.

A link is found by any part of its slug, title or destination, from one character on. The index
holds the text's trigrams, without positions, so a match is a candidate: `CONTAINS` then holds it
against the text itself.
"""

from typing import Final

from shorty.storage.database import Database, Transaction

# Padding, so that the last two characters of a field start a trigram too.
_END: Final = "\n\n"
_TRIGRAM: Final = 3

INDEX_LINK: Final = "insert into links_search (rowid, text) values ($1, $2)"
UNINDEX_LINK: Final = (
    "insert into links_search (links_search, rowid, text) values ('delete', $1, $2)"
)


def join_search_text(slug: str, title: str | None, url: str) -> str:
    """What is indexed of a link. Taking it out again needs the very same text."""
    return f"{slug}{_END}{title or ''}{_END}{url}{_END}"


def index_link(tx: Transaction, link_id: int, text: str) -> None:
    tx.execute(INDEX_LINK, link_id, text)


def unindex_link(tx: Transaction, link_id: int, text: str) -> None:
    tx.execute(UNINDEX_LINK, link_id, text)


async def build_match(db: Database, query: str) -> str | None:
    """The index's expression for links that may contain `query`; None where none can.

    A query of one or two characters matches every trigram that begins with it.
    """
    folded = query.casefold()
    if len(folded) >= _TRIGRAM:
        grams = {folded[i : i + _TRIGRAM] for i in range(len(folded) - _TRIGRAM + 1)}
        return " and ".join(sorted(map(_quote, grams)))
    rows = await db.find_all(
        "select term from links_search_terms where term >= $1 and term < $2",
        folded,
        folded + "\U0010ffff",
    )
    return " or ".join(_quote(row["term"]) for row in rows) or None


def _quote(term: str) -> str:
    return '"' + term.replace('"', '""') + '"'
