"""Keeps text that people typed in its own direction among ours (UAX #9).

In HTML it is isolated by an element, in plain text (an attribute, a notice) by characters. A full
stop or a number of ours would otherwise jump to the other end of a name in Hebrew or Arabic.
"""

import re
from typing import Final
from unicodedata import bidirectional

from markupsafe import Markup

FIRST_STRONG_ISOLATE: Final = "\N{FIRST STRONG ISOLATE}"
POP_ISOLATE: Final = "\N{POP DIRECTIONAL ISOLATE}"

_RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "AN"})
_CONTROLS: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")


def isolate(text: str) -> str:
    """The text between isolating characters, if a part of it runs from right to left.

    Controls of direction within it are left out: an unbalanced one would end the isolation.
    """
    if text.isascii():
        return text
    plain = _CONTROLS.sub("", text)
    if all(bidirectional(character) not in _RIGHT_TO_LEFT for character in plain):
        return plain
    return f"{FIRST_STRONG_ISOLATE}{plain}{POP_ISOLATE}"


def write_isolated(text: object) -> Markup:
    """As HTML, in the direction of its first letter."""
    return Markup("<bdi>{}</bdi>").format(text)


def write_left_to_right(text: object) -> Markup:
    """As HTML, for addresses: from left to right, whatever letters they have (UTS #46, 3)."""
    return Markup('<bdi dir="ltr">{}</bdi>').format(text)
