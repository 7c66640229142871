"""Bio pages move whole and once, with their pictures; what is bad in a file costs nothing else."""

import asyncio
import struct
import tempfile
import zlib
from base64 import b64encode
from hashlib import shake_128
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shorty.bio import moving
from shorty.bio.blocks import delete_block
from shorty.bio.model import Colors, NewBlock
from shorty.bio.rules import MAX_BLOCKS, MAX_SOCIALS
from shorty.bio.service import list_pages
from shorty.config import Plan
from shorty.errors import InvalidFieldsError, StorageUnavailableError
from shorty.links.pictures import MOST, Picture, create_picture, delete_picture
from shorty.links.service import delete_link
from shorty.qr.sandbox import MAX_BYTES
from shorty.storage.database import Database, Transaction
from shorty.transfer.tally import Transfer
from tests.links.making import make_link
from tests.qr.reading import RED_SQUARE
from tests.support import NOW, make_actor, make_home, prepare_copy
from tests.transfer.making import House, build_house, export_all, import_text, list_all, tell
from tests.transfer.page_making import (
    EMBED,
    add,
    add_template,
    build_whole,
    dress,
    export_lines,
    keep_picture,
    make_page,
    read_all,
    read_pages,
    read_pictures,
    write_lines,
)

HEAD: dict[str, Any] = {"kind": "export", "format": 2, "exportedAt": NOW}
TEXT: dict[str, Any] = {"kind": "text", "text": "Here", "createdAt": NOW}


def link_line(slug: str = "ann", **fields: Any) -> dict[str, Any]:
    plain = {"kind": "link", "id": slug, "domain": "go.example", "slug": slug}
    plain |= {"url": f"https://example.com/{slug}", "isLinkInBio": True}
    return plain | {"createdAt": NOW, "updatedAt": NOW} | fields


def page_line(*blocks: Any, link: str = "ann", **fields: Any) -> dict[str, Any]:
    return {"kind": "page", "link": link, "blocks": list(blocks)} | fields


async def import_lines(house: House, *lines: dict[str, Any], **options: Any) -> Transfer:
    return await import_text(house, "shorty", write_lines(HEAD, *lines), **options)


async def read_kinds(house: House, slug: str = "ann") -> list[str]:
    _, blocks, *_ = (await read_pages(house))[slug]
    return [plain.kind for _, plain in blocks]


# There and back


async def test_pages_pictures_and_templates_are_the_same_afterwards(
    house: House, empty_house: House
) -> None:
    await build_whole(house)
    # Other ids than those of the file.
    await make_link(empty_house.book, empty_house.actor, slug="before")
    exported = await export_all(house)
    told = await import_text(empty_house, "shorty", exported)
    assert (told.state, told.created, told.problems) == ("done", 6, ())
    assert await read_all(empty_house) == await read_all(house)
    assert (await read_pages(house)).keys() == {"ann", "bob", "look", "bare"}
    assert (await read_kinds(empty_house))[:3] == ["link", "text", "link"]


async def test_what_came_along_moves_on_as_it_was(house: House, empty_house: House) -> None:
    await build_whole(house)
    await import_text(empty_house, "shorty", await export_all(house))
    before, after = await export_lines(house), await export_lines(empty_house)
    assert [line["kind"] for line in after] == [line["kind"] for line in before]
    # Back where it came from, everything is known.
    there = await read_all(house)
    told = await import_text(house, "shorty", await export_all(empty_house))
    assert (told.created, told.there, told.problems) == (0, 6, ())
    assert await read_all(house) == there


line = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
colors = st.sampled_from([None, "#fff", "#123456", "#ABCDEF"])
looks = st.fixed_dictionaries(
    {},
    optional={
        "title": line,
        "description": text,
        "is_button_shown": st.booleans(),
        "avatar": st.sampled_from(["icon", "none"]),
        "theme": st.sampled_from(["paper", "slate", "meadow", "dusk", "poster"]),
        "colors": st.builds(
            Colors, background=colors, text=colors, button=colors, button_text=colors
        ),
    },
)
moments = st.none() | st.integers(0, NOW * 2)
times = st.fixed_dictionaries(
    {}, optional={"is_hidden": st.booleans(), "shown_from": moments, "shown_until": moments}
)
contents = st.one_of(
    st.fixed_dictionaries({"kind": st.just("header"), "text": line}),
    st.fixed_dictionaries({"kind": st.just("text"), "text": text}),
    st.fixed_dictionaries({"kind": st.just("embed"), "url": st.just(EMBED), "text": line}),
    st.fixed_dictionaries(
        {"kind": st.just("image"), "url": line.map(lambda part: f"https://example.com/{part}")}
    ),
)
blocks = st.lists(st.tuples(contents, times).map(lambda parts: parts[0] | parts[1]), max_size=6)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(looks, blocks), max_size=3))
def test_wild_pages_are_the_same_afterwards(
    wild: list[tuple[dict[str, Any], list[dict[str, Any]]]],
) -> None:
    async def check(folder: Path) -> None:
        (folder / "new").mkdir()
        old, new = [await Database.open(prepare_copy(place)) for place in (folder, folder / "new")]
        try:
            await move(await build_house(old), await build_house(new))
        finally:
            await old.close()
            await new.close()

    async def move(house: House, empty_house: House) -> None:
        for number, (look, found) in enumerate(wild):
            page = await make_page(house, f"s{number}")
            await dress(house, page, **look)
            for fields in found:
                try:
                    await add(house, page, **fields)
                except InvalidFieldsError:
                    continue  # not everything is a block
        told = await import_text(empty_house, "shorty", await export_all(house))
        assert told.problems == ()
        assert await read_all(empty_house) == await read_all(house)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(check(Path(folder)))


async def test_what_is_gone_here_is_not_missed_there(house: House, empty_house: House) -> None:
    whole = await build_whole(house)
    await delete_link(house.book, house.actor, whole.shop.id, NOW)
    (page,) = [
        page
        for page in (await list_pages(house.book, house.actor, NOW)).pages
        if page.id == whole.ann.id
    ]
    assert page.settings.picture is not None
    picture_id = page.settings.picture.id
    await house.db.write(lambda tx: delete_picture(tx, house.actor, picture_id, ["avatar"]))
    told = await import_text(empty_house, "shorty", await export_all(house))
    assert told.problems == ()
    (look, there, *_), (look_here, here, *_) = [
        (await read_pages(each))["ann"] for each in (empty_house, house)
    ]
    # Without its picture, a page shows the icon.
    assert (look_here.avatar, look_here.picture) == ("picture", None)
    assert look == replace(look_here, avatar="icon")
    assert there == here


async def test_a_photograph_that_grew_as_it_was_drawn_comes_along(
    house: House, empty_house: House
) -> None:
    noise = draw_noise(700)
    assert len(noise) > MAX_BYTES
    image = await house.db.write(
        lambda tx: create_picture(
            tx, house.actor, "image", "Kiln", Picture(png=noise, width=700, height=700), NOW
        )
    )
    page = await make_page(house, "ann")
    await add(house, page, kind="image", picture_id=image.id)
    told = await import_text(empty_house, "shorty", await export_all(house))
    assert told.problems == ()
    assert await read_kinds(empty_house) == ["image"]


def draw_noise(side: int) -> bytes:
    """A PNG that no compression makes small."""
    noise = shake_128(b"noise").digest(3 * side * side)
    rows = b"".join(
        b"\0" + noise[start : start + 3 * side] for start in range(0, len(noise), 3 * side)
    )
    parts = {
        b"IHDR": struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0),
        b"IDAT": zlib.compress(rows),
        b"IEND": b"",
    }
    chunks = (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in parts.items()
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


# Once, whatever happens


async def test_a_file_imported_again_changes_nothing(house: House, empty_house: House) -> None:
    await build_whole(house)
    exported = await export_all(house)
    await import_text(empty_house, "shorty", exported)
    before = await read_all(empty_house)
    told = await import_text(empty_house, "shorty", exported)
    assert (told.created, told.there, told.problems) == (0, 6, ())
    assert await read_all(empty_house) == before


async def test_what_was_changed_here_meanwhile_stays(house: House, empty_house: House) -> None:
    await build_whole(house)
    exported = await export_all(house)
    await import_text(empty_house, "shorty", exported)
    page = (await list_pages(empty_house.book, empty_house.actor, NOW)).pages[0]
    await dress(empty_house, page.link, title=None, theme="slate", socials=None)
    for block in page.blocks:
        await empty_house.db.write(
            lambda tx, block=block: delete_block(tx, empty_house.actor, page.id, block.id)
        )
    before = await read_all(empty_house)
    await import_text(empty_house, "shorty", exported)
    assert await read_all(empty_house) == before


async def test_an_import_that_was_cut_off_is_finished_by_another(
    house: House, empty_house: House
) -> None:
    await build_whole(house)
    lines = (await export_all(house)).splitlines(keepends=True)
    for end in range(1, len(lines) + 1):
        await import_text(empty_house, "shorty", b"".join(lines[:end]))
    assert await read_all(empty_house) == await read_all(house)


async def test_a_page_is_dressed_whole_or_not_at_all(
    house: House, empty_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await build_whole(house)
    exported = await export_all(house)
    real = moving.insert_block

    def break_off(tx: Transaction, page_id: int, place: int, block: NewBlock, made_at: int) -> int:
        if place == 3:
            raise StorageUnavailableError
        return real(tx, page_id, place, block, made_at)

    with monkeypatch.context() as patch:
        patch.setattr(moving, "insert_block", break_off)
        with pytest.raises(StorageUnavailableError):
            await import_text(empty_house, "shorty", exported)
    assert await read_kinds(empty_house) == []
    await import_text(empty_house, "shorty", exported)
    assert await read_all(empty_house) == await read_all(house)


async def test_a_page_that_was_bare_here_is_dressed(house: House) -> None:
    await make_page(house, "ann", url="https://example.com/ann")
    told = await import_lines(house, link_line(), page_line(TEXT, theme="dusk"))
    assert (told.there, told.problems) == (1, ())
    assert await read_kinds(house) == ["text"]


async def test_a_renamed_link_has_its_page(house: House) -> None:
    await make_link(house.book, house.actor, slug="ann")
    lines = (link_line(), page_line(TEXT))
    for _ in range(2):
        await import_lines(house, *lines, on_conflict="rename")
        assert await read_kinds(house, "ann-2") == ["text"]


async def test_a_link_that_was_left_out_takes_its_page_along(house: House) -> None:
    await make_link(house.book, house.actor, slug="ann")
    button = {"kind": "link", "link": "ann", "createdAt": NOW}
    told = await import_lines(
        house, link_line(), link_line("bob"), page_line(TEXT), page_line(button, TEXT, link="bob")
    )
    assert [tell(problem)[:2] for problem in told.problems] == [
        ("skipped", "line 2"),
        ("skipped", "line 4"),
        ("skipped", "line 5, block 1"),
    ]
    assert await read_kinds(house, "bob") == ["text"]


async def test_a_link_that_is_no_page_here_is_left_as_it_is(house: House) -> None:
    await make_link(house.book, house.actor, slug="ann", url="https://example.com/ann")
    for is_dry_run in (True, False):
        told = await import_lines(house, link_line(), page_line(TEXT), is_dry_run=is_dry_run)
        assert [tell(problem)[:2] for problem in told.problems] == [("skipped", "line 3")]
        assert "no bio page" in told.problems[0].message
    assert await read_pages(house) == {}


async def test_the_plans_bio_pages_hold(house: House) -> None:
    plan = Plan(name="one", bio_pages=1)
    small = house._replace(actor=replace(house.actor, plan=plan))
    lines = [link_line("ann"), link_line("bob"), page_line(TEXT), page_line(TEXT, link="bob")]
    for created in (1, 0):
        told = await import_lines(small, *lines)
        assert (told.created, told.there) == (created, 1 - created)
        assert [tell(problem)[:2] for problem in told.problems] == [
            ("failed", "line 3"),
            ("skipped", "line 5"),
        ]
        assert "limit of 1 bio pages" in told.problems[0].message
    assert (await read_pages(house)).keys() == {"ann"}


# Old files, and new ones


async def test_a_file_of_the_first_format_still_comes_in(house: House) -> None:
    head = HEAD | {"format": 1, "version": "0.1.0"}
    told = await import_text(house, "shorty", write_lines(head, link_line()))
    assert (told.created, told.problems) == (1, ())
    assert await read_kinds(house) == []


async def test_a_file_says_which_format_it_has(house: House) -> None:
    head, *_ = await export_lines(house)
    assert head["format"] == 2
    told = await import_text(house, "shorty", write_lines(head | {"format": 3}, link_line()))
    assert (told.state, told.created) == ("failed", 0)
    assert told.error is not None
    assert "newer shorty" in told.error


# Hostile files

SQUARE = b64encode(RED_SQUARE.encode()).decode()


def picture_line(number: int = 1, purpose: str = "image", png: str = SQUARE) -> dict[str, Any]:
    return {"kind": "picture", "id": number, "purpose": purpose, "name": "Kiln", "png": png}


def image_block(number: int) -> dict[str, Any]:
    return {"kind": "image", "picture": number, "createdAt": NOW}


@pytest.mark.parametrize(
    ("block", "sort", "complaint"),
    [
        ({"kind": "script", "text": "x", "createdAt": NOW}, "failed", "no block that can be read"),
        (5, "failed", "no block that can be read"),
        (None, "failed", "no block that can be read"),
        (TEXT | {"text": 5}, "failed", "no block that can be read"),
        (TEXT | {"createdAt": 1e300}, "failed", "no block that can be read"),
        (TEXT | {"text": "x" * 2001}, "failed", "text: "),
        (TEXT | {"text": " "}, "failed", "text: "),
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
        (image_block(2), "skipped", "was not imported"),  # an avatar
    ],
)
async def test_a_bad_block_is_told_and_costs_nothing_else(
    house: House, block: Any, sort: str, complaint: str
) -> None:
    told = await import_lines(
        house,
        link_line(),
        link_line("bob"),
        picture_line(1),
        picture_line(2, "avatar"),
        page_line(TEXT, block, image_block(1), title="Ann"),
    )
    assert (told.state, told.created) == ("done", 2)
    assert [tell(problem) for problem in told.problems] == [
        (sort, "line 6, block 2", "bio page Ann")
    ]
    assert complaint in told.problems[0].message
    assert await read_kinds(house) == ["text", "image"]


async def test_a_line_that_cannot_be_read_costs_no_other(house: House) -> None:
    deep = b'{"kind":"page","link":"ann","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"
    deep_block = b'{"kind":"page","link":"ann","blocks":[' + b"[" * 100_000 + b"]" * 100_000 + b"]}"
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
