"""Owns the colours of pages: five themes in light and dark, overridden by the page's own.

Text always stays readable: a colour with too little contrast is replaced by black or white.
"""

from collections.abc import Iterator
from typing import Final, Literal, TypeAlias

import msgspec

from shorty.bio.model import Colors, Theme
from shorty.qr.colors import BLACK, WHITE, measure_contrast, read_color

Scheme: TypeAlias = Literal["light", "dark"]

LEAST_CONTRAST: Final = 4.5
"""The contrast that WCAG 2.2 requires for text."""


class Palette(msgspec.Struct, frozen=True, kw_only=True):
    """`ground` is the background; if it fades into `ground_end`, text contrasts with both."""

    scheme: Scheme
    ground: str
    ground_end: str
    ink: str
    soft: str  # secondary text
    button: str
    on_button: str
    edge: str  # of buttons
    accent: str  # the focus outline


def _palette(scheme: Scheme, colors: str) -> Palette:
    ground, ground_end, ink, soft, button, on_button, edge, accent = colors.split()
    return Palette(
        scheme=scheme,
        ground=ground,
        ground_end=ground_end,
        ink=ink,
        soft=soft,
        button=button,
        on_button=on_button,
        edge=edge,
        accent=accent,
    )


#                  ground  its end ink     soft    button  on it   edge    accent
THEMES: Final[dict[Theme, tuple[Palette, Palette]]] = {
    "paper": (
        _palette("light", "#f6f3ec #f6f3ec #26221b #655e51 #fffdf8 #26221b #ddd5c5 #9a4a1f"),
        _palette("dark", "#191714 #191714 #efe9dd #aaa294 #25221d #efe9dd #3b362e #f0a878"),
    ),
    "slate": (
        _palette("light", "#eef1f5 #eef1f5 #1b2430 #556072 #1f2a3a #ffffff #1f2a3a #2461c8"),
        _palette("dark", "#10151d #10151d #e6ebf2 #97a3b4 #e6ebf2 #141a23 #e6ebf2 #8db8ff"),
    ),
    "meadow": (
        _palette("light", "#e3f3e2 #c9e8e4 #12352b #3a5c50 #17624c #ffffff #17624c #0b5a44"),
        _palette("dark", "#0b211b #0d2c30 #dcf2e6 #95b8a8 #8fdcb4 #0a2a1f #8fdcb4 #b6f0cf"),
    ),
    "dusk": (
        _palette("light", "#fde8dc #e9d9fb #3b1d4e #6b4a72 #fffafd #4a2263 #fffafd #8a2f8f"),
        _palette("dark", "#2a1238 #5a1f43 #fbeaf5 #d9b6cf #ffe6d5 #43164a #ffe6d5 #ffc9a3"),
    ),
    "poster": (
        _palette("light", "#ffd84d #ffd84d #141414 #3d3510 #ffffff #141414 #141414 #141414"),
        _palette("dark", "#141414 #141414 #fff6d6 #cfc39a #262215 #ffe27a #ffd84d #ffd84d"),
    ),
}
DESCRIPTIONS: Final[dict[Theme, str]] = {
    "paper": "warm and quiet, with a serif",
    "slate": "cool and plain, with solid buttons",
    "meadow": "green, with round buttons",
    "dusk": "a sunset from peach to violet",
    "poster": "loud, with thick edges and hard shadows",
}


def list_palettes(theme: Theme, colors: Colors) -> tuple[Palette, ...]:
    """Light and dark; a page with its own background looks the same in both."""
    light, dark = THEMES[theme]
    if colors.background is None:
        return tuple(_colour(palette, colors) for palette in (light, dark))
    ground = read_color(colors.background)
    is_light = measure_contrast(ground, read_color(BLACK)) > measure_contrast(
        ground, read_color(WHITE)
    )
    return (_colour(light if is_light else dark, colors),)


def list_warnings(theme: Theme, colors: Colors) -> list[str]:
    """Which of a page's own colours were not used, and why."""
    found = dict.fromkeys(
        warning
        for palette in list_palettes(theme, colors)
        for warning in _list_faint(palette, colors)
    )
    return list(found)


def _list_faint(palette: Palette, colors: Colors) -> Iterator[str]:
    if colors.text and palette.ink != colors.text:
        yield "The text's colour is too close to the background, so another is shown."
    if colors.button_text and palette.on_button != colors.button_text:
        yield "The button text's colour is too close to the buttons' colour, so another is shown."


def _colour(palette: Palette, colors: Colors) -> Palette:
    ground = colors.background or palette.ground
    end = colors.background or palette.ground_end
    button = colors.button or palette.button
    ink = _choose(colors.text, palette.ink, ground, end)
    return msgspec.structs.replace(
        palette,
        ground=ground,
        ground_end=end,
        ink=ink,
        soft=_choose(None if colors.text or colors.background else palette.soft, ink, ground, end),
        button=button,
        on_button=_choose(colors.button_text, palette.on_button, button),
        edge=colors.button or palette.edge,
        accent=_choose(palette.accent, ink, ground, end),
    )


def _choose(wanted: str | None, usual: str, *grounds: str) -> str:
    """The first of the two that is readable on each ground, else black or white."""
    for color in (wanted, usual, WHITE):
        if color and all(_measure(color, ground) >= LEAST_CONTRAST for ground in grounds):
            return color
    return BLACK


def _measure(color: str, ground: str) -> float:
    return measure_contrast(read_color(color), read_color(ground))
