"""Which pictures there are, and how a page becomes a small file."""

import io
from typing import Final, Literal

import msgspec
from PIL import Image
from playwright.sync_api import Page

from tests.browser.demo import Demo

COLORS: Final = 256
LONGEST_BYTES: Final = 120_000


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """`address` may name `{links[SLUG].id}` and `{bio_page_id}`; `press` is clicked before."""

    name: str
    address: str
    size: tuple[int, int] = (1280, 800)
    density: float = 1.5
    scheme: Literal["light", "dark"] = "light"
    press: str = ""


PICTURES: Final = (
    Picture(name="overview", address="/app?range=90d"),
    Picture(name="overview-dark", address="/app?range=90d", scheme="dark"),
    Picture(name="links", address="/app/links"),
    Picture(name="link", address="/app/links/{links[menu].id}"),
    Picture(
        name="new-link", address="/app/links/{links[autumn].id}/edit", press="text=UTM parameters"
    ),
    Picture(name="qr", address="/app/qr-codes/{links[menu].id}"),
    Picture(name="bio", address="/app/bio-pages/{bio_page_id}"),
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
    """With a palette of its own. Raises ValueError where it is still too large."""
    packed = io.BytesIO()
    with Image.open(io.BytesIO(png)) as image:
        image.convert("RGB").quantize(
            COLORS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
        ).save(packed, "PNG", optimize=True)
    if packed.tell() > LONGEST_BYTES:
        raise ValueError(f"A picture of {packed.tell()} bytes is too large.")
    return packed.getvalue()
