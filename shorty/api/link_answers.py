"""What the links API answers: the link object, and outcomes of many at once."""

from collections.abc import Sequence
from typing import Final

import msgspec

from shorty.api.answers import Answer, answer_json
from shorty.api.link_bodies import STATUSES, spell_faults
from shorty.api.times import format_optional_time, format_time
from shorty.errors import InvalidFieldsError, ShortyError
from shorty.links.model import Creator, Link, LinkType, QrSettings, Tag

_REDIRECT_TYPES: Final = {status: name for name, status in STATUSES.items()}

EXAMPLE: Final = {
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
    "tags": [{"tag": {"id": "5", "name": "Press", "color": "#4477aa"}}],
    "qrCode": None,
    "workspaceId": "1",
    "createdBy": {"id": "1", "name": "Ann", "email": "ann@example.com"},
    "createdAt": "2026-11-22T12:00:00.000Z",
    "updatedAt": "2026-11-22T12:00:00.000Z",
}


class TagObject(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    color: str


class LinkTag(msgspec.Struct, frozen=True, kw_only=True):
    tag: TagObject


class CreatorObject(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    email: str


class LinkObject(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`url` has the UTM parameters applied; `password` is never told."""

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
    tags: list[LinkTag]
    qr_code: QrSettings | None
    workspace_id: str
    created_by: CreatorObject | None
    created_at: str
    updated_at: str


class LinkAnswer(msgspec.Struct, frozen=True, kw_only=True):
    link: LinkObject


class LinkList(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    links: list[LinkObject]
    next_cursor: str | None
    total: int
    total_is_capped: bool


class FailedNew(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why there is no link for the one at `index` of the list that was sent."""

    index: int
    error: str
    code: str
    fields: dict[str, str] | None = None


class FailedLink(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    id: str
    error: str
    code: str
    fields: dict[str, str] | None = None


class CreatedLinks(msgspec.Struct, frozen=True, kw_only=True):
    created: int
    failed: list[FailedNew]
    links: list[LinkObject]


class UpdatedLinks(msgspec.Struct, frozen=True, kw_only=True):
    updated: int
    failed: list[FailedLink]
    links: list[LinkObject]


class DeletedLinks(msgspec.Struct, frozen=True, kw_only=True):
    deleted: int
    failed: list[FailedLink]


def answer_link(link: Link, status: int = 200) -> Answer:
    """Of a new link (status 201) the answer says where it can be read."""
    location = [(b"location", b"/api/v1/links/%d" % link.id)] if status == 201 else []  # noqa: PLR2004 Created
    return answer_json(LinkAnswer(link=show_link(link)), status, location)


def show_link(link: Link) -> LinkObject:
    created_at = format_time(link.created_at)
    is_new = link.updated_at == link.created_at
    return LinkObject(
        id=str(link.id),
        short_code=link.slug,
        short_url=link.short_url,
        url=link.url,
        original_url=link.original_url,
        domain=link.host,
        title=link.title,
        description=link.description,
        image=link.image,
        link_type=link.link_type,
        redirect_type=_REDIRECT_TYPES[link.status],
        is_active=link.is_active,
        cloaked=link.cloaked,
        password=None,
        has_password=link.password_hash is not None and link.is_password_asked,
        expires_at=format_optional_time(link.expires_at),
        max_clicks=link.max_clicks,
        click_count=link.click_count,
        forward_parameters=link.forward_parameters,
        block_bots=link.block_bots,
        utm_source=link.utm_source,
        utm_medium=link.utm_medium,
        utm_campaign=link.utm_campaign,
        utm_term=link.utm_term,
        utm_content=link.utm_content,
        utm_id=link.utm_id,
        meta_pixel_id=link.meta_pixel_id,
        google_tag_id=link.google_tag_id,
        webhook_urls=",".join(link.webhook_urls) or None,
        tags=[LinkTag(tag=show_tag(tag)) for tag in link.tags],
        qr_code=link.qr_settings,
        workspace_id=str(link.workspace_id),
        created_by=_show_creator(link.created_by),
        created_at=created_at,
        updated_at=created_at if is_new else format_time(link.updated_at),
    )


def show_tag(tag: Tag) -> TagObject:
    return TagObject(id=str(tag.id), name=tag.name, color=tag.color)


def show_created(outcomes: Sequence[Link | ShortyError]) -> CreatedLinks:
    links = [show_link(outcome) for outcome in outcomes if isinstance(outcome, Link)]
    failed = [
        FailedNew(index=index, error=error.message, code=error.code, fields=find_fields(error))
        for index, error in enumerate(outcomes)
        if isinstance(error, ShortyError)
    ]
    return CreatedLinks(created=len(links), failed=failed, links=links)


def show_failed(link_id: int | str, error: ShortyError) -> FailedLink:
    return FailedLink(
        id=str(link_id), error=error.message, code=error.code, fields=find_fields(error)
    )


def find_fields(error: ShortyError) -> dict[str, str] | None:
    return spell_faults(error.fields) if isinstance(error, InvalidFieldsError) else None


def _show_creator(creator: Creator | None) -> CreatorObject | None:
    if creator is None:
        return None
    return CreatorObject(id=str(creator.id), name=creator.name, email=creator.email)
