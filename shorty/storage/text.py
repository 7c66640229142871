"""Owns how texts are compared in a search, in Python as in SQL, and shown in a terminal."""

import unicodedata
from typing import Final

SHOWN_LENGTH: Final = 80


def fold_text(text: str) -> str:
    """One spelling for what readers take for the same."""
    return text.casefold() if text.isascii() else unicodedata.normalize("NFC", text).casefold()


def contains_folded(text: str, *fields: str | None) -> bool:
    """Whether a field contains the folded `text`; every connection has a function of this name."""
    return any(text in fold_text(field) for field in fields if field is not None)


def show_text(text: str) -> str:
    """The start of a text from elsewhere, without what a terminal would act upon."""
    shown = "".join(each if each.isprintable() else "\ufffd" for each in text[:SHOWN_LENGTH])
    return shown if len(text) <= SHOWN_LENGTH else f"{shown}…"
