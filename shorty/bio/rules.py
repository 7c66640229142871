"""Checks pages and their blocks, and finds all faults at once.

`service` checks whether links and pictures that a block names belong to the workspace.
"""

from collections.abc import Callable
from typing import Final, TypeVar

import msgspec
from msgspec import UNSET

from shorty.bio.embeds import SITES, find_embed
from shorty.bio.model import (
    Block,
    BlockChange,
    BlockKind,
    Colors,
    NewBlock,
    PageChange,
    PageSettings,
    Social,
)
from shorty.bio.socials import read_social
from shorty.errors import InvalidFieldsError
from shorty.links.checks import ADDRESS_LENGTH, read_line, read_text
from shorty.links.destination import destination_host, parse_destination
from shorty.qr.colors import is_color

T = TypeVar("T")

TITLE_LENGTH: Final = 100
DESCRIPTION_LENGTH: Final = 500
MAX_BLOCKS: Final = 100
MAX_SOCIALS: Final = 12
TEXT_LENGTHS: Final[dict[BlockKind, int]] = {
    "link": 100,
    "header": 100,
    "text": 2000,
    "image": 300,
    "embed": 100,
}
_OPAQUE: Final = {4, 7}  # lengths of #abc and #aabbcc
# The fields that each kind requires, and those that are optional.
_NEEDED: Final[dict[BlockKind, tuple[str, ...]]] = {
    "link": ("link_id",),
    "header": ("text",),
    "text": ("text",),
    "image": (),
    "embed": ("url",),
}
_POSSIBLE: Final[dict[BlockKind, tuple[str, ...]]] = {
    "link": ("link_id", "text"),
    "header": ("text",),
    "text": ("text",),
    "image": ("text", "url", "picture_id"),
    "embed": ("url", "text"),
}
PARTS: Final = ("link_id", "text", "url", "picture_id")


def merge_page_change(
    before: PageSettings, change: PageChange, is_blocked: Callable[[str], bool]
) -> PageSettings:
    """The changed settings, without the picture that `avatar_id` names.

    `is_blocked` judges hosts. Raises InvalidFieldsError with every fault.
    """
    faults: dict[str, str] = {}
    values = {
        name: getattr(change, name)
        for name in PageSettings.__struct_fields__
        if name != "picture" and getattr(change, name) is not UNSET
    }
    defaults = PageSettings()
    wanted = msgspec.structs.replace(
        before,
        **{
            name: getattr(defaults, name) if value is None else value
            for name, value in values.items()
        },
    )
    settings = msgspec.structs.replace(
        wanted,
        title=_read(faults, "title", lambda: read_line(wanted.title, TITLE_LENGTH)),
        description=_read(
            faults, "description", lambda: read_text(wanted.description, DESCRIPTION_LENGTH)
        ),
        colors=_read(faults, "colors", lambda: _read_colors(wanted.colors)) or Colors(),
        socials=_read(faults, "socials", lambda: _read_socials(wanted.socials, is_blocked)) or (),
    )
    if faults:
        raise InvalidFieldsError(faults)
    return settings


def read_block(new: NewBlock, is_blocked: Callable[[str], bool]) -> NewBlock:
    """The block with its texts in stored form. Raises InvalidFieldsError with every fault."""
    faults: dict[str, str] = {}
    for name in PARTS:
        if getattr(new, name) is not None and name not in _POSSIBLE[new.kind]:
            faults[name] = f"does not apply to a block of the kind {new.kind}"
    read_words = read_text if new.kind == "text" else read_line
    text = _read(faults, "text", lambda: read_words(new.text, TEXT_LENGTHS[new.kind]))
    url = _read(faults, "url", lambda: _read_url(new, is_blocked))
    block = msgspec.structs.replace(new, text=text, url=url)
    for name in _NEEDED[new.kind]:
        if getattr(block, name) is None:
            faults.setdefault(name, f"is required for a block of the kind {new.kind}")
    if new.kind == "image" and (new.picture_id is None) == (new.url is None):
        faults.setdefault("picture_id", "or url is required for an image, but not both")
    begins, ends = new.shown_from, new.shown_until
    if begins is not None and ends is not None and ends <= begins:
        faults["shown_until"] = "must be later than the time when it appears"
    if faults:
        raise InvalidFieldsError(faults)
    return block


def merge_block_change(before: Block, change: BlockChange) -> NewBlock:
    """The changed block in the form in which it would be created.

    A picture replaces a URL, and vice versa.
    """
    given = {
        name: value
        for name in BlockChange.__struct_fields__
        if (value := getattr(change, name)) is not UNSET
    }
    if given.get("picture_id") is not None:
        given.setdefault("url", None)
    elif given.get("url") is not None:
        given.setdefault("picture_id", None)
    kept = NewBlock(
        kind=before.kind,
        link_id=before.target.id if before.target else None,
        text=before.text,
        url=before.url,
        picture_id=before.picture.id if before.picture else None,
        is_hidden=before.is_hidden,
        shown_from=before.shown_from,
        shown_until=before.shown_until,
    )
    return msgspec.structs.replace(kept, **given)


def _read(faults: dict[str, str], name: str, read: Callable[[], T]) -> T | None:
    try:
        return read()
    except ValueError as error:
        faults.setdefault(name, str(error))
        return None


def _read_colors(colors: Colors) -> Colors:
    for name in Colors.__struct_fields__:
        color: str | None = getattr(colors, name)
        if color is not None and not (is_color(color) and len(color) in _OPAQUE):
            raise ValueError("must be colours such as #1a2b3c")
    return colors


def _read_socials(
    socials: tuple[Social, ...], is_blocked: Callable[[str], bool]
) -> tuple[Social, ...]:
    if len(socials) > MAX_SOCIALS:
        raise ValueError(f"may contain at most {MAX_SOCIALS} items")
    found: list[Social] = []
    for index, social in enumerate(socials):
        try:
            read = read_social(social)
            _refuse_blocked(read.url, is_blocked)
        except ValueError as error:
            raise ValueError(f"item {index + 1} ({social.network}) is invalid: {error}") from None
        found.append(read)
    return tuple(found)


def _read_url(new: NewBlock, is_blocked: Callable[[str], bool]) -> str | None:
    text = read_text(new.url, ADDRESS_LENGTH)
    if text is None:
        return None
    url = parse_destination("URL", text)
    _refuse_blocked(url, is_blocked)
    if new.kind == "image" and not url.startswith("https:"):
        raise ValueError("must be an https URL; or upload the picture")
    if new.kind == "embed" and find_embed(url) is None:
        raise ValueError(f"must be a page on one of these sites: {', '.join(SITES)}")
    return url


def _refuse_blocked(url: str, is_blocked: Callable[[str], bool]) -> None:
    if (host := destination_host(url)) and is_blocked(host):
        raise ValueError("points to a host that this server blocks")
