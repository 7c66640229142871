"""Owns how texts are compared in a search, in Python as in the database."""

import unicodedata


def fold_text(text: str) -> str:
    """One spelling for what readers take for the same."""
    return text.casefold() if text.isascii() else unicodedata.normalize("NFC", text).casefold()


def contains_folded(text: str, *fields: str | None) -> bool:
    """Whether a field contains the folded `text`; every connection has a function of this name."""
    return any(text in fold_text(field) for field in fields if field is not None)
