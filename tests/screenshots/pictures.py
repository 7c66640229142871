"""Which pictures there are, and how a page becomes a small file."""

import io
from typing import Final, Literal

import msgspec
from PIL import Image
from playwright.sync_api import Page

from tests.browser.demo import Demo

COLORS: Final = 256
DENSITY: Final = 1.5
LONGEST_BYTES: Final = 120_000


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """`address` may name `{links[SLUG].id}`; `press` is clicked before."""

    name: str
    address: str
    size: tuple[int, int] = (1280, 800)
    scheme: Literal["light", "dark"] = "light"
    press: str = ""


PICTURES: Final = (Picture(name="tags", address="/app/tags"),)


def take_picture(page: Page, picture: Picture, demo: Demo) -> bytes:
    width, height = picture.size
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=picture.scheme, reduced_motion="reduce")
    page.goto(picture.address.format(links=demo.links), wait_until="networkidle")
    if picture.press:
        page.locator(picture.press).click()
        page.wait_for_load_state("networkidle")
    return pack(page.screenshot())


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
