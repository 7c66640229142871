"""Reads what a visitor's request says, header by header, as far as the answer asks for it."""

from typing import Final, Protocol

from shorty.clicks.model import BIO, LINK, LONGEST_USER_AGENT, QR, Source
from shorty.clicks.user_agent import is_prefetch
from shorty.links.destination import BIO_MARKER, FOLLOW_MARKER, QR_MARKER
from shorty.proxies import TrustedProxies

_BUTTONS: Final = frozenset({BIO_MARKER, FOLLOW_MARKER})


class Headers(Protocol):
    """The headers as granian gives them: each `get` costs 0.1 µs."""

    def get(self, key: str, default: str, /) -> str: ...
    def get_all(self, key: str, /) -> list[str]: ...


class Scope(Protocol):
    """An RSGI request's head. `path` is percent-decoded already, `query_string` is not."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def query_string(self) -> str: ...
    @property
    def client(self) -> str: ...
    @property
    def scheme(self) -> str: ...
    @property
    def authority(self) -> str | None: ...
    @property
    def headers(self) -> Headers: ...


def read_host(scope: Scope, headers: Headers) -> str:
    """The Host header, unless the request's line names a host itself (RFC 9112, 3.2.2)."""
    return scope.authority or headers.get("host", "")


def read_user_agent(headers: Headers) -> str:
    # Cut before any pattern sees it: headers of 9 kB get through.
    return headers.get("user-agent", "")[:LONGEST_USER_AGENT]


def read_address(scope: Scope, headers: Headers, proxies: TrustedProxies) -> str:
    peer = scope.client.rpartition(":")[0]
    # Some proxies add a header of their own after the one that the client made up.
    forwarded = ",".join(headers.get_all("x-forwarded-for"))
    return proxies.ways.get((peer, forwarded)) or proxies.find_client_address(peer, forwarded)


def is_secure(scope: Scope, headers: Headers, proxies: TrustedProxies) -> bool:
    """Whether the visitor came by https, as far as the nearest trusted proxy knows."""
    peer = scope.client.rpartition(":")[0].strip("[]")
    forwarded = headers.get("x-forwarded-proto", "")
    return proxies.find_client_scheme(peer, forwarded, scope.scheme) == "https"


def is_prefetched(headers: Headers) -> bool:
    """Whether a browser fetches this before anyone asked for it."""
    return is_prefetch(*(headers.get(name, "") for name in ("sec-purpose", "purpose", "x-moz")))


def read_source(query: str) -> Source:
    """Whether the address is the one that the link's QR code carries, or a button of a bio page."""
    if QR_MARKER in query and QR_MARKER in query.split("&"):
        return QR
    if "bio=" in query and not _BUTTONS.isdisjoint(query.split("&")):
        return BIO
    return LINK


def follows_button(query: str) -> bool:
    """Whether a visitor comes from the link's own page, to go on to where it leads."""
    return FOLLOW_MARKER in query and FOLLOW_MARKER in query.split("&")
