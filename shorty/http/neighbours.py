"""Tells the operator of a proxy in front of the server that the configuration does not trust.

All who come through it share one address, and so each limit that counts by address. The doors look
where somebody signs in or calls; visits of short links never do.
"""

from typing import Final

import structlog

from shorty.http.requests import ServedRequest
from shorty.limits import name_address

log = structlog.get_logger(__name__)

ADVICE: Final = (
    "If this is your reverse proxy, name its address in [server] trusted_proxies or "
    "SHORTY_SERVER__TRUSTED_PROXIES; until then all who come through it count as one."
)


def tell_of_proxy(request: ServedRequest) -> None:
    """Logs a peer nearby that passes addresses on and is not trusted; once a day for each.

    A peer on the internet is passed over: its header is anybody's invention.
    """
    if request.find_header(b"x-forwarded-for") is None:
        return
    services, peer = request.services, request.peer
    if not services.proxies.is_untrusted_neighbour(peer):
        return
    now = services.read_clock()
    if services.limits.neighbours_told.take(name_address(peer), 1, now).is_allowed:
        log.warning("proxy_not_trusted", peer=peer, advice=ADVICE)
