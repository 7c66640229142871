"""Reads a drawn code like a camera."""

# The decoder's types are incomplete:
# pyright: reportUnknownVariableType=false

import io
from base64 import b64encode
from typing import Final

import zxingcpp
from PIL import Image

from shorty.qr.drawing import Logo, render_png

QR_CODES: Final = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
RED_SQUARE: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64">'
    '<rect width="64" height="64" rx="12" fill="#c00"/></svg>'
)


def make_logo(width: int = 64, height: int = 64) -> Logo:
    return Logo(png=render_png(RED_SQUARE), width=width, height=height)


def make_data_address(content: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{b64encode(content).decode()}"


def open_image(png: bytes) -> Image.Image:
    """On white paper."""
    image = Image.open(io.BytesIO(png)).convert("RGBA")
    paper = Image.new("RGBA", image.size, "white")
    paper.alpha_composite(image)
    return paper.convert("RGB")


def read_code(png: bytes) -> str | None:
    """The text of the only code in the image; None if none is found."""
    found = zxingcpp.read_barcodes(open_image(png), formats=QR_CODES)
    return found[0].text if len(found) == 1 else None
