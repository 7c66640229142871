"""Owns how a text stands in a table that may be opened as a spreadsheet, and is read back.

A spreadsheet takes what begins with certain signs for a formula and runs it. An apostrophe before
it keeps it a text.
"""

import csv
import io
import re
from collections.abc import Iterable
from typing import Final

# Signs that begin a formula, or end the cell before one; after apostrophes, so that each text can
# be told from one that got its apostrophe here.
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r]")
_DEFUSED: Final = re.compile(r"'+[=+\-@\t\r]")


def write_rows(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def write_cell(value: str | int | bool | None) -> str:  # noqa: FBT001 - a cell's value
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    if isinstance(value, int):
        return str(value)
    return f"'{value}" if _FORMULA.match(value) else value


def read_cell(text: str) -> str:
    """The text as it was before write_cell."""
    return text[1:] if _DEFUSED.match(text) else text
