"""Draws a code: the symbol in its pattern, the logo in its middle, the frame around it."""

import math
from base64 import b64encode
from typing import Final

import msgspec
from resvg_py import svg_to_bytes

from shorty.qr.design import Design, Level
from shorty.qr.frames import Layout, draw_frame
from shorty.qr.shapes import draw_finder, draw_modules
from shorty.qr.symbol import Symbol, encode_address

# How much of the code's width a square logo may take. Error correction must replace the modules
# below it, and needs a reserve for dirt and bad light.
LOGO_PARTS: Final[dict[Level, float]] = {"L": 0.12, "M": 0.18, "Q": 0.24, "H": 0.29}
LOGO_EDGE: Final = 0.4
"""The width of the empty space around a logo, in modules."""
WIDEST: Final = 1.6
"""The largest ratio of the logo area's longer side to its shorter one."""


class Logo(msgspec.Struct, frozen=True, kw_only=True):
    png: bytes
    width: int
    height: int


class Hole(msgspec.Struct, frozen=True, kw_only=True):
    """The modules that a logo replaces: the first column and row, and their numbers."""

    x: int
    y: int
    width: int
    height: int

    def covers(self, column: int, row: int) -> bool:
        return self.x <= column < self.x + self.width and self.y <= row < self.y + self.height


def draw_svg(design: Design, address: str, logo: Logo | None = None) -> str:
    """Raises InvalidFieldsError if the URL is too long for any code."""
    symbol = encode_address(address, design.level, has_logo=logo is not None)
    layout = draw_frame(design, symbol.size + 2 * design.margin)
    hole = None if logo is None else find_hole(symbol, logo)
    x, y = layout.x + design.margin, layout.y + design.margin
    height = round(design.size * layout.height / layout.width)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" '
        f'width="{design.size}" height="{height}" viewBox="0 0 {layout.width:g} {layout.height:g}">'
        f"{layout.drawn}{_draw_gradient(design, symbol)}"
        f'<g transform="translate({x:g} {y:g})" '
        f'fill="{_find_paint(design)}"{_sharpen(design, layout)}>'
        f'<path d="{_draw_symbol(design, symbol, hole)}"/>'
        f'<path fill-rule="evenodd" d="{_draw_finders(design, symbol)}"/></g>'
        f"{'' if logo is None or hole is None else _draw_logo(logo, hole, x, y)}"
        "</svg>"
    )


def find_hole(symbol: Symbol, logo: Logo) -> Hole:
    """Odd numbers of modules, so that the hole is centred; its area is limited."""
    side = symbol.size * LOGO_PARTS[symbol.level]
    ratio = min(max(logo.width / logo.height, 1 / WIDEST), WIDEST)
    width = _find_odd(side * math.sqrt(ratio))
    height = _find_odd(side * side / width)
    return Hole(
        x=(symbol.size - width) // 2,
        y=(symbol.size - height) // 2,
        width=width,
        height=height,
    )


def _find_odd(length: float) -> int:
    return max(1, math.floor((length - 1) / 2) * 2 + 1)


def _draw_symbol(design: Design, symbol: Symbol, hole: Hole | None) -> str:
    def is_dark(column: int, row: int) -> bool:
        return (
            symbol.is_dark(column, row)
            and not symbol.is_finder(column, row)
            and not (hole is not None and hole.covers(column, row))
        )

    return draw_modules(design.pattern, symbol.size, is_dark)


def _draw_finders(design: Design, symbol: Symbol) -> str:
    return "".join(draw_finder(design.corner, x, y) for x, y in symbol.list_finders())


def _draw_logo(logo: Logo, hole: Hole, x: float, y: float) -> str:
    edge = LOGO_EDGE
    return (
        f'<image x="{x + hole.x + edge:g}" y="{y + hole.y + edge:g}" '
        f'width="{hole.width - 2 * edge:g}" height="{hole.height - 2 * edge:g}" '
        f'href="data:image/png;base64,{b64encode(logo.png).decode()}"/>'
    )


def _draw_gradient(design: Design, symbol: Symbol) -> str:
    if design.gradient is None:
        return ""
    size = symbol.size
    shape = (
        f'radialGradient id="paint" gradientUnits="userSpaceOnUse" '
        f'cx="{size / 2:g}" cy="{size / 2:g}" r="{size * 0.7:g}"'
        if design.gradient_type == "radial"
        else f'linearGradient id="paint" gradientUnits="userSpaceOnUse" x2="{size}" y2="{size}"'
    )
    return (
        f'<defs><{shape}><stop stop-color="{design.color}"/>'
        f'<stop offset="1" stop-color="{design.gradient}"/></{shape.partition(" ")[0]}></defs>'
    )


def _find_paint(design: Design) -> str:
    return design.color if design.gradient is None else "url(#paint)"


def _sharpen(design: Design, layout: Layout) -> str:
    """Browsers need no anti-aliasing if all edges are straight."""
    is_straight = design.pattern == "square" and design.corner == "square"
    return ' shape-rendering="crispEdges"' if is_straight and layout.x == 0 else ""


def render_png(svg: str) -> bytes:
    """Takes from milliseconds to tenths of a second, by size: call it in a thread.

    The system's fonts are loaded only for text that our font cannot draw.
    """
    return svg_to_bytes(svg_string=svg, skip_system_fonts="<text" not in svg)
