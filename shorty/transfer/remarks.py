"""What an import has to say about a link that did not come in exactly as it was.

A link that was closed at its old home comes in switched off, whatever the reason: better closed
than open. A remark says so, or says what had to be left out.
"""

from collections.abc import Callable, Iterable
from typing import Final, Literal, TypeAlias, TypeVar

import msgspec

T = TypeVar("T")

Reason: TypeAlias = Literal[
    "banned",
    "blocked",
    "disabled",
    "paused",
    "archived",
    "draft",
    "deleted",
    "private",
    "expired",
    "used up",
    "password",
    "limit",
    "start",
    "end",
    "rules",
    "unknown state",
]
RemarkKind: TypeAlias = Literal[
    "switched off", "tags", "dates", "texts", "limits", "status", "columns", "history", "other"
]
"""What the tally counts remarks by. A link that came in switched off has one of the first kind."""

REASONS: Final[dict[Reason, str]] = {
    "banned": "it was banned",
    "blocked": "it was blocked",
    "disabled": "it was disabled",
    "paused": "it was paused",
    "archived": "it was archived",
    "draft": "it was a draft",
    "deleted": "it was deleted",
    "private": "it was not open to everyone",
    "expired": "it had expired",
    "used up": "its limit of visits was used up",
    "password": "its password could not be imported; set one before you activate it",
    "limit": "its limit was 0 visits",
    "start": "it had not started yet",
    "end": "its end can't be read",
    "rules": "it led to different places by rules that shorty does not have",
    "unknown state": "its state is not known to shorty",
}


class Closing(msgspec.Struct, frozen=True, kw_only=True):
    """Why a link was closed at its old home, or must not be open here."""

    reason: Reason
    message: str


class LinkRemark(msgspec.Struct, frozen=True, kw_only=True):
    """What its owner has to know about a link that came in: a phrase after the link's name."""

    kind: RemarkKind
    message: str


class Notes:
    """Collects what has to be said about one link while it is read."""

    def __init__(self) -> None:
        self._closings: dict[Reason, Closing] = {}
        self._remarks: list[LinkRemark] = []

    @property
    def closed(self) -> tuple[Closing, ...]:
        """Each reason once."""
        return tuple(self._closings.values())

    @property
    def remarks(self) -> tuple[LinkRemark, ...]:
        return tuple(self._remarks)

    def close(self, reason: Reason, message: str | None = None) -> None:
        """The message is a phrase such as "it was banned"."""
        closing = Closing(reason=reason, message=message or REASONS[reason])
        self._closings.setdefault(reason, closing)

    def remark(self, kind: RemarkKind, message: str) -> None:
        self._remarks.append(LinkRemark(kind=kind, message=message))

    def read(self, kind: RemarkKind, what: str, read: Callable[[], T]) -> T | None:
        """What matters little: without it, the link comes in with a remark."""
        try:
            return read()
        except ValueError as error:
            self.remark(kind, f"came in without its {what}: {error}")
            return None

    def read_or_close(self, reason: Reason, what: str, read: Callable[[], T]) -> T | None:
        """What keeps visitors out: where it can't be read, the link comes in switched off."""
        try:
            return read()
        except ValueError as error:
            self.close(reason, f"its {what} can't be taken over: {error}")
            return None


def describe_closings(closings: Iterable[Closing]) -> str:
    return "came in switched off: " + ", and ".join(each.message for each in closings)
