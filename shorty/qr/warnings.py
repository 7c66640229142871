"""Owns warnings about codes that cameras may fail to read. They are drawn anyway."""

import math
from typing import Final

from shorty.links.model import QrSettings
from shorty.qr.colors import (
    LEAST_CONTRAST,
    TRANSPARENT,
    is_lighter,
    measure_contrast,
    read_color,
)
from shorty.qr.design import FRAME_EDGES, FRAMES, PRESETS, QUIET_ZONE, Design, decide_design
from shorty.qr.symbol import measure_symbol

LEAST_PIXELS: Final = 3
"""The least width of a module at which cameras can tell it from the next."""


def list_warnings(settings: QrSettings, url: str) -> list[str]:
    """Why cameras may fail to read the code of that URL, and which settings have no effect."""
    design = decide_design(settings)
    warnings = _list_color_warnings(design)
    warnings += _list_size_warnings(design, url, has_logo=settings.qr_logo_id is not None)
    if design.margin < QUIET_ZONE // 2 and design.frame == "none":
        warnings.append("The margin is narrow: leave 4 modules of empty space around the code.")
    if settings.preset and settings.preset not in PRESETS:
        warnings.append(f"The preset is not one of {', '.join(PRESETS)} and has no effect.")
    if settings.frame and settings.frame not in FRAMES:
        warnings.append(f"The frame is not one of {', '.join(FRAMES)} and is not drawn.")
    return warnings


def _list_color_warnings(design: Design) -> list[str]:
    background = read_color(design.background)
    colors = [
        read_color(color, design.background) for color in (design.color, design.gradient) if color
    ]
    warnings: list[str] = []
    least = min(measure_contrast(color, background) for color in colors)
    if least < LEAST_CONTRAST:
        warnings.append(
            f"The contrast of {least:.1f}:1 is too low to scan well; choose colours with at least "
            f"{LEAST_CONTRAST:g}:1."
        )
    if any(is_lighter(color, background) for color in colors):
        warnings.append("The code is lighter than its background, which some cameras cannot read.")
    if design.background == TRANSPARENT:
        warnings.append("The background is transparent: place the code on a light surface.")
    return warnings


def _list_size_warnings(design: Design, url: str, *, has_logo: bool) -> list[str]:
    """Assumes that a page shows an SVG at the same size in pixels."""
    modules = measure_symbol(len(url.encode()), design.level, has_logo=has_logo)
    width = (modules + 2 * design.margin) * (1 + 2 * FRAME_EDGES.get(design.frame, 0))
    if design.size >= LEAST_PIXELS * width:
        return []
    pixels = math.floor(10 * design.size / width) / 10
    needed = math.ceil(LEAST_PIXELS * width)
    fault = f"Each module is only {pixels:g} pixels wide: choose a size of at least {needed} pixels"
    return [f"{fault}, or a shorter slug."]
