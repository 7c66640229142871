"""Owns how names of tags and UTM templates are compared: one way for every door and import."""

import unicodedata
from typing import Final

LONGEST_NAME: Final = 100
# NFC makes one letter of at most four; a longer text is no name, and composing it takes the square
# of its length.
LONGEST_COMPOSED: Final = 4 * LONGEST_NAME


def fold_name(name: str) -> str:
    """Equal for names that differ only in case, in how their letters are composed, or in spaces."""
    line = " ".join(name.split())
    if line.isascii() or len(line) > LONGEST_COMPOSED:
        return line.casefold()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", line).casefold())


def spell_name(name: str) -> str:
    """The name in one line, composed: as it is kept."""
    line = " ".join(name.split())
    return line if len(line) > LONGEST_COMPOSED else unicodedata.normalize("NFC", line)
