"""What a write changed of that which processes remember, so that each of them forgets it.

A write names its changes by `Transaction.note_change`. After the commit, and before its caller is
answered, this process's subscribers hear of them; those of other processes within a second.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec


class _Change(msgspec.Struct, frozen=True):
    """As a tuple, each of those that say no more than what they are would equal the others."""


class LinkChanged(_Change, frozen=True):
    """At that slug of that domain answers another link than before, or none, or a changed one."""

    domain_id: int
    slug_key: str


class DomainsChanged(_Change, frozen=True):
    """One domain or several, or what is set for them."""


class DeliveriesQueued(_Change, frozen=True):
    """Webhooks wait to be sent."""


class KeeperChanged(_Change, frozen=True):
    """This process has become the keeper."""


class AnythingChanged(_Change, frozen=True):
    """Nobody knows what.

    With a time, no change was reported, but some may have been missed: only those before
    `heard_until` (monotonic, in seconds) were heard for certain.
    """

    heard_until: float | None = None


Change: TypeAlias = (
    LinkChanged | DomainsChanged | DeliveriesQueued | KeeperChanged | AnythingChanged
)
Hear: TypeAlias = Callable[[Change], object]


def hear_of(*kinds: type[Change], call: Callable[[], object]) -> Hear:
    """For a subscriber that only needs to know that there was a change of one of these kinds."""

    def hear(change: Change) -> None:
        if isinstance(change, kinds):
            call()

    return hear


class Subscribers:
    """Those of one process that hear of changes: on the event loop, and without waiting."""

    def __init__(self) -> None:
        self._all: list[Hear] = []

    def add(self, hear: Hear) -> None:
        self._all.append(hear)

    def publish(self, changes: Sequence[Change]) -> None:
        for hear in self._all:
            for change in changes:
                hear(change)
