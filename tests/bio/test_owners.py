"""What one page has is never shown, changed or deleted with another's."""

import pytest
from msgspec.structs import replace

from shorty.accounts.model import Actor
from shorty.bio import store
from shorty.bio.blocks import add_block, change_block, delete_block, order_blocks
from shorty.bio.model import BioPage, Block, BlockChange, Colors, NewBlock, PageChange, PageSettings
from shorty.bio.moving import Dress, MovedBlock, dress_page, is_dressed, read_dressed_pages
from shorty.bio.service import change_page, create_page, delete_page, get_page, list_pages
from shorty.errors import InvalidFieldsError, NotFoundError
from shorty.links.context import LinkContext
from shorty.links.model import LinkChange
from shorty.links.pictures import Picture, Purpose, StoredPicture, create_picture
from shorty.links.service import change_link, delete_link
from shorty.links.store import find_link
from tests.links.making import make_link, new_link
from tests.reading import reader
from tests.support import NOW

HOSTS = ("go.example", "localhost:8000")


async def make_page(context: LinkContext, actor: Actor, slug: str, change: PageChange) -> BioPage:
    return await create_page(context, actor, new_link(slug=slug), change, NOW)


async def make_picture(
    context: LinkContext, actor: Actor, purpose: Purpose, png: bytes
) -> StoredPicture:
    picture = Picture(png=png, width=1, height=1)
    return await context.db.write(lambda tx: create_picture(tx, actor, purpose, "", picture, NOW))


async def add(context: LinkContext, actor: Actor, page: BioPage, new: NewBlock) -> Block:
    return await context.db.write(lambda tx: add_block(tx, context, actor, page.id, new, NOW))


async def read_texts(context: LinkContext, actor: Actor, *pages: BioPage) -> list[list[str | None]]:
    found = [await get_page(context, actor, page.id, NOW) for page in pages]
    return [[block.text for block in page.blocks] for page in found]


async def test_each_page_looks_and_is_listed_as_it_was_set(
    context: LinkContext, actor: Actor, stranger: Actor
) -> None:
    wanted = ((stranger, "Eve"), (actor, "Ann"), (actor, "Shop"), (stranger, "Zoe"))
    pages: list[BioPage] = []
    for who, title in wanted:
        avatar = await make_picture(context, who, "avatar", title.encode())
        colors = Colors(background=f"#00000{len(pages)}")
        change = PageChange(title=title, avatar_id=avatar.id, colors=colors)
        page = await make_page(context, who, title, change)
        assert page.settings == PageSettings(
            title=title, avatar="picture", picture=avatar, colors=colors
        )
        pages.append(page)
    icon = "update links set favicon_url = '/' || slug"
    await context.db.write(lambda tx: tx.execute(icon))
    for (who, title), page in zip(wanted, pages, strict=True):
        read = replace(page, link=replace(page.link, favicon_url=f"/{title}"))
        assert await get_page(context, who, page.id, NOW) == read
        stored, _ = store.read_whole_page(reader(context.db), page.id, NOW)
        assert (stored.settings, stored.icon_path) == (page.settings, f"/{title}")
        changed = await change_page(context, who, page.id, PageChange(theme="dusk"), NOW + 1)
        assert changed.settings == replace(page.settings, theme="dusk")
    for who, ids in ((actor, [1, 2]), (stranger, [0, 3])):
        listed = await list_pages(context, who, NOW)
        assert [page.id for page in listed.pages] == [pages[each].id for each in ids]
        first = await list_pages(context, who, NOW, limit=1)
        assert ([page.id for page in first.pages], first.has_more) == ([pages[ids[0]].id], True)
    for page in (pages[0], pages[3]):
        with pytest.raises(NotFoundError):
            await get_page(context, actor, page.id, NOW)
        with pytest.raises(NotFoundError):
            await change_page(context, actor, page.id, PageChange(title="x"), NOW)
        with pytest.raises(NotFoundError):
            await delete_page(context, actor, page.id, NOW)
        with pytest.raises(NotFoundError):
            await add(context, actor, page, NewBlock(kind="text", text="x"))
    foreign = pages[0].settings.picture
    assert foreign is not None
    with pytest.raises(InvalidFieldsError):
        await change_page(context, actor, pages[1].id, PageChange(avatar_id=foreign.id), NOW)


async def test_blocks_are_added_ordered_changed_and_deleted_on_one_page(
    context: LinkContext, actor: Actor
) -> None:
    one, two = [await make_page(context, actor, slug, PageChange()) for slug in ("one", "two")]
    words = {
        page.id: [
            (
                await add(
                    context, actor, page, NewBlock(kind="text", text=f"{page.link.slug}{number}")
                )
            ).id
            for number in range(3)
        ]
        for page in (one, two)
    }
    second = ["two0", "two1", "two2"]
    assert await read_texts(context, actor, one, two) == [["one0", "one1", "one2"], second]
    first_ids, second_ids = words[one.id], words[two.id]
    await context.db.write(lambda tx: order_blocks(tx, actor, one.id, first_ids[::-1], NOW))
    assert await read_texts(context, actor, one, two) == [["one2", "one1", "one0"], second]
    foreign = [*first_ids[:2], second_ids[0]]
    with pytest.raises(InvalidFieldsError):
        await context.db.write(lambda tx: order_blocks(tx, actor, one.id, foreign, NOW))
    changed = await context.db.write(
        lambda tx: change_block(
            tx, context, actor, one.id, first_ids[1], BlockChange(text="changed"), NOW
        )
    )
    assert (changed.id, changed.text) == (first_ids[1], "changed")
    assert await read_texts(context, actor, one, two) == [["one2", "changed", "one0"], second]
    with pytest.raises(NotFoundError):
        await context.db.write(
            lambda tx: change_block(
                tx, context, actor, one.id, second_ids[0], BlockChange(text="x"), NOW
            )
        )
    with pytest.raises(NotFoundError):
        await context.db.write(lambda tx: delete_block(tx, actor, one.id, second_ids[0]))
    await context.db.write(lambda tx: delete_block(tx, actor, one.id, first_ids[0]))
    assert await read_texts(context, actor, one, two) == [["one2", "changed"], second]


async def test_each_block_shows_its_own_link_and_picture(
    context: LinkContext, actor: Actor, stranger: Actor
) -> None:
    page = await make_page(context, actor, "page", PageChange())
    links = [
        await make_link(context, actor, slug=f"to{number}", domain=host, title=host, max_clicks=5)
        for number, host in enumerate(HOSTS)
    ]
    sql = "update link_counters set clicks = 5, total = 5 where link_id = $1"
    await context.db.write(lambda tx: tx.execute(sql, links[0].id))
    images = [await make_picture(context, actor, "image", png) for png in (b"a", b"b")]
    for link in links:
        await add(context, actor, page, NewBlock(kind="link", link_id=link.id))
    for image in images:
        await add(context, actor, page, NewBlock(kind="image", picture_id=image.id))
    blocks = (await get_page(context, actor, page.id, NOW)).blocks
    assert [block.picture for block in blocks] == [None, None, *images]
    told = [block.target and (block.target.id, block.target.short_url) for block in blocks]
    assert told == [
        (links[0].id, "https://go.example/to0"),
        (links[1].id, "http://localhost:8000/to1"),
        None,
        None,
    ]
    assert [block.target and block.target.is_open for block in blocks] == [False, True, None, None]
    await change_link(context, actor, links[1].id, LinkChange(valid_since=NOW + 1), NOW)
    for now, is_open in ((NOW, False), (NOW + 1, True)):
        target = (await get_page(context, actor, page.id, now)).blocks[1].target
        assert target is not None
        assert target.is_open is is_open
    theirs = await make_link(context, stranger)
    foreign = await make_picture(context, stranger, "image", b"a")
    for new in (
        NewBlock(kind="link", link_id=theirs.id),
        NewBlock(kind="link", link_id=99),
        NewBlock(kind="image", picture_id=foreign.id),
    ):
        with pytest.raises(InvalidFieldsError):
            await add(context, actor, page, new)
    await delete_link(context, actor, links[1].id, NOW)
    blocks = (await get_page(context, actor, page.id, NOW)).blocks
    assert [block.target and block.target.id for block in blocks] == [links[0].id, None, None]


async def test_only_customised_pages_of_a_workspace_move(
    context: LinkContext, actor: Actor, stranger: Actor
) -> None:
    async def make_bare(who: Actor) -> int:
        return (await make_link(context, who, is_link_in_bio=True)).id

    async def list_moving(who: Actor) -> list[tuple[int, str | None, list[str | None]]]:
        return [
            (page.id, page.settings.title, [block.text for block in page.blocks])
            async for page in read_dressed_pages(context.db, who.workspace_id, NOW)
        ]

    bare, with_block, with_title = [await make_bare(actor) for _ in range(3)]
    theirs = await make_bare(stranger)
    none = [is_dressed(reader(context.db), each) for each in (bare, with_block, with_title, theirs)]
    assert none == [False] * 4
    block = MovedBlock(NewBlock(kind="text", text="Hello"), NOW - 9)
    dress = Dress(change=PageChange(title="Eve"), blocks=[block], updated_at=NOW - 5)
    with pytest.raises(NotFoundError):
        await context.db.write(lambda tx: dress_page(tx, context, actor, theirs, dress))
    for _ in range(2):  # it stays as it was dressed first
        await context.db.write(lambda tx: dress_page(tx, context, stranger, theirs, dress))
    text = NewBlock(kind="text", text="Hi")
    await context.db.write(lambda tx: add_block(tx, context, actor, with_block, text, NOW))
    await change_page(context, actor, with_title, PageChange(title="Ann"), NOW)
    assert await list_moving(actor) == [(with_block, None, ["Hi"]), (with_title, "Ann", [])]
    assert await list_moving(stranger) == [(theirs, "Eve", ["Hello"])]
    dressed = [
        is_dressed(reader(context.db), each) for each in (bare, with_block, with_title, theirs)
    ]
    assert dressed == [False, True, True, True]
    await change_link(context, actor, with_block, LinkChange(is_link_in_bio=False), NOW)
    assert await list_moving(actor) == [(with_title, "Ann", [])]


async def test_a_page_ends_with_its_link_or_without(context: LinkContext, actor: Actor) -> None:
    pages = [await make_page(context, actor, slug, PageChange()) for slug in ("a", "b", "c")]
    await delete_page(context, actor, pages[0].id, NOW)
    await delete_page(context, actor, pages[1].id, NOW, keeps_link=True)
    for page in pages[:2]:
        with pytest.raises(NotFoundError):
            await get_page(context, actor, page.id, NOW)
    assert [page.id for page in (await list_pages(context, actor, NOW)).pages] == [pages[2].id]
    kept = [await find_link(context.db, actor.workspace_id, page.id) for page in pages]
    assert [link and link.is_link_in_bio for link in kept] == [None, False, True]
