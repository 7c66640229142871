"""Opens files of elsewhere: as pieces, as lines, as a table by its columns' names."""

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from shorty.transfer.model import Fault

LONGEST_ROW: Final = 1_000_000
"""Bytes of a row of a table or dump, or of one entry of a JSON list."""
LONGEST_LINE: Final = 6 * 1024 * 1024
"""Of our own format, where a line may hold a picture of four megabytes in Base64."""
PIECE_BYTES: Final = 64 * 1024
SNIFFED: Final = 64 * 1024

_UTF_8_MARK: Final = b"\xef\xbb\xbf"
_UTF_16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


class InvalidFileError(Exception):
    """The file cannot be read as what it is said to be: a sentence that says what to do.

    It ends an import and never leaves this package.
    """


class ReadingStoppedError(Exception):
    """Nobody wants the rest of the file any more. It never leaves this package."""


def _never() -> bool:
    return False


class OpenFile:
    """A file that is being read from its start; `position` may be asked from another thread.

    `is_stopped` is asked before each piece or line; once it says yes, ReadingStoppedError is raised
    in the place of more, so that no reader has to look after this.
    """

    def __init__(self, path: Path, is_stopped: Callable[[], bool] = _never) -> None:
        """Raises InvalidFileError."""
        self._is_stopped = is_stopped
        try:
            self._file: BinaryIO = path.open("rb")
        except OSError as error:
            raise InvalidFileError(f"{path} cannot be read: {error.strerror}.") from error
        self.size = path.stat().st_size
        self.position = 0

    def close(self) -> None:
        self._file.close()

    def read_start(self) -> bytes:
        """The first bytes, which are read again afterwards."""
        start = self._file.read(SNIFFED)
        self._file.seek(0)
        return start

    def read_pieces(self) -> Iterator[bytes]:
        """The file from its start, without a byte order mark."""
        self._file.seek(0)
        has_mark = self._file.read(len(_UTF_8_MARK)) == _UTF_8_MARK
        self.position = len(_UTF_8_MARK) if has_mark else 0
        self._file.seek(self.position)
        while piece := self._read(self._file.read, PIECE_BYTES):
            self.position += len(piece)
            yield piece

    def read_lines(self, longest: int = LONGEST_LINE) -> Iterator[tuple[int, bytes]]:
        """The lines with their numbers, from 1 on, without a byte order mark; empty ones too.

        Raises InvalidFileError for one that is too long.
        """
        self._file.seek(0)
        self.position = 0
        number = 0
        while line := self._read(self._file.readline, longest + 1):
            number += 1
            if len(line) > longest:
                raise InvalidFileError(
                    f"Line {number} is longer than the {longest:,} bytes that one may have."
                )
            self.position += len(line)
            yield number, line.removeprefix(_UTF_8_MARK) if number == 1 else line

    def read_text_lines(self) -> Iterator[str]:
        """Raises InvalidFileError where it is not UTF-8."""
        for number, line in self.read_lines(LONGEST_ROW):
            if number == 1 and line.startswith(_UTF_16_MARKS):
                raise InvalidFileError("The file is in UTF-16: save it as UTF-8 and try again.")
            try:
                yield line.decode()
            except UnicodeDecodeError:
                raise InvalidFileError(
                    f"The file is not in UTF-8 (line {number}): save it as UTF-8 and try again."
                ) from None

    def is_json(self) -> bool:
        return self.read_start().removeprefix(_UTF_8_MARK).lstrip()[:1] in {b"{", b"["}

    def _read(self, read: Callable[[int], bytes], size: int) -> bytes:
        if self._is_stopped():
            raise ReadingStoppedError
        return read(size)


class Row(msgspec.Struct, frozen=True):
    """A row of a table: its cells by the columns' folded names, where they are not empty."""

    place: str
    cells: Mapping[str, str]

    def find(self, *names: str) -> str:
        """The first of these columns that says something; empty where none does."""
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
        # What databases print for nothing, in the tables that they print.
        self._nothing = {"NULL", "\\N"} if delimiter == "\t" else set[str]()
        heading = self._read_heading()
        while heading is not None and not any(cell.strip() for cell in heading):
            heading = self._read_heading()
        if heading is None:
            raise InvalidFileError("The file is empty: its first row has to name the columns.")
        self.columns = [fold_column(name) for name in heading]
        self.headings = [name.strip() for name in heading]

    def read_rows(self) -> Iterator[Row | Fault]:
        """Each row, or why it is none; the next line is read as a row again."""
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
            message = f"is not a row of a table: {error}"
            return Fault(place=f"line {self._begun}", subject="", message=message)

    def _bound_rows(self, lines: Iterator[str]) -> Iterator[str]:
        """A quote that never closes would make one row of the rest of the file."""
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
    """What separates the columns' names: the one of comma, semicolon and tab that is there most."""
    heading = next((line for line in start.splitlines() if line.strip("\ufeff ")), "")
    unquoted = re.sub(r'"[^"]*"', "", heading)
    return max(",;\t", key=unquoted.count)


def fold_column(name: str) -> str:
    """One spelling for `Long URL`, `long_url` and `longUrl`."""
    return re.sub(r"[^a-z0-9]", "", name.casefold())
