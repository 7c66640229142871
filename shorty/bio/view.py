"""Owns what a visitor sees of a page at a moment: its blocks, their texts and destinations.

Pure; a door renders it. Also used for the preview of a page that is being edited.
"""

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

import msgspec

from shorty.bio.embeds import Embed, find_embed
from shorty.bio.model import BioPage, Block, BlockKind, Colors, PageSettings, Social, Target, Theme
from shorty.links.destination import BIO_MARKER, FOLLOW_MARKER, destination_host
from shorty.links.slug import build_path

BUTTON_LABEL: Final = "Click Here"


class PageLink(Protocol):
    """The part of a link that a page uses; the link may be stored or cached."""

    @property
    def slug(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def title(self) -> str | None: ...
    @property
    def description(self) -> str | None: ...
    @property
    def image(self) -> str | None: ...
    @property
    def button_label(self) -> str | None: ...
    @property
    def cloaked(self) -> bool: ...


class Button(msgspec.Struct, frozen=True, kw_only=True):
    """`icon` is an image's path, `leads_to` the destination that is shown; both may be empty."""

    label: str
    address: str
    icon: str = ""
    leads_to: str = ""


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """`width` and `height` are in pixels, or 0 if unknown, as for images on other sites."""

    address: str
    shows: str
    width: int = 0
    height: int = 0


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A block as it is shown; only the fields of its kind are set."""

    kind: BlockKind
    text: str = ""
    address: str = ""
    button: Button | None = None
    image: Image | None = None
    embed: Embed | None = None


class Face(msgspec.Struct, frozen=True, kw_only=True):
    """`avatar` is a path on this server, `initial` replaces a missing avatar; both may be empty.

    `picture` is the URL of the image in link previews.
    """

    title: str
    description: str
    avatar: str
    initial: str
    picture: str
    theme: Theme
    colors: Colors
    socials: tuple[Social, ...]
    button: Button | None
    items: tuple[Item, ...]
    short_url: str
    qr_path: str


def build_face(
    link: PageLink,
    settings: PageSettings,
    blocks: Sequence[Block],
    now: int,
    *,
    origin: str,
    icon_path: str,
    follow: str = "",
) -> Face:
    """`origin` is the domain's, `icon_path` the destination's icon; `follow` is the button's URL if
    it is not the link itself.
    """
    title = settings.title or link.title or destination_host(link.url) or "Links"
    avatar = _find_avatar(settings, icon_path)
    button = Button(
        label=name_button(link, settings),
        address=follow or write_follow_address(link.slug),
        leads_to="" if link.cloaked else link.url,
    )
    return Face(
        title=title,
        description=settings.description or link.description or "",
        avatar=avatar,
        initial="" if avatar or settings.avatar == "none" else title[:1].upper(),
        picture=link.image or (f"{origin}{avatar}" if avatar else ""),
        theme=settings.theme,
        colors=settings.colors,
        socials=settings.socials,
        button=button if settings.is_button_shown else None,
        items=tuple(_list_items(blocks, now)),
        short_url=f"{origin}{build_path(link.slug)}",
        qr_path=f"/qr{build_path(link.slug)}.svg",
    )


def name_button(link: PageLink, settings: PageSettings) -> str:
    """The first button's label: its own, or the destination's title where the page has another."""
    title = link.title if settings.title and settings.title != link.title else None
    return link.button_label or title or BUTTON_LABEL


def preview_face(page: BioPage, now: int) -> Face:
    """A page as it is, or with unsaved changes."""
    link = page.link
    return build_face(
        link,
        page.settings,
        page.blocks,
        now,
        origin=f"{link.scheme}://{link.host}",
        icon_path=link.favicon_url,
    )


def write_follow_address(slug: str) -> str:
    """The path of a page's first button: past the page, to its link's destination."""
    return f"{build_path(slug)}?{FOLLOW_MARKER}"


def _find_avatar(settings: PageSettings, icon_path: str) -> str:
    if settings.avatar == "picture" and settings.picture is not None:
        return settings.picture.path
    return icon_path if settings.avatar != "none" else ""


def _list_items(blocks: Sequence[Block], now: int) -> Iterator[Item]:
    for block in blocks:
        if block.is_shown(now) and (item := _build_item(block)) is not None:
            yield item


def _build_item(block: Block) -> Item | None:
    """None if its content was deleted, or is on a site that is no longer supported."""
    text = block.text or ""
    match block.kind:
        case "link" if block.target is not None:
            return Item(kind="link", button=_build_button(block.target, text))
        case "image":
            image = _build_image(block, text)
            return image and Item(kind="image", image=image)
        case "embed" if block.url is not None:
            embed = find_embed(block.url)
            return embed and Item(kind="embed", text=text, address=block.url, embed=embed)
        case "header" | "text":
            return Item(kind=block.kind, text=text)
        case _:
            return None


def _build_button(target: Target, label: str) -> Button:
    return Button(
        label=label or target.title or target.place or target.short_url.partition("://")[2],
        address=f"{target.short_url}?{BIO_MARKER}",
        icon=target.icon_path,
    )


def _build_image(block: Block, shows: str) -> Image | None:
    if (picture := block.picture) is not None:
        return Image(address=picture.path, shows=shows, width=picture.width, height=picture.height)
    return Image(address=block.url, shows=shows) if block.url else None
