"""Parses whole numbers as people and spreadsheets of many countries write them.

Whether `1.234` is a thousand or a little more than one is said by the other numbers of its column:
a sign is a decimal one if it is so anywhere in it.
"""

import re
from collections.abc import Set as AbstractSet
from typing import Final

MOST_DIGITS: Final = 12
LONGEST_NUMBER: Final = 40
_SPACES: Final = re.compile(r"(?<=\d)[\s'\u2019_](?=\d{3})")
_SIGNED: Final = re.compile(r"\d*(?:[.,]\d+)*")
_PARTS: Final = re.compile(r"[.,]")
GROUP: Final = 3


def read_decimal_sign(text: str) -> str:
    """The sign that must be a decimal one in this number; empty if none must."""
    if len(text) > LONGEST_NUMBER or not _SIGNED.fullmatch(text := _strip(text)):
        return ""
    signs = _PARTS.findall(text)
    if not signs or signs.count(signs[-1]) > 1:
        return ""
    *whole, fraction = _PARTS.split(text)
    is_decimal = len(fraction) != GROUP or len(set(signs)) > 1
    return signs[-1] if is_decimal or whole[0] in {"", "0"} or len(whole[0]) > GROUP else ""


def parse_number(text: str, decimal_signs: AbstractSet[str] | None = None) -> int:
    """`decimal_signs` are those of the column. Raises ValueError for what is not a whole number.

    `12,0` is one.
    """
    if decimal_signs is None:
        decimal_signs = {read_decimal_sign(text)}
    stripped = _strip(text) if len(text) <= LONGEST_NUMBER else ""
    digits = _join(stripped, decimal_signs) if _SIGNED.fullmatch(stripped) else ""
    if not (digits.isascii() and digits.isdigit() and len(digits) <= MOST_DIGITS):
        raise ValueError(f"{text[:40]!r} is not a whole number")
    return int(digits)


def _strip(text: str) -> str:
    return _SPACES.sub("", text.strip())


def _join(text: str, decimal_signs: AbstractSet[str]) -> str:
    """Its digits without signs; empty if it has a fraction, or groups of another length."""
    signs = _PARTS.findall(text)
    parts = _PARTS.split(text)
    if signs and signs[-1] in decimal_signs and signs.count(signs[-1]) == 1:
        if parts.pop().strip("0"):
            return ""
        signs.pop()
    is_grouped = all(len(part) == GROUP for part in parts[1:]) and len(set(signs)) <= 1
    return "".join(parts) if is_grouped and (not signs or 1 <= len(parts[0]) <= GROUP) else ""
