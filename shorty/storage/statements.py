"""Puts statements together: numbered parameters, and lists of ids for `in (…)`.

A list is filled up to a fixed length, so that there are few statements to prepare.
"""

from collections.abc import Iterator, Sequence

from shorty.storage.connections import Value


class Statement:
    """A statement in the making: its parameters are numbered as they are written."""

    def __init__(self) -> None:
        self.values: list[Value] = []

    def bind(self, value: Value) -> str:
        self.values.append(value)
        return f"${len(self.values)}"


def number_places(count: int, first: int = 1) -> str:
    """`$1, $2, $3`"""
    return ", ".join(f"${number}" for number in range(first, first + count))


def fill_up(ids: Sequence[int], length: int) -> list[int]:
    """Repeats the last id, which changes nothing in an `in (…)`; there must be one."""
    return [*ids, *[ids[-1]] * (length - len(ids))]


def cut_and_fill(ids: Sequence[int], length: int) -> Iterator[list[int]]:
    """Pieces of that length, the last one filled up; none of no ids."""
    for first in range(0, len(ids), length):
        yield fill_up(ids[first : first + length], length)
