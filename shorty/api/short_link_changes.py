"""What the short-link API accepts to update a link: the given fields, named as in a create."""

from collections.abc import Mapping
from typing import Any, Final, cast

import msgspec
from msgspec import UNSET, UnsetType

from shorty.api.objects import derive_changes
from shorty.api.qr_settings import QrSettingsInput
from shorty.api.short_link_bodies import (
    DOMAIN_NAMES,
    REQUIRED,
    InBio,
    PasswordAsked,
    QrWanted,
    ShortLinkInput,
    read_expiration,
    read_settings,
    spell_key,
    split_tags,
    unfold_form,
)
from shorty.bio.view import BUTTON_LABEL
from shorty.links.model import Link, LinkChange, QrSettings
from shorty.webcore.fields import convert_known
from shorty.webcore.requests import Body

SETTINGS: Final = frozenset(QrSettings.__struct_encode_fields__)
# Fields with their own readers.
_TRANSLATED: Final = frozenset(
    {
        *("tags", "expiration_date", "password", "password_protection_enabled"),
        *("is_qr_generated", "qr_settings"),
    }
)
ShortLinkChanges: Final = derive_changes(
    ShortLinkInput,
    password_protection_enabled=PasswordAsked,
    is_link_in_bio=InBio,
    is_active=bool,
    is_starred=bool,
    is_qr_generated=QrWanted,
    public=None,
)


def add_settings(name: str, kind: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """A body of that kind that holds a code's settings beside the link's fields."""
    settings = [
        (field.name, field.type, field.default) for field in msgspec.structs.fields(QrSettingsInput)
    ]
    return msgspec.defstruct(
        name, settings, bases=(kind,), module=__name__, frozen=True, kw_only=True, rename=spell_key
    )


def gather_settings(fields: Mapping[str, object]) -> dict[str, object]:
    """The fields with the settings beside them moved into `qrSettings`."""
    beside = {name: value for name, value in fields.items() if name in SETTINGS}
    others = {name: value for name, value in fields.items() if name not in SETTINGS}
    inside = others.get("qrSettings")
    if not beside or not (inside is None or isinstance(inside, dict)):
        return others
    return {**others, "qrSettings": {**cast("dict[str, object]", inside or {}), **beside}}


def read_change(body: Body, link: Link) -> LinkChange:
    """The change of that link. Unknown keys are ignored."""
    fields = gather_settings(unfold_form(body.fields) if body.is_form else body.fields)
    found, unread = convert_known(fields, ShortLinkChanges, is_text=body.is_form)
    values: dict[str, Any] = {
        DOMAIN_NAMES.get(name, name): None if value == "" and name not in REQUIRED else value
        for name, value in found.items()
        if name not in _TRANSLATED
    }
    if "expiration_date" in found:
        values["expires_at"] = read_expiration(found["expiration_date"], unread)
    if "btn_label" in found and found["btn_label"] == (link.button_label or BUTTON_LABEL):
        del values["button_label"]  # the default label, which a link without one is shown with
    if "tags" in found:
        names = split_tags(found["tags"])
        if names != tuple(tag.name for tag in link.tags):
            values["tag_names"] = names
    return LinkChange(
        **values,
        **_read_password(found, link),
        qr_settings=_read_settings(found, link, fields.get("qrSettings"), unread),
        unread=unread,
    )


def _read_password(found: Mapping[str, Any], link: Link) -> dict[str, Any]:
    """Clients put back whole objects, where it is always null: null alone clears nothing."""
    given = found.get("password", UNSET)
    is_asked = found.get("password_protection_enabled", UNSET)
    if not given and link.password_hash is None:
        return {}  # put back as shown, which must not affect a later password
    is_kept = not given and is_asked is True
    is_put_back = given is None and is_asked is False and not link.is_password_asked
    password = UNSET if is_kept or is_put_back or given is UNSET else given or None
    return {"password": password, "is_password_asked": is_asked}


def _read_settings(
    found: Mapping[str, Any], link: Link, named: object, unread: dict[str, str]
) -> QrSettings | None | UnsetType:
    """Only the given settings change; a link without a code starts from the defaults."""
    is_wanted, given = found.get("is_qr_generated"), found.get("qr_settings")
    if is_wanted is False:
        return None
    before = link.qr_settings or QrSettings()
    if not given:
        return before if is_wanted else UNSET
    settings = read_settings(given, unread)
    keys = cast("Mapping[str, object]", named)
    changes = {
        field: getattr(settings, field)
        for field, key in zip(
            QrSettings.__struct_fields__, QrSettings.__struct_encode_fields__, strict=True
        )
        if key in keys
    }
    is_all_empty = all(value is None for value in changes.values()) and link.qr_settings is None
    if is_all_empty and is_wanted is None:
        return UNSET
    return msgspec.structs.replace(before, **changes)
