"""The form of a link: its fields as texts, filled from a link, read into a new one or a change.

The form carries what it showed, so that only what somebody edited is changed: a colleague's edits
and the fetched title, stored meanwhile, stay.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias, cast
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UnsetType

from shorty.errors import InvalidFieldsError, ShortyError, SlugTakenError
from shorty.links.destination import UTM_PARAMETERS
from shorty.links.model import Link, LinkChange, LinkFields, QrSettings
from shorty.links.utm_templates import UtmTemplate
from shorty.web.destinations import complete_destination, read_destination
from shorty.web.formatting import read_input, write_input
from shorty.web.forms import Form
from shorty.web.requests import WebRequest

Texts: TypeAlias = dict[str, str]


class FormField(NamedTuple):
    """`group` is the folding part of the form that has it; empty for none.

    `in_history` is its name among a link's changes, where that is not the label.
    """

    label: str
    group: str = ""
    in_history: str = ""


# By the names of LinkFields and LinkChange; their types say how a field is written and read.
FIELDS: Final[dict[str, FormField]] = {
    "url": FormField("Destination"),
    "domain": FormField("Domain"),
    "slug": FormField("Short link", in_history="Slug"),
    "tags": FormField("Tags"),
    "title": FormField("Title", "preview"),
    "description": FormField("Description", "preview"),
    "image": FormField("Image URL", "preview"),
    "utm_source": FormField("Source", "utm", "UTM source"),
    "utm_medium": FormField("Medium", "utm", "UTM medium"),
    "utm_campaign": FormField("Campaign", "utm", "UTM campaign"),
    "utm_term": FormField("Term", "utm", "UTM term"),
    "utm_content": FormField("Content", "utm", "UTM content"),
    "utm_id": FormField("ID", "utm", "UTM ID"),
    "valid_since": FormField("Starts", "limits"),
    "expires_at": FormField("Expires", "limits"),
    "max_clicks": FormField("Maximum visits", "limits"),
    "expired_url": FormField("Then go to", "limits", "Destination after the end"),
    "password": FormField("Password", "limits"),
    "drops_password": FormField("Remove the password"),
    "link_type": FormField("Opens", "behaviour", "Link type"),
    "status": FormField("Redirect", "behaviour"),
    "forward_parameters": FormField("Forward query parameters", "behaviour"),
    "cloaked": FormField("Keep the short link in the address bar", "behaviour", "Cloaked"),
    "block_bots": FormField("Block known bots", "behaviour"),
    "hide_referrer": FormField("Hide the referrer", "behaviour"),
    "skip_social_crawler_tracking": FormField("Don't record preview crawlers", "behaviour"),
    "meta_pixel_id": FormField("Meta pixel", "pixels"),
    "google_tag_id": FormField("Google tag", "pixels"),
    "gtm_container_id": FormField("Google Tag Manager", "pixels"),
    "webhook_urls": FormField("Endpoint URLs", "webhooks", "Webhooks"),
    "has_qr": FormField("Create a QR code", "extras"),
    "is_link_in_bio": FormField("Show a bio page first", "extras", "Bio page"),
    "button_label": FormField("Button label", "extras"),
    "is_active": FormField("Link is active", in_history="Active"),
}
STATUSES: Final = {
    302: "302 · temporary (default)",
    301: "301 · permanent",
    307: "307 · temporary, keeps the method",
    308: "308 · permanent, keeps the method",
}
ON: Final = "1"
# The fields that LinkChange and its faults name differently.
_CHANGE_NAMES: Final = {"tags": "tag_names", "has_qr": "qr_settings"}
_FAULT_NAMES: Final = {"tag_ids": "tags"} | {his: ours for ours, his in _CHANGE_NAMES.items()}
_TYPES: Final = {field.name: field.type for field in msgspec.structs.fields(LinkChange)}
_DEFAULTS: Final = {field.name: field.default for field in msgspec.structs.fields(LinkFields)}
FLAGS: Final = frozenset(
    {"has_qr", "drops_password"} | {name for name in FIELDS if _TYPES.get(name) == bool | UnsetType}
)
GROUPS: Final = {
    group: tuple(name for name, field in FIELDS.items() if field.group == group)
    for group in dict.fromkeys(field.group for field in FIELDS.values() if field.group)
}


def write_text(value: object) -> str:
    """A field's value, as the form has it."""
    match value:
        case None | False:
            return ""
        case True:
            return ON
        case tuple():
            return "\n".join(cast("tuple[str, ...]", value))
        case _:
            return str(value)


EMPTY: Final[Texts] = {name: write_text(_DEFAULTS.get(name)) for name in FIELDS}
"""Every field, as the form of a new link has it."""


def write_texts(request: WebRequest, link: Link) -> Texts:
    """A stored link as the form shows it; its password is never shown."""
    plain = {name: write_text(getattr(link, name)) for name in FIELDS if name in _DEFAULTS}
    return {
        **EMPTY,
        **plain,
        "url": link.original_url,
        "domain": link.host,
        "tags": ", ".join(tag.name for tag in link.tags),
        "valid_since": write_input(link.valid_since, request.zone),
        "expires_at": write_input(link.expires_at, request.zone),
        "has_qr": write_text(link.qr_settings is not None),
    }


def read_texts(form: Form, defaults: Mapping[str, str]) -> Texts:
    """What was typed. Fields that a short form does not have keep their defaults."""
    is_whole = "whole" in form
    texts: Texts = {}
    for name, default in defaults.items():
        if name in FLAGS and is_whole:
            texts[name] = ON if form.is_checked(name) else ""
        elif name == "password":
            texts[name] = form.read_raw(name)
        else:
            texts[name] = form.read(name, default).replace("\r\n", "\n")
    return texts


def read_shown(form: Form, otherwise: Texts) -> Texts:
    """What the form showed before it was edited."""
    try:
        shown = msgspec.json.decode(form.read("shown"), type=dict[str, str])
    except msgspec.DecodeError:
        return otherwise
    return {**otherwise, **{name: shown[name] for name in EMPTY if name in shown}}


def write_shown(texts: Texts) -> str:
    return msgspec.json.encode({**texts, "password": "", "drops_password": ""}).decode()


def read_new_link(request: WebRequest, texts: Texts) -> LinkChange:
    """The link to create."""
    values, unread = _translate(request, texts, EMPTY)
    given = {name: value for name, value in values.items() if value is not None}
    return LinkChange(**given, fetches_title=True, unread=unread)


def read_change(request: WebRequest, texts: Texts, shown: Texts) -> LinkChange:
    """The fields that were edited."""
    changed = {name for name in EMPTY if texts[name] != shown[name]}
    values, unread = _translate(request, texts, changed)
    if texts["drops_password"]:
        values["password"] = None
    if "slug" in changed:
        values["slug"] = texts["slug"]  # an existing link always has one
    return LinkChange(**values, unread=unread)


def fill_template(texts: Texts, template: UtmTemplate) -> Texts:
    """Fills in a template's parameters; those it does not set stay as they were typed."""
    given = {name: getattr(template, name) for name in UTM_PARAMETERS}
    return {**texts, **{name: text for name, text in given.items() if text}}


def name_faults(error: ShortyError) -> dict[str, str]:
    """Faults by the form's fields; empty for an error about none of them."""
    if isinstance(error, InvalidFieldsError):
        return error.rename(_rename_faults).fields
    return {"slug": error.message} if isinstance(error, SlugTakenError) else {}


def _rename_faults(faults: Mapping[str, str]) -> dict[str, str]:
    return {_FAULT_NAMES.get(name, name): fault for name, fault in faults.items()}


def count_set(texts: Texts, link: Link | None = None) -> dict[str, int]:
    """How many fields of each group differ from their defaults."""
    counts = {
        group: sum(texts[name] != EMPTY[name] for name in names) for group, names in GROUPS.items()
    }
    # A stored password is not shown in any field.
    if link and link.password_hash and not (texts["password"] or texts["drops_password"]):
        counts["limits"] += 1
    return counts


def _translate(
    request: WebRequest, texts: Texts, names: Iterable[str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The fields under the names and in the types of LinkChange, None where they are empty."""
    names = set(names)
    values: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for name in names - {"drops_password", "link_type", "url"}:
        target = _CHANGE_NAMES.get(name, name)
        read = _find_reader(name, request.zone) or _READERS[_TYPES[target]]
        try:
            values[target] = read(texts[name])
        except ValueError as error:
            faults[name] = str(error)
    if names & {"url", "link_type"}:
        values["url"], values["link_type"] = read_destination(texts)
    return values, faults


def _find_reader(name: str, zone: ZoneInfo) -> Callable[[str], Any] | None:
    """None where the field's type alone says how it is read."""
    match name:
        case "valid_since" | "expires_at":
            return partial(_read_moment, zone=zone)
        case "status":
            return _read_status
        case "tags":
            return split_tags
        case "expired_url":
            return _read_web_page
        case _:
            return None


def _read_moment(text: str, zone: ZoneInfo) -> int | None:
    try:
        return read_input(text, zone)
    except (ValueError, OverflowError):
        raise ValueError("must be a date and time") from None


def _read_optional(text: str) -> str | None:
    return text or None


def _read_web_page(text: str) -> str | None:
    return complete_destination(text) if text else None


def _read_number(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 15:  # noqa: PLR2004 far past any limit
        raise ValueError("must be a whole number, 1 or more")
    return int(text)


def _read_status(text: str) -> int:
    return _read_number(text) or int(EMPTY["status"])


def _split_words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _read_code(text: str) -> QrSettings | None:
    return QrSettings() if text else None


def split_tags(text: str) -> tuple[str, ...]:
    return tuple(name for part in text.split(",") if (name := part.strip()))


_READERS: Final[dict[object, Callable[[str], Any]]] = {
    bool | UnsetType: bool,
    str | UnsetType: str,
    str | None | UnsetType: _read_optional,
    int | None | UnsetType: _read_number,
    tuple[str, ...] | UnsetType: _split_words,
    QrSettings | None | UnsetType: _read_code,
}
