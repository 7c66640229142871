"""Reads links out of the JSON that other products' APIs answer."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias, cast

from shorty.transfer.files import OpenFile
from shorty.transfer.json_file import Path, read_json
from shorty.transfer.model import Fault, ImportedLink

Entry: TypeAlias = Mapping[str, object]

MOST_TEXT: Final = 10_000
MOST_DIGITS: Final = 12


def read_entries(
    file: OpenFile,
    paths: Sequence[Path],
    read_entry: Callable[[Entry, str], Iterator[ImportedLink]],
    what: str,
    *,
    takes_objects: bool = False,
) -> Iterator[ImportedLink | Fault]:
    """The links of the list that a document is, or that lies in it under one of these paths.

    `takes_objects`: so may an object be whose values are the links. Raises InvalidFileError.
    """
    missing = f"This is no {what}: the list of links is not in it."
    for found in read_json(file, paths, missing, takes_objects=takes_objects):
        if isinstance(found, Fault):
            yield found
            continue
        place, entry = found.place, as_object(found.value)
        if entry is None:
            yield Fault(place=place, subject="", message="is no object that tells of a link")
            continue
        try:
            yield from read_entry(entry, place)
        except ValueError as error:
            yield Fault(place=place, subject="", message=str(error))


def dig(document: object, *keys: str) -> object:
    """What lies under these keys, one in the other; None where it does not."""
    for key in keys:
        fields = as_object(document)
        if fields is None:
            return None
        document = fields.get(key)
    return document


def as_object(value: object) -> Entry | None:
    return cast("Entry", value) if isinstance(value, dict) else None


def as_list(value: object) -> Sequence[object] | None:
    return cast("list[object]", value) if isinstance(value, list) else None


def read_text(value: object) -> str:
    """Empty for what is no text. Raises ValueError where it is too long for any."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    text = str(value).strip()
    if len(text) > MOST_TEXT:
        raise ValueError("holds a text that is longer than any link has")
    return text


def read_count(value: object) -> int:
    """0 for what is no number; numbers may be written as texts."""
    text = read_text(value)
    is_number = text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS
    return int(text) if is_number else 0


def read_names(value: object) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, map(read_text, as_list(value) or ()))))
