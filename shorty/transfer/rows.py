"""Splits the lines of a table into rows, of which a malformed one costs no other.

A quote that is never closed takes the lines after it into its row. Once such a row fails, each of
its other lines is read again, by itself but for the last, which may begin a row of several lines:
so no line is read more than three times, whatever is in it.
"""

import csv
import re
from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

from shorty.transfer.files import LONGEST_ROW, Fault, TextLine

NEVER_CLOSED: Final = "has a quote that opens in line {line} and is never closed"
BADLY_QUOTED: Final = "is badly quoted: a quote in it is not doubled, or not closed"
LONE_RETURN: Final = (
    "contains a carriage return outside quotes; save the file with LF or CRLF as line ends"
)
_NUL: Final = "contains a NUL character"
# csv tells these apart by nothing else.
_CUT_OFF: Final = "unexpected end of data"
_NEW_LINE: Final = "new-line character"


class SplitRow(NamedTuple):
    """Its first line, and its cells. A blank line has none."""

    line: int
    cells: list[str]


class Rows:
    def __init__(self, lines: Iterator[TextLine], delimiter: str) -> None:
        csv.field_size_limit(LONGEST_ROW + 1)
        self._lines = _Lines(lines)
        self._reader = csv.reader(self._lines, delimiter=delimiter, strict=True)
        self._quoted = re.compile(rf'(?:^|(?<=[{re.escape(delimiter)}\n]))"((?:[^"]++|"")*+)("?)')

    def read(self) -> SplitRow | Fault | None:
        """The next row; None at the end."""
        self._lines.begin()
        try:
            cells = next(self._reader, None)
        except csv.Error as error:
            return self.refuse(self._explain(error))
        taken = self._lines.taken
        if cells is None or not taken:
            return None
        for line in taken:
            if line.fault or "\0" in line.text:
                return self._refuse_line(line)
        return SplitRow(taken[0].number, cells)

    def refuse(self, message: str) -> Fault:
        """The fault of the row that was read last. Its other lines are read again."""
        first, *others = self._lines.taken
        self._lines.give_back(others)
        return Fault(place=f"line {first.number}", subject="", message=message)

    def _refuse_line(self, line: TextLine) -> Fault:
        """Of a row whose quotes are right, so that none of its lines can be a row."""
        first = self._lines.taken[0].number
        where = "" if line.number == first else f"in line {line.number} "
        return Fault(place=f"line {first}", subject="", message=f"{where}{line.fault or _NUL}")

    def _explain(self, error: csv.Error) -> str:
        if _CUT_OFF not in str(error):
            return LONE_RETURN if _NEW_LINE in str(error) else BADLY_QUOTED
        first = self._lines.taken[0].number
        text = "".join(line.text for line in self._lines.taken)
        opened = next((each for each in self._quoted.finditer(text) if not each[2]), None)
        line = first + text.count("\n", 0, opened.start()) if opened else first
        return NEVER_CLOSED.format(line=line)


class _Lines:
    """The lines that csv asks for, row by row. It is told that they end where a row must end."""

    def __init__(self, lines: Iterator[TextLine]) -> None:
        self.taken: list[TextLine] = []
        self._lines = lines
        self._again: deque[TextLine] = deque()
        self._length = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if self.taken and (self._again or self._length > LONGEST_ROW):
            raise StopIteration
        line = self._again.popleft() if self._again else next(self._lines)
        self.taken.append(line)
        self._length += len(line.text)
        return line.text

    def begin(self) -> None:
        self.taken = []
        self._length = 0

    def give_back(self, lines: list[TextLine]) -> None:
        self._again.extendleft(reversed(lines))
