"""What the short-link API takes to change a link: only what is given, in a create's own words."""

from collections.abc import Mapping
from typing import Any, Final, cast

import msgspec
from msgspec import UNSET, UnsetType

from shorty.api.short_link_answers import BUTTON_LABEL
from shorty.api.short_link_bodies import (
    BrandedDomain,
    ButtonLabel,
    Destination,
    Expiration,
    InBio,
    Password,
    PasswordAsked,
    Qr,
    QrWanted,
    SlashTag,
    Tags,
    Title,
    Utm,
    read_expiration,
    spell_key,
    split_tags,
    unfold_form,
)
from shorty.http.fields import convert_known
from shorty.http.requests import Body
from shorty.links.model import Link, LinkChange, QrSettings

SETTINGS: Final = frozenset(QrSettings.__struct_encode_fields__)
# Known by another name to the domain, or read in a way of their own.
_TRANSLATED: Final = frozenset(
    {
        *("destination_url", "branded_domain", "slash_tag", "tags", "expiration_date", "password"),
        *("password_protection_enabled", "is_qr_generated", "qr_settings", "btn_label"),
    }
)


class ShortLinkChanges(msgspec.Struct, frozen=True, kw_only=True, rename=spell_key):
    """What is left out stays as it is; null clears."""

    destination_url: Destination | UnsetType = UNSET
    branded_domain: BrandedDomain | UnsetType = UNSET
    slash_tag: SlashTag | UnsetType = UNSET
    title: Title | None | UnsetType = UNSET
    tags: Tags | None | UnsetType = UNSET
    expiration_date: Expiration | None | UnsetType = UNSET
    password: Password | None | UnsetType = UNSET
    password_protection_enabled: PasswordAsked | UnsetType = UNSET
    utm_source: Utm | None | UnsetType = UNSET
    utm_medium: Utm | None | UnsetType = UNSET
    utm_campaign: Utm | None | UnsetType = UNSET
    utm_term: Utm | None | UnsetType = UNSET
    utm_content: Utm | None | UnsetType = UNSET
    utm_id: Utm | None | UnsetType = UNSET
    is_link_in_bio: InBio | UnsetType = UNSET
    btn_label: ButtonLabel | None | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    is_starred: bool | UnsetType = UNSET
    is_qr_generated: QrWanted | UnsetType = UNSET
    qr_settings: Qr | None | UnsetType = UNSET


def add_settings(name: str, kind: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """A body of that kind in which a code's settings stand beside the link's fields."""
    settings = [
        (field.name, field.type, field.default) for field in msgspec.structs.fields(QrSettings)
    ]
    return msgspec.defstruct(
        name, settings, bases=(kind,), module=__name__, frozen=True, kw_only=True, rename=spell_key
    )


def gather_settings(fields: Mapping[str, object]) -> dict[str, object]:
    """The fields with the settings that stand beside them moved into `qrSettings`."""
    beside = {name: value for name, value in fields.items() if name in SETTINGS}
    others = {name: value for name, value in fields.items() if name not in SETTINGS}
    inside = others.get("qrSettings")
    if not beside or not (inside is None or isinstance(inside, dict)):
        return others
    return {**others, "qrSettings": {**cast("dict[str, object]", inside or {}), **beside}}


def read_change(body: Body, link: Link) -> LinkChange:
    """The change of that link. Keys that are not known are ignored."""
    fields = gather_settings(unfold_form(body.fields) if body.is_form else body.fields)
    found, unread = convert_known(fields, ShortLinkChanges, is_text=body.is_form)
    given = ShortLinkChanges(**found)
    changes: dict[str, Any] = {
        name: None if (value := getattr(given, name)) == "" else value
        for name in ShortLinkChanges.__struct_fields__
        if name not in _TRANSLATED
    }
    expires = given.expiration_date
    return LinkChange(
        **changes,
        url=given.destination_url,
        domain=given.branded_domain,
        slug=given.slash_tag,
        tag_names=_read_tags(given.tags, link),
        expires_at=UNSET if expires is UNSET else read_expiration(expires, unread),
        button_label=_read_label(given.btn_label, link),
        password=_read_password(given, link),
        is_password_asked=_read_asked(given, link),
        qr_settings=_read_settings(given, link, fields.get("qrSettings")),
        unread=unread,
    )


def _read_tags(tags: str | None | UnsetType, link: Link) -> tuple[str, ...] | UnsetType:
    names = UNSET if tags is UNSET else split_tags(tags)
    return UNSET if names == tuple(tag.name for tag in link.tags) else names


def _read_label(label: str | None | UnsetType, link: Link) -> str | None | UnsetType:
    """The default label that a link without one is told to have is none that was given."""
    if label is UNSET or label == (link.button_label or BUTTON_LABEL):
        return UNSET
    return label or None


def _read_password(given: ShortLinkChanges, link: Link) -> str | None | UnsetType:
    """Whole objects are put back, in which it is always null: then this alone clears nothing."""
    is_asked = given.password_protection_enabled
    if not given.password and (is_asked is True or link.password_hash is None):
        return UNSET
    if given.password is None and is_asked is False and not link.is_password_asked:
        return UNSET
    return given.password or None if given.password is not UNSET else UNSET


def _read_asked(given: ShortLinkChanges, link: Link) -> bool | UnsetType:
    """A link without a password is told to ask for none, which says nothing of a later one."""
    is_asked = given.password_protection_enabled
    return UNSET if link.password_hash is None and not given.password else is_asked


def _read_settings(
    given: ShortLinkChanges, link: Link, named: object
) -> QrSettings | None | UnsetType:
    """Only the settings named change, those of a link without a code from the defaults on."""
    if given.is_qr_generated is False:
        return None
    before = link.qr_settings or QrSettings()
    if not given.qr_settings:
        return before if given.is_qr_generated is True else UNSET
    keys = cast("Mapping[str, object]", named)
    changes = {
        field: getattr(given.qr_settings, field) or None
        for field, key in zip(
            QrSettings.__struct_fields__, QrSettings.__struct_encode_fields__, strict=True
        )
        if key in keys
    }
    is_all_empty = not any(changes.values()) and link.qr_settings is None
    if is_all_empty and given.is_qr_generated is UNSET:
        return UNSET
    return msgspec.structs.replace(before, **changes)
