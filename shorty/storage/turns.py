"""Cuts long work of the writer's thread into turns, between which others have the processor.

The kernel lets a busy thread run for some three milliseconds before those who answer visitors.
"""

import os
from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

T = TypeVar("T")

IN_ONE_TURN: Final = 1024  # things that take a microsecond or two each


def take_turns(things: Sequence[T], size: int = IN_ONE_TURN) -> Iterator[Sequence[T]]:
    """The things piece by piece, for work in which nobody else is waited for."""
    for first in range(0, len(things), size):
        if first:
            os.sched_yield()
        yield things[first : first + size]
