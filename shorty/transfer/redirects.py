"""Reads how a redirect answers, as other products name it."""

import re
from typing import Final

from shorty.transfer.remarks import Notes
from shorty.transfer.states import judge_word

DEFAULT: Final = 302
_CODE: Final = re.compile(r"(?<!\d)30[1278](?!\d)")
_WORDS: Final = {
    "permanent": 301,
    "permanently": 301,
    "movedpermanently": 301,
    "temporary": 302,
    "temporarily": 302,
    "found": 302,
}
_GONE: Final = re.compile(r"4\d\d")


def is_redirect(text: str) -> bool:
    """Whether a state is how the link answers, such as 301."""
    return bool(_CODE.search(text[:100]))


def read_redirect(text: str, notes: Notes) -> int:
    """The status. Where shorty has none like it, the link comes in with a remark.

    What answered as missing or gone is closed.
    """
    if found := _CODE.search(text[:100]):
        return int(found[0])
    word = re.sub(r"[\W_]", "", text[:100].lower())
    if not word or word in _WORDS:
        return _WORDS.get(word, DEFAULT)
    if _GONE.fullmatch(word):
        notes.close(judge_word(word) or "unknown state", f"it answered {word}")
    else:
        notes.remark("status", f"redirects with {DEFAULT}, since {text[:40]!r} is not known")
    return DEFAULT
