"""Our own format: one JSON object a line, which loses nothing of a link.

First comes `export`, then `tag`, `template`, `logo` and `picture`, then `link`, then `page`; with
single clicks, `click` and `counts`. Times are UTC milliseconds; numbers that exceed what JavaScript
counts exactly are texts.
"""

from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from shorty.bio.model import AvatarKind, BlockKind, Social, Theme
from shorty.bio.rules import MAX_BLOCKS, MAX_SOCIALS
from shorty.links.model import LinkType, MadeThrough, QrSettings

FORMAT: Final = 2
"""1 had no templates, pictures and pages."""

Time: TypeAlias = Annotated[int, Meta(ge=0, le=253_402_300_799_999)]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=10**12)]
Text: TypeAlias = Annotated[str, Meta(max_length=10_000)]
Ref: TypeAlias = Annotated[str, Meta(min_length=1, max_length=40)]


class ExportLine(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag="export", tag_field="kind"
):
    """`has_clicks`: single clicks follow, and the counts after them."""

    format: int = FORMAT
    version: str = ""
    exported_at: Time
    has_clicks: bool = False


class TagLine(msgspec.Struct, frozen=True, kw_only=True, tag="tag", tag_field="kind"):
    name: Text
    color: Text


class LogoLine(msgspec.Struct, frozen=True, kw_only=True, tag="logo", tag_field="kind"):
    id: int
    name: Text
    png: bytes


class PictureLine(msgspec.Struct, frozen=True, kw_only=True, tag="picture", tag_field="kind"):
    """What bio pages show. Its id is that of no logo."""

    id: int
    purpose: Literal["avatar", "image"]
    name: Text
    png: bytes


class TemplateLine(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename="camel",
    omit_defaults=True,
    tag="template",
    tag_field="kind",
):
    name: Text
    utm_source: Text | None = None
    utm_medium: Text | None = None
    utm_campaign: Text | None = None
    utm_term: Text | None = None
    utm_content: Text | None = None
    utm_id: Text | None = None
    created_at: Time | None = None


class CountsOfLink(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    clicks: Count = 0
    scans: Count = 0
    bio_clicks: Count = 0
    bots: Count = 0
    last_click_at: Time | None = None


class LinkLine(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename="camel",
    omit_defaults=True,
    tag="link",
    tag_field="kind",
):
    """`url` is the destination as it was given, `redirect` the status. Without `counts`, these
    follow on their own."""

    id: Ref
    domain: Text
    slug: Text
    url: Text
    link_type: LinkType = "URL"
    redirect: int = 302
    title: Text | None = None
    description: Text | None = None
    image: Text | None = None
    cloaked: bool = False
    forward_parameters: bool = False
    block_bots: bool = False
    is_active: bool = True
    is_starred: bool = False
    is_admin_blocked: bool = False
    password_hash: Text | None = None
    is_password_asked: bool = True
    expires_at: Time | None = None
    max_clicks: int | None = None
    utm_source: Text | None = None
    utm_medium: Text | None = None
    utm_campaign: Text | None = None
    utm_term: Text | None = None
    utm_content: Text | None = None
    utm_id: Text | None = None
    meta_pixel_id: Text | None = None
    google_tag_id: Text | None = None
    webhook_urls: tuple[Text, ...] = ()
    is_link_in_bio: bool = False
    button_label: Text | None = None
    qr_settings: QrSettings | None = None
    made_through: MadeThrough = "link"
    edit_count: Count = 0
    tags: tuple[Text, ...] = ()
    created_at: Time
    updated_at: Time
    counts: CountsOfLink | None = None


class ColorsOfPage(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    background: Text | None = None
    text: Text | None = None
    button: Text | None = None
    button_text: Text | None = None


class BlockOfPage(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """`link` is where a button leads, `picture` what an image shows: the file's own."""

    kind: BlockKind
    link: Ref | None = None
    text: Text | None = None
    url: Text | None = None
    picture: int | None = None
    is_hidden: bool = False
    shown_from: Time | None = None
    shown_until: Time | None = None
    created_at: Time


class PageLine(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename="camel",
    omit_defaults=True,
    tag="page",
    tag_field="kind",
):
    """How the page of an earlier line's link looks. A page as it comes has no line.

    Each block is a BlockOfPage, decoded by itself: one that cannot be read costs no other.
    """

    link: Ref
    title: Text | None = None
    description: Text | None = None
    is_button_shown: bool = True
    avatar: AvatarKind = "icon"
    picture: int | None = None
    theme: Theme = "paper"
    colors: ColorsOfPage = ColorsOfPage()
    socials: Annotated[tuple[Social, ...], Meta(max_length=MAX_SOCIALS)] = ()
    blocks: Annotated[tuple[msgspec.Raw, ...], Meta(max_length=MAX_BLOCKS)] = ()
    updated_at: Time | None = None


class ClickLine(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename="camel",
    omit_defaults=True,
    tag="click",
    tag_field="kind",
):
    """`visitor` is the same for a visitor's clicks of one UTC day; none: not told apart."""

    link: Ref
    at: Time
    by: Literal["person", "bot", "prefetch"] = "person"
    source: Literal["link", "qr", "bio"] = "link"
    visitor: Annotated[str, Meta(pattern=r"^[0-9]{1,19}$")] = "0"
    country: Annotated[str, Meta(pattern=r"^[A-Z]{2}$")] | None = None
    city: Text | None = None
    referrer: Text | None = None
    browser: Text | None = None
    os: Text | None = None
    device: Text | None = None
    utm: tuple[str | None, str | None, str | None, str | None, str | None] | None = None


class CountsLine(msgspec.Struct, frozen=True, kw_only=True, tag="counts", tag_field="kind"):
    link: Ref
    counts: CountsOfLink


ItemLine: TypeAlias = (
    TagLine | TemplateLine | LogoLine | PictureLine | LinkLine | ClickLine | CountsLine
)
Line: TypeAlias = ExportLine | ItemLine | PageLine

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Line).decode
_decode_block: Final = msgspec.json.Decoder(BlockOfPage).decode


def write_line(line: Line) -> bytes:
    return _encode(line) + b"\n"


def read_line(text: bytes) -> Line:
    """Raises msgspec.MsgspecError, UnicodeDecodeError or RecursionError where it is none."""
    return _decode(text)


def write_block(block: BlockOfPage) -> msgspec.Raw:
    return msgspec.Raw(_encode(block))


def read_block(raw: msgspec.Raw) -> BlockOfPage:
    """Raises as read_line does."""
    return _decode_block(raw)
