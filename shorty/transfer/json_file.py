"""Reads a list from JSON, entry by entry: from one document, or from several in a row.

Only one entry at a time is decoded and in memory. Everything around the list is skipped in linear
time, whatever its size and depth.
"""

import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias, cast

import msgspec

from shorty.transfer.files import LONGEST_ROW, Fault, Feed, InvalidFileError, OpenFile
from shorty.transfer.model import ImportedLink
from shorty.transfer.nothing import is_database_null, is_nothing
from shorty.transfer.times import parse_set_time

Path: TypeAlias = tuple[str, ...]
Entry: TypeAlias = Mapping[str, object]

LONGEST_KEY: Final = 200
MOST_TEXT: Final = 10_000
MOST_DIGITS: Final = 12

_SPACE: Final = re.compile(rb"[ \t\r\n]*+")
_IN_STRING: Final = re.compile(rb'[^"\\]*+')
_PLAIN: Final = re.compile(rb'[^\s"\[\]{},:]*+')
_BETWEEN_SIGNS: Final = re.compile(rb'[^"\[\]{}]*+')
_OPENINGS: Final = re.compile(rb"[\[{]++")
_CLOSINGS: Final = re.compile(rb"[\]}]++")
_CLOSING: Final = {b"[": b"]", b"{": b"}"}
# A hostile entry may be nested too deeply for the decoder.
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError)


class JsonEntry(NamedTuple):
    place: str
    value: object


Found: TypeAlias = JsonEntry | Fault


def read_entries(
    file: OpenFile,
    paths: Sequence[Path],
    build_links: Callable[[Entry, str], Iterator[ImportedLink]],
    api: str,
    *,
    destination: str,
    takes_objects: bool = False,
) -> Iterator[ImportedLink | Fault]:
    """The links of what an API answers: a list, or an object with a list under one of these paths.

    The file may have several answers, one after the other. With `takes_objects`, the values of an
    object there are links too. An object without a list that has a `destination` is a link itself.
    Raises InvalidFileError.
    """
    feed = Feed(file.read_pieces())
    reader = _Reader(feed, destination, takes_objects=takes_objects)
    missing = f"This is not an answer from {api}: it contains no list of links"
    for found in reader.read_documents(paths, missing):
        if isinstance(found, Fault):
            yield found
            continue
        place, entry = found.place, as_object(found.value)
        if entry is None:
            yield Fault(place=place, subject="", message="is not an object that describes a link")
            continue
        try:
            yield from build_links(entry, place)
        except ValueError as error:
            yield Fault(place=place, subject="", message=str(error))


def dig(document: object, *keys: str) -> object:
    """The value under these keys, each inside the one before; None where one is missing."""
    for key in keys:
        fields = as_object(document)
        if fields is None:
            return None
        document = fields.get(key)
    return document


def as_object(value: object) -> Entry | None:
    return cast("Entry", value) if isinstance(value, dict) else None


def parse_text(value: object) -> str:
    """Empty for anything but texts and whole numbers. Raises ValueError if it is too long."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    text = str(value).strip()
    if len(text) > MOST_TEXT:
        raise ValueError("contains a text that is too long for a link")
    return text


def parse_title(value: object) -> str | None:
    """As parse_text; None where there is none, or a database's NULL as a text."""
    text = parse_text(value)
    return None if is_database_null(text) else text or None


def parse_host(value: object) -> str:
    """Empty where there is none, or Shlink's name for its default one. Raises ValueError."""
    text = parse_text(value)
    return "" if is_nothing(text) or text.lower() == "default" else text


def parse_moment(value: object) -> int | None:
    """UTC milliseconds; None where there is no time, or 0 or -1 for it. Raises ValueError."""
    return parse_set_time(parse_text(value))


def parse_count(value: object) -> int:
    """0 for what is no number; numbers may be written as texts."""
    text = parse_text(value)
    is_number = text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS
    return int(text) if is_number else 0


def parse_names(value: object) -> tuple[str, ...]:
    """The texts of a list, each once; none where the value is no list."""
    names = cast("list[object]", value) if isinstance(value, list) else []
    return tuple(dict.fromkeys(filter(None, map(parse_text, names))))


class _Reader:
    def __init__(self, feed: Feed, destination: str, *, takes_objects: bool) -> None:
        self._feed = feed
        self._destination = destination
        self._lists = {b"[", b"{"} if takes_objects else {b"["}

    def _peek(self) -> bytes:
        """The next byte after any spaces; empty at the end of the file."""
        self._feed.skip(_SPACE)
        return self._feed.text[self._feed.at : self._feed.at + 1]

    def read_documents(self, paths: Sequence[Path], missing: str) -> Iterator[Found]:
        """Raises InvalidFileError, with the sentence `missing` if a document has no links."""
        while self._peek():
            line = self._feed.find_line()
            if not (yield from self._read_document(paths)):
                where = f" (line {line})" if line > 1 else ""
                raise InvalidFileError(f"{missing}{where}.")

    def _read_document(self, paths: Sequence[Path]) -> Generator[Found, None, bool]:
        """Returns whether it has a list, or is a link."""
        sign = self._peek()
        if sign == b"[":
            yield from self._read_list()
            return True
        if sign == b"{":
            place = f"line {self._feed.find_line()}"
            self._feed.keep(LONGEST_ROW)
            has_list = yield from self._read_object(paths)
            text = self._feed.take_kept()
            return has_list or (yield from self._read_link(place, text))
        raise self._refuse("a list or an object is expected")

    def _read_link(self, place: str, text: bytes | None) -> Generator[Found, None, bool]:
        """A document that is one link itself. Returns whether it is."""
        try:
            entry = as_object(None if text is None else msgspec.json.decode(text))
        except _UNREADABLE:
            entry = None
        if entry is None or not isinstance(entry.get(self._destination), str):
            return False
        yield JsonEntry(place, entry)
        return True

    def _read_object(self, paths: Sequence[Path]) -> Generator[Found, None, bool]:
        has_list = False
        self._feed.at += 1
        while self._has_more(b"}"):
            key = self._read_key()
            rest = [path[1:] for path in paths if path[0] == key]
            sign = self._peek()
            if () in rest and sign in self._lists:
                yield from self._read_list()
                has_list = True
            elif any(rest) and sign == b"{":
                has_list = (
                    yield from self._read_object([each for each in rest if each])
                ) or has_list
            else:
                self._skip_value()
            self._take_comma(b"}")
        return has_list

    def _read_list(self) -> Iterator[Found]:
        closing = _CLOSING[self._peek()]
        self._feed.at += 1
        number = 0
        while self._has_more(closing):
            if closing == b"}":
                self._read_key()
                self._peek()
            number += 1
            yield self._read_entry(number)
            self._take_comma(closing)

    def _read_entry(self, number: int) -> Found:
        place = f"line {self._feed.find_line()}, entry {number}"
        self._feed.keep(LONGEST_ROW)
        self._skip_value()
        text = self._feed.take_kept()
        if text is None:
            return Fault(place=place, subject="", message=f"is longer than {LONGEST_ROW:,} bytes")
        try:
            return JsonEntry(place, msgspec.json.decode(text))
        except _UNREADABLE as error:
            return Fault(place=place, subject="", message=f"can't be read: {error}")

    def _has_more(self, closing: bytes) -> bool:
        if self._peek() != closing:
            return True
        self._feed.at += 1
        return False

    def _take_comma(self, closing: bytes) -> None:
        sign = self._peek()
        if sign == b",":
            self._feed.at += 1
            if self._peek() == closing:
                raise self._refuse("a value is missing")
        elif sign != closing:
            raise self._refuse("a comma is missing")

    def _read_key(self) -> str | None:
        """None for one that can't be any of ours."""
        if self._peek() != b'"':
            raise self._refuse("a name in quotes is expected")
        self._feed.keep(LONGEST_KEY)
        self._skip_string()
        text = self._feed.take_kept()
        if self._peek() != b":":
            raise self._refuse("a colon is missing")
        self._feed.at += 1
        try:
            return None if text is None else msgspec.json.decode(text, type=str)
        except _UNREADABLE:
            return None

    def _skip_value(self) -> None:
        sign = self._peek()
        if sign == b'"':
            self._skip_string()
        elif sign in _CLOSING:
            self._skip_nested()
        else:
            begun = self._feed.offset
            self._feed.skip(_PLAIN)
            if self._feed.offset == begun:
                raise self._refuse("a value is missing")

    def _skip_nested(self) -> None:
        """Counts brackets only: whether they match is checked when an entry is decoded."""
        feed, depth = self._feed, 0
        while feed.skip(_BETWEEN_SIGNS):
            if feed.text[feed.at : feed.at + 1] == b'"':
                self._skip_string()
            elif opening := _OPENINGS.match(feed.text, feed.at):
                depth += opening.end() - feed.at
                feed.at = opening.end()
            elif closing := _CLOSINGS.match(feed.text, feed.at):
                closed = min(depth, closing.end() - feed.at)
                depth -= closed
                feed.at += closed
                if not depth:
                    return
        raise self._refuse("what was opened is never closed")

    def _skip_string(self) -> None:
        feed = self._feed
        line = feed.find_line()
        feed.at += 1
        while feed.skip(_IN_STRING):
            if feed.text[feed.at : feed.at + 1] == b'"':
                feed.at += 1
                return
            if not feed.has(2):
                break
            feed.at += 2
        raise InvalidFileError(f"The file is not JSON: the text in line {line} is never closed.")

    def _refuse(self, reason: str) -> InvalidFileError:
        line = self._feed.find_line()
        return InvalidFileError(f"The file is not JSON in line {line}: {reason}.")
