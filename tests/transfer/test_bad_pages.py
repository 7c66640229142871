"""What is bad in a file of bio pages is told with its place, and costs nothing else."""

from base64 import b64encode
from typing import Any

import pytest

from shorty.bio.model import Colors
from shorty.bio.rules import MAX_BLOCKS, MAX_SOCIALS
from shorty.links.pictures import MOST
from tests.qr.reading import RED_SQUARE
from tests.support import NOW, make_actor, make_home
from tests.transfer.making import House, export_all, import_text, list_all, tell
from tests.transfer.page_making import (
    HEAD,
    TEXT,
    add_template,
    import_lines,
    keep_picture,
    link_line,
    make_page,
    page_line,
    read_all,
    read_kinds,
    read_pages,
    read_pictures,
    write_lines,
)

TOO_DEEP = 1_000_000  # for every Python: later ones look at how much of the stack is left
SQUARE = b64encode(RED_SQUARE.encode()).decode()


def picture_line(number: int = 1, purpose: str = "image", png: str = SQUARE) -> dict[str, Any]:
    return {"kind": "picture", "id": number, "purpose": purpose, "name": "Kiln", "png": png}


def image_block(number: int) -> dict[str, Any]:
    return {"kind": "image", "picture": number, "createdAt": NOW}


@pytest.mark.parametrize(
    ("block", "sort", "complaint"),
    [
        ({"kind": "script", "text": "x", "createdAt": NOW}, "failed", "can't be read"),
        (5, "failed", "can't be read"),
        (None, "failed", "can't be read"),
        (TEXT | {"text": 5}, "failed", "can't be read"),
        (TEXT | {"createdAt": 1e300}, "failed", "can't be read"),
        (TEXT | {"text": "x" * 2001}, "failed", "text: "),
        (TEXT | {"text": " "}, "failed", "text: "),
        (TEXT | {"text": "a\0b"}, "failed", "text: "),
        (TEXT | {"link": "bob"}, "failed", "link_id: "),
        (TEXT | {"shownFrom": NOW, "shownUntil": NOW}, "failed", "shown_until: "),
        ({"kind": "embed", "url": "https://a.example/", "createdAt": NOW}, "failed", "url: "),
        ({"kind": "image", "url": "http://a.example/", "createdAt": NOW}, "failed", "url: "),
        ({"kind": "image", "url": "https://evil.example/", "createdAt": NOW}, "failed", "blocks"),
        ({"kind": "image", "createdAt": NOW}, "failed", "picture_id: "),
        ({"kind": "link", "createdAt": NOW}, "failed", "link_id: "),
        ({"kind": "link", "link": "ann", "createdAt": NOW}, "failed", "is the page itself"),
        ({"kind": "link", "link": "none", "createdAt": NOW}, "skipped", "was not imported"),
        (image_block(7), "skipped", "was not imported"),
    ],
)
async def test_a_bad_block_is_told_and_costs_nothing_else(
    house: House, block: Any, sort: str, complaint: str
) -> None:
    heading = {"kind": "header", "text": "Later", "createdAt": NOW}
    told = await import_lines(
        house, link_line(), link_line("bob"), page_line(TEXT, block, heading, title="Ann")
    )
    assert (told.state, told.created) == ("done", 2)
    assert [tell(problem) for problem in told.problems] == [
        (sort, "line 4, block 2", "bio page Ann")
    ]
    assert complaint in told.problems[0].message
    assert await read_kinds(house) == ["text", "header"]


async def test_a_picture_for_something_else_is_told_and_costs_nothing_else(house: House) -> None:
    told = await import_lines(
        house,
        link_line(),
        picture_line(1),
        picture_line(2, "avatar"),
        page_line(TEXT, image_block(2), image_block(1), title="Ann"),
    )
    assert (told.state, told.created) == ("done", 1)
    assert [tell(problem) for problem in told.problems] == [
        ("skipped", "line 5, block 2", "bio page Ann")
    ]
    assert "was not imported" in told.problems[0].message
    assert await read_kinds(house) == ["text", "image"]


async def test_a_line_that_cannot_be_read_costs_no_other(house: House) -> None:
    nested = b"[" * TOO_DEEP + b"]" * TOO_DEEP
    deep = b'{"kind":"page","link":"ann","x":' + nested + b"}\n"
    deep_block = b'{"kind":"page","link":"ann","blocks":[' + nested + b"]}"
    bad = [
        page_line(TEXT, theme="neon"),
        page_line(TEXT, socials=[{"network": "myspace", "url": "https://a.example/"}]),
        page_line(TEXT, socials=[{"network": "x", "url": "https://x.com/a"}] * (MAX_SOCIALS + 1)),
        page_line(*[TEXT] * (MAX_BLOCKS + 1)),
        page_line(TEXT, updatedAt=-1),
        page_line(TEXT) | {"link": 5},
        picture_line(purpose="logo"),
        picture_line(png="%"),
        {"kind": "template", "utmSource": "x"},
        {"kind": "people"},
    ]
    content = write_lines(HEAD, link_line(), *bad) + deep + deep_block + b"\n"
    content += write_lines(page_line(TEXT))
    told = await import_text(house, "shorty", content)
    assert (told.state, told.created, told.failed) == ("done", 1, 12)
    assert [problem.place for problem in told.problems] == [f"line {n}" for n in range(3, 15)]
    assert await read_kinds(house) == ["text"]


async def test_a_bad_setting_is_told_and_costs_nothing_else(house: House) -> None:
    told = await import_lines(
        house,
        link_line(),
        page_line(
            TEXT,
            title="x" * 101,
            description="Ceramics",
            theme="dusk",
            colors={"background": "url(x)"},
            socials=[{"network": "website", "url": "javascript:alert(1)"}],
            avatar="picture",
            picture=9,
        ),
    )
    assert {tell(problem)[:2] for problem in told.problems} == {
        ("skipped", "line 3"),
        ("failed", "line 3"),
    }
    faults = {problem.message.partition(":")[0] for problem in told.problems[1:]}
    assert faults == {"title", "colors", "socials"}
    (look, blocks, *_) = (await read_pages(house))["ann"]
    assert (look.title, look.description, look.theme) == (None, "Ceramics", "dusk")
    assert (look.avatar, look.colors, look.socials) == ("icon", Colors(), ())
    assert len(blocks) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense",
        b"<svg",
        b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"></svg>',
        b"\x89PNG\r\n\x1a\n" + bytes(4 * 1024 * 1024),
    ],
)
async def test_a_bad_picture_is_told_and_costs_nothing_else(house: House, content: bytes) -> None:
    told = await import_lines(
        house,
        link_line(),
        picture_line(1, png=b64encode(content).decode()),
        picture_line(2, "avatar", png=b64encode(content).decode()),
        picture_line(3),
        page_line(image_block(1), image_block(3), avatar="picture", picture=2, theme="dusk"),
    )
    assert (told.state, told.created) == ("done", 1)
    assert [tell(problem)[:2] for problem in told.problems] == [
        ("failed", "line 3"),
        ("failed", "line 4"),
        ("skipped", "line 6"),
        ("skipped", "line 6, block 1"),
    ]
    assert await read_kinds(house) == ["image"]
    assert len(await read_pictures(house)) == 1


async def test_pictures_are_drawn_anew(house: House) -> None:
    await import_lines(house, picture_line(1, "avatar"))
    row = await house.db.find_one("select png, width, key from pictures")
    assert row is not None
    assert row["png"].startswith(b"\x89PNG")
    assert (row["width"], len(row["key"])) == (192, 32)


async def test_more_pictures_than_a_workspace_may_have_are_not_even_drawn(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MOST, "avatar", 2)
    lines = [picture_line(number, "avatar") | {"name": f"a{number}"} for number in range(4)]
    told = await import_lines(house, *lines, picture_line(9))
    assert [tell(problem) for problem in told.problems] == [
        ("failed", "line 4", "avatar a2"),
        ("failed", "line 5", "avatar a3"),
    ]
    assert len(await read_pictures(house)) == 3


async def test_another_workspace_cannot_be_reached_by_ids_in_a_file(house: House) -> None:
    home = await make_home(house.db, email="eve@b.example")
    stranger = house._replace(actor=await make_actor(house.db, home))
    page = await make_page(stranger, "theirs")
    picture = await keep_picture(stranger, "avatar", "Eve")
    image = await keep_picture(stranger, "image", "Eve")
    await add_template(stranger, "Letter", utm_source="theirs")
    before = await read_all(stranger)
    button = {"kind": "link", "link": str(page.id), "createdAt": NOW}
    told = await import_lines(
        house,
        {"kind": "template", "name": "Letter", "utmSource": "ours"},
        link_line(),
        # Their link is taken: it is neither ours nor the one of the file.
        link_line("theirs") | {"url": page.original_url},
        page_line(TEXT, link=str(page.id)),
        page_line(TEXT, link="theirs"),
        page_line(button, image_block(image.id), avatar="picture", picture=picture.id),
    )
    assert [tell(problem)[:2] for problem in told.problems] == [
        ("skipped", "line 4"),
        ("skipped", "line 5"),
        ("skipped", "line 6"),
        ("skipped", "line 7"),
        ("skipped", "line 7, block 1"),
        ("skipped", "line 7, block 2"),
    ]
    assert await read_kinds(house) == []
    assert await read_all(stranger) == before
    assert b"Eve" not in await export_all(house)


async def test_a_dry_run_tells_the_same_and_changes_nothing(house: House) -> None:
    button = {"kind": "link", "link": "bob", "createdAt": NOW}
    lines = (
        {"kind": "template", "name": "Letter"},
        picture_line(1),
        picture_line(2, "avatar"),
        link_line(),
        link_line("bob"),
        page_line(
            *(button, image_block(1), TEXT | {"text": ""}, image_block(5), TEXT),
            avatar="picture",
            picture=2,
        ),
        page_line(TEXT, link="bob", title="x" * 101, avatar="picture"),
        page_line(TEXT, link="none"),
    )
    dry = await import_lines(house, *lines, is_dry_run=True)
    assert dry.created == 2
    assert await list_all(house) == []
    assert await read_all(house) == ({}, [], [])
    assert await import_lines(house, *lines) == dry
    again = [await import_lines(house, *lines, is_dry_run=each) for each in (True, False)]
    assert again[0] == again[1]
    assert [problem.place for problem in again[0].problems] == ["line 9"]
