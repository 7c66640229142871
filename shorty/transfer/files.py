"""Opens files of elsewhere: as text, as a table by its columns' names, as JSON."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

LONGEST_CELL: Final = 1_000_000
LONGEST_LINE: Final = 16 * 1024 * 1024
LARGEST_DOCUMENT: Final = 256 * 1024 * 1024
SNIFFED: Final = 64 * 1024

_UTF_8_MARK: Final = b"\xef\xbb\xbf"
_UTF_16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


class InvalidFileError(Exception):
    """The file cannot be read as what it is said to be: a sentence that says what to do.

    It ends an import and never leaves this package.
    """


class OpenFile:
    """A file that is being read from its start; `position` may be asked from another thread."""

    def __init__(self, path: Path) -> None:
        """Raises InvalidFileError."""
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

    def read_lines(self) -> Iterator[tuple[int, bytes]]:
        """The lines with their numbers, from 1 on, without a byte order mark; empty ones too.

        Raises InvalidFileError for one that is too long.
        """
        self._file.seek(0)
        self.position = 0
        for number, line in enumerate(iter(lambda: self._file.readline(LONGEST_LINE + 1), b""), 1):
            if len(line) > LONGEST_LINE:
                raise InvalidFileError(f"Line {number} is longer than any line can be.")
            self.position += len(line)
            yield number, line.removeprefix(_UTF_8_MARK) if number == 1 else line

    def read_text_lines(self) -> Iterator[str]:
        """Raises InvalidFileError where it is not UTF-8."""
        for number, line in self.read_lines():
            if number == 1 and line.startswith(_UTF_16_MARKS):
                raise InvalidFileError("The file is in UTF-16: save it as UTF-8 and try again.")
            try:
                yield line.decode()
            except UnicodeDecodeError:
                raise InvalidFileError(
                    f"The file is not in UTF-8 (line {number}): save it as UTF-8 and try again."
                ) from None

    def read_all(self) -> bytes:
        """Raises InvalidFileError where it is too large to be held."""
        if self.size > LARGEST_DOCUMENT:
            most = LARGEST_DOCUMENT // 1024 // 1024
            raise InvalidFileError(f"The file is larger than {most} MB: divide it.")
        content = self._file.read()
        self.position = len(content)
        return content.removeprefix(_UTF_8_MARK)

    def is_json(self) -> bool:
        return self.read_start().removeprefix(_UTF_8_MARK).lstrip()[:1] in {b"{", b"["}


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
        csv.field_size_limit(LONGEST_CELL)
        delimiter = find_delimiter(file.read_start().decode(errors="replace"))
        self._reader = csv.reader(file.read_text_lines(), delimiter=delimiter, strict=True)
        # What databases print for nothing, in the tables that they print.
        self._nothing = {"NULL", "\\N"} if delimiter == "\t" else set[str]()
        heading = self._read_row()
        while heading is not None and not any(cell.strip() for cell in heading):
            heading = self._read_row()
        if heading is None:
            raise InvalidFileError("The file is empty: its first row has to name the columns.")
        self.columns = [fold_column(name) for name in heading]
        self.headings = [name.strip() for name in heading]

    def read_rows(self) -> Iterator[Row]:
        while True:
            first = self._reader.line_num + 1
            cells = self._read_row()
            if cells is None:
                return
            named = {
                column: text
                for column, cell in zip(self.columns, cells, strict=False)
                if column and (text := cell.strip()) and text not in self._nothing
            }
            if named:
                yield Row(f"line {first}", named)

    def _read_row(self) -> list[str] | None:
        try:
            return next(self._reader, None)
        except csv.Error as error:
            line = self._reader.line_num
            raise InvalidFileError(f"Line {line} is not a row of a table: {error}.") from None


def find_delimiter(start: str) -> str:
    """What separates the columns' names: the one of comma, semicolon and tab that is there most."""
    heading = next((line for line in start.splitlines() if line.strip("\ufeff ")), "")
    unquoted = re.sub(r'"[^"]*"', "", heading)
    return max(",;\t", key=unquoted.count)


def fold_column(name: str) -> str:
    """One spelling for `Long URL`, `long_url` and `longUrl`."""
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def read_documents(file: OpenFile) -> Iterator[tuple[str, object]]:
    """The JSON values of a file, each with its place: one, or several one after the other."""
    content = file.read_all()
    try:
        yield "", msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as whole:
        yield from _read_document_lines(content, whole)


def _read_document_lines(content: bytes, whole: Exception) -> Iterator[tuple[str, object]]:
    """One value a line, as when the pages of an API are put into one file."""
    lines = [(number, line) for number, line in enumerate(io.BytesIO(content), 1) if line.strip()]
    for number, line in lines:
        try:
            yield f"line {number}, ", msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            fault = whole if number == lines[0][0] else error
            raise InvalidFileError(f"The file is not JSON: {fault}.") from None
