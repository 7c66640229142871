"""Turns a URL into the modules of a QR code, with as much error correction as it needs."""

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec
from qrcode import QRCode
from qrcode.exceptions import DataOverflowError

from shorty.errors import InvalidFieldsError
from shorty.links.destination import QR_MARKER
from shorty.links.model import Link
from shorty.links.slug import build_path
from shorty.qr.design import LEVELS, Level

if TYPE_CHECKING:
    from collections.abc import Sequence

FINDER: Final = 7
_LEAST_SIZE: Final = 17
_GROWTH: Final = 4
"""How many modules each version is wider than the previous one."""
LARGEST_VERSION: Final = 40
_QRCODE_LEVELS: Final[dict[Level, int]] = {"L": 1, "M": 0, "Q": 3, "H": 2}


class Symbol(msgspec.Struct, frozen=True, kw_only=True):
    """`modules[row][column]` is true for a dark module; without a quiet zone."""

    modules: tuple[tuple[bool, ...], ...]
    level: Level

    @property
    def size(self) -> int:
        return len(self.modules)

    def is_dark(self, column: int, row: int) -> bool:
        """Everything outside the code is light."""
        return 0 <= column < self.size and 0 <= row < self.size and self.modules[row][column]

    def is_finder(self, column: int, row: int) -> bool:
        far = self.size - FINDER
        return (row < FINDER and (column < FINDER or column >= far)) or (
            column < FINDER and row >= far
        )

    def list_finders(self) -> tuple[tuple[int, int], ...]:
        """The upper left corner of each of the three finder patterns."""
        far = self.size - FINDER
        return ((0, 0), (far, 0), (0, far))


def write_scanned_url(link: Link) -> str:
    """The code's content: the link's short URL, marked so that visits count as scans."""
    return f"{link.scheme}://{link.host}{build_path(link.slug)}?{QR_MARKER}"


@lru_cache(maxsize=256)
def encode_address(text: str, wanted: Level, *, has_logo: bool) -> Symbol:
    """At least the wanted level; the highest that a logo needs or that needs no larger code.

    A longer text is encoded at the highest level that can contain it. Raises InvalidFieldsError if
    none can.
    """
    level, version = _choose_version(text, wanted, has_logo=has_logo)
    while (higher := _find_higher(level)) and _find_version(text, higher) == version:
        level = higher
    code = _prepare(text, level, version)
    code.make(fit=False)
    rows = cast("Sequence[Sequence[bool]]", code.modules)
    return Symbol(modules=tuple(tuple(bool(dark) for dark in row) for row in rows), level=level)


@lru_cache(maxsize=1024)
def measure_symbol(length: int, wanted: Level, *, has_logo: bool) -> int:
    """The width in modules of the code for a URL of `length` bytes. Raises as encode_address."""
    _, version = _choose_version("u" * length, wanted, has_logo=has_logo)
    return _LEAST_SIZE + _GROWTH * version


def _choose_version(text: str, wanted: Level, *, has_logo: bool) -> tuple[Level, int]:
    least: Level = "H" if has_logo else wanted
    fitting: list[Level] = [
        level for level in LEVELS if _find_version(text, level) <= LARGEST_VERSION
    ]
    if not fitting:
        raise InvalidFieldsError({"qr_settings": "the short link is too long for a QR code"})
    level = least if least in fitting else fitting[-1]
    return level, _find_version(text, level)


def _find_higher(level: Level) -> Level | None:
    place = LEVELS.index(level) + 1
    return LEVELS[place] if place < len(LEVELS) else None


def _find_version(text: str, level: Level) -> int:
    """The smallest version that can contain the text, or one past the largest if none can."""
    try:
        return _prepare(text, level, None).best_fit()
    except (DataOverflowError, ValueError):
        return LARGEST_VERSION + 1


def _prepare(text: str, level: Level, version: int | None) -> "QRCode[Any]":
    code: QRCode[Any] = QRCode(version=version, error_correction=_QRCODE_LEVELS[level], border=0)
    code.add_data(text.encode(), optimize=0)
    return code
