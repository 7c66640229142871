"""SQLite's fragments, and its full-text search: only this module knows how SQLite does it.

A link is found by any part of its slug, title or destination, or of an alias's slug, from one
character on.

1. `join_search_text` builds a link's text: its folded fields, each with padding, and labels for the
   workspace, the domain and a disabled link. `index_links` stores the trigrams of each text without
   their positions.
2. `find_match` cuts a query into trigrams and asks for links that have all of them. A query of one
   or two characters asks for every trigram that starts with it.
3. A link found by a query of more than three characters is only a candidate: `contains_folded`
   decides.

For example, the slug `sale` of a link in workspace 7 is indexed as `sal`, `ale`, `le⏎` and `e⏎⏎`,
beside the label of 7. "Sale" asks for `sal` and `ale` and that label, so links of other workspaces
cost nothing. It also finds "salale", which has both trigrams, and drops it after comparing the
text. Labels are private-use characters; those in a text are blanked, so that no text can imitate a
label.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Literal

from msgspec import json

from shorty.storage.dialect import Bind, EntryWriter, Match, SearchedText, TermReader, Walk
from shorty.storage.text import fold_text

# Padding, so that the last two characters of a field also start a trigram.
_END: Final = "\n\n"
_TRIGRAM: Final = 3
_WHOLE: Final = 10
# If more trigrams start with the query, so many links contain it that scanning is quicker.
_TERMS: Final = 64
_LABEL_BASE: Final = 2000
_LABELS: Final = {"workspace": 0xE000, "domain": 0xE000 + _LABEL_BASE}
_DIGITS: Final = 0xE000 + 2 * _LABEL_BASE
_IS_OFF: Final = "\uf8f0\uf8f1\uf8f2"
_PRIVATE: Final = re.compile("[\ue000-\uf8ff]")
_FIELDS: Final = ("url", "title", "slug", "original_url", "alias_slugs")

INDEX_LINK: Final = "insert into links_search (rowid, text) values ($1, $2)"
UNINDEX_LINK: Final = (
    "insert into links_search (links_search, rowid, text) values ('delete', $1, $2)"
)
# The vocabulary has one row per trigram and link; jumping to the next term reads one row of each.
LIST_TERMS: Final = """
with recursive terms (term) as (
  select * from (select term from links_search_terms where term >= $1 limit 1)
  union all
  select (
    select next.term from links_search_terms as next
    where next.term >= terms.term || char(1) limit 1
  )
  from terms where terms.term < $2
)
select term from terms where term < $2 limit $3
"""


class SqliteDialect:
    """`storage.dialect.Dialect` for SQLite."""

    rows_at_once = 64
    keeps_order = True
    is_shared = False
    searches_by_entries = False

    def write_walk(self, walk: Walk) -> str:
        """First the rows that share the last one's key, then those beyond it.

        Of a comparison of pairs SQLite's index uses the first half alone, and a million links share
        a count of 0.
        """
        source = f"select {walk.columns} where {walk.where}"
        by_id, by_both = walk.write_order(walk.id), walk.write_order(walk.key, walk.id)
        return (
            f"select * from ({source} and {walk.key} = {walk.last_key}"  # noqa: S608 - the same
            f" and {walk.id} {walk.sign} {walk.last_id} {by_id} limit {walk.limit})"
            " union all"
            f" select * from ({source} and {walk.key} {walk.sign} {walk.last_key}"
            f" {by_both} limit {walk.limit})"
        )

    def write_ids(self, ids: Sequence[int], bind: Bind) -> str:
        return f"select value as id from json_each({bind(json.encode(ids).decode())})"  # noqa: S608 - a parameter's number

    def write_texts(self, texts: Sequence[str], bind: Bind) -> str:
        return f"select value as text from json_each({bind(json.encode(texts).decode())})"  # noqa: S608 - a parameter's number

    def index_links(self, tx: EntryWriter, entries: Sequence[tuple[int, SearchedText]]) -> None:
        for link_id, text in entries:
            tx.execute_late(INDEX_LINK, link_id, join_search_text(text))

    def reindex_link(
        self, tx: EntryWriter, link_id: int, old: SearchedText, new: SearchedText
    ) -> None:
        former, joined = join_search_text(old), join_search_text(new)
        if former != joined:
            tx.execute_late(UNINDEX_LINK, link_id, former)
            tx.execute_late(INDEX_LINK, link_id, joined)

    def unindex_link(self, tx: EntryWriter, link_id: int, text: SearchedText) -> None:
        tx.execute_late(UNINDEX_LINK, link_id, join_search_text(text))

    async def find_match(
        self,
        db: TermReader,
        query: str,
        *,
        workspace_id: int,
        domain_id: int | None = None,
        is_active: bool | None = None,
    ) -> Match | None:
        text = fold_text(query)
        asked = _blank_labels(text)
        if len(text) >= _TRIGRAM:
            grams = " AND ".join(_quote(gram) for gram in _choose_trigrams(asked))
            is_exact = len(text) == _TRIGRAM and text.isprintable()
        else:
            rows = await db.find_all(LIST_TERMS, asked, asked + "\U0010ffff", _TERMS + 1)
            if not rows:
                return None
            if len(rows) > _TERMS:
                return Match(text=text)
            grams = f"({' OR '.join(_quote(row['term']) for row in rows)})"
            is_exact = text.isprintable()
        labels = [_label("workspace", workspace_id)]
        if domain_id is not None:
            labels.append(_label("domain", domain_id))
        if is_active is False:
            labels.append(_IS_OFF)
        expression = " AND ".join([grams, *map(_quote, labels)])
        if is_active:
            expression = f"({expression}) NOT {_quote(_IS_OFF)}"
        return Match(text=text, expression=expression, is_exact=is_exact)

    def write_source(self, match: Match, bind: Bind) -> str:
        asked = bind(match.expression or "")
        return f"select rowid as id from links_search where links_search match {asked}"  # noqa: S608 - a parameter's number

    def write_contains(self, match: Match, link: str, bind: Bind) -> str:
        text, parameter = match.text, bind(match.text)
        fields = [f"{link}.{name}" for name in _FIELDS]
        if not text.isascii():
            return f"contains_folded({parameter}, {', '.join(fields)})"
        # Four times as fast for ASCII fields; some non-ASCII letters fold to ASCII too.
        tests = [f"instr(lower({field}), {parameter}) > 0" for field in fields]
        tests += [
            f"(length(cast({field} as blob)) > length({field})"
            f" and contains_folded({parameter}, {field}))"
            for field in fields
        ]
        return f"({' or '.join(tests)})"


SQLITE: Final = SqliteDialect()


def join_search_text(text: SearchedText) -> str:
    """The text to index. Removing a link from the index needs exactly the same text."""
    labels = _label("workspace", text.workspace_id) + _label("domain", text.domain_id)
    off = "" if text.is_active else _IS_OFF
    fields = "".join(f"{field}{_END}" for field in text.list_fields())
    return f"{labels}{off}{_END}{_blank_labels(fold_text(fields))}"


def _blank_labels(text: str) -> str:
    return text if text.isascii() else _PRIVATE.sub(" ", text)


def _choose_trigrams(text: str) -> list[str]:
    """All trigrams of a short text; of a long text, which is rare, every second and the last."""
    last = len(text) - _TRIGRAM
    step = 1 if len(text) <= _WHOLE else 2
    places = [*range(0, last, step), last]
    return sorted({text[place : place + _TRIGRAM] for place in places})


@lru_cache(maxsize=1024)
def _label(kind: Literal["workspace", "domain"], number: int) -> str:
    high, middle, low = number // _LABEL_BASE**2, number // _LABEL_BASE, number
    digits = (chr(_DIGITS + digit % _LABEL_BASE) for digit in (middle, low))
    return chr(_LABELS[kind] + high % _LABEL_BASE) + "".join(digits)


def _quote(term: str) -> str:
    return '"' + term.replace('"', '""') + '"'
