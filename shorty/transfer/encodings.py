"""Finds the encoding of a file, and reads it as UTF-8, piece by piece.

Only what a file says itself is believed: a byte order mark, or the zeros of UTF-16. Any other
encoding than UTF-8 is named by its person.
"""

import codecs
import io
import re
from typing import BinaryIO, Final, Protocol

UTF_8: Final = "utf-8"
# The longer marks first: that of UTF-32 begins as that of UTF-16.
_MARKS: Final = (
    (codecs.BOM_UTF8, UTF_8),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What begins with letters or signs of ASCII, as every table, JSON and dump does.
_UTF_16_LE: Final = re.compile(rb"(?:[\t\r\n -~]\0){4}")
_UTF_16_BE: Final = re.compile(rb"(?:\0[\t\r\n -~]){4}")
# Some that Python has are no encodings of texts, and some take time quadratic in their input.
ENCODINGS: Final = frozenset(
    {
        *(UTF_8, "utf-16", "utf-16-le", "utf-16-be", "utf-32", "ascii"),
        *(f"cp125{number}" for number in range(9)),
        *(f"iso8859-{number}" for number in range(1, 17) if number != 12),  # noqa: PLR2004
        *("cp437", "cp850", "cp852", "cp866", "mac-roman", "koi8-r", "koi8-u"),
        *("shift_jis", "cp932", "euc_jp", "euc_kr", "cp949", "gbk", "gb18030", "big5"),
    }
)
UNKNOWN: Final = (
    "is not a known encoding; use utf-8, utf-16, cp1252 (Western Europe, as Excel saves it), "
    "cp1250, cp1251, iso-8859-1 or another of that kind"
)
_MARK: Final = "\udc80"
"""In place of bytes that are not of the encoding. It can't be written in UTF-8."""


class Bytes(Protocol):
    """The part of a binary file that readers need."""

    def read(self, size: int, /) -> bytes: ...
    def readline(self, size: int, /) -> bytes: ...
    def seek(self, offset: int, /) -> int: ...
    def tell(self) -> int: ...
    def close(self) -> None: ...


def read_encoding(text: str) -> str:
    """Python's name of an encoding. Raises ValueError."""
    try:
        name = codecs.lookup(text.strip()).name
    except (LookupError, ValueError):  # ValueError for NUL
        raise ValueError(UNKNOWN) from None
    if name not in ENCODINGS:
        raise ValueError(UNKNOWN)
    return name


def find_encoding(start: bytes, named: str | None) -> str:
    """A byte order mark counts for more than what its person has named."""
    marked = next((encoding for mark, encoding in _MARKS if start.startswith(mark)), None)
    if marked or named:
        return marked or named or UTF_8
    if _UTF_16_LE.match(start):
        return "utf-16-le"
    return "utf-16-be" if _UTF_16_BE.match(start) else UTF_8


def open_as_utf_8(file: BinaryIO, named: str | None) -> Bytes:
    """The file from its start. What is not of its encoding is not UTF-8 either."""
    start = file.read(4096)
    file.seek(0)
    encoding = find_encoding(start, named)
    return file if encoding == UTF_8 else _Recoded(file, encoding)


def _mark_malformed(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return _MARK, error.end


codecs.register_error("shorty-mark-malformed", _mark_malformed)


class _Recoded:
    """A file in another encoding. Sizes are those of its characters."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._file = file
        self._text = io.TextIOWrapper(file, encoding, errors="shorty-mark-malformed", newline="\n")

    def read(self, size: int) -> bytes:
        return self._text.read(size).encode(errors="surrogatepass")

    def readline(self, size: int) -> bytes:
        return self._text.readline(size).encode(errors="surrogatepass")

    def seek(self, offset: int) -> int:
        """To its start only. A byte order mark is no part of what is read."""
        return self._text.seek(offset)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._text.close()
