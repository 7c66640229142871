"""Builds bio pages that are to move, and tells what they are, wherever they are."""

from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from shorty.bio.blocks import add_block
from shorty.bio.model import Block, Colors, NewBlock, PageChange, Social
from shorty.bio.service import change_page, delete_page, list_pages
from shorty.links.model import Link
from shorty.links.pictures import (
    LONGEST_SIDES,
    Picture,
    Purpose,
    StoredPicture,
    create_picture,
    list_pictures,
)
from shorty.links.utm_templates import NewUtmTemplate, create_template, list_templates
from shorty.qr.sandbox import read_logo
from shorty.transfer.progress import Transfer
from tests.links.making import make_link
from tests.qr.reading import RED_SQUARE
from tests.support import DAY, NOW
from tests.transfer.making import House, export_all, import_text

EMBED = "https://www.youtube.com/watch?v=dQw4w9WgXcQ"
HEAD: dict[str, Any] = {"kind": "export", "format": 2, "exportedAt": NOW}
TEXT: dict[str, Any] = {"kind": "text", "text": "Here", "createdAt": NOW}


_DRAWN: dict[tuple[str, Purpose], Picture] = {}


class Whole(NamedTuple):
    """The links of a house with pages of every sort."""

    ann: Link
    shop: Link
    bob: Link


async def keep_picture(
    house: House, purpose: Purpose, name: str, svg: str = RED_SQUARE
) -> StoredPicture:
    if (svg, purpose) not in _DRAWN:  # each takes a process of its own
        drawn = await read_logo(svg.encode(), LONGEST_SIDES[purpose], workspace_id=1)
        _DRAWN[svg, purpose] = Picture(png=drawn.png, width=drawn.width, height=drawn.height)
    picture = _DRAWN[svg, purpose]
    return await house.db.write(
        lambda tx: create_picture(tx, house.actor, purpose, name, picture, NOW)
    )


async def make_page(house: House, slug: str, now: int = NOW, **fields: Any) -> Link:
    """A link in a bio that nobody has dressed."""
    return await make_link(
        house.context, house.actor, now, slug=slug, is_link_in_bio=True, **fields
    )


async def dress(house: House, page: Link, now: int = NOW, **change: Any) -> None:
    await change_page(house.context, house.actor, page.id, PageChange(**change), now)


async def add(house: House, page: Link, now: int = NOW, **fields: Any) -> Block:
    new = NewBlock(**fields)
    return await house.db.write(
        lambda tx: add_block(tx, house.context, house.actor, page.id, new, now)
    )


async def add_template(house: House, name: str, now: int = NOW, **fields: Any) -> None:
    new = NewUtmTemplate(name=name, **fields)
    await house.db.write(lambda tx: create_template(tx, house.actor, new, now))


async def build_whole(house: House) -> Whole:
    """Pages with everything, with blocks only, with a look only, as it comes, and given up."""
    await keep_picture(house, "logo", "Acme")
    spare = await keep_picture(house, "avatar", "Spare")
    avatar = await keep_picture(house, "avatar", "Ann", RED_SQUARE.replace("#c00", "#00c"))
    image = await keep_picture(house, "image", "Kiln", RED_SQUARE.replace("#c00", "#0c0"))
    # Older than what leads to it, and younger.
    ann = await make_page(house, "ann", NOW - 9, button_label="My site")
    shop = await make_link(house.context, house.actor, NOW - 5, slug="shop", title="Shop")
    bob = await make_page(house, "bob", NOW - 4)
    await dress(
        house,
        ann,
        NOW - 3,
        title="Ann",
        description="Ceramics\nfrom the coast",
        is_button_shown=False,
        avatar_id=avatar.id,
        theme="dusk",
        colors=Colors(background="#112233", button_text="#fff"),
        socials=(
            Social(network="instagram", url="https://instagram.com/ann.example"),
            Social(network="email", url="mailto:ann@a.example"),
        ),
    )
    await add(house, ann, kind="text", text="Two\nlines", shown_from=NOW, shown_until=NOW + DAY)
    await add(house, ann, kind="link", link_id=bob.id, is_hidden=True)
    await add(house, ann, NOW - 2, kind="link", link_id=shop.id, text="My shop", position=0)
    await add(house, ann, kind="image", picture_id=image.id, text="A kiln", shown_until=NOW - 1)
    await add(house, ann, kind="image", url="https://example.com/a.png")
    await add(house, ann, kind="embed", url=EMBED, text="A film", shown_from=NOW + DAY)
    await add(house, ann, kind="header", text="Where I am")
    await add(house, bob, kind="link", link_id=ann.id)
    only_look = await make_page(house, "look", NOW - 2)
    await dress(house, only_look, NOW - 1, avatar_id=spare.id, avatar="icon", theme="poster")
    await make_page(house, "bare")
    given_up = await make_page(house, "given-up")
    await dress(house, given_up, title="Gone")
    await delete_page(house.context, house.actor, given_up.id, NOW, keeps_link=True)
    await add_template(house, "Letter", NOW - 7, utm_source="mail", utm_campaign="May\n2026")
    await add_template(house, "Ads", NOW - 6, utm_medium="cpc", utm_id="7")
    return Whole(ann, shop, bob)


async def read_pages(house: House) -> dict[str, Any]:
    """Every page by its slug, with the slugs and names of what it shows in the place of ids."""
    listed = await list_pages(house.context, house.actor, NOW, limit=500)
    return {
        page.link.slug: (
            replace(page.settings, picture=_strip(page.settings.picture)),
            [_describe_block(block) for block in page.blocks],
            page.updated_at,
            page.link.button_label,
        )
        for page in listed.pages
    }


async def read_pictures(house: House) -> list[StoredPicture | None]:
    purposes: tuple[Purpose, ...] = ("logo", "avatar", "image")
    return [
        _strip(picture)
        for purpose in purposes
        for picture in await list_pictures(house.db, house.actor.workspace_id, [purpose])
    ]


async def read_templates(house: House) -> list[Any]:
    found = await list_templates(house.db, house.actor.workspace_id)
    return [replace(template, id=0) for template in found]


async def read_all(house: House) -> tuple[Any, ...]:
    return await read_pages(house), await read_pictures(house), await read_templates(house)


async def export_lines(house: House) -> list[dict[str, Any]]:
    return [msgspec.json.decode(text) for text in (await export_all(house)).splitlines()]


def write_lines(*lines: dict[str, Any]) -> bytes:
    return b"".join(msgspec.json.encode(line) + b"\n" for line in lines)


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


def _describe_block(block: Block) -> tuple[Any, ...]:
    target = block.target and (block.target.short_url, block.target.is_open)
    plain = replace(block, id=0, target=None, picture=_strip(block.picture))
    return target, plain


def _strip(picture: StoredPicture | None) -> StoredPicture | None:
    return picture and replace(picture, id=0, created_at=0)
