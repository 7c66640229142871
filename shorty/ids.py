"""Owns how an id is written outside the database: in paths, queries, bodies and commands."""

from typing import Final

MOST_DIGITS: Final = 18  # fits a 64-bit integer


def parse_id(value: object) -> int | None:
    """The id that a text, or a number out of JSON, stands for; None if it cannot be any."""
    text = str(value)
    fits = text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS
    return int(text) if fits else None
