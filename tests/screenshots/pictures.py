"""The list of screenshots, and how a page becomes a small file."""

import io
from typing import Final, Literal, cast

import msgspec
from PIL import Image
from playwright.sync_api import Page

from tests.browser.demo import Demo

COLORS: Final = 256
LONGEST_BYTES: Final = 120_000


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """`address` may contain `{links[SLUG].id}` and `{bio_page_id}`; `press` is clicked first."""

    name: str
    address: str
    size: tuple[int, int] = (1280, 800)
    density: float = 1.5
    scheme: Literal["light", "dark"] = "light"
    press: str = ""


PICTURES: Final = (
    Picture(name="overview", address="/app", size=(1280, 960)),
    Picture(name="overview-dark", address="/app", size=(1280, 960), scheme="dark"),
    Picture(name="links", address="/app/links"),
    Picture(name="link", address="/app/links/{links[menu].id}"),
    Picture(name="edit", address="/app/links/{links[autumn].id}/edit", press="text=UTM parameters"),
    Picture(name="rules", address="/app/links/{links[menu].id}/rules", size=(1280, 1240)),
    Picture(name="qr-code", address="/app/qr-codes/{links[menu].id}"),
    Picture(name="bio-page", address="/app/bio-pages/{bio_page_id}"),
    Picture(name="phone", address="/app/links", size=(390, 780)),
)


def take_picture(page: Page, picture: Picture, demo: Demo) -> bytes:
    width, height = picture.size
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=picture.scheme, reduced_motion="reduce")
    names = {"links": demo.links, "bio_page_id": demo.bio_page_id}
    page.goto(picture.address.format_map(names))
    if picture.press:
        page.locator(picture.press).click()
    page.evaluate("document.fonts.ready")
    return pack(page.screenshot(animations="disabled"))


def pack(png: bytes) -> bytes:
    """With its own palette. Raises ValueError if the file is still too large."""
    packed = io.BytesIO()
    with Image.open(io.BytesIO(png)) as image:
        reduce_colors(image.convert("RGB")).save(packed, "PNG", optimize=True)
    if packed.tell() > LONGEST_BYTES:
        raise ValueError(f"A picture of {packed.tell()} bytes is too large.")
    return packed.getvalue()


def reduce_colors(image: Image.Image) -> Image.Image:
    """Colours of large areas stay exact; the rest become the nearest of a few more."""
    counted = cast(
        "list[tuple[int, tuple[int, int, int]]]", image.getcolors(image.width * image.height)
    )
    frequent = [color for _, color in sorted(counted, reverse=True)[: COLORS // 2]]
    others = image.quantize(COLORS - len(frequent), Image.Quantize.MAXCOVERAGE)
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for color in frequent for part in color] + (others.getpalette() or []))
    return image.quantize(palette=palette, dither=Image.Dither.NONE)
