"""What the short-link API accepts: the body of a create, read field by field into a change."""

import re
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from shorty.api.qr_settings import QrSettingsInput, read_qr_settings
from shorty.bio.view import BUTTON_LABEL
from shorty.links.destination import UTM_PARAMETERS
from shorty.links.model import LinkChange, QrSettings
from shorty.webcore.fields import convert_known
from shorty.webcore.requests import Body
from shorty.webcore.times import read_time

INPUT_EXAMPLE: Final[dict[str, Any]] = {
    "destinationUrl": "https://example.com/long-url",
    "brandedDomain": "go.example.com",
    "slashTag": "my-custom-slug",
    "title": "Summer sale",
    "tags": "sale,summer",
    "expirationDate": "2030-12-31T23:59:59.000Z",
    "utm_source": "twitter",
    "utm_medium": "social",
    "utm_campaign": "summer_2024",
    "public": False,
    "password": "optional_password",
    "isQrGenerated": True,
    "qrSettings": {
        "color": "#000000",
        "bgColor": "#ffffff",
        "pattern": "classy",
        "corner": "square",
    },
}

REQUIRED: Final = ("destination_url", "branded_domain", "slash_tag")
DOMAIN_NAMES: Final = {
    "destination_url": "url",
    "branded_domain": "domain",
    "slash_tag": "slug",
    "btn_label": "button_label",
}
# Forms have no objects: encoders write `qrSettings[color]=%23000000`.
_NESTED: Final = re.compile(r"qrSettings\[(\w+)\]")


def spell_key(name: str) -> str:
    """Camel case, except for the UTM parameters, which are spelled as in URLs."""
    if name.startswith("utm_"):
        return name
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


Destination = Annotated[str, Meta(description="The destination: an http or https URL.")]
BrandedDomain = Annotated[
    str, Meta(description="The domain of the short link, such as `go.example.com`.")
]
SlashTag = Annotated[
    str,
    Meta(
        description="The part after the domain's slash: letters and digits of any script, "
        "hyphens, underscores and emoji, with single dots and slashes inside."
    ),
]
Title = Annotated[str, Meta(description="Default: fetched from the destination in the background.")]
Tags = Annotated[str, Meta(description="Tag names separated by commas; new tags are created.")]
Expiration = Annotated[
    str,
    Meta(
        description="When the link expires, in ISO 8601; UTC unless a zone is given. A date "
        "without a time means the start of that day.",
        examples=["2030-12-31T23:59:59.000Z"],
    ),
]
Password = Annotated[str, Meta(description="Password that visitors must enter, up to 256 bytes.")]
PasswordAsked = Annotated[
    bool, Meta(description="false keeps the password but does not ask for it.")
]
QrWanted = Annotated[
    bool, Meta(description="Whether the link has a QR code; giving `qrSettings` also creates one.")
]
Qr = Annotated[QrSettingsInput, Meta(description="How the QR code looks.")]
InBio = Annotated[bool, Meta(description="Whether the short link opens a link-in-bio page.")]
ButtonLabel = Annotated[
    str,
    Meta(description=f"Label of the button on the link-in-bio page. Default: `{BUTTON_LABEL}`."),
]
Public = Annotated[
    bool,
    Meta(
        description="A public link lasts one hour, whatever `expirationDate` says, and needs no "
        "token if the server allows public links."
    ),
]
Utm = Annotated[str, Meta(description="A UTM parameter, added to the destination.")]


class ShortLinkBody(msgspec.Struct, frozen=True, kw_only=True, rename=spell_key):
    """Unknown keys are ignored."""


class ShortLinkInput(ShortLinkBody, frozen=True, kw_only=True):
    destination_url: Destination
    branded_domain: BrandedDomain
    slash_tag: SlashTag
    title: Title | None = None
    tags: Tags | None = None
    expiration_date: Expiration | None = None
    password: Password | None = None
    password_protection_enabled: PasswordAsked | None = None
    utm_source: Utm | None = None
    utm_medium: Utm | None = None
    utm_campaign: Utm | None = None
    utm_term: Utm | None = None
    utm_content: Utm | None = None
    utm_id: Utm | None = None
    is_qr_generated: QrWanted | None = None
    qr_settings: Qr | None = None
    is_link_in_bio: InBio | None = None
    btn_label: ButtonLabel | None = None
    public: Public | None = None


def asks_for_public_link(body: Body) -> bool:
    """Read before the other fields are checked: faults are only for those who may create a link."""
    value = body.fields.get("public")
    return value is True or (body.is_form and value in {"true", "True", "1"})


def read_new_link(body: Body) -> LinkChange:
    """The requested link. Unknown keys are ignored."""
    fields = unfold_form(body.fields) if body.is_form else body.fields
    found, unread = convert_known(fields, ShortLinkInput, is_text=body.is_form)
    needed: dict[str, Any] = dict.fromkeys(REQUIRED, "")
    given = ShortLinkInput(**(needed | found))
    if given.password_protection_enabled and not given.password:
        unread["passwordProtectionEnabled"] = "needs a password"
    return LinkChange(
        url=given.destination_url,
        domain=given.branded_domain,
        slug=given.slash_tag,
        title=given.title,
        tag_names=split_tags(given.tags),
        expires_at=None if given.public else read_expiration(given.expiration_date, unread),
        password=given.password or None,
        is_password_asked=given.password_protection_enabled is not False,
        is_link_in_bio=bool(given.is_link_in_bio),
        button_label=given.btn_label,
        qr_settings=choose_qr_settings(given, unread),
        is_public=bool(given.public),
        fetches_title=True,
        unread=unread,
        **{name: getattr(given, name) for name in UTM_PARAMETERS},
    )


def unfold_form(fields: dict[str, object]) -> dict[str, object]:
    """A form's fields as JSON would have them: empty ones are null, and the QR settings are an
    object, whether they were sent key by key or as JSON text.
    """
    unfolded: dict[str, object] = {}
    settings: dict[str, object] = {}
    for name, value in fields.items():
        if value == "":
            continue
        if match := _NESTED.fullmatch(name):
            settings[match[1]] = value
        else:
            unfolded[name] = value
    text = unfolded.get("qrSettings")
    if isinstance(text, str):
        unfolded["qrSettings"] = decode_json(text)
    return {"qrSettings": settings, **unfolded} if settings else unfolded


def decode_json(text: str) -> object:
    """Invalid JSON is returned as it is, so that it is reported with the other faults."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text


def split_tags(text: str | None) -> tuple[str, ...]:
    names = (name.strip() for name in (text or "").split(","))
    return tuple(name for name in names if name)


def read_expiration(text: str | None, unread: dict[str, str]) -> int | None:
    """UTC milliseconds; an invalid time is added to the fields that could not be read."""
    if not text:
        return None
    try:
        return read_time(datetime.fromisoformat(text.strip()))
    except ValueError:
        unread["expirationDate"] = "must be an ISO 8601 time, such as 2030-12-31T23:59:59Z"
        return None


def read_settings(given: QrSettingsInput | None, unread: dict[str, str]) -> QrSettings:
    """An invalid id of a logo is added to the fields that could not be read."""
    try:
        return read_qr_settings(given or QrSettingsInput())
    except ValueError as error:
        unread["qrSettings"] = str(error)
        return QrSettings()


def choose_qr_settings(given: ShortLinkInput, unread: dict[str, str]) -> QrSettings | None:
    """Settings without isQrGenerated create a code, just as a password alone protects the link."""
    settings = read_settings(given.qr_settings, unread)
    if given.is_qr_generated is None:
        return settings if settings != QrSettings() else None
    return settings if given.is_qr_generated else None
