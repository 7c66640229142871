"""Prints lists: fitted to a terminal, and whole, with tabs between the columns, in a pipe."""

import shutil
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import rich_click as click
from rich.cells import cell_len, set_cell_size

GAP: Final = "  "
NARROWEST: Final = 4
READABLE: Final = 10
# Columns that are shortened before any other: what is in them is long, and its start says most.
LONG: Final = frozenset(
    {
        *("URL", "TITLE", "NAME", "TOKEN", "OBSTACLE"),
        *("ROOT REDIRECT", "NOT FOUND REDIRECT", "EXPIRED REDIRECT"),
    }
)
ELLIPSIS: Final = "…"
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
    fitted = fit_widths(widths, room, [heading in LONG for heading in table[0]])
    return [
        GAP.join(fit_cell(*pair) for pair in zip(row, fitted, strict=True)).rstrip()
        for row in table
    ]


def fit_widths(widths: Sequence[int], room: int, are_long: Sequence[bool]) -> list[int]:
    """The widest long columns shrink first, all to the same width; then all do, if need be."""
    kept = sum(width for width, is_long in zip(widths, are_long, strict=True) if not is_long)
    long = [width for width, is_long in zip(widths, are_long, strict=True) if is_long]
    shrunk = iter(_shrink(long, room - kept, READABLE))
    fitted = [
        next(shrunk) if is_long else width for width, is_long in zip(widths, are_long, strict=True)
    ]
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
    """Padded or cut to so many columns: wide characters, as of Chinese or emoji, take two."""
    if cell_len(text) <= width:
        return text + " " * (width - cell_len(text))
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
