"""Builds statements: numbered parameters, and lists of ids for `in (…)`.

Lists are padded to a fixed length, so that few different statements are prepared.
"""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from shorty.storage.connections import Value

T = TypeVar("T")


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
