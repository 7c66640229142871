"""Colours of pages: readable in every theme, whatever is requested."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shorty.bio.model import Colors, Theme
from shorty.bio.themes import (
    DESCRIPTIONS,
    LEAST_CONTRAST,
    THEMES,
    Palette,
    list_palettes,
    list_warnings,
)
from shorty.qr.colors import measure_contrast, read_color

COLOR = st.one_of(st.none(), st.from_regex(r"#([0-9a-f]{3}|[0-9a-f]{6})", fullmatch=True))


def check_readable(palette: Palette) -> None:
    pairs = [(palette.on_button, palette.button)]
    for ground in (palette.ground, palette.ground_end):
        pairs += [(ink, ground) for ink in (palette.ink, palette.soft)]
    for ink, ground in pairs:
        contrast = measure_contrast(read_color(ink), read_color(ground))
        assert contrast >= LEAST_CONTRAST, (ink, ground)


@pytest.mark.parametrize("theme", THEMES)
def test_each_theme_is_readable_in_light_and_in_dark(theme: Theme) -> None:
    light, dark = list_palettes(theme, Colors())
    assert (light.scheme, dark.scheme) == ("light", "dark")
    assert (light, dark) == THEMES[theme]
    for palette in (light, dark):
        check_readable(palette)
        for ground in (palette.ground, palette.ground_end):
            # The focus outline, for which WCAG 2.2 requires a contrast of 3.
            assert measure_contrast(read_color(palette.accent), read_color(ground)) >= 3
    assert list_warnings(theme, Colors()) == []


def test_there_are_five_and_each_is_described() -> None:
    assert len(THEMES) == 5
    assert THEMES.keys() == DESCRIPTIONS.keys()


@given(
    theme=st.sampled_from(sorted(THEMES)),
    colors=st.builds(Colors, background=COLOR, text=COLOR, button=COLOR, button_text=COLOR),
)
def test_whatever_is_asked_for_can_be_read(theme: Theme, colors: Colors) -> None:
    palettes = list_palettes(theme, colors)
    for palette in palettes:
        check_readable(palette)
        assert palette.button == (colors.button or palette.button)
        assert palette.ground == (colors.background or palette.ground)
    assert len(palettes) == (2 if colors.background is None else 1)
    if colors.text is None and colors.button_text is None:
        assert list_warnings(theme, colors) == []


def test_readable_colours_are_used_and_others_are_reported() -> None:
    colors = Colors(background="#000", text="#ffd", button="#fff", button_text="#444")
    (palette,) = list_palettes("paper", colors)
    assert (palette.scheme, palette.ink, palette.on_button) == ("dark", "#ffd", "#444")
    faint = msgspec.structs.replace(colors, text="#222", button_text="#ccc")
    (palette,) = list_palettes("paper", faint)
    assert palette.ink not in {"#222", "#000000"}
    assert len(list_warnings("paper", faint)) == 2
