"""What the short-link API returns: a link with all of its product's keys, and its error shapes.

Every key is always present. Those that describe a QR code are null on a link without one.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from shorty.api.short_link_bodies import spell_key
from shorty.bio.view import BUTTON_LABEL
from shorty.errors import (
    AlreadyExistsError,
    InvalidFieldsError,
    QuotaExceededError,
    ShortyError,
    SlugTakenError,
    UnauthenticatedError,
)
from shorty.links.model import Link, QrSettings
from shorty.webcore.answers import Answer, answer_json
from shorty.webcore.errors import KeyReusedError, list_error_headers
from shorty.webcore.times import format_optional_time, format_time

CREATED: Final = "Short Link Created Successfully."
UNAUTHORIZED: Final = "Unauthorized!"
NOBODY: Final = 0  # the `userId` of a public link

EXAMPLE: Final[dict[str, Any]] = {
    "success": True,
    "message": CREATED,
    "data": {
        "id": 1162,
        "type": "shortlink",
        "type2": None,
        "userId": 92,
        "clicks": 0,
        "lbClicks": 0,
        "scans": 0,
        "destinationUrl": "https://example.com/long-url",
        "faviconUrl": "",
        "title": "Summer sale",
        "titleLabel": "summer sale",
        "btnLabel": BUTTON_LABEL,
        "brandedDomain": "go.example.com",
        "slashTag": "my-custom-slug",
        "edit": 0,
        "utm_id": None,
        "utm_content": None,
        "utm_term": None,
        "utm_campaign": "summer_2024",
        "utm_medium": "social",
        "utm_source": "twitter",
        "preset": None,
        "bgColor": "#ffffff",
        "color": "#000000",
        "pattern": "classy",
        "corner": "square",
        "logo": None,
        "qr": "https://go.example.com/qr/my-custom-slug.svg",
        "qrLogoId": None,
        "tags": "sale,summer",
        "linkInBioId": None,
        "uniqueTagId": 1221,
        "isActive": True,
        "isStarred": False,
        "expirationDate": "2030-12-31T23:59:59.000Z",
        "createdAt": "2026-11-22T12:00:00.000Z",
        "updatedAt": "2026-11-22T12:00:00.000Z",
        "fieldData": None,
        "frame": None,
        "isadminblocked": False,
        "isEdit": False,
        "password": None,
        "passwordProtectionEnabled": True,
        "primary": None,
        "qrType": None,
        "secondary": None,
        "text": None,
        "textColor": None,
    },
}

# Fields that the domain knows by another name than this API.
_FIELDS: Final = {
    "url": "destinationUrl",
    "domain": "brandedDomain",
    "slug": "slashTag",
    "expires_at": "expirationDate",
    "tag_ids": "tags",
    "tag_names": "tags",
    "name": "tags",  # for a tag that could not be created
    "button_label": "btnLabel",
}
_QUOTAS: Final = {
    "links": "Link",
    "links_per_month": "Link",
    "edits_per_month": "Edit",
    "qr_codes": "Qr Code",
    "bio_pages": "Bio Page",
}
_BAD_REQUESTS: Final = (InvalidFieldsError, KeyReusedError, SlugTakenError, AlreadyExistsError)


def _spell_answer_key(name: str) -> str:
    return "isadminblocked" if name == "is_admin_blocked" else spell_key(name)


class ShortLink(msgspec.Struct, frozen=True, kw_only=True, rename=_spell_answer_key):
    """The keys and their order follow the product."""

    id: int
    type: str
    type2: None
    user_id: int
    clicks: int
    lb_clicks: int
    scans: int
    destination_url: str
    favicon_url: str
    title: str
    title_label: str
    btn_label: str
    branded_domain: str
    slash_tag: str
    edit: int
    utm_id: str | None
    utm_content: str | None
    utm_term: str | None
    utm_campaign: str | None
    utm_medium: str | None
    utm_source: str | None
    preset: str | None
    bg_color: str | None
    color: str | None
    pattern: str | None
    corner: str | None
    logo: str | None
    qr: str | None
    qr_logo_id: int | None
    tags: str
    link_in_bio_id: int | None
    unique_tag_id: int | None
    is_active: bool
    is_starred: bool
    expiration_date: str | None
    created_at: str
    updated_at: str
    field_data: None
    frame: str | None
    is_admin_blocked: bool
    is_edit: bool
    password: None
    password_protection_enabled: bool
    primary: str | None
    qr_type: str | None
    secondary: str | None
    text: str | None
    text_color: str | None


_QR_SETTINGS: Final = tuple(
    name for name in QrSettings.__struct_fields__ if name in ShortLink.__struct_fields__
)


class ShortLinkAnswer(msgspec.Struct, frozen=True, kw_only=True):
    success: bool = True
    message: str
    data: ShortLink


class ErrorData(msgspec.Struct, frozen=True, kw_only=True):
    message: str


class ErrorAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Every error except 401."""

    error: bool = True
    data: ErrorData


class Unauthorized(msgspec.Struct, frozen=True, kw_only=True):
    message: str = UNAUTHORIZED


def show_short_link(link: Link) -> ShortLink:
    title = link.title or ""
    return ShortLink(
        id=link.id,
        type=name_type(link),
        type2=None,
        user_id=link.created_by.id if link.created_by else NOBODY,
        clicks=link.clicks,
        lb_clicks=link.bio_clicks,
        scans=link.scans,
        destination_url=link.original_url,
        favicon_url=link.icon_address,
        title=title,
        title_label=title.lower(),
        btn_label=link.button_label or BUTTON_LABEL,
        branded_domain=link.host,
        slash_tag=link.slug,
        edit=link.edit_count,
        is_edit=link.edit_count > 0,
        utm_id=link.utm_id,
        utm_content=link.utm_content,
        utm_term=link.utm_term,
        utm_campaign=link.utm_campaign,
        utm_medium=link.utm_medium,
        utm_source=link.utm_source,
        qr=link.qr_url,
        **list_qr_settings(link.qr_settings or QrSettings()),
        tags=",".join(tag.name for tag in link.tags),
        unique_tag_id=link.tags[0].id if link.tags else None,
        link_in_bio_id=link.bio_page_id,
        is_active=link.is_active,
        is_starred=link.is_starred,
        is_admin_blocked=link.is_admin_blocked,
        expiration_date=format_optional_time(link.expires_at),
        created_at=format_time(link.created_at),
        updated_at=format_time(link.updated_at),
        field_data=None,
        password=None,
        password_protection_enabled=link.password_hash is not None and link.is_password_asked,
    )


def list_qr_settings(settings: QrSettings) -> dict[str, Any]:
    """The fields that have a key in the product's error object."""
    return {name: getattr(settings, name) for name in _QR_SETTINGS}


def name_type(link: Link) -> str:
    if link.made_through == "qr":
        return "QR"
    return "BIO_LINK" if link.is_link_in_bio else "shortlink"


def answer_error(error: ShortyError, status: int) -> Answer:
    """The error in this API's shape, which has fewer statuses."""
    headers = list_error_headers(error)
    if isinstance(error, UnauthenticatedError):
        return answer_json(Unauthorized(), status, headers)
    answer = ErrorAnswer(data=ErrorData(message=describe_error(error)))
    return answer_json(answer, 400 if isinstance(error, _BAD_REQUESTS) else status, headers)


def describe_error(error: ShortyError) -> str:
    if isinstance(error, QuotaExceededError) and error.quota in _QUOTAS:
        quota = _QUOTAS[error.quota]
        return f"{quota} Limit Exceeded for your current plan. Please upgrade!"
    if isinstance(error, InvalidFieldsError):
        return error.rename(_name_fields).message
    return error.message


def _name_fields(faults: Mapping[str, str]) -> dict[str, str]:
    return {_FIELDS.get(name) or spell_key(name): fault for name, fault in faults.items()}
