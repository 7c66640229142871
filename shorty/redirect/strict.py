"""`Strict-Transport-Security`, where the operator switches it on: over https, on their own domains.

Never on a workspace's domain, which may have to go back to http, and never for subdomains, which
are not shorty's to speak for.
"""

from collections.abc import AsyncIterator
from typing import Any, Final

from shorty.domains import Domain
from shorty.proxies import TrustedProxies
from shorty.redirect.pages import COMMON_HEADERS
from shorty.redirect.request import Scope, is_secure

HEADER: Final = ("strict-transport-security", "max-age=31536000")
STRICT_HEADERS: Final = (*COMMON_HEADERS, HEADER)

Headers = list[tuple[str, str]]


def is_strict(scope: Scope, domain: Domain, proxies: TrustedProxies) -> bool:
    """Whether an answer there carries the header."""
    is_operators = domain.workspace_id is None and domain.scheme == "https"
    return is_operators and is_secure(scope, scope.headers, proxies)


class StrictProtocol:
    """Granian's protocol for one request, with the header added to whatever is answered."""

    def __init__(self, proto: Any) -> None:
        self._proto = proto

    def __getattr__(self, name: str) -> Any:
        return getattr(self._proto, name)

    def __call__(self) -> Any:
        return self._proto()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._proto)

    def response_empty(self, status: int, headers: Headers) -> None:
        self._proto.response_empty(status, [*headers, HEADER])

    def response_str(self, status: int, headers: Headers, body: str) -> None:
        self._proto.response_str(status, [*headers, HEADER], body)

    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None:
        self._proto.response_bytes(status, [*headers, HEADER], body)

    def response_file(self, status: int, headers: Headers, file: str) -> None:
        self._proto.response_file(status, [*headers, HEADER], file)

    def response_stream(self, status: int, headers: Headers) -> Any:
        return self._proto.response_stream(status, [*headers, HEADER])
