"""What a domain is, and how a host is written: small letters, punycode, no port that goes without.

Pure; times are UTC milliseconds.
"""

import re
from typing import Final, Literal

import can_ada
import msgspec
from msgspec import UNSET, UnsetType

from shorty.addresses import fold_host
from shorty.config import is_loopback, split_port
from shorty.errors import InvalidFieldsError

Source = Literal["builtin", "config", "cli", "api"]
Scheme = Literal["http", "https"]

HOST_LENGTH: Final = 253
LABEL_LENGTH: Final = 63
URL_LENGTH: Final = 2048
VERIFICATION_LABEL: Final = "_shorty-verification"

_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+")


class Domain(msgspec.Struct, frozen=True, kw_only=True):
    """`workspace_id` is None for the operator's domains, which serve every workspace."""

    id: int
    host: str
    scheme: Scheme
    workspace_id: int | None
    source: Source
    position: int
    root_redirect: str
    not_found_redirect: str
    expired_redirect: str
    verification_token: str
    verified_at: int | None
    created_at: int

    @property
    def name(self) -> str:
        """The host without its port: what the DNS knows."""
        return split_port(self.host)[0]

    @property
    def origin(self) -> str:
        """What a short URL begins with; a slash and the slug follow."""
        return f"{self.scheme}://{self.host}"

    @property
    def is_verified(self) -> bool:
        return self.verified_at is not None

    def serves(self, workspace_id: int) -> bool:
        return self.is_verified and self.workspace_id in {None, workspace_id}


class NewDomain(msgspec.Struct, frozen=True, kw_only=True):
    """`apple_app_site_association` and `asset_links` are JSON, as text."""

    host: str
    scheme: Scheme = "https"
    root_redirect: str = ""
    not_found_redirect: str = ""
    expired_redirect: str = ""
    apple_app_site_association: str | None = None
    asset_links: str | None = None


class DomainChange(msgspec.Struct, frozen=True, kw_only=True):
    """Only what is set changes; None and the empty text both clear."""

    root_redirect: str | None | UnsetType = UNSET
    not_found_redirect: str | None | UnsetType = UNSET
    expired_redirect: str | None | UnsetType = UNSET
    apple_app_site_association: str | None | UnsetType = UNSET
    asset_links: str | None | UnsetType = UNSET


def normalise_host(text: str, scheme: str = "https") -> str:
    """The one spelling of a host, without the port that `scheme` implies.

    Raises InvalidFieldsError for the field `host`.
    """
    host = fold_host(text, scheme)
    if host is None:
        raise InvalidFieldsError({"host": _explain_bad_host(text)})
    name = split_port(host)[0]
    if len(name) > HOST_LENGTH:
        raise InvalidFieldsError({"host": f"may be at most {HOST_LENGTH} characters long"})
    is_address = name.startswith("[") or _NUMBER.fullmatch(name.rpartition(".")[2])
    if not is_address and not all(is_label(label) for label in name.split(".")):
        raise InvalidFieldsError({"host": _explain_bad_host(text)})
    return host


def is_label(text: str) -> bool:
    return len(text) <= LABEL_LENGTH and _LABEL.fullmatch(text) is not None


def find_claim_fault(host: str) -> str | None:
    """Why no workspace can prove that the host is theirs; None where the DNS can tell."""
    name = split_port(host)[0]
    if is_loopback(name):
        return "is this machine itself; only the operator can add it"
    if name.startswith("[") or _NUMBER.fullmatch(name.rpartition(".")[2]):
        return "must be a name, not an IP address, as ownership is verified in the DNS"
    if "." not in name:
        return "must be a full domain name, such as go.example.com"
    if len(f"{VERIFICATION_LABEL}.{name}") > HOST_LENGTH:
        return "is too long for the DNS record that proves ownership"
    return None


def parse_redirect(url: str) -> str:
    """An http(s) URL as browsers write it, or empty. Raises ValueError with a sentence."""
    if not url.strip():
        return ""
    try:
        parsed = can_ada.parse(url)
    except (ValueError, TypeError):
        raise ValueError("must be a full URL, such as https://example.com/") from None
    if parsed.protocol not in {"http:", "https:"}:
        raise ValueError("must start with https:// or http://")
    if len(parsed.href) > URL_LENGTH:
        raise ValueError(f"may be at most {URL_LENGTH} characters long")
    return parsed.href


def is_root_of(host: str, url: str) -> bool:
    """Whether `url`, as parse_redirect returns it, is the bare root of that host."""
    parsed = can_ada.parse(url) if url else None
    if parsed is None or parsed.pathname != "/":
        return False
    return fold_host(parsed.host, parsed.protocol.removesuffix(":")) == host


def _explain_bad_host(text: str) -> str:
    if "://" in text or "/" in text:
        return "must be only a host name, such as go.example.com, without scheme or path"
    return "is not a valid host name; write it like go.example.com"


def write_short_url(scheme: str, host: str, slug: str) -> str:
    """A short URL as people write it; only a keycap's number sign would end the path."""
    return f"{scheme}://{write_place(host, slug)}"


def write_place(host: str, slug: str) -> str:
    """A short URL without its scheme."""
    return f"{host}/{slug.replace('#', '%23')}"
