"""What a check of an installation found: a verdict, and a sentence that says what to do."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple, Protocol

Verdict = Literal["ok", "note", "error"]


class Finding(NamedTuple):
    verdict: Verdict
    text: str


def ok(text: str) -> Finding:
    return Finding("ok", text)


def note(text: str) -> Finding:
    return Finding("note", text)


def wrong(text: str) -> Finding:
    return Finding("error", text)


class StoredColumns(Protocol):
    """A database, or a copy of one, that is to be judged before anything relies on it."""

    def read_columns(self, table: str, names: Sequence[str]) -> Iterator[Sequence[Any]]:
        """These columns of every row, in constant memory.

        A column that an older schema lacks is None. A missing table has no rows.
        """
        ...
