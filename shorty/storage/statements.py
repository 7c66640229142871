"""Builds statements: numbered parameters, and lists of ids for `in (…)`.

Lists are padded to a fixed length, so that few different statements are prepared.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from re import compile as compile_pattern
from typing import Final, TypeVar

from shorty.storage.database import Value

T = TypeVar("T")

# Statements use $1, as PostgreSQL does; SQLite's numbered form is ?1.
PARAMETER: Final = compile_pattern(r"\$(\d+)")
_ROW: Final = compile_pattern(r"values (\([^()]*\))")


class Statement:
    """A statement under construction, whose parameters are numbered in the order they are added."""

    def __init__(self) -> None:
        self.values: list[Value] = []

    def bind(self, value: Value) -> str:
        self.values.append(value)
        return f"${len(self.values)}"


def number_places(count: int, first: int = 1) -> str:
    """`$1, $2, $3`"""
    return ", ".join(f"${number}" for number in range(first, first + count))


def fill_up(values: Sequence[T], length: int) -> list[T]:
    """Pads with the last value, which does not change an `in (…)`; needs at least one value."""
    return [*values, *[values[-1]] * (length - len(values))]


def cut_and_fill(ids: Sequence[int], length: int) -> Iterator[list[int]]:
    """Pieces of `length` ids, the last one padded; no pieces for no ids."""
    for first in range(0, len(ids), length):
        yield fill_up(ids[first : first + length], length)


@lru_cache(maxsize=256)
def repeat_row(sql: str, count: int) -> str:
    """Turns the insert of one row (`values ($1, …)`) into an insert of `count` rows."""
    match = _ROW.search(sql)
    if match is None:
        raise AssertionError(sql)
    row = match[1]
    width = max(int(number) for number in PARAMETER.findall(row))

    def number_row(place: int) -> str:
        return PARAMETER.sub(lambda found: f"${int(found[1]) + place * width}", row)

    rows = ", ".join(map(number_row, range(count)))
    return f"{sql[: match.start(1)]}{rows}{sql[match.end(1) :]}"
