"""Draws an uploaded picture anew as a small PNG: a program of its own, for `sandbox` to run.

Whatever a file holds, only its pixels come out. Reads standard input, writes standard output; ends
with 1 and a sentence on standard error where the file is no picture. Imports nothing of shorty, so
that it starts quickly and isolated.
"""

# What lxml's types leave unknown:
# pyright: reportAttributeAccessIssue=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportOptionalMemberAccess=false

import re
import resource
import struct
import sys
from base64 import b64encode
from typing import Final

import fontpkg_open_sans
from lxml import etree
from resvg_py import svg_to_bytes

LONGEST_SIDE: Final = 400
"""Pixels: sharp in the middle of a code 1,400 pixels wide."""
CPU_S: Final = 5
MEMORY_BYTES: Final = 1 << 30

SVG_NAMESPACE: Final = "http://www.w3.org/2000/svg"
FONT: Final = str(fontpkg_open_sans.ROOT / "files" / "OpenSans[wdth,wght].ttf")
_MAGIC: Final = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
)
_HARMLESS: Final = re.compile(r"#|data:image/(png|jpeg|webp);base64,")


def main() -> int:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    try:
        png = reencode(sys.stdin.buffer.read())
    except ValueError as error:
        sys.stderr.write(str(error))
        return 1
    sys.stdout.buffer.write(png)
    return 0


def reencode(content: bytes) -> bytes:
    """Raises ValueError where it is no picture that can be drawn."""
    media_type = next((name for magic, name in _MAGIC if magic.match(content)), None)
    svg = _clean_svg(content) if media_type is None else _wrap(content, media_type)
    png = _draw(svg)
    if png == _draw_nothing(png):
        raise ValueError("must be a PNG, JPEG, WebP or SVG image that shows something")
    if media_type is None:
        return _draw(svg, _find_scale(png))
    while (scale := _find_scale(png)) < 1:
        # Halved step by step: in one, most of the pixels would count for nothing.
        png = _draw(_wrap(png, "image/png"), max(scale, 0.5))
    return png


def read_size(png: bytes) -> tuple[int, int]:
    """Width and height, from the header."""
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def _find_scale(png: bytes) -> float:
    width, height = read_size(png)
    return LONGEST_SIDE / max(width, height)


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
    """A picture of the same size, which is also what a broken file gives."""
    width, height = read_size(png)
    return _draw(f'<svg xmlns="{SVG_NAMESPACE}" width="{width}" height="{height}"/>')


def _wrap(content: bytes, media_type: str) -> str:
    address = f"data:{media_type};base64,{b64encode(content).decode()}"
    return f'<svg xmlns="{SVG_NAMESPACE}"><image href="{address}"/></svg>'


def _clean_svg(content: bytes) -> str:
    """Without whatever leads out of the file: the renderer would read files of this machine."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise ValueError("must be a PNG, JPEG, WebP or SVG image") from None
    if etree.QName(root).localname != "svg":
        raise ValueError("must be a PNG, JPEG, WebP or SVG image")
    for element in root.iter(etree.Element):
        for name, value in element.attrib.items():
            is_link = etree.QName(name).localname in {"href", "base"}
            if is_link and not _HARMLESS.match(str(value).strip()):
                del element.attrib[name]
    return etree.tostring(root, encoding="unicode")


if __name__ == "__main__":
    sys.exit(main())
