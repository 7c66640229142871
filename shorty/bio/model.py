"""Defines bio pages: their settings and blocks, as stored, created and changed.

Times are UTC milliseconds. Empty texts are never stored; None means absent.
"""

from typing import Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from shorty.links.model import Link
from shorty.links.pictures import StoredPicture

AvatarKind: TypeAlias = Literal["icon", "picture", "none"]
Theme: TypeAlias = Literal["paper", "slate", "meadow", "dusk", "poster"]
BlockKind: TypeAlias = Literal["link", "header", "text", "image", "embed"]
Network: TypeAlias = Literal[
    "website",
    "email",
    "phone",
    "instagram",
    "facebook",
    "x",
    "threads",
    "bluesky",
    "mastodon",
    "linkedin",
    "youtube",
    "tiktok",
    "twitch",
    "spotify",
    "github",
    "discord",
    "telegram",
    "whatsapp",
    "pinterest",
    "rss",
]


class Colors(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The page's own colours, such as `#1a2b3c`, which override the theme's; None keeps those."""

    background: str | None = None
    text: str | None = None
    button: str | None = None
    button_text: str | None = None


class Social(msgspec.Struct, frozen=True, kw_only=True):
    """An icon that links to a profile on another site."""

    network: Network
    url: str


class PageSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a page looks; by default it shows the texts of its link.

    `picture` is the avatar's id; the picture may have been deleted.
    """

    title: str | None = None
    description: str | None = None
    is_button_shown: bool = True
    avatar: AvatarKind = "icon"
    picture: StoredPicture | None = None
    theme: Theme = "paper"
    colors: Colors = Colors()
    socials: tuple[Social, ...] = ()


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """The link that a button leads to. `is_open` means that a visitor would reach it now."""

    id: int
    title: str | None
    short_url: str
    place: str
    icon_path: str
    is_open: bool


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """One block of a page.

    `text` is a button's label (None: its link's title), the text of a header or text block, the
    description of an image, or the title of an embed. `url` is an image's or an embed's.
    """

    id: int
    kind: BlockKind
    target: Target | None
    text: str | None
    url: str | None
    picture: StoredPicture | None
    is_hidden: bool
    shown_from: int | None
    shown_until: int | None
    created_at: int

    def is_shown(self, now: int) -> bool:
        if self.is_hidden or (self.kind == "link" and not (self.target and self.target.is_open)):
            return False
        begins, ends = self.shown_from, self.shown_until
        return (begins is None or begins <= now) and (ends is None or now < ends)


class BioPage(msgspec.Struct, frozen=True, kw_only=True):
    """`blocks` are in the order of the page."""

    link: Link
    settings: PageSettings
    blocks: tuple[Block, ...]
    updated_at: int

    @property
    def id(self) -> int:
        return self.link.id


class PageChange(msgspec.Struct, frozen=True, kw_only=True):
    """Changes of a page; UNSET keeps a value, None restores the default."""

    title: str | None | UnsetType = UNSET
    description: str | None | UnsetType = UNSET
    button_label: str | None | UnsetType = UNSET
    is_button_shown: bool | None | UnsetType = UNSET
    avatar: AvatarKind | None | UnsetType = UNSET
    avatar_id: int | None | UnsetType = UNSET
    theme: Theme | None | UnsetType = UNSET
    colors: Colors | None | UnsetType = UNSET
    socials: tuple[Social, ...] | None | UnsetType = UNSET


class NewBlock(msgspec.Struct, frozen=True, kw_only=True):
    """A block to be created; fields that its kind does not use must be left out.

    `position` counts from 0; without one the block is added at the end.
    """

    kind: BlockKind
    link_id: int | None = None
    text: str | None = None
    url: str | None = None
    picture_id: int | None = None
    is_hidden: bool = False
    shown_from: int | None = None
    shown_until: int | None = None
    position: int | None = None


class BlockChange(msgspec.Struct, frozen=True, kw_only=True):
    """Changes of a block; UNSET keeps a value, None clears it."""

    link_id: int | None | UnsetType = UNSET
    text: str | None | UnsetType = UNSET
    url: str | None | UnsetType = UNSET
    picture_id: int | None | UnsetType = UNSET
    is_hidden: bool | UnsetType = UNSET
    shown_from: int | None | UnsetType = UNSET
    shown_until: int | None | UnsetType = UNSET


class PageList(msgspec.Struct, frozen=True, kw_only=True):
    """Some of a workspace's pages by id, with the number of blocks of each."""

    pages: tuple[BioPage, ...]
    has_more: bool
