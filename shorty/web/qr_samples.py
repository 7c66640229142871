"""Samples of patterns, corners, frames and presets: SVG, drawn once."""

from typing import Final

from markupsafe import Markup

from shorty.qr.colors import BLACK
from shorty.qr.design import FRAMES, PRESETS, Design, Frame, decide_design
from shorty.qr.frames import draw_frame
from shorty.qr.shapes import CORNERS, PATTERNS, Corner, Pattern, draw_finder, draw_modules

# Enough neighbours of each kind to tell the patterns apart.
BITS: Final = ("1101101", "0111001", "1100011", "0011110", "1011010", "1110011", "0100110")
STEP: Final = len(BITS) + 1


def is_dark(column: int, row: int) -> bool:
    return 0 <= row < len(BITS) and 0 <= column < len(BITS[0]) and BITS[row][column] == "1"


def draw_pattern(pattern: Pattern) -> Markup:
    path = draw_modules(pattern, len(BITS), is_dark)
    return _wrap(7, 7, f'<path d="{path}"/>', BLACK)


def draw_corner(corner: Corner) -> Markup:
    path = draw_finder(corner, 0, 0)
    return _wrap(7, 7, f'<path fill-rule="evenodd" d="{path}"/>', BLACK)


def draw_frame_sample(frame: Frame) -> Markup:
    """With the three corners of a code in it."""
    layout = draw_frame(Design(frame=frame, text="Scan me"), 25)
    finders = "".join(draw_finder("square", x, y) for x, y in ((3, 3), (15, 3), (3, 15)))
    x, y = layout.x, layout.y
    code = f'<path fill-rule="evenodd" transform="translate({x:g} {y:g})" d="{finders}"/>'
    return _wrap(layout.width, layout.height, layout.drawn + code, BLACK)


def draw_preset(name: str) -> Markup:
    """A corner, and modules on its other sides."""
    design = decide_design(PRESETS[name])
    modules = draw_modules(design.pattern, len(BITS), is_dark)
    finder = draw_finder(design.corner, 0, 0)
    parts = "".join(
        f'<path transform="translate({x} {y})" d="{modules}"/>'
        for x, y in ((STEP, 0), (0, STEP), (STEP, STEP))
    )
    paint = design.color if design.gradient is None else f"url(#preset-{name})"
    return Markup(  # noqa: S704 - of our own shapes and colours alone
        f'<svg viewBox="-2 -2 19 19" aria-hidden="true">{_draw_gradient(name, design)}'
        f'<rect x="-2" y="-2" width="19" height="19" fill="{design.background}"/>'
        f'<g fill="{paint}"><path fill-rule="evenodd" d="{finder}"/>{parts}</g></svg>'
    )


def _draw_gradient(name: str, design: Design) -> str:
    if design.gradient is None:
        return ""
    kind = f"{design.gradient_type}Gradient"
    place = 'cx="7.5" cy="7.5" r="10"' if design.gradient_type == "radial" else 'x2="15" y2="15"'
    return (
        f'<{kind} id="preset-{name}" gradientUnits="userSpaceOnUse" {place}>'
        f'<stop stop-color="{design.color}"/><stop offset="1" stop-color="{design.gradient}"/>'
        f"</{kind}>"
    )


def _wrap(width: float, height: float, drawn: str, paint: str) -> Markup:
    return Markup(  # noqa: S704 - of our own shapes and colours alone
        f'<svg viewBox="-.5 -.5 {width + 1:g} {height + 1:g}" aria-hidden="true" fill="{paint}">'
        f"{drawn}</svg>"
    )


PATTERN_SAMPLES: Final = {pattern: draw_pattern(pattern) for pattern in PATTERNS}
CORNER_SAMPLES: Final = {corner: draw_corner(corner) for corner in CORNERS}
FRAME_SAMPLES: Final = {frame: draw_frame_sample(frame) for frame in FRAMES}
PRESET_SAMPLES: Final = {name: draw_preset(name) for name in PRESETS}
