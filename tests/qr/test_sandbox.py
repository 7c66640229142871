"""Whatever is uploaded becomes a small PNG or a fault, and nothing of the machine comes with it."""

import io
from pathlib import Path

import pytest
from PIL import Image

from shorty.errors import InvalidFieldsError
from shorty.qr.sandbox import MAX_BYTES, read_logo
from tests.qr.reading import RED_SQUARE, open_image

RED = bytes((204, 0, 0))


def save(kind: str, width: int = 90, height: int = 30) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), "#c00").save(file, kind)
    return file.getvalue()


def write_svg(inside: str, head: str = "") -> bytes:
    return (
        f'{head}<svg xmlns="http://www.w3.org/2000/svg" xmlns:x="http://www.w3.org/1999/xlink" '
        f'width="60" height="30">{inside}</svg>'
    ).encode()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_pictures_become_pngs_of_the_same_shape(kind: str) -> None:
    logo = await read_logo(save(kind))
    assert logo.png.startswith(b"\x89PNG")
    assert (logo.width, logo.height) == (90, 30) == open_image(logo.png).size
    thumbnail = open_image(logo.png).resize((1, 1)).tobytes()
    assert all(abs(found - wanted) < 8 for found, wanted in zip(thumbnail, RED, strict=True))


async def test_large_pictures_are_made_smaller() -> None:
    logo = await read_logo(save("PNG", 2400, 1200))
    assert (logo.width, logo.height) == (400, 200)


async def test_drawings_become_as_sharp_as_logos_are_kept() -> None:
    assert (await read_logo(RED_SQUARE.encode())).width == 400


async def test_the_same_picture_gives_the_same_logo_without_what_else_was_in_the_file() -> None:
    plain = await read_logo(RED_SQUARE.encode())
    busy = RED_SQUARE.replace(">", ' onload="x()"><script>x()</script><!-- secret -->', 1)
    assert (await read_logo(busy.encode())).png == plain.png


async def test_nothing_of_this_machine_is_drawn(tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(save("PNG"))
    mark = '<rect x="50" width="10" height="30"/>'
    nothing = await read_logo(write_svg(mark))
    nested = f"data:image/svg+xml;utf8,<svg xmlns='http://www.w3.org/2000/svg'>{secret}</svg>"
    for address in (str(secret), f"file://{secret}", f" {secret}", nested.replace("<", "&lt;")):
        for name in ("href", "x:href"):
            inside = f'<image {name}="{address}" width="30" height="30"/>{mark}'
            assert (await read_logo(write_svg(inside))).png == nothing.png, address


async def test_entities_are_not_filled_in(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("<rect width='60' height='30' fill='red'/>", encoding="utf-8")
    head = f'<!DOCTYPE svg [<!ENTITY secret SYSTEM "file://{secret}">]>'
    with pytest.raises(InvalidFieldsError):
        await read_logo(write_svg("<rect width='9' height='9'/>&secret;", head))


MULTIPLYING = '<g id="a0"><rect width="1" height="1"/></g>' + "".join(
    f'<g id="a{n + 1}"><use x:href="#a{n}"/><use x:href="#a{n}"/></g>' for n in range(40)
)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"<html/>",
        b"\x89PNG\r\n\x1a\nbroken",
        save("PNG")[:50],
        b"GIF89a",
        write_svg(""),
        write_svg(MULTIPLYING),
        write_svg("<g>" * 5000 + "</g>" * 5000),
        write_svg('<path d="M0 0h9v9"/>').replace(b'"60"', b'"1e9"'),
        b"x" * (MAX_BYTES + 1),
    ],
    ids=range(11),
)
async def test_what_is_no_picture_is_refused_with_words(content: bytes) -> None:
    with pytest.raises(InvalidFieldsError) as caught:
        await read_logo(content)
    assert set(caught.value.fields) == {"image"}
    assert str(caught.value.fields["image"]).startswith(("must be", "may be", "is an image"))
