"""Reads tables with a heading, and writes cells that no spreadsheet runs.

A spreadsheet takes a cell that begins with certain signs for a formula. An apostrophe in front of
it makes it a text.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias

import msgspec

from shorty.transfer.files import LONGEST_ROW, Fault, InvalidFileError, OpenFile

Cell: TypeAlias = str | int | bool | None

# Signs that begin a formula, or end the cell before one. After apostrophes too, so that a text with
# its own apostrophe differs from one that got it here.
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r]")
_DEFUSED: Final = re.compile(r"'+[=+\-@\t\r]")


def write_rows(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def write_cell(value: Cell) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    if isinstance(value, int):
        return str(value)
    return f"'{value}" if _FORMULA.match(value) else value


def parse_cell(text: str) -> str:
    """The text as it was before write_cell."""
    return text[1:] if _DEFUSED.match(text) else text


class Row(msgspec.Struct, frozen=True):
    """A row of a table: its cells that are not empty, by the columns' folded names."""

    place: str
    cells: Mapping[str, str]

    def find(self, *names: str) -> str:
        """The cell of the first of these columns that is not empty; empty if all are."""
        return next((text for name in names if (text := self.cells.get(name))), "")


class Table:
    """A table with a heading. Raises InvalidFileError, also while it is read."""

    def __init__(self, file: OpenFile) -> None:
        csv.field_size_limit(LONGEST_ROW)
        delimiter = find_delimiter(file.read_start().decode(errors="replace"))
        self._begun = 0  # the line in which the row that is being read begins
        self._reader = csv.reader(
            self._bound_rows(file.read_text_lines()), delimiter=delimiter, strict=True
        )
        # How databases print NULL in tab-separated tables.
        self._nothing = {"NULL", "\\N"} if delimiter == "\t" else set[str]()
        heading = self._read_heading()
        while heading is not None and not any(cell.strip() for cell in heading):
            heading = self._read_heading()
        if heading is None:
            raise InvalidFileError("The file is empty. Its first row must name the columns.")
        self.columns = [fold_column(name) for name in heading]
        self.headings = [name.strip() for name in heading]

    def read_rows(self) -> Iterator[Row | Fault]:
        """Each row, or its fault; reading goes on with the next line."""
        while (cells := self._read_row()) is not None:
            if isinstance(cells, Fault):
                yield cells
                continue
            named = {
                column: text
                for column, cell in zip(self.columns, cells, strict=False)
                if column and (text := cell.strip()) and text not in self._nothing
            }
            if named:
                yield Row(f"line {self._begun}", named)

    def _read_heading(self) -> list[str] | None:
        heading = self._read_row()
        if isinstance(heading, Fault):
            raise InvalidFileError(f"The heading in {heading.place} {heading.message}.")
        return heading

    def _read_row(self) -> list[str] | Fault | None:
        self._begun = self._reader.line_num + 1
        try:
            return next(self._reader, None)
        except csv.Error as error:
            message = f"can't be read as a row of a table: {error}"
            return Fault(place=f"line {self._begun}", subject="", message=message)

    def _bound_rows(self, lines: Iterator[str]) -> Iterator[str]:
        """Without a bound, a quote that is never closed would take the rest of the file."""
        begun, length = 0, 0
        for line in lines:
            length = len(line) + (length if begun == self._begun else 0)
            begun = self._begun
            if length > LONGEST_ROW:
                raise InvalidFileError(
                    f"The row that begins in line {begun} is longer than {LONGEST_ROW:,} "
                    "characters: look for a quote that is never closed."
                )
            yield line


def find_delimiter(start: str) -> str:
    """Comma, semicolon or tab, whichever occurs most in the heading."""
    heading = next((line for line in start.splitlines() if line.strip("\ufeff ")), "")
    unquoted = re.sub(r'"[^"]*"', "", heading)
    return max(",;\t", key=unquoted.count)


def fold_column(name: str) -> str:
    """One spelling for `Long URL`, `long_url` and `longUrl`."""
    return re.sub(r"[^a-z0-9]", "", name.casefold())
