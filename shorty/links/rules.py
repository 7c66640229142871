"""Owns what a link may be: every check of a new or changed link, all faults found at once.

Pure: what must be asked of the database (is the slug taken, do the tags exist) is `service`'s.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import partial
from hashlib import blake2b
from ipaddress import ip_address
from typing import Final, ParamSpec, TypeVar

import msgspec

from shorty.addresses import is_public_address
from shorty.config import Config
from shorty.links.blocklist import BlockList, read_block_list
from shorty.links.destination import (
    MAX_DESTINATION_LENGTH,
    UTM_PARAMETERS,
    apply_utm,
    destination_host,
    destination_port,
    parse_destination,
)
from shorty.links.model import Link, LinkColumns, LinkDomain, LinkType, NewLink
from shorty.links.qr_rules import encode_qr_settings
from shorty.links.slug import is_reserved, parse_slug, slug_key
from shorty.passwords import find_password_fault

P = ParamSpec("P")
T = TypeVar("T")

HOUR_MS: Final = 3_600_000
TITLE_LENGTH: Final = 500
DESCRIPTION_LENGTH: Final = 2000
UTM_LENGTH: Final = 500
BUTTON_LENGTH: Final = 100
ADDRESS_LENGTH: Final = 2048
MAX_CLICKS: Final = 1_000_000_000
WEBHOOKS_PER_LINK: Final = 10
TAGS_PER_LINK: Final = 50
STATUSES: Final = frozenset({301, 302, 307, 308})

_META_PIXEL: Final = re.compile(r"[0-9]{5,20}")
_GOOGLE_TAG: Final = re.compile(r"(G|GT|AW|DC|GTM)-[A-Z0-9]{4,20}|UA-[0-9]{4,12}-[0-9]{1,4}")
_LOCAL_SUFFIXES: Final = (".localhost", ".local", ".internal", ".lan", ".home.arpa", ".intranet")


class LinkRules(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator's settings say about links."""

    slug_length: int = 6
    block_list: BlockList = msgspec.field(default_factory=BlockList)
    allow_private_destinations: bool = True


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a link is judged against. `domain` is None where the workspace has no such domain.

    `find_icon` gives the path of a host's icon, empty where it is not known.
    """

    rules: LinkRules
    domain: LinkDomain | None
    is_own_host: Callable[[str, int | None], bool]
    find_icon: Callable[[str], str]
    now: int


class _Faults(dict[str, str]):
    """Field names and what is wrong with them; the first fault of a field stays."""

    def read(self, name: str, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        try:
            return read(*args, **kwargs)
        except ValueError as error:
            self.setdefault(name, str(error))
            return None

    def note(self, name: str, fault: str | None) -> None:
        if fault:
            self.setdefault(name, fault)


def read_link_rules(config: Config) -> LinkRules:
    """Raises StartError where a block list cannot be read."""
    return LinkRules(
        slug_length=config.links.slug_length,
        block_list=read_block_list(config.links),
        allow_private_destinations=config.links.allow_private_destinations,
    )


def check_link(
    new: NewLink, around: Surroundings, before: Link | None = None
) -> tuple[LinkColumns | None, dict[str, str]]:
    """The columns to store, without the password; or None and each field with its fault.

    With `before`, the link as it was, only what differs from it is judged: a link that broke no
    rule when it was made can still be renamed after the rules have changed.
    """
    faults = _Faults()
    columns = _read_columns(new, around, faults, before)
    _judge(new, columns, around, faults)
    if before is not None:
        faults = _keep_changed(faults, new, before)
    return (None if faults else columns), dict(faults)


def find_url_fault(link_type: LinkType, text: str, around: Surroundings) -> str | None:
    """What is wrong with a destination by itself."""
    try:
        original = read_text(text, MAX_DESTINATION_LENGTH) or ""
        url = parse_destination(link_type, original)
    except ValueError as error:
        return str(error)
    return _find_host_fault(url, around) if link_type == "URL" else None


def hash_url(url: str) -> int:
    """64 bits of the address, signed as databases like them."""
    return int.from_bytes(blake2b(url.encode(), digest_size=8).digest(), "big", signed=True)


def _read_columns(
    new: NewLink, around: Surroundings, faults: _Faults, before: Link | None
) -> LinkColumns:
    texts = _read_texts(new, faults)
    original, parsed = faults.read("url", _read_url, new) or ("", "")
    url = apply_utm(parsed, texts)
    slug = "" if new.slug is None else faults.read("slug", parse_slug, new.slug) or ""
    webhooks = new.webhook_urls and faults.read("webhook_urls", _read_webhooks, new.webhook_urls)
    qr_settings = new.qr_settings and faults.read(
        "qr_settings", encode_qr_settings, new.qr_settings
    )
    return LinkColumns(
        domain_id=around.domain.id if around.domain else 0,
        slug=slug,
        slug_key=slug_key(slug),
        link_type=new.link_type,
        original_url=original,
        url=url,
        url_hash=hash_url(url),
        status=new.status,
        cloaked=int(new.cloaked),
        forward_parameters=int(new.forward_parameters),
        block_bots=int(new.block_bots),
        is_active=int(new.is_active),
        is_starred=int(new.is_starred),
        password_hash=before.password_hash if before else None,
        is_password_asked=int(new.is_password_asked),
        expires_at=_find_expiry(new, around.now, before),
        max_clicks=new.max_clicks,
        webhook_urls=",".join(webhooks or ()),
        is_link_in_bio=int(new.is_link_in_bio),
        is_public=int(new.is_public),
        qr_settings=qr_settings,
        favicon_url=_find_icon(url, around, before),
        **texts,
    )


def _find_icon(url: str, around: Surroundings, before: Link | None) -> str:
    host = destination_host(url)
    if before is not None and before.favicon_url and host == destination_host(before.url):
        return before.favicon_url
    return around.find_icon(host)


def _read_texts(new: NewLink, faults: _Faults) -> dict[str, str | None]:
    texts: dict[str, str | None] = dict.fromkeys(_TEXTS)
    for name, read in _TEXTS.items():
        text: str | None = getattr(new, name)
        if text:
            texts[name] = faults.read(name, read, text)
    return texts


def _read_url(new: NewLink) -> tuple[str, str]:
    """The address as it was given, and as browsers read it."""
    original = read_text(new.url, MAX_DESTINATION_LENGTH) or ""
    return original, parse_destination(new.link_type, original)


def _judge(
    new: NewLink,
    columns: LinkColumns,
    around: Surroundings,
    faults: _Faults,
) -> None:
    if around.domain is None:
        faults.note("domain", "is not a verified domain of this workspace")
    if columns.link_type == "URL" and "url" not in faults:
        faults.note("url", _find_host_fault(columns.url, around))
    if columns.slug and is_reserved(columns.slug):
        faults.note("slug", "is a name that shorty keeps for itself; choose another")
    if new.status not in STATUSES:
        faults.note("status", "must be 301, 302, 307 or 308")
    if new.password is not None:
        faults.note("password", find_password_fault(new.password))
    if new.expires_at is not None and new.expires_at <= around.now:
        faults.note("expires_at", "must lie in the future")
    if new.max_clicks is not None and not 1 <= new.max_clicks <= MAX_CLICKS:
        faults.note("max_clicks", f"must be a whole number from 1 to {MAX_CLICKS}")
    if len(new.tag_ids) + len(new.tag_names) > TAGS_PER_LINK:
        faults.note("tag_ids", f"may name at most {TAGS_PER_LINK} tags")


def _find_expiry(new: NewLink, now: int, before: Link | None) -> int | None:
    if not new.is_public:
        return new.expires_at
    return before.expires_at if before else now + HOUR_MS


def _find_host_fault(url: str, around: Surroundings) -> str | None:
    if around.is_own_host(destination_host(url), destination_port(url)):
        return "leads back to one of this server's own domains, which would be a loop"
    return find_policy_fault(url, around.rules)


def find_policy_fault(url: str, rules: LinkRules) -> str | None:
    """Why the operator's settings allow no link to a stored http destination."""
    host = destination_host(url)
    if rules.block_list.is_blocked(host):
        return "leads to a host that this server blocks"
    if not rules.allow_private_destinations and is_private_host(host):
        return "leads to a private network, which this server does not allow"
    return None


def is_private_host(host: str) -> bool:
    """Whether a host is an address or a name inside somebody's own network; asks no DNS."""
    try:
        return not is_public_address(str(ip_address(host.strip("[]"))))
    except ValueError:
        return "." not in host or host.endswith(_LOCAL_SUFFIXES)


def _keep_changed(faults: _Faults, new: NewLink, before: Link) -> _Faults:
    kept = _Faults()
    for name, fault in faults.items():
        is_new_kind = name == "url" and new.link_type != before.link_type
        if is_new_kind or _read_before(name, before) != getattr(new, name):
            kept[name] = fault
    return kept


def _read_before(name: str, before: Link) -> object:
    if name == "url":
        return before.original_url
    if name == "domain":
        return before.host
    if name == "password":
        return None
    return getattr(before, name) if name != "tag_ids" else tuple(tag.id for tag in before.tags)


def read_text(text: str | None, length: int) -> str | None:
    """A text without the white space around it; None where nothing is left.

    Raises ValueError where it is too long or holds what no text holds.
    """
    if not text or not (text := text.strip()):
        return None
    if len(text) > length:
        raise ValueError(f"may be at most {length} characters long")
    if "\0" in text or text != text.encode(errors="replace").decode():
        raise ValueError("holds a character that cannot be stored")
    return text


def read_line(text: str | None, length: int) -> str | None:
    """As read_text, in one line and composed, so that a search finds it however it is typed."""
    if not text:
        return None
    line = " ".join(text.split())
    # NFC makes one letter of at most four, and takes the square of a hostile text's length.
    return read_text(
        unicodedata.normalize("NFC", line) if len(line) <= 4 * length else line, length
    )


def _read_web_address(text: str) -> str | None:
    given = read_text(text, ADDRESS_LENGTH)
    return parse_destination("URL", given) if given else None


def _read_webhooks(addresses: tuple[str, ...]) -> tuple[str, ...]:
    if not addresses:
        return ()
    read = tuple(dict.fromkeys(found for text in addresses if (found := read_webhook_url(text))))
    if len(read) > WEBHOOKS_PER_LINK:
        raise ValueError(f"may name at most {WEBHOOKS_PER_LINK} addresses")
    return read


def read_webhook_url(text: str) -> str | None:
    """An address to call as it is stored and compared; None where there is none.

    What differs in its fragment alone is the same: that is never sent. Raises ValueError.
    """
    try:
        address = _read_web_address(text)
    except ValueError as error:
        raise ValueError(f"{text.strip()[:80]!r} is no address to call: {error}") from None
    # A comma separates addresses where they are stored.
    return address and address.partition("#")[0].replace(",", "%2C")


def _read_meta_pixel(text: str) -> str | None:
    text = text.strip()
    if text and not _META_PIXEL.fullmatch(text):
        raise ValueError("must be the pixel's number, such as 1234567890123456")
    return text or None


def _read_google_tag(text: str) -> str | None:
    text = text.strip().upper()
    if text and not _GOOGLE_TAG.fullmatch(text):
        raise ValueError("must be a measurement or container id, such as G-ABC123DEF4")
    return text or None


_TEXTS: Final[dict[str, Callable[[str], str | None]]] = {
    "title": partial(read_line, length=TITLE_LENGTH),
    "description": partial(read_text, length=DESCRIPTION_LENGTH),
    "image": _read_web_address,
    **dict.fromkeys(UTM_PARAMETERS, partial(read_text, length=UTM_LENGTH)),
    "meta_pixel_id": _read_meta_pixel,
    "google_tag_id": _read_google_tag,
    "button_label": partial(read_text, length=BUTTON_LENGTH),
}
"""How each text that a link can do without is read, if it is there."""
