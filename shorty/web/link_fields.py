"""What the form of a link holds, as texts: filled from a link, read into a new one or a change.

The form carries what it showed, so that of a link only what somebody typed over is changed: what a
colleague or the fetched title has changed meanwhile stays.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

import msgspec

from shorty.errors import InvalidFieldsError, ShortyError, SlugTakenError
from shorty.links.destination import UTM_PARAMETERS, destination_host, parse_destination
from shorty.links.listing import list_links
from shorty.links.model import Link, LinkChange, LinkFilter, LinkType, QrSettings
from shorty.links.utm_templates import UtmTemplate
from shorty.web.formatting import read_input, write_input
from shorty.web.forms import Form
from shorty.web.requests import WebRequest

Texts: TypeAlias = dict[str, str]

LINK_TYPES: Final[dict[LinkType, str]] = {
    "URL": "A web page",
    "MAILTO": "An e-mail",
    "TEL": "A phone call",
    "SMS": "A text message",
}
STATUSES: Final = {
    302: "302 · temporary (usual)",
    301: "301 · permanent",
    307: "307 · temporary, keeps the method",
    308: "308 · permanent, keeps the method",
}
FLAGS: Final = frozenset(
    {
        *("cloaked", "forward_parameters", "block_bots", "is_active", "is_link_in_bio", "has_qr"),
        "drops_password",
    }
)
ON: Final = "1"
EMPTY: Final[Texts] = {
    **dict.fromkeys(("url", "domain", "slug", "tags", "title", "description", "image"), ""),
    **dict.fromkeys(UTM_PARAMETERS, ""),
    **dict.fromkeys(("expires_at", "max_clicks", "password", "webhook_urls"), ""),
    **dict.fromkeys(("meta_pixel_id", "google_tag_id", "button_label"), ""),
    **dict.fromkeys(FLAGS, ""),
    "link_type": "URL",
    "status": "302",
    "is_active": ON,
}
"""Every field, as the form of a new link has it."""

GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "preview": ("title", "description", "image"),
    "utm": UTM_PARAMETERS,
    "limits": ("expires_at", "max_clicks", "password"),
    "behaviour": ("status", "link_type", "cloaked", "forward_parameters", "block_bots"),
    "pixels": ("meta_pixel_id", "google_tag_id"),
    "webhooks": ("webhook_urls",),
    "extras": ("has_qr", "is_link_in_bio", "button_label"),
}
# What the domain's faults are about, where the form calls it differently.
_OWN_NAMES: Final = {"tag_ids": "tags", "tag_names": "tags", "qr_settings": "has_qr"}
_SCHEMES: Final[dict[str, LinkType]] = {
    "http:": "URL",
    "https:": "URL",
    "mailto:": "MAILTO",
    "tel:": "TEL",
    "sms:": "SMS",
}


def write_texts(request: WebRequest, link: Link) -> Texts:
    """A stored link as the form shows it; its password is never shown."""
    same = ("slug", "title", "description", "image", "meta_pixel_id", "google_tag_id", "link_type")
    texts = {name: getattr(link, name) or "" for name in (*same, *UTM_PARAMETERS, "button_label")}
    flags = {name: getattr(link, name) for name in FLAGS - {"has_qr", "drops_password"}}
    flags["has_qr"] = link.qr_settings is not None
    return {
        **EMPTY,
        **texts,
        **{name: ON if is_on else "" for name, is_on in flags.items()},
        "url": link.original_url,
        "domain": link.host,
        "tags": ", ".join(tag.name for tag in link.tags),
        "status": str(link.status),
        "expires_at": write_input(link.expires_at, request.zone),
        "max_clicks": "" if link.max_clicks is None else str(link.max_clicks),
        "webhook_urls": "\n".join(link.webhook_urls),
    }


def read_texts(form: Form, defaults: Mapping[str, str]) -> Texts:
    """What was typed. A short form has a few of the fields; the others are as by default."""
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
    """What the form showed before somebody typed."""
    try:
        shown = msgspec.json.decode(form.read("shown"), type=dict[str, str])
    except msgspec.DecodeError:
        return otherwise
    return {**otherwise, **{name: shown[name] for name in EMPTY if name in shown}}


def write_shown(texts: Texts) -> str:
    return msgspec.json.encode({**texts, "password": "", "drops_password": ""}).decode()


def read_new_link(request: WebRequest, texts: Texts) -> LinkChange:
    """The link asked for."""
    values, unread = _translate(request, texts, EMPTY)
    given = {name: value for name, value in values.items() if value is not None}
    return LinkChange(**given, fetches_title=True, unread=unread)


def read_change(request: WebRequest, texts: Texts, shown: Texts) -> LinkChange:
    """What was typed over."""
    changed = {name for name in EMPTY if texts[name] != shown[name]}
    values, unread = _translate(request, texts, changed)
    if texts["drops_password"]:
        values["password"] = None
    if "slug" in changed:
        values["slug"] = texts["slug"]  # a link that is there never goes without
    return LinkChange(**values, unread=unread)


def fill_template(texts: Texts, template: UtmTemplate) -> Texts:
    """The parameters of a saved template; what it leaves open stays as it was typed."""
    given = {name: getattr(template, name) for name in UTM_PARAMETERS}
    return {**texts, **{name: text for name, text in given.items() if text}}


def name_faults(error: ShortyError) -> dict[str, str]:
    """By the form's fields; empty for an error that is about none of them."""
    if isinstance(error, InvalidFieldsError):
        return error.rename(_spell_faults).fields
    return {"slug": error.message} if isinstance(error, SlugTakenError) else {}


def _spell_faults(faults: Mapping[str, str]) -> dict[str, str]:
    return {_OWN_NAMES.get(name, name): fault for name, fault in faults.items()}


def count_set(texts: Texts, link: Link | None = None) -> dict[str, int]:
    """How many fields of each group are not as they are by default."""
    counts = {
        group: sum(texts[name] != EMPTY[name] for name in names) for group, names in GROUPS.items()
    }
    # A password that is kept is in no field.
    if link and link.password_hash and not (texts["password"] or texts["drops_password"]):
        counts["limits"] += 1
    return counts


async def find_usual_domain(request: WebRequest) -> str:
    """Where the workspace made its last link, else the first domain it may use; may be empty."""
    context, actor = request.services.links, request.actor
    hosts = [domain.host for domain in context.domains.list_for_workspace(actor.workspace_id)]
    last = await list_links(context, actor, LinkFilter(limit=1))
    usual = last.links[0].host if last.links else ""
    return usual if usual in hosts else next(iter(hosts), "")


def complete_destination(text: str) -> str:
    """With the scheme that people leave out of an address such as `example.com/page`."""
    authority = text.partition("/")[0]
    if "." not in authority or "@" in authority or " " in text:
        return text
    try:
        parse_destination("URL", text)
    except ValueError:
        pass
    else:
        return text
    whole = f"https://{text}"
    try:
        has_host = "." in destination_host(parse_destination("URL", whole))
    except ValueError:
        return text
    return whole if has_host else text


def _translate(
    request: WebRequest, texts: Texts, names: Iterable[str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Fields under the domain's names and in its types, None where they are empty."""
    names = set(names)
    values: dict[str, Any] = {}
    faults: dict[str, str] = {}
    readers = _build_readers(request)
    for name in names - {"drops_password", "link_type", "url"}:
        target, read = readers.get(name, (name, _read_optional))
        try:
            values[target] = read(texts[name])
        except ValueError as error:
            faults[name] = str(error)
    if names & {"url", "link_type"}:
        values["url"], values["link_type"] = read_destination(texts)
    return values, faults


def _build_readers(request: WebRequest) -> dict[str, tuple[str, Callable[[str], Any]]]:
    """The domain's name and how the text is read, where it is not taken as it is."""

    def read_expiry(text: str) -> int | None:
        try:
            return read_input(text, request.zone)
        except (ValueError, OverflowError):
            raise ValueError("must be a date and a time") from None

    readers: dict[str, tuple[str, Callable[[str], Any]]] = {
        name: (name, bool) for name in FLAGS - {"has_qr", "drops_password"}
    }
    return readers | {
        "domain": ("domain", str),
        "slug": ("slug", _read_optional),
        "status": ("status", _read_status),
        "max_clicks": ("max_clicks", _read_number),
        "expires_at": ("expires_at", read_expiry),
        "tags": ("tag_names", split_tags),
        "webhook_urls": ("webhook_urls", _split_words),
        "has_qr": ("qr_settings", _read_code),
    }


def _read_optional(text: str) -> str | None:
    return text or None


def _read_number(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 15:  # noqa: PLR2004 far past any limit
        raise ValueError("must be a whole number from 1 on, in digits alone")
    return int(text)


def _read_status(text: str) -> int:
    return _read_number(text) or int(EMPTY["status"])


def _split_words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _read_code(text: str) -> QrSettings | None:
    return QrSettings() if text else None


def split_tags(text: str) -> tuple[str, ...]:
    return tuple(name for part in text.split(",") if (name := part.strip()))


def read_destination(texts: Texts) -> tuple[str, LinkType]:
    """The address and what it opens: a scheme that is written says so itself."""
    link_type = _read_type(texts["url"], texts["link_type"])
    url = complete_destination(texts["url"]) if link_type == "URL" else texts["url"]
    return url, link_type


def _read_type(url: str, chosen: str) -> LinkType:
    for scheme, link_type in _SCHEMES.items():
        if url.lower().startswith(scheme):
            return link_type
    for link_type in LINK_TYPES:
        if link_type == chosen:
            return link_type
    return "URL"
