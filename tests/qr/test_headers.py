"""The sizes that images declare."""

import io
import struct
from typing import Any

import pytest
from PIL import Image

from shorty.qr.headers import find_media_type, read_drawing_size, read_pixel_size


def save(kind: str, width: int = 90, height: int = 30, mode: str = "RGB", **options: Any) -> bytes:
    file = io.BytesIO()
    picture = Image.effect_noise((width, height), 50).convert(mode)
    picture.save(file, kind, **options)
    return file.getvalue()


def save_frames(kind: str, **options: Any) -> bytes:
    frames = [Image.effect_noise((90, 30), 20 * number).convert("RGB") for number in range(3)]
    file = io.BytesIO()
    frames[0].save(file, kind, save_all=True, append_images=frames[1:], **options)
    return file.getvalue()


def measure(content: bytes) -> tuple[int, int]:
    media_type = find_media_type(content)
    assert media_type is not None
    return read_pixel_size(content, media_type)


@pytest.mark.parametrize(
    "content",
    [
        save("PNG"),
        save("PNG", mode="P"),
        save("JPEG"),
        save("JPEG", progressive=True, mode="CMYK"),
        save("JPEG", exif=b"Exif\0\0" + b"\xff\xc0\0\x11\x08\xff\xff\xff\xff" * 9, quality=5),
        save("WEBP"),
        save("WEBP", lossless=True),
        save("WEBP", lossless=True, mode="RGBA", icc_profile=b"x" * 31),
        save_frames("WEBP"),
        save("GIF"),
        save_frames("GIF"),
        save("GIF", comment=b"\x2c" * 600),
    ],
    ids=range(12),
)
def test_the_size_is_the_decoders_size(content: bytes) -> None:
    assert measure(content) == (90, 30) == Image.open(io.BytesIO(content)).size


def test_the_largest_of_several_sizes_counts() -> None:
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 8, 8, 30_000, 20_000, 0)
    jpeg = save("JPEG")
    assert measure(jpeg[:2] + frame + jpeg[2:]) == (20_000, 30_000)
    assert measure(jpeg[:-2] + frame + jpeg[-2:]) == (20_000, 30_000)
    gif = save("GIF")
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 65_000, 64_000, 0) + b"\x02\0"
    assert measure(gif[:-1] + frame + gif[-1:]) == (65_000, 64_000)
    webp = save("WEBP")
    canvas = b"VP8X" + struct.pack("<II", 10, 0) + b"\xff\xff\0" * 2
    assert measure(webp[:12] + canvas + webp[12:]) == (65_536, 65_536)


def test_a_file_that_ends_early_has_the_size_it_said_before() -> None:
    for kind in ("PNG", "JPEG", "WEBP", "GIF"):
        content = save(kind)
        assert measure(content[:-20]) == (90, 30)
    assert measure(save("GIF")[:-1] + b"\x2c\0\0") == (90, 30)


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n\0\0\0\x0dIDAT" + b"\0" * 40,
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xe0\0\0\xff\xd9",
        b"\xff\xd8\xff\xc0\0\x11",
        b"RIFF\0\0\0\0WEBP",
        b"RIFF\0\0\0\0WEBPVP8X\xff\xff\xff\xff",
        b"GIF89a\x01",
    ],
)
def test_a_file_without_a_size_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="cannot be drawn"):
        measure(content)


@pytest.mark.parametrize(
    ("width", "height", "view_box", "size"),
    [
        ("64", "32px", "", (64, 32)),
        ("1in", " 25.4mm ", "", (96, 96)),
        ("72pt", "6pc", "0 0 1 1", (96, 96)),
        ("", "", "0 0 300 200", (300, 200)),
        ("", "", "-5,-5,300,200.2", (300, 201)),
        ("50%", "200%", "0 0 300 200", (150, 400)),
        ("", "", "", (100, 100)),
        ("1e5", "+.5", "", (100_000, 1)),
        ("wide", "-3", "0 0 7 8", (7, 8)),
        ("", "", "0 0 1e999 nan", (10**9, 10**9)),
        ("9" * 400, "1", "", (10**9, 1)),
    ],
)
def test_the_size_of_a_drawing(
    width: str, height: str, view_box: str, size: tuple[int, int]
) -> None:
    assert read_drawing_size(width, height, view_box) == size


def test_a_file_that_is_no_raster_image_has_no_media_type() -> None:
    for content in (b"", b"<svg/>", b"\0\0\1\0", b"BM" + b"\0" * 60):
        assert find_media_type(content) is None
