"""Reads the rows of INSERT statements in a MySQL dump, and nothing else of it."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from shorty.transfer.files import InvalidFileError, OpenFile

_INSERT: Final = re.compile(
    rb"\s*INSERT\s+(?:IGNORE\s+)?INTO\s+(?:[`\"]?\w+[`\"]?\.)?[`\"]?(\w+)[`\"]?"
    rb"\s*(?:\(([^)]*)\)\s*)?VALUES\b",
    re.IGNORECASE,
)
_DUMP: Final = re.compile(
    rb"\s*(--|/\*|(INSERT|CREATE|DROP|SET|USE|START|LOCK|BEGIN)\s)", re.IGNORECASE
)
# A text in quotes or in hexadecimal, a word such as a number or NULL, or what stands in between.
_TOKEN: Final = re.compile(
    rb"""\s*(?:
      (?P<text>'(?:[^'\\]++|\\.|'')*+'|"(?:[^"\\]++|\\.|"")*+")
      |0[xX](?P<hex>[0-9a-fA-F]+)
      |(?P<word>[-+.\w]+)
      |(?P<sign>[(),;])
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE: Final = re.compile(rb"\\(.)|''|\"\"", re.DOTALL)
_ESCAPED: Final = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"0": b"\0", b"b": b"\b", b"Z": b"\x1a"}

LONGEST_ROW: Final = 1_000_000

Cells: TypeAlias = list[str | None]


class SqlRow(NamedTuple):
    """`cells` by the columns' names, where they are not NULL."""

    table: str
    place: str
    cells: Mapping[str, str]


class _Statement(NamedTuple):
    table: str
    columns: Sequence[str]

    def name_row(self, values: Cells, line: int) -> SqlRow:
        named = zip(self.columns, values, strict=False)
        cells = {name: value for name, value in named if value is not None}
        return SqlRow(self.table, f"line {line}", cells)


class _Taken(NamedTuple):
    """A row and where it ends; without values, the statement ends there."""

    values: Cells | None
    end: int


def is_dump(start: bytes) -> bool:
    return _DUMP.match(start) is not None


def read_rows(
    file: OpenFile, find_columns: Callable[[str], Sequence[str] | None]
) -> Iterator[SqlRow]:
    """`find_columns` says in which order a table has its columns; None: it is not wanted.

    Raises InvalidFileError.
    """
    text, position = b"", 0
    statement: _Statement | None = None
    for number, line in file.read_lines():
        text, position = text[position:] + line, 0
        while True:
            if statement is None:
                begun = _INSERT.match(text, position)
                statement = begun and _find_statement(begun, find_columns)
                if begun is None or statement is None:
                    position = len(text)
                    break
                position = begun.end()
            taken = _take_row(text, position)
            if taken is None:
                break  # it goes on in the next line
            position = taken.end
            if taken.values is None:
                statement = None
            else:
                yield statement.name_row(taken.values, number)
        if len(text) - position > LONGEST_ROW:
            raise InvalidFileError(f"The row that ends in line {number} is none that can be read.")


def _find_statement(
    begun: re.Match[bytes], find_columns: Callable[[str], Sequence[str] | None]
) -> _Statement | None:
    table = begun[1].decode()
    columns = find_columns(table)
    if columns is None:
        return None
    listed: bytes = begun[2] or b""
    return _Statement(table, re.findall(r"\w+", listed.decode(errors="replace")) or columns)


def _take_row(text: bytes, position: int) -> _Taken | None:
    """None where the text ends before the row does."""
    values: Cells = []
    while token := _TOKEN.match(text, position):
        position = token.end()
        match token.lastgroup:
            case "text":
                values.append(_unquote(token["text"]))
            case "hex":
                digits: bytes = token["hex"]
                values.append(bytes.fromhex(digits.decode()).decode(errors="replace"))
            case "word" if not token["word"].startswith(b"_"):  # a text's character set
                word: str = token["word"].decode(errors="replace")
                values.append(None if word.upper() == "NULL" else word)
            case "sign" if token["sign"] == b")":
                return _Taken(values, position)
            case "sign" if token["sign"] == b";" and not values:
                return _Taken(None, position)
            case _:
                pass
    return None


def _unquote(text: bytes) -> str:
    def unescape(match: re.Match[bytes]) -> bytes:
        escaped: bytes | None = match[1]
        return match[0][:1] if escaped is None else _ESCAPED.get(escaped, escaped)

    return _ESCAPE.sub(unescape, text[1:-1]).decode(errors="replace")
