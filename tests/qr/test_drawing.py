"""However a code looks, a camera reads its URL."""

import math
import xml.etree.ElementTree as ET
from itertools import product

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shorty.links.model import QrSettings
from shorty.qr.design import FRAMES, LEVELS, PRESETS, Frame, Level, decide_design
from shorty.qr.drawing import draw_svg, find_hole, render_png
from shorty.qr.frames import draw_frame
from shorty.qr.shapes import CORNERS, PATTERNS
from shorty.qr.symbol import encode_address
from shorty.qr.warnings import list_warnings
from tests.examples import count_examples
from tests.qr.reading import make_logo, open_image, read_code

SHORT = "https://a.io/x?qr=1"
LONG = "https://links.example.com/" + "a-slug-as-long-as-people-make-them-" * 3 + "2026?qr=1"
COLORS = (("#000000", "#ffffff"), ("#1d4ed8", "#fef9c3"), ("#14532d", "transparent"))
LOGO = make_logo()


def draw(address: str = SHORT, *, logo: bool = False, **given: object) -> bytes:
    design = decide_design(QrSettings(**({"size": 260} | given)))  # pyright: ignore[reportArgumentType]
    return render_png(draw_svg(design, address, LOGO if logo else None))


@pytest.mark.parametrize("corner", CORNERS)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_code_is_read(pattern: str, corner: str) -> None:
    turn = PATTERNS.index(pattern) + CORNERS.index(corner)  # so that each meets all colours
    for number, (has_logo, address) in enumerate(product((False, True), (SHORT, LONG)), turn):
        color, background = COLORS[number % len(COLORS)]
        size = 220 if address == SHORT else 300
        png = draw(
            address,
            logo=has_logo,
            pattern=pattern,
            corner=corner,
            color=color,
            bg_color=background,
            size=size,
        )
        assert read_code(png) == address, (color, has_logo, address)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("has_logo", [False, True])
def test_every_preset_is_read(preset: str, *, has_logo: bool) -> None:
    assert read_code(draw(LONG, preset=preset, size=400, logo=has_logo)) == LONG


@pytest.mark.parametrize("frame", FRAMES)
def test_every_frame_is_read_and_drawn(frame: str) -> None:
    png = draw(frame=frame, primary="#be123c", secondary="#0f766e", text="Scan me")
    assert read_code(png) == SHORT
    colors = {color for _, color in open_image(png).getcolors(1 << 20) or ()}
    label = (0x0F, 0x76, 0x6E)
    line = (0xBE, 0x12, 0x3C)
    assert (label in colors) == (frame not in {"none", "card"})
    assert (line in colors) == (frame in {"box", "box-top", "card"})


@pytest.mark.parametrize(
    ("width", "height"), [(64, 64), (640, 64), (64, 640), (1, 512), (300, 200)]
)
def test_a_logo_of_any_shape_leaves_enough_to_read(width: int, height: int) -> None:
    logo = make_logo(width, height)
    for address in (SHORT, LONG):
        svg = draw_svg(decide_design(QrSettings(size=360)), address, logo)
        assert read_code(render_png(svg)) == address


def test_a_logo_raises_the_error_correction() -> None:
    assert encode_address(LONG, "L", has_logo=True).level == "H"


def test_error_correction_that_costs_no_larger_code_is_taken() -> None:
    lowest = encode_address("https://a.io/x", "L", has_logo=False)
    assert lowest.level != "L"
    assert lowest.size == encode_address("https://a.io/x", lowest.level, has_logo=False).size


def test_a_url_too_long_for_its_level_gets_a_lower_one_and_a_smaller_logo() -> None:
    address = "https://a.example/" + "%F0%9F%98%80" * 128 + "?qr=1"
    symbol = encode_address(address, "H", has_logo=True)
    assert symbol.level == "Q"
    assert find_hole(symbol, LOGO).width / symbol.size < 0.25
    svg = draw_svg(decide_design(QrSettings(size=1200, margin=4)), address, LOGO)
    assert read_code(render_png(svg)) == address


@given(
    length=st.integers(1, 1200),
    level=st.sampled_from(LEVELS),
    frame=st.sampled_from(FRAMES),
    margin=st.integers(0, 20),
    has_logo=st.booleans(),
)
@settings(max_examples=count_examples(20), deadline=None)
def test_a_code_is_said_to_be_too_small_where_its_modules_are_under_three_pixels(
    *, length: int, level: Level, frame: Frame, margin: int, has_logo: bool
) -> None:
    url = ("https://a.io/" + "x" * length)[:length]
    look = QrSettings(
        size=64,
        frame=frame,
        margin=margin,
        error_correction=level,
        qr_logo_id=1 if has_logo else None,
    )
    design = decide_design(look)
    modules = encode_address(url, level, has_logo=has_logo).size
    width = draw_frame(design, modules + 2 * margin).width
    for size in (64, math.floor(3 * width), math.ceil(3 * width)):
        told = list_warnings(msgspec.structs.replace(look, size=size), url)
        assert any("pixels wide" in each for each in told) == (size / width < 3)


def test_a_transparent_code_has_no_background() -> None:
    svg = draw_svg(decide_design(QrSettings(bg_color="transparent")), SHORT)
    assert "#ffffff" not in svg


def test_text_becomes_text_only_where_the_font_lacks_letters() -> None:
    for text, is_text in (("Scan me", False), ("Σκάναρέ με", False), ("扫一扫 <now>", True)):
        svg = draw_svg(decide_design(QrSettings(frame="box", text=text)), SHORT)
        found = ET.fromstring(svg).find("{http://www.w3.org/2000/svg}text")  # noqa: S314 our own
        assert (found is not None) == is_text
        assert found is None or found.text == text


HEX = st.text("0123456789abcdefABCDEF", min_size=6, max_size=6).map(lambda text: f"#{text}")
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), max_size=60)
SETTINGS = st.builds(
    QrSettings,
    preset=st.none() | st.sampled_from([*PRESETS, "unknown"]),
    color=st.none() | HEX,
    bg_color=st.none() | HEX | st.just("transparent"),
    pattern=st.none() | st.sampled_from(PATTERNS),
    corner=st.none() | st.sampled_from(CORNERS),
    frame=st.none() | st.sampled_from([*FRAMES, "odd"]),
    text=st.none() | TEXTS,
    primary=st.none() | HEX,
    secondary=st.none() | HEX,
    text_color=st.none() | HEX,
    gradient=st.none() | HEX,
    gradient_type=st.none() | st.sampled_from(["linear", "radial"]),
    margin=st.none() | st.integers(0, 20),
    size=st.just(64),
    error_correction=st.none() | st.sampled_from(LEVELS),
)


@given(settings=SETTINGS, has_logo=st.booleans())
@settings(
    max_examples=count_examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
def test_any_settings_are_drawn_as_well_formed_pictures(
    *, settings: QrSettings, has_logo: bool
) -> None:
    svg = draw_svg(decide_design(settings), SHORT, LOGO if has_logo else None)
    ET.fromstring(svg)  # noqa: S314 our own
    assert open_image(render_png(svg)).width == 64
