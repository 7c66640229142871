"""Yields the processor during long work in a writer's thread."""

import os
from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

T = TypeVar("T")

IN_ONE_TURN: Final = 1024  # items that take a microsecond or two each


def take_turns(things: Sequence[T], size: int = IN_ONE_TURN) -> Iterator[Sequence[T]]:
    """Cuts long work in the writer's thread into pieces, and yields the processor between them.

    For work that waits for nothing: the kernel lets a busy thread run for about three milliseconds
    before the threads that answer visitors.
    """
    for first in range(0, len(things), size):
        if first:
            os.sched_yield()
        yield things[first : first + size]
