"""What was asked and answered.

An answer that came is certain. A request whose answer never came, or was 503, is in doubt: what it
asked for may have been done or not. Everything stored must lie between the two.
"""

from collections import Counter
from typing import Any

import msgspec


class Entry(msgspec.Struct, eq=False, kw_only=True):
    """A link: what is known of it."""

    slug: str
    id: str = ""
    urls: set[str] = msgspec.field(default_factory=set[str])
    """Where it may lead: one URL, or two while an edit is in doubt."""
    may_live: bool = True
    may_be_gone: bool = True
    limit: int | None = None
    has_webhook: bool = False
    answered: int = 0
    doubtful: int = 0
    visitors: set[str] = msgspec.field(default_factory=set[str])
    doubtful_visitors: set[str] = msgspec.field(default_factory=set[str])

    def note_created(self, link: Any) -> None:
        self.id, self.urls = link["id"], {link["url"]}
        self.may_be_gone = False

    def note_deleted(self) -> None:
        self.may_live, self.may_be_gone = False, True


class Ledger:
    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        """By slug; each slug is used once."""
        self.counts: Counter[str] = Counter()
        """How often each kind of thing happened, for people to read."""
        self.delays: list[float] = []
        """Seconds until another node showed a change, while nothing was wrong with either."""
        self.longest_wait_s = 0.0
        """For an answer of a node with which nothing was wrong."""
        self.faults: list[str] = []
        self.small_created = 0
        self.small_doubtful = 0
        self.small_deleted = 0

    def add(self, slug: str, **known: Any) -> Entry:
        entry = self.entries[slug] = Entry(slug=slug, **known)
        return entry

    def note_fault(self, fault: str) -> None:
        self.faults.append(fault)

    @property
    def sent_with_webhook(self) -> int:
        return sum(each.answered for each in self.entries.values() if each.has_webhook)
