"""Reads objects of JSON one after the other: one a line, spread over lines, or several in a line.

Our own format has one a line. Tools such as jq print them over many lines, or join them.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Final, Generic, NamedTuple, TypeVar

import msgspec

from shorty.transfer.files import LONGEST_LINE, OpenFile

T = TypeVar("T")

# A hostile line may be nested deeper than can be read.
UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

_TEXT: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"')
_PARTED: Final = re.compile(rb"\}\s*\{\s*")
_SPACE: Final = re.compile(r"\s*+")
_scan: Final = json.JSONDecoder().raw_decode


class Document(NamedTuple, Generic[T]):
    """`line` is where it begins, from 1."""

    line: int
    value: T | Exception


def read_objects(file: OpenFile, decode: Callable[[bytes], T]) -> Iterator[Document[T]]:
    """Each object as `decode` gives it, or the error of UNREADABLE that it raised.

    An object that is never closed ends where a line begins that is a whole one.
    """
    parts: list[bytes] = []
    begun = depth = size = 0
    for number, line in file.read_lines():
        if not parts and not line.strip():
            continue
        value = _try(line, decode) if not parts or line.startswith(b"{") else ValueError()
        if not isinstance(value, Exception):
            if parts:
                yield _finish(begun, parts, decode)
                parts, depth, size = [], 0, 0
            yield Document(number, value)
            continue
        if parts and depth == 1 and _PARTED.fullmatch(line):
            yield _finish(begun, [*parts, b"}"], decode)
            parts, begun, depth, size = [b"{"], number, 1, 1
            continue
        if not parts and not line.lstrip().startswith(b"{"):
            yield Document(number, value)
            continue
        begun = begun if parts else number
        parts.append(line)
        depth += _count_open(line)
        size += len(line)
        if depth <= 0 or size > LONGEST_LINE:
            yield from _split(begun, parts, decode)
            parts, depth, size = [], 0, 0
    if parts:
        yield _finish(begun, parts, decode)


def _try(text: bytes, decode: Callable[[bytes], T]) -> T | Exception:
    try:
        return decode(text)
    except UNREADABLE as error:
        return error


def _finish(line: int, parts: list[bytes], decode: Callable[[bytes], T]) -> Document[T]:
    return Document(line, _try(b"".join(parts), decode))


def _count_open(line: bytes) -> int:
    """How many brackets are opened and not closed, outside texts."""
    plain = _TEXT.sub(b"", line)
    return sum(map(plain.count, (b"{", b"["))) - sum(map(plain.count, (b"}", b"]")))


def _split(line: int, parts: list[bytes], decode: Callable[[bytes], T]) -> Iterator[Document[T]]:
    """The objects in a text; if it is not only objects, its error."""
    document = _finish(line, parts, decode)
    if not isinstance(document.value, Exception):
        yield document
        return
    first, *others = _find_objects(b"".join(parts))
    if not others:
        yield document
        return
    for piece in (first, *others):
        yield Document(line, _try(piece, decode))


def _find_objects(text: bytes) -> Iterator[bytes]:
    """Up to the first fault, and what is left then."""
    whole = text.decode(errors="replace").rstrip()
    at = len(whole) - len(whole.lstrip())
    while at < len(whole):
        try:
            _, end = _scan(whole, at)
        except (ValueError, RecursionError):
            end = len(whole)
        yield whole[at:end].encode()
        gap = _SPACE.match(whole, end)
        at = gap.end() if gap else end
