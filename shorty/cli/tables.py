"""Prints lists: fitted to a terminal, and whole, with tabs between the columns, in a pipe."""

import re
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Literal

import rich_click as click
from rich.cells import cell_len, set_cell_size

Kind = Literal["long", "plain", "time"]

GAP: Final = "  "
NARROWEST: Final = 4
READABLE: Final = 10
TELLING: Final = 20
"""So much of a short link or an email tells it from others."""
# Columns that are shortened before any other: what is in them is long, and its start says most.
LONG: Final = frozenset(
    {
        *("URL", "TITLE", "NAME", "TOKEN", "OBSTACLE"),
        *("ROOT REDIRECT", "NOT FOUND REDIRECT", "EXPIRED REDIRECT"),
    }
)
ELLIPSIS: Final = "…"
DAY: Final = len("2026-11-30")
# What shrinks, one after the other, and how far, while the rows do not fit.
STAGES: Final[tuple[tuple[Kind, int], ...]] = (
    ("long", READABLE),
    ("plain", TELLING),
    ("time", DAY + 1),
    ("long", NARROWEST),
)
_SCHEME: Final = re.compile("^https?://")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC")
# What a terminal would carry out: control characters, and those that turn the direction of writing.
_UNSAFE: Final = {"Cc", "Zl", "Zp"}
_DIRECTIONS: Final = {*range(0x202A, 0x202F), *range(0x2066, 0x206A)}


def print_table(
    headings: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str = "Nothing to list."
) -> None:
    """An empty list prints nothing but the sentence `empty`, on standard error."""
    table = [[clean(show_cell(cell)) for cell in row] for row in rows]
    if not table:
        click.echo(empty, err=True)
        return
    for line in write_table([list(headings), *table], find_width()):
        click.echo(line)


def write_table(table: Sequence[Sequence[str]], width: int | None) -> list[str]:
    """Lines of at most `width` columns of a terminal; None: whole, with tabs."""
    if width is None:
        return ["\t".join(row) for row in table]
    widths = [max(map(cell_len, column)) for column in zip(*table, strict=True)]
    room = width - len(GAP) * (len(widths) - 1)
    fitted = fit_widths(widths, room, [*map(find_kind, zip(*table, strict=True))])
    return [
        GAP.join(fit_cell(*pair) for pair in zip(row, fitted, strict=True)).rstrip()
        for row in table
    ]


def find_kind(column: Sequence[str]) -> Kind:
    """Of a column, whose first cell is its heading."""
    if column[0] in LONG:
        return "long"
    return "time" if any(map(_TIME.fullmatch, column)) else "plain"


def fit_widths(widths: Sequence[int], room: int, kinds: Sequence[Kind]) -> list[int]:
    """The widest columns of a kind shrink first, all to the same width; at last those of all."""
    fitted = list(widths)
    for kind, least in STAGES:
        places = [place for place, each in enumerate(kinds) if each == kind]
        others = sum(fitted) - sum(fitted[place] for place in places)
        shrunk = _shrink([fitted[place] for place in places], room - others, least)
        for place, width in zip(places, shrunk, strict=True):
            fitted[place] = width
    return _shrink(fitted, room, NARROWEST)


def _shrink(widths: Sequence[int], room: int, least: int) -> list[int]:
    cap = max(widths, default=0)
    while cap > least and sum(min(width, cap) for width in widths) > room:
        cap -= 1
    fitted = [min(width, cap) for width in widths]
    for place, width in enumerate(widths):  # what is left over goes to the first ones
        if width > cap and sum(fitted) < room:
            fitted[place] += 1
    return fitted


def fit_cell(text: str, width: int) -> str:
    """Padded or cut to so many columns: wide characters, as of Chinese or emoji, take two.

    A URL loses its scheme first, which all have in common. Of a time the whole day remains, without
    a part of its hour that would read as another.
    """
    if cell_len(text) > width:
        text = _SCHEME.sub("", text)
    if cell_len(text) <= width:
        return text + " " * (width - cell_len(text))
    if width > DAY and _TIME.fullmatch(text):
        return (text[:DAY] + ELLIPSIS).ljust(width)
    return set_cell_size(text, width - 1) + ELLIPSIS


def print_facts(facts: Mapping[str, object]) -> None:
    width = max(map(len, facts))
    for name, value in facts.items():
        click.echo(f"{name.ljust(width)}  {clean(show_cell(value))}")


def find_width() -> int | None:
    """The terminal's columns; None where standard output is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def clean(text: str) -> str:
    """On one line, without what a terminal would carry out."""
    return "".join(
        " " if unicodedata.category(each) in _UNSAFE or ord(each) in _DIRECTIONS else each
        for each in text
    )


def show_cell(value: object) -> str:
    match value:
        case None | "":
            return "-"
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)


def show_time(at: int | None) -> str:
    """Formats UTC milliseconds for people."""
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M} UTC" if at is not None else "-"


def count(number: int, noun: str) -> str:
    """`1 link`, `1,200 links`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
