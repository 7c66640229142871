"""The link object of the links API. Loads no framework, as commands use it too."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, ClassVar, Final, Literal, TypeAlias

import msgspec

from shorty.api.rule_objects import RuleObject, show_rules
from shorty.links.model import Creator, Deletion, Link, LinkType, QrSettings, Tag
from shorty.qr.symbol import write_scanned_url
from shorty.qr.warnings import list_warnings
from shorty.webcore.times import format_optional_time, format_time

Obstacle: TypeAlias = Literal["slug-taken", "slug-resting", "domain-removed"]

STATUSES: Final = {
    "PERMANENT_301": 301,
    "TEMPORARY_302": 302,
    "TEMPORARY_307": 307,
    "PERMANENT_308": 308,
}
_REDIRECT_TYPES: Final = {status: name for name, status in STATUSES.items()}


class TagObject(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    color: str

    example: ClassVar[dict[str, Any]] = {"id": "5", "name": "Press", "color": "#4477aa"}


class LinkTag(msgspec.Struct, frozen=True, kw_only=True):
    tag: TagObject


class CreatorObject(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    email: str


class QrCodeObject(QrSettings, frozen=True, kw_only=True):
    """The settings that differ from the default; `url` is public, and ends in `.png` for pixels.

    `warnings` say why cameras may fail to read the code.
    """

    url: str
    warnings: list[str]


class DeletionObject(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """When a link was deleted, by whom if that is known, and what keeps it from being restored."""

    deleted_at: str
    deleted_by: CreatorObject | None
    obstacle: Obstacle | None

    example: ClassVar[dict[str, Any]] = {
        "deletedAt": "2026-11-29T08:30:00.000Z",
        "deletedBy": {"id": "1", "name": "Ann", "email": "ann@example.com"},
        "obstacle": None,
    }


class LinkObject(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """`url` includes the UTM parameters; `password` is never returned."""

    id: str
    short_code: str
    short_url: str
    url: str
    original_url: str
    domain: str
    title: str | None
    description: str | None
    image: str | None
    link_type: LinkType
    redirect_type: str
    is_active: bool
    cloaked: bool
    password: None
    has_password: bool
    valid_since: str | None
    expires_at: str | None
    max_clicks: int | None
    click_count: int
    forward_parameters: bool
    block_bots: bool
    utm_source: str | None
    utm_medium: str | None
    utm_campaign: str | None
    utm_term: str | None
    utm_content: str | None
    utm_id: str | None
    meta_pixel_id: str | None
    google_tag_id: str | None
    webhook_urls: str | None
    aliases: list[str]
    tags: list[LinkTag]
    qr_code: QrCodeObject | None
    expired_url: str | None
    hide_referrer: bool
    gtm_container_id: str | None
    skip_social_crawler_tracking: bool
    rules: list[RuleObject]
    is_starred: bool
    workspace_id: str
    created_by: CreatorObject | None
    created_at: str
    updated_at: str
    deletion: DeletionObject | None = None

    example: ClassVar[dict[str, Any]] = {
        "id": "1162",
        "shortCode": "my-campaign",
        "shortUrl": "https://go.example.com/my-campaign",
        "url": "https://example.com/pricing?utm_source=newsletter",
        "originalUrl": "https://example.com/pricing",
        "domain": "go.example.com",
        "title": "Autumn campaign",
        "description": None,
        "image": None,
        "linkType": "URL",
        "redirectType": "TEMPORARY_302",
        "isActive": True,
        "cloaked": False,
        "password": None,
        "hasPassword": False,
        "validSince": None,
        "expiresAt": "2030-12-31T23:59:59.000Z",
        "maxClicks": None,
        "clickCount": 0,
        "forwardParameters": False,
        "blockBots": False,
        "utmSource": "newsletter",
        "utmMedium": None,
        "utmCampaign": None,
        "utmTerm": None,
        "utmContent": None,
        "utmId": None,
        "metaPixelId": None,
        "googleTagId": None,
        "webhookUrls": None,
        "aliases": ["go.example.com/autumn"],
        "tags": [{"tag": {"id": "5", "name": "Press", "color": "#4477aa"}}],
        "qrCode": None,
        "expiredUrl": None,
        "hideReferrer": False,
        "gtmContainerId": None,
        "skipSocialCrawlerTracking": False,
        "rules": [RuleObject.example],
        "isStarred": False,
        "workspaceId": "1",
        "createdBy": {"id": "1", "name": "Ann", "email": "ann@example.com"},
        "createdAt": "2026-11-22T12:00:00.000Z",
        "updatedAt": "2026-11-22T12:00:00.000Z",
    }


# Fields with the same name and form as in the link.
_SAME: Final = tuple(
    name
    for name in LinkObject.__struct_fields__
    if name in {*Link.__struct_fields__, "short_url", "click_count"}
    and not name.endswith(("_at", "_since"))
    and name
    not in {
        *("id", "aliases", "tags", "webhook_urls", "workspace_id", "created_by", "deletion"),
        "rules",
    }
)
_read_same: Final[Callable[[Link], tuple[Any, ...]]] = attrgetter(*_SAME)


def show_link(link: Link) -> LinkObject:
    created_at = format_time(link.created_at)
    is_new = link.updated_at == link.created_at
    return LinkObject(
        **dict(zip(_SAME, _read_same(link), strict=True)),
        id=str(link.id),
        short_code=link.slug,
        domain=link.host,
        redirect_type=_REDIRECT_TYPES[link.status],
        password=None,
        has_password=link.password_hash is not None and link.is_password_asked,
        valid_since=format_optional_time(link.valid_since),
        expires_at=format_optional_time(link.expires_at),
        webhook_urls=",".join(link.webhook_urls) or None,
        aliases=[alias.text for alias in link.aliases],
        tags=[LinkTag(tag=show_tag(tag)) for tag in link.tags],
        qr_code=_show_qr_code(link),
        rules=show_rules(link.rules),
        workspace_id=str(link.workspace_id),
        created_by=_show_creator(link.created_by),
        created_at=created_at,
        updated_at=created_at if is_new else format_time(link.updated_at),
        deletion=None if link.deletion is None else _show_deletion(link.deletion),
    )


def show_tag(tag: Tag) -> TagObject:
    return TagObject(id=str(tag.id), name=tag.name, color=tag.color)


def _show_qr_code(link: Link) -> QrCodeObject | None:
    settings, url = link.qr_settings, link.qr_url
    if settings is None or url is None:
        return None
    warnings = list_warnings(settings, write_scanned_url(link))
    return QrCodeObject(**msgspec.structs.asdict(settings), url=url, warnings=warnings)


def _show_deletion(deletion: Deletion) -> DeletionObject:
    return DeletionObject(
        deleted_at=format_time(deletion.at),
        deleted_by=_show_creator(deletion.by),
        obstacle=_name_obstacle(deletion),
    )


def _name_obstacle(deletion: Deletion) -> Obstacle | None:
    if deletion.is_domain_gone:
        return "domain-removed"
    if deletion.is_slug_taken:
        return "slug-taken"
    return "slug-resting" if deletion.is_slug_resting else None


def _show_creator(creator: Creator | None) -> CreatorObject | None:
    if creator is None:
        return None
    return CreatorObject(id=str(creator.id), name=creator.name, email=creator.email)
