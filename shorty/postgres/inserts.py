"""Turns the insert of one row into one of many, whose columns are parameters."""

import re
from collections.abc import Sequence
from typing import Final

import psycopg

from shorty.postgres.values import write_array
from shorty.storage.database import Value

_ROW: Final = re.compile(r"values (\([^;]*?\))\s*(?=on conflict|returning|$)", re.IGNORECASE)
_PARAMETER: Final = re.compile(r"\$(\d+)")


class ManyRows:
    """An insert of many rows: the statement is the same for any number of them."""

    __slots__ = ("_width", "sql")

    def __init__(self, sql: str, width: int) -> None:
        self.sql = sql
        self._width = width

    def write_columns(self, rows: Sequence[Sequence[Value]]) -> list[bytes]:
        """Raises NulError, and ValueError for rows of another width."""
        if len(rows[0]) != self._width:
            raise ValueError(f"{len(rows[0])} values for {self._width} parameters")
        return [write_array(column) for column in zip(*rows, strict=True)]


def describe_insert(sql: str, kinds: Sequence[int]) -> ManyRows:
    """`kinds` are the types of the parameters of the insert of one row, which is `values ($1, …)`.

    Each parameter of the row becomes a column of `unnest`, which has one row for each place.
    """
    match = _ROW.search(sql)
    if match is None or _PARAMETER.search(sql[match.end() :]):
        raise AssertionError(sql)
    names = [f"p{number}" for number in range(1, len(kinds) + 1)]
    arrays = ", ".join(f"${at}::{_name_array(kind)}" for at, kind in enumerate(kinds, start=1))
    row = _PARAMETER.sub(r"given.p\1", match[1][1:-1])
    many = f"select {row} from unnest({arrays}) as given ({', '.join(names)}) "  # noqa: S608 - both are statements of ours
    return ManyRows(f"{sql[: match.start()]}{many}{sql[match.end() :]}", len(kinds))


def _name_array(kind: int) -> str:
    found = psycopg.adapters.types.get(kind)
    if found is None:
        raise AssertionError(f"no array is known for the type {kind}")
    return f"{found.regtype}[]"
