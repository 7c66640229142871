"""Translates values: parameters for the server, and the rows that it answers.

Parameters are sent as text of no stated type, so that the server infers the type from the
statement. A statement is then prepared once, whatever its parameters are, None included.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar, Final, SupportsIndex

from psycopg.adapt import AdaptersMap, Buffer, Loader

from shorty.storage.database import Value

# What takes the place of a NUL, which no text in PostgreSQL has, in the parameters of a read. It
# cannot be guessed, so nothing stored has it either, and the read finds nothing.
_STAND_IN: Final = f"\ufffe{secrets.token_hex(16)}\ufffe"


class NulError(ValueError):
    """A text with a NUL, which PostgreSQL cannot store."""


def _write_text(text: str) -> bytes:
    written = text.encode()
    if b"\0" in written:
        raise NulError("A text to be stored contains NUL, which PostgreSQL cannot store.")
    return written


def _write_bytes(value: bytes) -> bytes:
    return b"\\x" + value.hex().encode()


_WRITERS: Final[dict[type, Callable[[Any], bytes | None]]] = {
    str: _write_text,
    int: lambda value: b"%d" % value,
    bytes: _write_bytes,
    float: lambda value: repr(value).encode(),
    type(None): lambda _: None,
}


@lru_cache(maxsize=64)
def _find_writer(kind: type) -> Callable[[Any], bytes | None]:
    for base, writer in _WRITERS.items():
        if issubclass(kind, base):
            return writer
    raise TypeError(f"No parameter of a statement can be of the type {kind.__name__}.")


def write_parameters(values: Iterable[Value]) -> list[bytes | None]:
    """Raises NulError for a text with a NUL, and UnicodeEncodeError for half a surrogate pair."""
    return [(_WRITERS.get(type(each)) or _find_writer(type(each)))(each) for each in values]


def write_read_parameters(values: Sequence[Value]) -> list[bytes | None]:
    """The same for a read, for which a text with a NUL is one that is stored nowhere."""
    try:
        return write_parameters(values)
    except NulError:
        return write_parameters(
            each.replace("\0", _STAND_IN) if isinstance(each, str) else each for each in values
        )


def write_array(values: Sequence[Value]) -> bytes:
    """A column of rows as one parameter. Raises the same as `write_parameters`."""
    if all(type(each) is int for each in values):
        return b"{" + repr(values)[1:-1].rstrip(",").encode() + b"}"
    return _write_text("{" + ",".join(map(_write_element, values)) + "}")


def _write_element(value: Value) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, bytes):
        return f'"\\\\x{value.hex()}"'
    return repr(int(value) if isinstance(value, int) else value)


class PostgresRow(tuple[Any, ...]):
    """A row, by place and by name; each shape of a result has its own class."""

    __slots__ = ()
    places: ClassVar[Mapping[str, int]] = {}
    names: ClassVar[Sequence[str]] = ()

    def __getitem__(self, key: "SupportsIndex | slice | str") -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        if isinstance(key, str):
            place = self.places.get(key)
            if place is None:
                raise IndexError(f"No column is named {key!r}.")
            return super().__getitem__(place)
        return super().__getitem__(key)

    def keys(self) -> list[str]:
        return list(self.names)


@lru_cache(maxsize=1024)
def shape_row(names: tuple[str, ...]) -> type[PostgresRow]:
    """The class of rows with these columns; of two with one name, the first is found by it."""
    places = {name: place for place, name in reversed([*enumerate(names)])}
    return type("PostgresRow", (PostgresRow,), {"__slots__": (), "places": places, "names": names})


class NumericLoader(Loader):
    """Sums of whole numbers are numeric, and int here as in SQLite."""

    def load(self, data: Buffer) -> int | float:
        text = bytes(data)
        return int(text) if text.lstrip(b"-").isdigit() else float(text)


class FlagLoader(Loader):
    """Conditions are 0 or 1, as in SQLite."""

    def load(self, data: Buffer) -> int:
        return int(data == b"t")


def register_loaders(adapters: AdaptersMap) -> None:
    adapters.register_loader("numeric", NumericLoader)
    adapters.register_loader("bool", FlagLoader)
