"""Reads the tags of a cell: `a, b`, `a|b`, `#a #b`, `[a, b]`, `["a", "b"]`, `{a,"b c"}`."""

import csv
from collections.abc import Iterable
from typing import Final, cast

import msgspec

SEPARATORS: Final = ",|;"
_QUOTES: Final = "\"'"
_BRACKETS: Final = {"[": "]", "{": "}", "(": ")"}
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError)


def parse_own_tags(text: str) -> tuple[str, ...]:
    """Of our own table, whose tags may begin with any sign."""
    return _list_each(text.split(","))


def parse_tags(text: str) -> tuple[str, ...]:
    """Each once, without the signs around them."""
    text = text.strip()
    names = _parse_json(text)
    if names is None:
        names = _split(_strip_brackets(text))
    return _list_each(_unquote(name.strip()).removeprefix("#") for name in names)


def _list_each(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, map(str.strip, names))))


def _unquote(name: str) -> str:
    is_quoted = len(name) > 1 and name[0] == name[-1] and name[0] in _QUOTES
    return name[1:-1].strip() if is_quoted else name


def _parse_json(text: str) -> list[str] | None:
    """The texts of a list, or the names of its objects; None if it is not JSON."""
    if not text.startswith("["):
        return None
    try:
        entries = msgspec.json.decode(text, type=list[object])
    except _UNREADABLE:
        return None
    named = [
        cast("dict[str, object]", each).get("name") if isinstance(each, dict) else each
        for each in entries
    ]
    return [str(each) for each in named if isinstance(each, str | int)]


def _strip_brackets(text: str) -> str:
    closing = _BRACKETS.get(text[:1])
    return text[1:-1] if closing and text.endswith(closing) and len(text) > 1 else text


def _split(text: str) -> list[str]:
    """Between the first of the signs that occurs, outside quotes."""
    separator = next((sign for sign in SEPARATORS if sign in text), None)
    if separator is None:
        words = text.split()
        is_hashed = len(words) > 1 and all(word.startswith("#") for word in words)
        return words if is_hashed else [text]
    if '"' in text:
        try:
            return next(csv.reader([text], delimiter=separator, skipinitialspace=True, strict=True))
        except csv.Error:
            pass  # quotes that belong to the names
    return text.split(separator)
