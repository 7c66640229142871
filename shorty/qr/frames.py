"""Draws a frame with a label around a code; one module is one unit wide."""

from collections.abc import Callable
from typing import Final
from xml.sax.saxutils import escape

import msgspec

from shorty.qr.colors import TRANSPARENT, WHITE
from shorty.qr.design import FRAME_EDGES, Design, Frame
from shorty.qr.shapes import Radii, draw_box
from shorty.qr.text_paths import CAP_HEIGHT, draw_letters


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """The whole image's size, the position of the code's square with its margin, and the shapes
    that are drawn before the code.
    """

    width: float
    height: float
    x: float
    y: float
    drawn: str


def draw_frame(design: Design, side: float) -> Layout:
    """`side` is the width of the code with its margin."""
    return _FRAMES[design.frame](design, side)


def fill(color: str, path: str) -> str:
    return f'<path fill="{color}" d="{path}"/>'


def _draw_none(design: Design, side: float) -> Layout:
    drawn = (
        "" if design.background == TRANSPARENT else fill(design.background, _draw_rectangle(side))
    )
    return Layout(width=side, height=side, x=0, y=0, drawn=drawn)


def _draw_rectangle(side: float) -> str:
    return draw_box(0, 0, side, side, 0)


def _draw_line_box(design: Design, side: float, *, is_label_above: bool) -> Layout:
    """A rounded line around the code that widens into the label."""
    line, label, round_ = side * FRAME_EDGES["box"], side * 0.17, side * 0.07
    width, height = side + 2 * line, side + 2 * line + label
    top = line + (label if is_label_above else 0)
    inner = round_ - line
    outline = draw_box(0, 0, width, height, round_)
    strip_radii: Radii = (round_, round_, 0, 0) if is_label_above else (0, 0, round_, round_)
    strip_y = 0 if is_label_above else line + side
    drawn = (
        fill(design.frame_color, outline)
        + fill(design.label_color, draw_box(0, strip_y, width, label + line, strip_radii))
        + fill(_find_paper(design), draw_box(line, top, side, side, inner))
        + _draw_text(design, width / 2, strip_y + (label + line) / 2, width * 0.84, label * 0.62)
    )
    return Layout(width=width, height=height, x=line, y=top, drawn=drawn)


def _draw_box(design: Design, side: float) -> Layout:
    return _draw_line_box(design, side, is_label_above=False)


def _draw_box_top(design: Design, side: float) -> Layout:
    return _draw_line_box(design, side, is_label_above=True)


def _draw_card(design: Design, side: float) -> Layout:
    """A coloured card with the code on a light field and the text below it."""
    edge, label = side * FRAME_EDGES["card"], side * 0.2
    width, height = side + 2 * edge, side + edge + label
    drawn = (
        fill(design.frame_color, draw_box(0, 0, width, height, side * 0.11))
        + fill(_find_paper(design), draw_box(edge, edge, side, side, side * 0.06))
        + _draw_text(design, width / 2, edge + side + label / 2, side, label * 0.56)
    )
    return Layout(width=width, height=height, x=edge, y=edge, drawn=drawn)


def _draw_label(design: Design, side: float) -> Layout:
    """A separate label below the code."""
    gap, label = side * 0.03, side * 0.16
    radius = label / 2
    drawn = (
        fill(_find_paper(design), draw_box(0, 0, side, side, side * 0.05))
        + fill(design.label_color, draw_box(0, side + gap, side, label, radius))
        + _draw_text(design, side / 2, side + gap + label / 2, side * 0.86, label * 0.62)
    )
    return Layout(width=side, height=side + gap + label, x=0, y=0, drawn=drawn)


def _draw_bubble(design: Design, side: float) -> Layout:
    """A label that points at the code like a speech bubble."""
    gap, label, tip = side * 0.065, side * 0.16, side * 0.05
    top = side + gap
    pointer = f"M{side / 2 - tip:g} {top + 0.1:g}l{tip:g} {-tip - 0.1:g}l{tip:g} {tip + 0.1:g}z"
    drawn = (
        fill(_find_paper(design), draw_box(0, 0, side, side, side * 0.05))
        + fill(design.label_color, draw_box(0, top, side, label, side * 0.045) + pointer)
        + _draw_text(design, side / 2, top + label / 2, side * 0.86, label * 0.62)
    )
    return Layout(width=side, height=top + label, x=0, y=0, drawn=drawn)


def _find_paper(design: Design) -> str:
    """A frame always has a background, because its colour would show between the modules."""
    return WHITE if design.background == TRANSPARENT else design.background


def _draw_text(design: Design, x: float, y: float, width: float, height: float) -> str:
    """The text centred in that area, as large as fits."""
    letters = draw_letters(design.text)
    size = min(height, width / letters.width if letters.width else height)
    baseline = y + size * CAP_HEIGHT / 2
    if letters.lacks_letters:
        # The viewer's fonts may have letters that ours lacks.
        return (
            f'<text x="{x:g}" y="{baseline:g}" font-size="{size:g}" font-weight="700" '
            f'font-family="sans-serif" text-anchor="middle" fill="{design.text_color}">'
            f"{escape(design.text)}</text>"
        )
    left = x - size * letters.width / 2
    return (
        f'<path fill="{design.text_color}" '
        f'transform="translate({left:.4g} {baseline:.4g}) scale({size:.4g})" d="{letters.path}"/>'
    )


_FRAMES: Final[dict[Frame, Callable[[Design, float], Layout]]] = {
    "none": _draw_none,
    "box": _draw_box,
    "box-top": _draw_box_top,
    "card": _draw_card,
    "label": _draw_label,
    "bubble": _draw_bubble,
}
