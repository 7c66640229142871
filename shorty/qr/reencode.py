"""Redraws an untrusted image as a small PNG: a separate program, run by `sandbox`.

Only pixels leave it, whatever the file contains. It reads standard input and writes standard
output; its arguments are the longest side in pixels, the maximum of decoded megapixels and the
maximum of memory in megabytes. It exits with 1 and a sentence on standard error if the file is not
an image. It imports only `headers` from shorty, so that it starts quickly.
"""

# lxml has incomplete types:
# pyright: reportAttributeAccessIssue=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportOptionalMemberAccess=false

import re
import resource
import struct
import sys
from base64 import b64decode, b64encode
from typing import Any, Final
from urllib.parse import unquote_to_bytes
from zlib import compress, crc32

import fontpkg_open_sans
from lxml import etree
from resvg_py import svg_to_bytes

from shorty.qr.headers import find_media_type, read_drawing_size, read_pixel_size

LONGEST_SIDE: Final = 400
"""In pixels: sharp in the middle of a code 1,400 pixels wide."""
CPU_S: Final = 5
MILLION: Final = 1_000_000
MEGAPIXELS: Final = 16

SVG_NAMESPACE: Final = "http://www.w3.org/2000/svg"
FONT: Final = str(fontpkg_open_sans.ROOT / "files" / "OpenSans[wdth,wght].ttf")
_ICON_MAGIC: Final = b"\0\0\1\0"
_WIDEST_ICON: Final = 256
_RGB, _RGBA = 24, 32  # bits per pixel
_EMBEDDED: Final = re.compile(r"data:image/(?:png|jpeg|webp);base64,")


def main() -> int:
    longest_side, megapixels, megabytes = map(int, sys.argv[1:])
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (megabytes * MILLION, megabytes * MILLION))
    try:
        png = reencode(sys.stdin.buffer.read(), longest_side, megapixels)
    except ValueError as error:
        sys.stderr.write(str(error))
        return 1
    sys.stdout.buffer.write(png)
    return 0


def reencode(
    content: bytes, longest_side: int = LONGEST_SIDE, megapixels: int = MEGAPIXELS
) -> bytes:
    """Raises ValueError if the image cannot be drawn or has too many pixels."""
    if content.startswith(_ICON_MAGIC):
        content = read_icon_file(content)
    media_type = find_media_type(content)
    if media_type is None:
        return _reencode_drawing(content, longest_side, megapixels)
    width, height = read_pixel_size(content, media_type)
    check_pixels(width * height, megapixels)
    scale = _find_step(width, height, longest_side)
    png = _draw(_wrap(content, media_type), scale if scale < 1 else None)
    _require_content(png)
    while (scale := _find_step(*read_size(png), longest_side)) < 1:
        png = _draw(_wrap(png, "image/png"), scale)
    return png


def _reencode_drawing(content: bytes, longest_side: int, megapixels: int) -> bytes:
    svg = _clean_svg(content, megapixels)
    png = _draw(svg)
    _require_content(png)
    return _draw(svg, longest_side / max(read_size(png)))


def check_pixels(count: int, megapixels: int) -> None:
    """Raises ValueError."""
    if count > megapixels * MILLION:
        raise ValueError(f"may have at most {megapixels} megapixels")


def _require_content(png: bytes) -> None:
    """A broken file becomes an empty image. Raises ValueError."""
    if png == _draw_nothing(png):
        raise ValueError("must be a PNG, JPEG, WebP or SVG image that shows something")


def read_size(png: bytes) -> tuple[int, int]:
    """Width and height, from the header."""
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def read_icon_file(content: bytes) -> bytes:
    """The largest image of an .ico file, as PNG. Raises ValueError."""
    try:
        (count,) = struct.unpack_from("<H", content, 4)
        entries = [struct.unpack_from("<BBBBHHII", content, 6 + 16 * at) for at in range(count)]
        # A width of 0 means 256; among equal sizes, take the one with more colours.
        *_, size, start = max(entries, key=lambda entry: ((entry[0] or 256), entry[5]))
        picture = content[start : start + size]
        return picture if picture.startswith(b"\x89PNG") else _convert_bitmap(picture)
    except (struct.error, IndexError, ValueError):
        raise ValueError("is an icon that cannot be drawn") from None


def _convert_bitmap(bitmap: bytes) -> bytes:
    """Reads a bitmap without a file header, as icons contain it: rows upwards, then a mask."""
    header, width, height, _, depth, packing = struct.unpack_from("<IiiHHI", bitmap)
    height //= 2  # includes the mask
    if packing or not (0 < width <= _WIDEST_ICON and 0 < height <= _WIDEST_ICON):
        raise ValueError
    (colors,) = struct.unpack_from("<I", bitmap, 32)
    colors = (colors or 1 << depth) if depth < _RGB else 0
    palette = bitmap[header : header + 4 * colors]
    start, stride = header + 4 * colors, (width * depth + 31) // 32 * 4
    mask, mask_stride = start + stride * height, (width + 31) // 32 * 4
    rows: list[bytes] = []
    for y in reversed(range(height)):
        row = bitmap[start + y * stride : start + (y + 1) * stride]
        bits = bitmap[mask + y * mask_stride : mask + (y + 1) * mask_stride]
        rows.append(
            b"\0" + b"".join(_read_pixel(row, bits, x, depth, palette) for x in range(width))
        )
    return _write_png(width, height, b"".join(rows))


def _read_pixel(row: bytes, mask: bytes, x: int, depth: int, palette: bytes) -> bytes:
    """Red, green, blue and opacity."""
    if depth == _RGBA:
        blue, green, red, alpha = row[4 * x : 4 * x + 4]
        return bytes((red, green, blue, alpha))
    if depth == _RGB:
        blue, green, red = row[3 * x : 3 * x + 3]
    else:
        bit = x * depth
        index = row[bit // 8] >> (8 - depth - bit % 8) & ((1 << depth) - 1)
        blue, green, red = palette[4 * index : 4 * index + 3]
    is_clear = bool(mask) and mask[x // 8] >> (7 - x % 8) & 1
    return bytes((red, green, blue, 0 if is_clear else 255))


def _write_png(width: int, height: int, rows: bytes) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", compress(rows))
        + chunk(b"IEND", b"")
    )


def _find_step(width: int, height: int, longest_side: int) -> float:
    """Images are halved step by step, because a single step would ignore most pixels."""
    return max(longest_side / max(width, height), 0.5)


def _draw(svg: str, scale: float | None = None) -> bytes:
    try:
        return svg_to_bytes(
            svg_string=svg,
            zoom=scale,
            skip_system_fonts=True,
            font_files=[FONT],
            font_family="Open Sans",
            sans_serif_family="Open Sans",
            serif_family="Open Sans",
        )
    except ValueError:
        raise ValueError("is an image that cannot be drawn") from None


def _draw_nothing(png: bytes) -> bytes:
    """An image of the same size, to recognise the empty result of a broken file."""
    width, height = read_size(png)
    return _draw(f'<svg xmlns="{SVG_NAMESPACE}" width="{width}" height="{height}"/>')


def _wrap(content: bytes, media_type: str) -> str:
    address = f"data:{media_type};base64,{b64encode(content).decode()}"
    return f'<svg xmlns="{SVG_NAMESPACE}"><image href="{address}"/></svg>'


def _clean_svg(content: bytes, megapixels: int) -> str:
    """Removes references out of the file, because the renderer would read this machine's files.

    Raises ValueError, also if it and its embedded images have too many pixels together.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise ValueError("must be a PNG, JPEG, WebP or SVG image") from None
    if etree.QName(root).localname != "svg":
        raise ValueError("must be a PNG, JPEG, WebP or SVG image")
    width, height = read_drawing_size(
        *(str(root.get(name) or "") for name in ("width", "height", "viewBox"))
    )
    check_pixels(width * height + _clean_links(root), megapixels)
    return etree.tostring(root, encoding="unicode")


def _clean_links(root: Any) -> int:
    """The total of pixels of the embedded images that remain."""
    pixels = 0
    for element in root.iter(etree.Element):
        for name, value in element.attrib.items():
            if etree.QName(name).localname not in {"href", "base"}:
                continue
            address = str(value).strip()
            if address.startswith("#"):
                continue
            try:
                element.attrib[name], count = _read_embedded(address)
                pixels += count
            except ValueError:
                del element.attrib[name]
    return pixels


def _read_embedded(address: str) -> tuple[str, int]:
    """Rewrites a data URL, so that exactly the checked content is drawn; also returns its pixels.

    Raises ValueError if it is not an image.
    """
    prefix = _EMBEDDED.match(address)
    if prefix is None:
        raise ValueError("refers to something outside the file")
    content = b64decode(b"".join(unquote_to_bytes(address[prefix.end() :]).split()), validate=True)
    media_type = find_media_type(content)
    if media_type is None:
        raise ValueError("is not an image")
    width, height = read_pixel_size(content, media_type)
    return f"data:{media_type};base64,{b64encode(content).decode()}", width * height
