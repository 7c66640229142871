"""Owns what a link may be: every check of a new or changed link, all faults found at once.

Pure: what must be asked of the database (is the slug taken, do the tags exist) is `prepare`'s and
`writes`'.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from operator import attrgetter
from typing import Any, Final, ParamSpec, TypeVar

import can_ada
import msgspec
from msgspec import UNSET

from shorty.addresses import is_public_address
from shorty.config import Config
from shorty.durations import HOUR_MS
from shorty.links.blocklist import BlockList, read_block_list
from shorty.links.destination import (
    MAX_DESTINATION_LENGTH,
    REDIRECT_STATUSES,
    UTM_PARAMETERS,
    apply_utm,
    destination_host,
    destination_port,
    parse_destination,
)
from shorty.links.model import Link, LinkChange, LinkDomain, LinkFields, LinkType
from shorty.links.qr_rules import check_qr_settings
from shorty.links.rules import Rules, list_destinations, list_urls
from shorty.links.slug import is_reserved, parse_slug
from shorty.passwords import find_password_fault

P = ParamSpec("P")
T = TypeVar("T")

TITLE_LENGTH: Final = 500
DESCRIPTION_LENGTH: Final = 2000
UTM_LENGTH: Final = 500
BUTTON_LENGTH: Final = 100
ADDRESS_LENGTH: Final = 2048
MAX_CLICKS: Final = 1_000_000_000
WEBHOOKS_PER_LINK: Final = 10

_META_PIXEL: Final = re.compile(r"[0-9]{5,20}")
_GOOGLE_TAG: Final = re.compile(r"(G|GT|AW|DC|GTM)-[A-Z0-9]{4,20}|UA-[0-9]{4,12}-[0-9]{1,4}")
_GTM_CONTAINER: Final = re.compile(r"GTM-[A-Z0-9]{4,20}")
# Of a change, what is about one field; tags and aliases are resolved in a transaction.
_OF_ONE_FIELD: Final = tuple(
    name
    for name in LinkChange.__struct_fields__
    if not name.endswith(("tag_ids", "tag_names", "aliases"))
    and name not in {"keeps_old_slug", "fetches_title", "unread", "rule_paths"}
)
_read_values: Final[Callable[[LinkChange], tuple[Any, ...]]] = attrgetter(*_OF_ONE_FIELD)
_NEW: Final = LinkFields()
# What needs nothing but its own value to be judged.
_FIELDS: Final = frozenset(LinkFields.__struct_fields__) - {
    *("url", "valid_since", "expires_at", "rules", "expired_url"),
}
OF_NEW_LINKS: Final = frozenset({"is_public", "made_through"})
_TIMES: Final = frozenset({"valid_since", "expires_at"})
_ABOUT_RULES: Final = frozenset({"rules", "link_type", "is_link_in_bio"})
_DESTINATION: Final = frozenset({"url", "link_type", *UTM_PARAMETERS})
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


def check_change(
    change: LinkChange, around: Surroundings, before: Link | None = None
) -> tuple[dict[str, Any], dict[str, str]]:
    """The fields of LinkFields that the change sets, and each faulty field with its fault.

    Of `before`, the link as it is, only what would differ is judged: a link that broke no rule when
    it was created can still be renamed after the rules have changed. The password is left out.
    """
    check = _Check(change, around, before)
    check.read_fields()
    check.read_domain()
    check.read_destination()
    check.read_expiry()
    check.read_start()
    check.read_rules()
    check.read_expired_url()
    if (password := check.asked.get("password")) is not None:
        check.faults.note("password", find_password_fault(password))
    return check.fields, _sort_faults(check.faults) if check.faults else {}


def _sort_faults(faults: Mapping[str, str]) -> dict[str, str]:
    """In the order of the fields; then those of parts of fields, which have paths."""
    in_order = {name: faults[name] for name in _OF_ONE_FIELD if name in faults}
    return {**in_order, **faults}


def list_asked(change: LinkChange, before: Link | None) -> dict[str, Any]:
    """What the change says of a new link, or what of it differs from the link `before`."""
    values = zip(_OF_ONE_FIELD, _read_values(change), strict=True)
    given = {name: value for name, value in values if value is not UNSET}
    if given.get("password"):
        given.setdefault("is_password_asked", True)
    if before is None:
        if given.get("slug", "") is None:
            del given["slug"]
        return {"url": "", "domain": "", **given}
    return {
        name: value
        for name, value in given.items()
        if name not in OF_NEW_LINKS and not _is_as_before(name, value, before)
    }


def find_url_fault(link_type: LinkType, text: str, around: Surroundings) -> str | None:
    """What is wrong with a destination by itself."""
    try:
        original = read_text(text, MAX_DESTINATION_LENGTH) or ""
        url = parse_destination(link_type, original)
    except ValueError as error:
        return str(error)
    return _find_host_fault(url, around) if link_type == "URL" else None


class _Check:
    """A change on its way to the fields that it sets, and the faults found so far."""

    def __init__(self, change: LinkChange, around: Surroundings, before: Link | None) -> None:
        self.asked = list_asked(change, before)
        self.fields: dict[str, Any] = {}
        self.faults = _Faults()
        self._around = around
        self._before = before
        self._rule_paths = change.rule_paths
        self._is_public = change.is_public is True if before is None else before.is_public

    def read_fields(self) -> None:
        for name, value in self.asked.items():
            if name in _READERS:
                self.fields[name] = self.faults.read(name, _READERS[name], value)
            elif name in _FIELDS:
                self.fields[name] = value

    def read_domain(self) -> None:
        domain = self._around.domain
        if "domain" not in self.asked:
            return
        if domain is None:
            self.faults.note("domain", "is not a verified domain of this workspace")
        else:
            self.fields |= {"domain_id": domain.id, "host": domain.host, "scheme": domain.scheme}

    def read_destination(self) -> None:
        """The destination as it was given and as visitors get it, and the icon of its host."""
        if not _DESTINATION & self.asked.keys():
            return
        wanted = msgspec.structs.replace(self._before or _NEW, **self.fields)
        given = self.asked.get("url", wanted.original_url)
        read = self.faults.read("url", _read_url, given, wanted.link_type)
        if read is None:
            return
        original, url = read
        is_harmless = wanted.is_link_in_bio and is_front_page(url)
        is_asked = {"url", "link_type"} & self.asked.keys()
        if wanted.link_type == "URL" and is_asked and not is_harmless:
            self.faults.note("url", _find_host_fault(url, self._around))
        url = apply_utm(url, {name: getattr(wanted, name) for name in UTM_PARAMETERS})
        icon = _find_icon(url, self._around, self._before)
        self.fields |= {"original_url": original, "url": url, "favicon_url": icon}

    def read_expiry(self) -> None:
        """A public link ends an hour after it was created, whatever is asked for."""
        now, expires_at = self._around.now, self.asked.get("expires_at")
        if expires_at is not None and expires_at <= now:
            self.faults.note("expires_at", "must be in the future")
        if self._is_public and self._before is None:
            self.fields["expires_at"] = now + HOUR_MS
        elif "expires_at" in self.asked and not self._is_public:
            self.fields["expires_at"] = expires_at

    def read_start(self) -> None:
        """It comes before the end; a start in the past is a start like any other."""
        if not _TIMES & self.asked.keys():
            return
        start = self.asked.get("valid_since")
        if start is not None and start < 0:
            self.faults.note("valid_since", "must be in 1970 or later")
        if "valid_since" in self.asked:
            self.fields["valid_since"] = start
        wanted = {**_list_times(self._before), **self.fields}
        starts_at, ends_at = wanted["valid_since"], wanted["expires_at"]
        if starts_at is None or ends_at is None or starts_at < ends_at:
            return
        if "valid_since" in self.asked:
            self.faults.note("valid_since", "must be before the link expires")
        elif "expires_at" in self.fields:
            self.faults.note("expires_at", "must be after the link becomes valid")

    def read_rules(self) -> None:
        """Only destinations that the link's rules did not have are judged."""
        if _ABOUT_RULES.isdisjoint(self.asked):
            return
        before = self._before or _NEW
        rules: Rules = before.rules
        if "rules" in self.asked:
            rules = self.fields["rules"] = self.asked["rules"] or ()
            known = set(list_urls(before.rules))
            for path, url in list_destinations(rules):
                if url not in known:
                    name = (self._rule_paths or {}).get(path, path)
                    self.faults.note(name, _find_host_fault(url, self._around))
        if rules:
            self.faults.note("rules", self._find_rules_fault())

    def _find_rules_fault(self) -> str | None:
        before = self._before or _NEW
        if self.fields.get("is_link_in_bio", before.is_link_in_bio):
            return "are not possible on a link-in-bio page; remove them with null"
        if (link_type := self.fields.get("link_type", before.link_type)) != "URL":
            return f"are not possible on a link of type {link_type}; remove them with null"
        return None

    def read_expired_url(self) -> None:
        if "expired_url" not in self.asked:
            return
        given = self.asked["expired_url"]
        url = self.faults.read("expired_url", _read_web_destination, given or "")
        self.fields["expired_url"] = url
        if url is not None:
            self.faults.note("expired_url", _find_host_fault(url, self._around))


def _list_times(link: Link | None) -> dict[str, Any]:
    return {name: getattr(link, name, None) for name in _TIMES}


def _find_icon(url: str, around: Surroundings, before: Link | None) -> str:
    host = destination_host(url)
    if before is not None and before.favicon_url and host == destination_host(before.url):
        return before.favicon_url
    return around.find_icon(host)


def _read_url(text: str, link_type: LinkType) -> tuple[str, str]:
    """The destination as it was given, and as browsers read it."""
    original = read_text(text, MAX_DESTINATION_LENGTH) or ""
    return original, parse_destination(link_type, original)


def _read_web_destination(text: str) -> str | None:
    given = read_text(text, MAX_DESTINATION_LENGTH)
    return parse_destination("URL", given) if given else None


def is_front_page(url: str) -> bool:
    """Whether a destination is the root of its host: never a short link, so it makes no loop."""
    parsed = can_ada.parse(url)
    return parsed.pathname == "/" and not parsed.search


def _find_host_fault(url: str, around: Surroundings) -> str | None:
    if around.is_own_host(destination_host(url), destination_port(url)):
        return "points to one of this server's own domains, which would create a loop"
    return find_policy_fault(url, around.rules)


def find_policy_fault(url: str, rules: LinkRules) -> str | None:
    """Why the operator's settings allow no link to a stored http destination."""
    host = destination_host(url)
    if rules.block_list.is_blocked(host):
        return "points to a host that this server blocks"
    if not rules.allow_private_destinations and is_private_host(host):
        return "points to a private network, which this server does not allow"
    return None


def is_private_host(host: str) -> bool:
    """Whether a host is an address or a name inside somebody's own network; asks no DNS."""
    try:
        return not is_public_address(str(ip_address(host.strip("[]"))))
    except ValueError:
        return "." not in host or host.endswith(_LOCAL_SUFFIXES)


def _is_as_before(name: str, value: object, before: Link) -> bool:
    """The destination is the same with its UTM parameters, as callers read it and put it back."""
    return value == _read_before(name, before) or (name == "url" and value == before.url)


def _read_before(name: str, before: Link) -> object:
    match name:
        case "url":
            return before.original_url
        case "domain":
            return before.host
        case "password":
            return None
        case _:
            return getattr(before, name)


def read_text(text: str | None, length: int) -> str | None:
    """A text without the white space around it; None where nothing is left.

    Raises ValueError where it is too long or holds what no text holds.
    """
    if not text or not (text := text.strip()):
        return None
    if len(text) > length:
        raise ValueError(f"may be at most {length} characters long")
    if "\0" in text or text != text.encode(errors="replace").decode():
        raise ValueError("contains a character that cannot be stored")
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
        raise ValueError(f"may contain at most {WEBHOOKS_PER_LINK} endpoint URLs")
    return read


def read_webhook_url(text: str) -> str | None:
    """A webhook endpoint URL as it is stored and compared; None if the text is empty.

    URLs that differ only in the fragment are the same, as it is never sent. Raises ValueError.
    """
    try:
        address = _read_web_address(text)
    except ValueError as error:
        raise ValueError(f"{text.strip()[:80]!r} is not a valid endpoint URL: {error}") from None
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
        raise ValueError("must be a measurement or container ID, such as G-ABC123DEF4")
    return text or None


def read_slug(text: str) -> str:
    """Of a new link or alias. Raises ValueError with the fault."""
    slug = parse_slug(text)
    if is_reserved(slug):
        raise ValueError("is reserved; choose another")
    return slug


def _read_status(status: int) -> int:
    if status not in REDIRECT_STATUSES:
        raise ValueError("must be 301, 302, 307 or 308")
    return status


def _read_max_clicks(count: int | None) -> int | None:
    if count is not None and not 1 <= count <= MAX_CLICKS:
        raise ValueError(f"must be a whole number from 1 to {MAX_CLICKS}")
    return count


def _read_gtm_container(text: str) -> str | None:
    text = text.strip().upper()
    if text and not _GTM_CONTAINER.fullmatch(text):
        raise ValueError("must be a container ID, such as GTM-ABC1234")
    return text or None


def _read_optional(read: Callable[..., str | None], **limits: int) -> Callable[[Any], Any]:
    return lambda text: read(text, **limits) if text else None


_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "slug": read_slug,
    "status": _read_status,
    "title": _read_optional(read_line, length=TITLE_LENGTH),
    "description": _read_optional(read_text, length=DESCRIPTION_LENGTH),
    "image": _read_optional(_read_web_address),
    "max_clicks": _read_max_clicks,
    **dict.fromkeys(UTM_PARAMETERS, _read_optional(read_text, length=UTM_LENGTH)),
    "meta_pixel_id": _read_optional(_read_meta_pixel),
    "google_tag_id": _read_optional(_read_google_tag),
    "gtm_container_id": _read_optional(_read_gtm_container),
    "webhook_urls": _read_webhooks,
    "button_label": _read_optional(read_text, length=BUTTON_LENGTH),
    "qr_settings": check_qr_settings,
}
"Readers of the fields that are not used as they are. Each raises ValueError with the fault."
