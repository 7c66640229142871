"""How bio pages and their blocks are shown, and how ids and times in their bodies are read."""

from datetime import datetime
from typing import Any, ClassVar, Final

import msgspec
from msgspec import UNSET, UnsetType

from shorty.api.objects import show
from shorty.bio.model import AvatarKind, BioPage, Block, BlockKind, Colors, Social, Theme
from shorty.bio.themes import list_warnings
from shorty.errors import InvalidFieldsError
from shorty.ids import parse_id
from shorty.webcore.times import format_optional_time, format_time, read_time

TAG: Final = "Bio pages"


class ColorsObject(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """null means the theme's colour."""

    background: str | None = None
    text: str | None = None
    button: str | None = None
    button_text: str | None = None


class BlockObject(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`isShown` is true if visitors see the block now."""

    id: str
    kind: BlockKind
    link_id: str | None
    short_url: str | None
    text: str | None
    url: str | None
    picture_id: str | None
    picture_path: str | None
    is_hidden: bool
    shown_from: str | None
    shown_until: str | None
    is_shown: bool
    created_at: str

    example: ClassVar[dict[str, Any]] = {
        "id": "31",
        "kind": "link",
        "linkId": "1170",
        "shortUrl": "https://go.example.com/shop",
        "text": "My shop",
        "url": None,
        "pictureId": None,
        "picturePath": None,
        "isHidden": False,
        "shownFrom": None,
        "shownUntil": "2030-12-31T23:59:59.000Z",
        "isShown": True,
        "createdAt": "2026-11-22T12:00:00.000Z",
    }


class PageObject(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`title` and `description` are null if the page uses its link's.

    `warnings` name the colours that are not used because they would be unreadable.
    """

    id: str
    short_code: str
    short_url: str
    domain: str
    url: str
    link_title: str | None
    title: str | None
    description: str | None
    button_label: str | None
    is_button_shown: bool
    avatar: AvatarKind
    avatar_id: str | None
    avatar_path: str | None
    theme: Theme
    colors: ColorsObject
    socials: list[Social]
    blocks: list[BlockObject]
    is_active: bool
    click_count: int
    warnings: list[str]
    created_at: str
    updated_at: str

    example: ClassVar[dict[str, Any]] = {
        "id": "1162",
        "shortCode": "ann",
        "shortUrl": "https://go.example.com/ann",
        "domain": "go.example.com",
        "url": "https://ann.example.com/",
        "linkTitle": "Ann",
        "title": "Ann Example",
        "description": "Ceramics from the coast",
        "buttonLabel": "Visit my site",
        "isButtonShown": True,
        "avatar": "picture",
        "avatarId": "8",
        "avatarPath": "/static/pictures/0f3c1d9a5be24c7788d1c2a4e6f80912.png",
        "theme": "dusk",
        "colors": {"background": None, "text": None, "button": "#4a2263", "buttonText": None},
        "socials": [{"network": "instagram", "url": "https://instagram.com/ann.example"}],
        "blocks": [BlockObject.example],
        "isActive": True,
        "clickCount": 240,
        "warnings": [],
        "createdAt": "2026-11-22T12:00:00.000Z",
        "updatedAt": "2026-11-22T12:00:00.000Z",
    }


class BlockAnswer(msgspec.Struct, frozen=True, kw_only=True):
    block: BlockObject


class BlockList(msgspec.Struct, frozen=True, kw_only=True):
    blocks: list[BlockObject]


class PageAnswer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    bio_page: PageObject


class PageListAnswer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    bio_pages: list[PageObject]
    next_cursor: str | None


def show_page(page: BioPage, now: int) -> PageObject:
    link, settings = page.link, page.settings
    picture = settings.picture
    return PageObject(
        id=str(page.id),
        short_code=link.slug,
        short_url=link.short_url,
        domain=link.host,
        url=link.url,
        link_title=link.title,
        title=settings.title,
        description=settings.description,
        button_label=link.button_label,
        is_button_shown=settings.is_button_shown,
        avatar=settings.avatar,
        avatar_id=None if picture is None else str(picture.id),
        avatar_path=None if picture is None else picture.path,
        theme=settings.theme,
        colors=show_colors(settings.colors),
        socials=list(settings.socials),
        blocks=[show_block(block, now) for block in page.blocks],
        is_active=link.is_active,
        click_count=link.click_count,
        warnings=list_warnings(settings.theme, settings.colors),
        created_at=format_time(link.created_at),
        updated_at=format_time(page.updated_at),
    )


def show_colors(colors: Colors) -> ColorsObject:
    return ColorsObject(**msgspec.structs.asdict(colors))


def show_block(block: Block, now: int) -> BlockObject:
    target, picture = block.target, block.picture
    return show(
        BlockObject,
        block,
        link_id=None if target is None else str(target.id),
        short_url=None if target is None else target.short_url,
        picture_id=None if picture is None else str(picture.id),
        picture_path=None if picture is None else picture.path,
        shown_from=format_optional_time(block.shown_from),
        shown_until=format_optional_time(block.shown_until),
        is_shown=block.is_shown(now),
    )


class Reader:
    """Reads ids and times from a body and collects the faults of invalid ones."""

    def __init__(self) -> None:
        self.faults: dict[str, str] = {}

    def read_id(self, name: str, value: str | int | None | UnsetType) -> int | None | UnsetType:
        if value is None or value is UNSET:
            return value
        found = parse_id(value)
        if found is None:
            self.faults[name] = "is not an id"
        return found

    def read_moment(self, name: str, text: str | None | UnsetType) -> int | None | UnsetType:
        if not text:
            return UNSET if text is UNSET else None
        try:
            return read_time(datetime.fromisoformat(text.strip()))
        except ValueError:
            self.faults[name] = "must be an ISO 8601 time, such as 2030-12-31T23:59:59Z"
            return None

    def finish(self) -> None:
        """Raises InvalidFieldsError if a value was invalid."""
        if self.faults:
            raise InvalidFieldsError(self.faults)
