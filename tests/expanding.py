"""What of a migration's SQL a release that does not know it could trip over.

For files that say `-- expands`: each statement has to be one of a few kinds that leave everything
an older release reads, writes and deletes as it was. Everything else is refused, also what may be
harmless, such as dropping an index.
"""

import re
from collections.abc import Iterator
from typing import Final

_COMMENT: Final = re.compile(r"--[^\n]*")
_TABLE: Final = re.compile(
    r"create (?:unlogged |virtual )?table (\w+) (?:\((?P<body>.*)\)|using .*)(?: without rowid)?"
)
_INDEX: Final = re.compile(r"create (?P<unique>unique )?index \w+ on (\w+) .*")
_COLUMN: Final = re.compile(r"alter table (\w+) add column \w+ \w+(?P<rest>.*)")
_INSERT: Final = re.compile(r"insert into (\w+) .*")
_REFERENCE: Final = re.compile(
    r"references (\w+) ?\(\w+\)(?P<action> on delete (?:cascade|set null))?"
)
_KEPT: Final = re.compile(r"\b(?:unique|check|references|primary|generated)\b")


def list_contractions(sql: str) -> list[str]:
    """A clause for each statement that does more than add; none for SQL that expands."""
    statements = [" ".join(each.split()).lower() for each in _COMMENT.sub("", sql).split(";")]
    new = {match[1] for each in statements if (match := _TABLE.fullmatch(each))}
    return [fault for each in statements if each for fault in _list_faults(each, new)]


def _list_faults(statement: str, new: set[str]) -> Iterator[str]:
    if table := _TABLE.fullmatch(statement):
        for found in _REFERENCE.finditer(table["body"] or ""):
            if found[1] not in new and not found["action"]:
                yield f"rows of {found[1]} could no longer be deleted: {statement[:60]}"
    elif index := _INDEX.fullmatch(statement):
        if index["unique"] and index[2] not in new:
            yield f"rows that {index[2]} accepts would be refused: {statement}"
    elif column := _COLUMN.fullmatch(statement):
        if column[1] not in new:
            yield from _list_column_faults(statement, column["rest"])
    elif not ((insert := _INSERT.fullmatch(statement)) and insert[1] in new):
        yield f"this does not only add: {statement}"


def _list_column_faults(statement: str, rest: str) -> Iterator[str]:
    if "not null" in rest and "default" not in rest:
        yield f"a row without the new column would be refused: {statement}"
    if _KEPT.search(rest):
        yield f"the new column restricts rows: {statement}"
