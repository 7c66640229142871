"""Owns the colours of a code, and whether a camera can tell them apart."""

import re
from typing import Final, TypeAlias

Rgb: TypeAlias = tuple[float, float, float]

TRANSPARENT: Final = "transparent"
WHITE: Final = "#ffffff"
BLACK: Final = "#000000"
# In tests with phones and a decoder, paler codes were found slowly or not at all.
LEAST_CONTRAST: Final = 3.0

_COLOR: Final = re.compile(r"#([0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})")


def is_color(text: str) -> bool:
    return _COLOR.fullmatch(text) is not None


def read_color(text: str, beneath: str = WHITE) -> Rgb:
    """Parts from 0 to 1. The colour beneath must be opaque; a transparent colour becomes it."""
    if text == TRANSPARENT:
        return read_color(beneath)
    digits = text.removeprefix("#")
    if len(digits) in {3, 4}:
        digits = "".join(digit * 2 for digit in digits)
    red, green, blue, alpha = (int(digits[at : at + 2] or "ff", 16) / 255 for at in (0, 2, 4, 6))
    if alpha == 1:
        return red, green, blue
    under = read_color(beneath)
    return (
        red * alpha + under[0] * (1 - alpha),
        green * alpha + under[1] * (1 - alpha),
        blue * alpha + under[2] * (1 - alpha),
    )


def measure_contrast(one: Rgb, other: Rgb) -> float:
    """From 1 (none) to 21 (black on white), as WCAG 2 defines it."""
    lighter, darker = sorted((_measure_luminance(one), _measure_luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def is_lighter(one: Rgb, other: Rgb) -> bool:
    return _measure_luminance(one) > _measure_luminance(other)


def choose_readable(background: str) -> str:
    """Black or white, whichever is more readable on that colour."""
    under = read_color(background)
    contrasts = {color: measure_contrast(read_color(color), under) for color in (WHITE, BLACK)}
    return WHITE if contrasts[WHITE] * 1.6 > contrasts[BLACK] else BLACK


def _measure_luminance(color: Rgb) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 sRGB's
        for part in color
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
