"""Every upload becomes a small PNG or a fault, without any of the machine's files in it."""

import asyncio
import io
import struct
import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import pytest
from PIL import Image

from shorty.errors import BusyError, InvalidFieldsError
from shorty.qr import sandbox as sandboxes
from shorty.qr.drawing import Logo
from shorty.qr.sandbox import MAX_BYTES, MEMBERS, STRANGERS, TOO_SLOW, Sandbox, draw, draw_icon
from shorty.qr.sandbox import read_logo as read_logo_of
from tests.qr.reading import RED_SQUARE, make_data_address, open_image


async def read_logo(content: bytes) -> Logo:
    return await read_logo_of(content, workspace_id=1)


RED = bytes((204, 0, 0))


@cache
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


async def test_large_images_are_scaled_down() -> None:
    logo = await read_logo(save("PNG", 1200, 600))
    assert (logo.width, logo.height) == (400, 200)


async def test_drawings_become_as_sharp_as_logos_are_kept() -> None:
    assert (await read_logo(RED_SQUARE.encode())).width == 400


async def test_the_same_image_gives_the_same_logo_without_its_metadata() -> None:
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
async def test_a_file_that_is_no_image_is_refused_with_a_reason(content: bytes) -> None:
    with pytest.raises(InvalidFieldsError) as caught:
        await read_logo(content)
    assert set(caught.value.fields) == {"image"}
    assert str(caught.value.fields["image"]).startswith(("must be", "may ", "is an image"))


HUGE = (4001, 4000)


@cache
def save_huge(kind: str) -> bytes:
    """With the cheapest pixels of each kind."""
    mode = "RGB" if kind == "WEBP" else "1"
    file = io.BytesIO()
    Image.new(mode, HUGE).save(file, kind, quality=0, method=0)
    return file.getvalue()


def make_huge_icon_file() -> bytes:
    picture = save_huge("PNG")
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, 0, 0, 0, 0, 1, 32, len(picture), 22) + picture


def embed(content: bytes, kind: str = "image/png", *, times: int = 1) -> bytes:
    address = make_data_address(content, kind)
    return write_svg(f'<image x:href="{address}" width="30" height="30"/>' * times)


@pytest.mark.parametrize(
    "make_content",
    [
        *(partial(save_huge, kind) for kind in ("PNG", "JPEG", "WEBP", "GIF")),
        make_huge_icon_file,
        lambda: write_svg('<rect width="1"/>').replace(
            b'"60" height="30"', b'"16000001" height="1"'
        ),
        lambda: embed(save_huge("PNG")),
        lambda: embed(save_huge("PNG"), "image/webp"),
        lambda: embed(save_huge("PNG")).replace(b"iVBOR", b"i%56BOR"),
        lambda: embed(save("PNG", 4000, 1000), times=5),
    ],
    ids=range(10),
)
async def test_a_strangers_picture_of_too_many_pixels_is_refused_undecoded(
    make_content: Callable[[], bytes],
) -> None:
    with pytest.raises(InvalidFieldsError) as caught:
        await draw_icon(make_content())
    assert caught.value.fields == {"image": "may have at most 16 megapixels"}


async def test_what_takes_more_memory_than_it_may_ends_alone() -> None:
    content = save("PNG", 2500, 2500)  # about 25 MB, and as many once it is drawn
    small = STRANGERS._replace(megabytes=64)
    with pytest.raises(InvalidFieldsError) as caught:
        await draw(small, "icons", content, 128)
    assert caught.value.fields == {"image": "is an image that cannot be drawn"}
    assert (await draw(small, "icons", save("PNG"), 128)).width == 90
    assert (await draw(STRANGERS, "icons", content, 128)).width == 128


async def test_pictures_inside_a_drawing_are_drawn() -> None:
    for content in (embed(save("PNG")), embed(save("JPEG"), "image/jpeg")):
        logo = open_image((await read_logo(content)).png)
        red, green, blue = logo.crop((20, 80, 60, 120)).resize((1, 1)).tobytes()
        assert (red > 190, green < 30, blue < 30) == (True, True, True)
        assert logo.getpixel((390, 100)) == (255, 255, 255)


async def test_a_workspace_draws_one_picture_at_a_time() -> None:
    async with MEMBERS.slots.take("workspace 1"):
        waits = asyncio.create_task(read_logo_of(save("PNG"), workspace_id=1))
        assert (await read_logo_of(save("PNG"), workspace_id=2)).width == 90
        assert (await draw_icon(save("PNG"))).startswith(b"\x89PNG")
        assert not waits.done()
    assert (await waits).width == 90


async def test_members_do_not_wait_for_strangers_pictures_nor_these_for_them() -> None:
    async with STRANGERS.slots.take("icons"):
        assert (await read_logo(save("PNG"))).width == 90
    async with MEMBERS.slots.take("workspace 1"), MEMBERS.slots.take("workspace 2"):
        assert (await draw_icon(save("PNG"))).startswith(b"\x89PNG")


async def test_a_workspace_with_five_waiting_images_is_refused_another() -> None:
    async with MEMBERS.slots.take("workspace 1"):
        waiting = [asyncio.create_task(read_logo(save("PNG"))) for _ in range(4)]
        await asyncio.sleep(0)
        with pytest.raises(BusyError):
            await read_logo(save("PNG"))
    assert [logo.width for logo in await asyncio.gather(*waiting)] == [90] * 4


async def test_who_goes_away_gives_the_slot_back() -> None:
    task = asyncio.create_task(draw_icon(write_svg(MULTIPLYING)))
    await asyncio.sleep(0)
    assert STRANGERS.slots.taken == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert STRANGERS.slots.taken == 0


@pytest.mark.parametrize("sandbox", [MEMBERS, STRANGERS], ids=["members", "strangers"])
async def test_slots_are_given_back_after_whatever_goes_wrong(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    picture = save("PNG")
    for number in range(sandbox.slots.slots + 1):
        owner = f"owner {number % sandbox.slots.slots}"
        with pytest.raises(InvalidFieldsError):
            await draw(sandbox, owner, b"hello", 128)
        with monkeypatch.context() as broken:
            broken.setattr(sandboxes, "PATIENCE_S", 0)
            with pytest.raises(InvalidFieldsError) as caught:
                await draw(sandbox, owner, picture, 128)
            assert caught.value.fields == {"image": TOO_SLOW}
            broken.setattr(sys, "executable", str(tmp_path / "none"))
            with pytest.raises(FileNotFoundError):
                await draw(sandbox, owner, picture, 128)
        tasks = [asyncio.create_task(draw(sandbox, owner, picture, 128)) for _ in range(2)]
        await asyncio.sleep(0)
        assert (sandbox.slots.taken, sandbox.slots.waiting) == (1, 1)
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [asyncio.CancelledError] * 2
        assert (sandbox.slots.taken, sandbox.slots.waiting) == (0, 0)
    assert (await draw(sandbox, "owner 0", picture, 128)).width == 90


async def test_the_next_picture_is_drawn_as_soon_as_a_slot_is_given_back() -> None:
    drawing = [asyncio.create_task(draw(STRANGERS, "icons", b"hello", 128)) for _ in range(3)]
    last = asyncio.create_task(draw_icon(save("PNG")))
    await asyncio.sleep(0)
    assert (STRANGERS.slots.taken, STRANGERS.slots.waiting) == (1, 3)
    drawing[0].cancel()
    drawing[1].cancel()
    assert (await last).startswith(b"\x89PNG")
    outcomes = await asyncio.gather(*drawing, return_exceptions=True)
    assert [type(outcome).__name__ for outcome in outcomes] == [
        "CancelledError",
        "CancelledError",
        "InvalidFieldsError",
    ]
