"""One spelling for texts that readers consider equal, and texts shown to the operator."""

import unicodedata
from collections.abc import Iterable
from typing import Final

MOST_FINDINGS: Final = 20
SHOWN_LENGTH: Final = 80


def fold_text(text: str) -> str:
    """One spelling for texts that readers consider equal."""
    return text.casefold() if text.isascii() else unicodedata.normalize("NFC", text).casefold()


def contains_folded(text: str, *fields: str | None) -> bool:
    """Whether a field contains the folded `text`."""
    return any(text in fold_text(field) for field in fields if field is not None)


def show_text(text: str) -> str:
    """The start of a foreign text, without characters that a terminal would interpret."""
    shown = "".join(each if each.isprintable() else "\ufffd" for each in text[:SHOWN_LENGTH])
    return shown if len(text) <= SHOWN_LENGTH else f"{shown}…"


def limit_findings(findings: Iterable[str]) -> list[str]:
    """The first findings, and the number of the others. Keeps only the first in memory."""
    shown: list[str] = []
    more = 0
    for finding in findings:
        if len(shown) < MOST_FINDINGS:
            shown.append(finding)
        else:
            more += 1
    return [*shown, f"and {more:,} more"] if more else shown
