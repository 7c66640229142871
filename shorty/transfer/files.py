"""Reads files from other products piece by piece or line by line, within bounded memory."""

from collections.abc import Callable, Iterator
from pathlib import Path
from re import Pattern
from typing import Final, NamedTuple

import msgspec

from shorty.transfer.encodings import open_as_utf_8

LONGEST_ROW: Final = 1_000_000
"""Bytes of a row of a table or dump, or of one entry of a JSON list."""
LONGEST_LINE: Final = 6 * 1024 * 1024
"""Of our own format, where a line may hold a picture of four megabytes in Base64."""
PIECE_BYTES: Final = 64 * 1024
SNIFFED: Final = 64 * 1024

_UTF_8_MARK: Final = b"\xef\xbb\xbf"


class InvalidFileError(Exception):
    """The file can't be read as what its person says: a sentence that says what to do.

    It ends an import and never leaves this package.
    """


class ReadingStoppedError(Exception):
    """The import was cancelled. It never leaves this package."""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a file, such as a line, that can't be read."""

    place: str
    subject: str
    message: str


class Hints(msgspec.Struct, frozen=True, kw_only=True):
    """What a file's person says about it.

    `columns` are our fields and the headings of a table that hold them; `new_slugs` accepts a table
    without slugs; `encoding` is a name of `encodings.ENCODINGS`.
    """

    columns: tuple[tuple[str, str], ...] = ()
    new_slugs: bool = False
    encoding: str | None = None


class TextLine(NamedTuple):
    """A line with its end. `fault` says why the row that it belongs to can't be read."""

    number: int
    text: str
    fault: str = ""


NOT_UTF_8: Final = (
    "is not in UTF-8: name the encoding of the file (--encoding cp1252 if Excel saved it in "
    "Western Europe), or save it as UTF-8"
)
NOT_ENCODED: Final = "contains bytes that are not in the file's encoding"


def _never() -> bool:
    return False


class OpenFile:
    """A file that is read from its start, in UTF-8 whatever its encoding is.

    `position` is in bytes of the file, and may be read from another thread.

    `is_stopped` is called before each piece or line. Once it is true, reading raises
    ReadingStoppedError, so that no reader has to check.
    """

    def __init__(
        self, path: Path, is_stopped: Callable[[], bool] = _never, hints: Hints | None = None
    ) -> None:
        """Raises InvalidFileError."""
        self._is_stopped = is_stopped
        self.hints = hints or Hints()
        try:
            file = path.open("rb")
            self._file = open_as_utf_8(file, self.hints.encoding)
        except OSError as error:
            raise InvalidFileError(f"{path} can't be read: {error.strerror}.") from error
        self.is_recoded = self._file is not file
        self.size = path.stat().st_size
        self.position = 0

    def close(self) -> None:
        self._file.close()

    def read_start(self) -> bytes:
        """The first bytes, which the next call reads again."""
        start = self._file.read(SNIFFED)
        self._file.seek(0)
        return start

    def read_pieces(self) -> Iterator[bytes]:
        """The file from its start, without a byte order mark. Not for tables.

        Raises InvalidFileError.
        """
        self._require_no_columns()
        self._begin()
        has_mark = self._file.read(len(_UTF_8_MARK)) == _UTF_8_MARK
        self.position = len(_UTF_8_MARK) if has_mark else 0
        self._file.seek(self.position)
        while piece := self._read(self._file.read, PIECE_BYTES):
            yield piece

    def read_lines(self, longest: int = LONGEST_LINE) -> Iterator[tuple[int, bytes]]:
        """The lines with their numbers from 1, without a byte order mark, including empty ones.

        Raises InvalidFileError for one that is too long.
        """
        self._require_no_columns()
        self._begin()
        number = 0
        while line := self._read(self._file.readline, longest + 1):
            number += 1
            if len(line) > longest:
                raise InvalidFileError(
                    f"Line {number} is longer than the allowed {longest:,} bytes."
                )
            yield number, line.removeprefix(_UTF_8_MARK) if number == 1 else line

    def read_text_lines(self) -> Iterator[TextLine]:
        """The lines with their numbers from 1, each at most LONGEST_ROW bytes of it."""
        self._begin()
        number = 0
        while line := self._read(self._file.readline, LONGEST_ROW + 1):
            number += 1
            is_too_long = len(line) > LONGEST_ROW
            if is_too_long:
                self._skip_line(line)
            yield self._decode(number, line[:LONGEST_ROW], is_too_long=is_too_long)

    def _decode(self, number: int, line: bytes, *, is_too_long: bool) -> TextLine:
        if number == 1:
            line = line.removeprefix(_UTF_8_MARK)
        if is_too_long:
            fault = f"is longer than the allowed {LONGEST_ROW:,} bytes"
            return TextLine(number, line.decode(errors="replace"), fault)
        try:
            return TextLine(number, line.decode())
        except UnicodeDecodeError:
            fault = NOT_ENCODED if self.is_recoded else NOT_UTF_8
            return TextLine(number, line.decode(errors="replace"), fault)

    def _skip_line(self, part: bytes) -> None:
        while part and not part.endswith(b"\n"):
            part = self._read(self._file.readline, PIECE_BYTES)

    def is_json(self) -> bool:
        return self.read_start().removeprefix(_UTF_8_MARK).lstrip()[:1] in {b"{", b"["}

    def _require_no_columns(self) -> None:
        if self.hints.columns:
            raise InvalidFileError(
                "This file is not a table and has no columns to name: leave --column out."
            )

    def _begin(self) -> None:
        self._file.seek(0)
        self.position = 0

    def _read(self, read: Callable[[int], bytes], size: int) -> bytes:
        if self._is_stopped():
            raise ReadingStoppedError
        taken = read(size)
        # Only another encoding has other lengths than what is read.
        self.position = self._file.tell() if self.is_recoded else self.position + len(taken)
        return taken


class Feed:
    """Joins the pieces of a file. `text[at:]` is not taken yet; a reader takes it by moving `at`.

    The next piece drops what was taken, so memory stays bounded, and so does the work as long as a
    reader leaves only a few bytes when it asks for more.
    """

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.text = b""
        self.at = 0
        self._pieces = pieces
        self._dropped = 0
        self._line = 1
        self._counted = 0  # lines before this byte of `text` are in `_line`
        self._kept: list[tuple[bytearray, int]] = []  # with the most bytes of each
        self._kept_from = 0

    @property
    def offset(self) -> int:
        """The bytes before `at` in the file."""
        return self._dropped + self.at

    def find_line(self) -> int:
        """The number of the line that `at` is in, from 1."""
        self._line += self.text.count(b"\n", self._counted, self.at)
        self._counted = self.at
        return self._line

    def read_on(self) -> bool:
        """Appends the next piece of the file; False at its end."""
        piece = next(self._pieces, b"")
        if not piece:
            return False
        self.find_line()
        self._keep_taken()
        self._dropped += self.at
        self.text = self.text[self.at :] + piece
        self.at = self._counted = self._kept_from = 0
        return True

    def has(self, length: int) -> bool:
        """Whether so many bytes follow; reads on if needed."""
        while len(self.text) - self.at < length:
            if not self.read_on():
                return False
        return True

    def skip(self, pattern: Pattern[bytes]) -> bool:
        """Takes what `pattern`, a repeated class of bytes, matches; False at the file's end."""
        while True:
            found = pattern.match(self.text, self.at)
            self.at = found.end() if found else self.at
            if self.at < len(self.text):
                return True
            if not self.read_on():
                return False

    def skip_past(self, mark: bytes) -> bool:
        """Takes everything up to `mark` and the mark; False if the file ends without it."""
        while True:
            found = self.text.find(mark, self.at)
            if found >= 0:
                self.at = found + len(mark)
                return True
            self.at = max(self.at, len(self.text) - len(mark) + 1)
            if not self.read_on():
                self.at = len(self.text)
                return False

    def keep(self, most: int) -> None:
        """Begins to keep what is taken from now on, up to `most` bytes; may be done again inside.

        Each needs its own `take_kept`, the innermost first.
        """
        self._keep_taken()
        self._kept.append((bytearray(), most))

    def take_kept(self) -> bytes | None:
        """The bytes taken since the last `keep`; None if they are too many."""
        self._keep_taken()
        kept, most = self._kept.pop()
        return None if len(kept) > most else bytes(kept)

    def _keep_taken(self) -> None:
        for kept, most in self._kept:
            # One byte more says that it was too long.
            room = max(0, most + 1 - len(kept))
            kept.extend(self.text[self._kept_from : min(self.at, self._kept_from + room)])
        self._kept_from = self.at
