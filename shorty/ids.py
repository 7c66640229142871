"""Owns how an id is written outside the database: in paths, queries, bodies and commands."""

from typing import Final

MOST_DIGITS: Final = 18  # fits a 64-bit integer


def parse_id(value: object) -> int | None:
    """The id of a text or a JSON number; None if it cannot be an id."""
    text = str(value)
    fits = text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS
    return int(text) if fits else None
