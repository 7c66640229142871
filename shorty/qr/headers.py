"""Reads the size in pixels that an image declares, before anything decodes it.

Pure, and uses only the standard library, for `reencode` in its own process. A file may contain
several sizes (frames, a canvas, a preview); the largest width and height count. A header may lie,
which the process's memory limit is for.
"""

import math
import re
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import Final, TypeAlias

Size: TypeAlias = tuple[int, int]
"""Width and height in pixels."""

_MAGIC: Final = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
)
# Start of frame: C0 to CF except tables (C4), a reserved one (C8) and arithmetic coding (CC).
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH: Final = frozenset({0x01, *range(0xD0, 0xD9)})
_NEXT_MARKER: Final = re.compile(rb"\xff+([^\x00\xff])")
_GIF_EXTENSION, _GIF_FRAME = 0x21, 0x2C
_LENGTH: Final = re.compile(r"\s*\+?(\d*\.?\d+(?:e[+-]?\d+)?)\s*([a-z%]*)\s*", re.IGNORECASE)
_PIXELS_OF_UNIT: Final = {
    "": 1.0,
    "px": 1.0,
    "pt": 96 / 72,
    "pc": 16.0,
    "mm": 96 / 25.4,
    "cm": 96 / 2.54,
    "in": 96.0,
    "em": 16.0,
    "ex": 8.0,
}


def find_media_type(content: bytes) -> str | None:
    """None if it is not a supported raster image."""
    return next((name for magic, name in _MAGIC if magic.match(content)), None)


def read_pixel_size(content: bytes, media_type: str) -> Size:
    """Raises ValueError if the file declares no size."""
    found: list[Size] = []
    # A truncated file may still declare enough.
    with suppress(struct.error, IndexError):
        found.extend(_READERS[media_type](content))
    if not found:
        raise ValueError("is an image that cannot be drawn")
    return max(width for width, _ in found), max(height for _, height in found)


def read_drawing_size(width: str, height: str, view_box: str) -> Size:
    """The size of an SVG from its root's attributes; the view box replaces missing ones."""
    _, _, box_width, box_height = _read_numbers(view_box)
    return _read_length(width, box_width), _read_length(height, box_height)


def _read_length(text: str, of: float) -> int:
    """In pixels. `of` is the base of a percentage, and replaces an unreadable length."""
    match = _LENGTH.fullmatch(text)
    if match is None:
        return _round(of)
    number, unit = float(match[1]), match[2].lower()
    if unit == "%":
        return _round(of * number / 100)
    return _round(number * _PIXELS_OF_UNIT.get(unit, 1.0))


def _read_numbers(view_box: str) -> tuple[float, float, float, float]:
    try:
        left, top, width, height = map(float, view_box.replace(",", " ").split())
    except ValueError:
        return 0, 0, 100, 100
    return left, top, width, height


def _round(number: float) -> int:
    """Rounds up, like the renderer; infinite and invalid numbers become the largest."""
    return math.ceil(max(0.0, min(number, 1e9))) if math.isfinite(number) else 10**9


def _read_png(content: bytes) -> Iterator[Size]:
    if content[12:16] == b"IHDR":
        yield struct.unpack_from(">II", content, 16)


def _read_jpeg(content: bytes) -> Iterator[Size]:
    """The size of each frame that starts before the first scan or after it."""
    at = 2
    while (marker := _NEXT_MARKER.search(content, at)) is not None:
        kind, at = marker[1][0], marker.end()
        if kind in _WITHOUT_LENGTH:
            continue
        if kind in _FRAMES:
            height, width = struct.unpack_from(">HH", content, at + 3)
            yield width, height
        if at + 2 > len(content):
            return
        # A scan has no length, but its markers are escaped, so the search continues there.
        at += struct.unpack_from(">H", content, at)[0]


def _read_webp(content: bytes) -> Iterator[Size]:
    yield from _read_webp_chunks(content, 12)


def _read_webp_chunks(content: bytes, at: int) -> Iterator[Size]:
    while at + 8 <= len(content):
        kind, size = struct.unpack_from("<4sI", content, at)
        at += 8
        if kind == b"VP8X":
            yield _read_24_bits(content, at + 4) + 1, _read_24_bits(content, at + 7) + 1
        elif kind == b"VP8L":
            (bits,) = struct.unpack_from("<I", content, at + 1)
            yield (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        elif kind == b"VP8 ":
            width, height = struct.unpack_from("<HH", content, at + 6)
            yield width & 0x3FFF, height & 0x3FFF
        elif kind == b"ANMF":
            yield _read_24_bits(content, at + 6) + 1, _read_24_bits(content, at + 9) + 1
            size = 16  # the chunks inside it come next
        at += size + size % 2


def _read_24_bits(content: bytes, at: int) -> int:
    low, high = struct.unpack_from("<HB", content, at)
    return low | high << 16


def _read_gif(content: bytes) -> Iterator[Size]:
    """The size of the screen and of each frame on it."""
    width, height, flags = struct.unpack_from("<HHB", content, 6)
    yield width, height
    at = 13 + _measure_palette(flags)
    while at < len(content):
        if content[at] == _GIF_EXTENSION:
            at = _skip_gif_blocks(content, at + 2)
        elif content[at] == _GIF_FRAME:
            width, height, flags = struct.unpack_from("<HHB", content, at + 5)
            yield width, height
            at = _skip_gif_blocks(content, at + 11 + _measure_palette(flags))
        else:
            return


def _measure_palette(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _skip_gif_blocks(content: bytes, at: int) -> int:
    while at < len(content) and content[at]:
        at += content[at] + 1
    return at + 1


_READERS: Final = {
    "image/png": _read_png,
    "image/jpeg": _read_jpeg,
    "image/webp": _read_webp,
    "image/gif": _read_gif,
}
