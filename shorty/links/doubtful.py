"""Links as they were read before changes may have been missed, for while the database is away.

Once a node has not heard the others for a while, any link in its memory may have changed. It is
read again before it is used. While the database cannot be read, a link is used as it was, for a
limited time, so that short links go on redirecting.
"""

from collections.abc import Iterable
from math import inf
from time import monotonic
from typing import Final, Generic, Protocol, TypeAlias, TypeVar

from cachebox import LRUCache


class Known(Protocol):
    """What is asked here of a link as the lookup caches it."""

    @property
    def weight(self) -> int: ...
    @property
    def max_clicks(self) -> int | None: ...
    @property
    def password_hash(self) -> str | None: ...


L = TypeVar("L", bound=Known)
V = TypeVar("V")
Key: TypeAlias = tuple[int, str]
"""A domain, and a slug's key or its folded one."""
_Limited: TypeAlias = tuple[V, float]
"""A value, and until when it may be used: monotonic, in seconds."""

NEVER: Final = (None, -inf)


class DoubtfulLinks(Generic[L]):
    """Callers have to hold the lookup's lock.

    `links` is how many there is room for, counted by their weights; `spellings`, how many other
    spellings of their slugs.
    """

    def __init__(self, links: int, spellings: int) -> None:
        self._links: LRUCache[Key, _Limited[L]] = LRUCache(links, getsizeof=_weigh)
        self._spellings: LRUCache[Key, _Limited[str]] = LRUCache(spellings)
        self._usable_until = -inf  # the latest of all

    def add(
        self,
        links: Iterable[tuple[Key, L]],
        spellings: Iterable[tuple[Key, str]],
        usable_until: float,
    ) -> None:
        """Leaves out links with a limit or a password, which have to be exact."""
        self._usable_until = max(self._usable_until, usable_until)
        if self._drop_expired():
            return
        self._links.update(
            [(key, (link, usable_until)) for key, link in links if not _has_to_be_exact(link)]
        )
        self._spellings.update([(place, (key, usable_until)) for place, key in spellings])

    def find(self, key: Key) -> L | None:
        return None if self._drop_expired() else _find(self._links, key)

    def find_spelling(self, place: Key) -> str | None:
        """The key of the link that fitted that folded one."""
        return None if self._drop_expired() else _find(self._spellings, place)

    def forget(self, keys: Iterable[Key], place: Key) -> None:
        """Links of those keys, and which one fitted that folded key."""
        for key in keys:
            self._links.pop(key, None)
        self._spellings.pop(place, None)

    def clear(self) -> None:
        self._links.clear()
        self._spellings.clear()

    def __len__(self) -> int:
        return len(self._links)

    def _drop_expired(self) -> bool:
        """Whether nothing is left."""
        if monotonic() < self._usable_until:
            return False
        self.clear()
        return True


def _has_to_be_exact(link: Known) -> bool:
    return link.max_clicks is not None or link.password_hash is not None


def _weigh(_key: Key, limited: _Limited[Known]) -> int:
    return limited[0].weight


def _find(values: LRUCache[Key, _Limited[V]], key: Key) -> V | None:
    value, usable_until = values.get(key, NEVER)
    return value if monotonic() < usable_until else None
