"""What a bio page is: its settings and its blocks, as stored, as asked for and as changed.

Times are UTC milliseconds. Empty texts are never stored: absent is None.
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
    """Colours of the page's own over the theme's, such as `#1a2b3c`; None leaves it the theme's."""

    background: str | None = None
    text: str | None = None
    button: str | None = None
    button_text: str | None = None


class Social(msgspec.Struct, frozen=True, kw_only=True):
    """An icon that leads to somebody's place elsewhere."""

    network: Network
    url: str


class PageSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a page looks; as it comes, it says what its link says.

    `picture` is the avatar's; it may have been deleted since.
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
    """The link that a button leads to. `is_open`: somebody who comes now gets through."""

    id: int
    title: str | None
    short_url: str
    place: str
    icon_path: str
    is_open: bool


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """One thing on a page.

    `text` is a button's label (None: its link's title), a header's or text's words, what an image
    shows, or an embed's title. `url` is an image's or an embed's.
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
    """What to set of a page; UNSET leaves it as it is, None goes back to what it comes with."""

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
    """A block as a door asks for it; what its kind has no use for must be left out.

    `position` counts from 0; without one it goes to the end.
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
    """What to change of a block; UNSET leaves it as it is, None clears."""

    link_id: int | None | UnsetType = UNSET
    text: str | None | UnsetType = UNSET
    url: str | None | UnsetType = UNSET
    picture_id: int | None | UnsetType = UNSET
    is_hidden: bool | UnsetType = UNSET
    shown_from: int | None | UnsetType = UNSET
    shown_until: int | None | UnsetType = UNSET


class PageList(msgspec.Struct, frozen=True, kw_only=True):
    """Some of a workspace's pages, with how many blocks each has, by ascending ids."""

    pages: tuple[BioPage, ...]
    has_more: bool
