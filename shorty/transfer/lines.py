"""Our own format: one JSON object per line, with every field of a link.

The order is `export`, `tag`, `template`, `logo` and `picture`, `link`, `page`; with single clicks,
`click` and `counts`. Times are UTC milliseconds. Numbers that are too large for JavaScript are
texts.
"""

from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from shorty.bio.model import AvatarKind, BlockKind, Social, Theme
from shorty.bio.rules import MAX_BLOCKS, MAX_SOCIALS
from shorty.links.model import LinkType, MadeThrough, QrSettings

T = TypeVar("T", bound=msgspec.Struct)

FORMAT: Final = 3
"""Format 1 had no templates, pictures and pages, 2 no rules: who does not know them would
send visitors where they were not meant to go."""

Time: TypeAlias = Annotated[int, Meta(ge=0, le=253_402_300_799_999)]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=10**12)]
Text: TypeAlias = Annotated[str, Meta(max_length=10_000)]
Ref: TypeAlias = Annotated[str, Meta(min_length=1, max_length=40)]


class _Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """How lines and the structs in them are written."""


class ExportLine(
    _Part, frozen=True, kw_only=True, omit_defaults=False, tag="export", tag_field="kind"
):
    """`has_clicks`: single clicks follow, and the counts after them."""

    format: int = FORMAT
    version: str = ""
    exported_at: Time
    has_clicks: bool = False


class TagLine(_Part, frozen=True, kw_only=True, tag="tag", tag_field="kind"):
    name: Text
    color: Text


class LogoLine(_Part, frozen=True, kw_only=True, tag="logo", tag_field="kind"):
    id: int
    name: Text
    png: bytes


class PictureLine(_Part, frozen=True, kw_only=True, tag="picture", tag_field="kind"):
    """An avatar or image of bio pages. No logo has the same id."""

    id: int
    purpose: Literal["avatar", "image"]
    name: Text
    png: bytes


class TemplateLine(_Part, frozen=True, kw_only=True, tag="template", tag_field="kind"):
    name: Text
    utm_source: Text | None = None
    utm_medium: Text | None = None
    utm_campaign: Text | None = None
    utm_term: Text | None = None
    utm_content: Text | None = None
    utm_id: Text | None = None
    created_at: Time | None = None


class CountsOfLink(_Part, frozen=True, kw_only=True):
    clicks: Count = 0
    scans: Count = 0
    bio_clicks: Count = 0
    bots: Count = 0
    last_click_at: Time | None = None


class LinkLine(_Part, frozen=True, kw_only=True, tag="link", tag_field="kind"):
    """`url` is the destination as it was given, `redirect` the status, `aliases` each HOST/SLUG,
    `rules` those of the links API. If `counts` are missing, a line of their own follows."""

    id: Ref
    domain: Text
    slug: Text
    url: Text
    link_type: LinkType = msgspec.field(default_factory=lambda: "URL")  # so always written
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
    valid_since: Time | None = None
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
    gtm_container_id: Text | None = None
    hide_referrer: bool = False
    skip_social_crawler_tracking: bool = False
    expired_url: Text | None = None
    rules: tuple[dict[str, Any], ...] = ()
    webhook_urls: tuple[Text, ...] = ()
    is_link_in_bio: bool = False
    button_label: Text | None = None
    qr_settings: QrSettings | None = None
    made_through: MadeThrough = msgspec.field(default_factory=lambda: "link")
    edit_count: Count = 0
    aliases: tuple[Text, ...] = ()
    tags: tuple[Text, ...] = ()
    created_at: Time
    updated_at: Time
    counts: CountsOfLink | None = None


COLUMNS: Final = (
    *("url", "domain", "slug", "title", "description", "image", "linkType", "redirect"),
    *("isActive", "isStarred", "cloaked", "hasPassword", "validSince", "expiresAt", "expiredUrl"),
    *("maxClicks", "rules", "forwardParameters", "blockBots", "hideReferrer"),
    *("skipSocialCrawlerTracking", "utmSource", "utmMedium", "utmCampaign", "utmTerm"),
    *("utmContent", "utmId", "metaPixelId", "googleTagId", "gtmContainerId", "webhookUrls"),
    *("clickCount", "scans", "bioClicks", "createdAt", "updatedAt", "aliases", "tags"),
)
"""Of our own table of links, in order: names of LinkLine's fields, the counts and `hasPassword`."""


class ColorsOfPage(_Part, frozen=True, kw_only=True):
    background: Text | None = None
    text: Text | None = None
    button: Text | None = None
    button_text: Text | None = None


class BlockOfPage(_Part, frozen=True, kw_only=True):
    """`link` is where a button leads, `picture` what an image shows, by the ids of the file."""

    kind: BlockKind
    link: Ref | None = None
    text: Text | None = None
    url: Text | None = None
    picture: int | None = None
    is_hidden: bool = False
    shown_from: Time | None = None
    shown_until: Time | None = None
    created_at: Time


class PageLine(_Part, frozen=True, kw_only=True, tag="page", tag_field="kind"):
    """How the bio page of an earlier line's link looks. A page that was never customised has none.

    Each block is a BlockOfPage, decoded by itself: one that can't be read costs no other.
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


class ClickLine(_Part, frozen=True, kw_only=True, tag="click", tag_field="kind"):
    """`visitor` is the same for all clicks of a visitor on one UTC day, 0 if it is not known.

    `domain` is the one by which the click came, if it is not the link's. `rule` is the id of the
    link's rule that won it, `variant` the key of the one that was drawn.
    """

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
    domain: Text | None = None
    utm: tuple[str | None, str | None, str | None, str | None, str | None] | None = None
    rule: Text | None = None
    variant: Text | None = None


class CountsLine(_Part, frozen=True, kw_only=True, tag="counts", tag_field="kind"):
    link: Ref
    counts: CountsOfLink


ItemLine: TypeAlias = (
    TagLine | TemplateLine | LogoLine | PictureLine | LinkLine | ClickLine | CountsLine
)
Line: TypeAlias = ExportLine | ItemLine | PageLine

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Line).decode
_decode_block: Final = msgspec.json.Decoder(BlockOfPage).decode


def encode_line(line: Line) -> bytes:
    return _encode(line) + b"\n"


def decode_line(text: bytes) -> Line:
    """Raises msgspec.MsgspecError, UnicodeDecodeError and RecursionError."""
    return _decode(text)


def encode_block(block: BlockOfPage) -> msgspec.Raw:
    return msgspec.Raw(_encode(block))


def decode_block(raw: msgspec.Raw) -> BlockOfPage:
    """Raises as decode_line does."""
    return _decode_block(raw)


def copy_fields(source: msgspec.Struct, kind: type[T], **others: Any) -> T:
    """A struct of that kind from `others`, and the fields of `source` that have the same names."""
    names, read = _list_shared(type(source), kind)
    return kind(**(dict(zip(names, read(source), strict=True)) | others))


@cache
def _list_shared(
    source: type[msgspec.Struct], kind: type[msgspec.Struct]
) -> tuple[tuple[str, ...], Callable[[object], tuple[Any, ...]]]:
    """Names of two fields or more, and what reads their values."""
    names = tuple(name for name in source.__struct_fields__ if name in kind.__struct_fields__)
    return names, attrgetter(*names)
