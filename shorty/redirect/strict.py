"""`Strict-Transport-Security`, where the operator switches it on: over https, on their own domains.

Never on a workspace's domain, which may have to go back to http, and never for subdomains, which
are not shorty's to speak for.
"""

from typing import Final

from shorty.domains import Domain
from shorty.proxies import TrustedProxies
from shorty.redirect.pages import COMMON_HEADERS
from shorty.redirect.protocol import Headers, WrappedProtocol
from shorty.redirect.request import Scope, is_secure

HEADER: Final = ("strict-transport-security", "max-age=31536000")
STRICT_HEADERS: Final = (*COMMON_HEADERS, HEADER)


def is_strict(scope: Scope, domain: Domain, proxies: TrustedProxies) -> bool:
    """Whether an answer there carries the header."""
    is_operators = domain.workspace_id is None and domain.scheme == "https"
    return is_operators and is_secure(scope, scope.headers, proxies)


class StrictProtocol(WrappedProtocol):
    """With the header added to whatever is answered."""

    def begin(self, status: int, headers: Headers) -> Headers:
        del status
        return [*headers, HEADER]
