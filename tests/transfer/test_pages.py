"""Bio pages move whole and once, with their pictures."""

import struct
import zlib
from hashlib import shake_128
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shorty.bio import moving
from shorty.bio.blocks import delete_block
from shorty.bio.model import Colors, NewBlock
from shorty.bio.service import list_pages
from shorty.config import Plan
from shorty.errors import InvalidFieldsError, StorageUnavailableError
from shorty.links.pictures import Picture, create_picture, delete_picture
from shorty.links.service import delete_link
from shorty.qr.sandbox import MAX_BYTES
from shorty.storage.database import Transaction
from shorty.transfer.exports import LINKS_AT_ONCE
from shorty.transfer.progress import TransferProgress
from tests.examples import count_examples
from tests.links.making import make_link
from tests.support import NOW
from tests.transfer.making import (
    House,
    export_all,
    export_csv,
    import_text,
    run_in_two_houses,
    tell,
)
from tests.transfer.page_making import (
    EMBED,
    HEAD,
    TEXT,
    add,
    build_whole,
    dress,
    export_lines,
    import_lines,
    link_line,
    make_page,
    page_line,
    read_all,
    read_kinds,
    read_pages,
    write_lines,
)

# There and back


async def test_pages_pictures_and_templates_are_the_same_afterwards(
    house: House, empty_house: House
) -> None:
    await build_whole(house)
    # Other ids than those of the file.
    await make_link(empty_house.context, empty_house.actor, slug="before")
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


@settings(max_examples=count_examples(10), deadline=None)
@given(st.lists(st.tuples(looks, blocks), max_size=3))
def test_wild_pages_are_the_same_afterwards(
    wild: list[tuple[dict[str, Any], list[dict[str, Any]]]],
) -> None:
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

    run_in_two_houses(move)


async def test_what_is_gone_here_is_not_missed_there(house: House, empty_house: House) -> None:
    whole = await build_whole(house)
    await delete_link(house.context, house.actor, whole.shop.id, NOW)
    (page,) = [
        page
        for page in (await list_pages(house.context, house.actor, NOW)).pages
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


async def test_a_cancelled_export_ends_with_the_links_that_it_has_read(house: House) -> None:
    rows = "".join(f"https://example.com/{number},{number}\n" for number in range(LINKS_AT_ONCE))
    await import_text(house, "csv", f"url,slug\n{rows}")
    page = await make_page(house, "ann", NOW + 1)
    await dress(house, page, theme="dusk")
    for is_cancelled, pages in ((False, 1), (True, 0)):
        progress, table_progress = TransferProgress(), TransferProgress()
        if is_cancelled:
            progress.cancel()
            table_progress.cancel()
        links = LINKS_AT_ONCE + pages
        exported = (await export_all(house, progress)).splitlines()
        assert len(exported) == 1 + links + pages
        assert len((await export_csv(house, table_progress)).splitlines()) == 1 + links
        assert (progress.created, table_progress.created) == (links, links)


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
    page = (await list_pages(empty_house.context, empty_house.actor, NOW)).pages[0]
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
    await make_link(house.context, house.actor, slug="ann")
    lines = (link_line(), page_line(TEXT))
    for _ in range(2):
        await import_lines(house, *lines, on_conflict="rename")
        assert await read_kinds(house, "ann-2") == ["text"]


async def test_a_link_that_was_left_out_takes_its_page_along(house: House) -> None:
    await make_link(house.context, house.actor, slug="ann")
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
    await make_link(house.context, house.actor, slug="ann", url="https://example.com/ann")
    for is_dry_run in (True, False):
        told = await import_lines(house, link_line(), page_line(TEXT), is_dry_run=is_dry_run)
        assert [tell(problem)[:2] for problem in told.problems] == [("skipped", "line 3")]
        assert "not a bio page" in told.problems[0].message
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
    assert head["format"] == 3
    told = await import_text(house, "shorty", write_lines(head | {"format": 4}, link_line()))
    assert (told.state, told.created) == ("failed", 0)
    assert told.error is not None
    assert "newer version of shorty" in told.error
