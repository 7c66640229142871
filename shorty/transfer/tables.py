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

from shorty.transfer.files import Fault, InvalidFileError, OpenFile
from shorty.transfer.rows import Rows, SplitRow

Cell: TypeAlias = str | int | bool | None

# Signs that begin a formula, or end the cell before one. After apostrophes too, so that a text with
# its own apostrophe differs from one that got it here.
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r]")
_DEFUSED: Final = re.compile(r"'+[=+\-@\t\r]")
_EXCEL: Final = re.compile(r'\ufeff?"?sep=([^"\w\s]|\t)"?\s*', re.IGNORECASE)


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


class Table:
    """A table with a heading, whose rows can be read more than once.

    Raises InvalidFileError.
    """

    def __init__(self, file: OpenFile) -> None:
        self._file = file
        start = file.read_start().decode(errors="replace")
        self._delimiter = find_delimiter(start)
        heading = self._read_heading(Rows(file.read_text_lines(), self._delimiter))
        self.line = heading.line
        self.headings = [name.strip(" \t\ufeff") for name in heading.cells]
        self.columns = list(name_columns(self.headings))
        # How databases print NULL in tab-separated tables.
        self._nothing = {"NULL", "\\N"} if self._delimiter == "\t" else set[str]()

    def read_rows(self) -> Iterator[Row | Fault]:
        """Each row of the table, or its fault."""
        rows = Rows(self._file.read_text_lines(), self._delimiter)
        while (row := rows.read()) is not None:
            if isinstance(row, Fault):
                yield row
            elif row.line <= self.line or not any(cell.strip() for cell in row.cells):
                continue
            elif (fault := self._compare(row)) is not None:
                yield rows.refuse(fault)
            else:
                yield self._name_cells(row)

    def find_column(self, name: str) -> str | None:
        """The column with this heading, in any spelling."""
        if name in self.headings:
            return self.columns[self.headings.index(name)]
        folded = fold_column(name)
        return folded if folded in self.columns else None

    def _compare(self, row: SplitRow) -> str | None:
        """Empty cells behind the last column are nothing's."""
        found, expected = len(row.cells), len(self.columns)
        if found == expected or (found > expected and not any(row.cells[expected:])):
            return None
        cells = "1 cell" if found == 1 else f"{found} cells"
        return f"has {cells}, but the heading names {expected} columns"

    def _name_cells(self, row: SplitRow) -> Row:
        named = {
            column: text
            for column, cell in zip(self.columns, row.cells, strict=False)
            if column and (text := cell.strip()) and text not in self._nothing
        }
        return Row(f"line {row.line}", named)

    def _read_heading(self, rows: Rows) -> SplitRow:
        while (row := rows.read()) is not None:
            if isinstance(row, Fault):
                raise InvalidFileError(f"The heading in {row.place} {row.message}.")
            if any(cell.strip() for cell in row.cells) and not is_excel_line(row.cells):
                return row
        raise InvalidFileError("The file is empty. Its first row must name the columns.")


def is_excel_line(cells: list[str]) -> bool:
    """Whether it is the line with which Excel is told the delimiter: `sep=;`."""
    return cells[0].strip("\ufeff").lower().startswith("sep=") and not any(cells[1:])


def find_delimiter(start: str) -> str:
    """What Excel is told, or the sign that occurs most in the heading."""
    heading = next((line for line in start.splitlines() if line.strip("\ufeff ")), "")
    if told := _EXCEL.fullmatch(heading):
        return told[1]
    unquoted = re.sub(r'"[^"]*"', "", heading)
    return max(",;\t|", key=unquoted.count)


def fold_column(name: str) -> str:
    """One spelling for `Long URL`, `long_url` and `longUrl`."""
    return re.sub(r"[\W_]", "", name.casefold())


def name_columns(headings: Iterable[str]) -> Iterator[str]:
    """Their folded names, each once. A second one of a name means nothing by itself."""
    names: set[str] = set()
    for number, heading in enumerate(headings, 1):
        name = fold_column(heading) or heading
        if name in names:
            name = f"{name} {number}"
        names.add(name)
        yield name
