"""Owns rate limits, per token, IP address and purpose.

`windows` counts in memory. What somebody could use up again at each node (guesses at passwords and
codes, mails, invitations, public links) is counted by `shared`: in memory where there is one node,
otherwise in the database.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from shorty.durations import DAY_MS, HOUR_MS, MINUTE_MS
from shorty.limits.shared import (
    SharedCounts,
    SharedLimit,
    SharedRefillingLimit,
    delete_old_counts,
)
from shorty.limits.windows import Allowance, RateLimit, RefillingLimit

__all__ = [
    "Allowance",
    "RateLimit",
    "RateLimits",
    "RefillingLimit",
    "SharedCounts",
    "delete_old_counts",
    "divide_limit",
    "name_address",
    "name_network",
]

# The part of an IPv6 address that one subscriber gets; they choose the rest at will.
_IPV6_NETWORK: Final = (2**64 - 1) << 64
# The most that one customer of a provider may get: of IPv6, up to 65,536 subscriber networks.
_WIDE_IPV6_NETWORK: Final = (2**48 - 1) << 80
_WIDE_IPV4_NETWORK: Final = (2**24 - 1) << 8


class RateLimits:
    """Every rate limit by purpose; the comments name what each one counts by.

    Without `counts` all are counted in memory. Those that are not shared are counted by each node:
    `divide_limit` gives its part where it matters.
    """

    __slots__ = (
        "api_requests",
        "browser_codes",
        "browser_sign_ins",
        "invitations",
        "link_password_networks",
        "link_password_tries",
        "link_passwords",
        "mails",
        "neighbours_told",
        "password_mails",
        "plain_documents",
        "previews",
        "public_link_networks",
        "public_links",
        "session_passwords",
        "setup_codes",
        "sign_in_accounts",
        "sign_in_addresses",
        "sign_in_reports",
        "sign_ins",
    )

    def __init__(self, counts: SharedCounts | None = None) -> None:
        def share(name: str, window_ms: int) -> SharedLimit:
            return SharedLimit(name, counts, window_ms=window_ms)

        self.api_requests = RateLimit(window_ms=MINUTE_MS)  # token id
        # IP address and link; network and link; link
        self.link_passwords = share("link_passwords", 10 * MINUTE_MS)
        self.link_password_networks = share("link_password_networks", 10 * MINUTE_MS)
        self.link_password_tries = SharedRefillingLimit("link_password_tries", counts)
        self.previews = RateLimit(window_ms=MINUTE_MS)  # user id
        self.public_links = share("public_links", HOUR_MS)  # IP address
        self.public_link_networks = share("public_link_networks", HOUR_MS)  # network
        self.sign_ins = share("sign_ins", 10 * MINUTE_MS)  # IP address, account
        self.sign_in_addresses = share("sign_in_addresses", 10 * MINUTE_MS)  # IP address
        self.sign_in_accounts = SharedRefillingLimit("sign_in_accounts", counts)  # email
        # Email; IP address. For each node's own log.
        self.sign_in_reports = RateLimit(window_ms=HOUR_MS)
        self.browser_sign_ins = share("browser_sign_ins", 10 * MINUTE_MS)  # known browser, account
        self.browser_codes = share("browser_codes", DAY_MS)  # the same
        self.session_passwords = share("session_passwords", 10 * MINUTE_MS)  # session id
        self.setup_codes = share("setup_codes", 10 * MINUTE_MS)  # session id
        self.invitations = share("invitations", HOUR_MS)  # user id
        # The email it goes to, or the id of the user who requests it.
        self.mails = share("mails", HOUR_MS)
        self.password_mails = share("password_mails", HOUR_MS)  # email it goes to
        self.neighbours_told = RateLimit(window_ms=DAY_MS)  # peer
        self.plain_documents = RateLimit(window_ms=MINUTE_MS)  # IP address; "" for all


def divide_limit(limit: int, nodes: int) -> int:
    """The part of one of several nodes in a limit that each counts for itself."""
    return -(-limit // nodes)


def name_address(address: str) -> str:
    """The key of a client's IP address: itself, or the /64 network within which it can move.

    Other text, such as a Unix socket's name, is used unchanged.
    """
    ip = _read_ip(address)
    if isinstance(ip, IPv6Address):
        return f"{IPv6Address(int(ip) & _IPV6_NETWORK)}/64"
    return address if ip is None else str(ip)


def name_network(address: str) -> str:
    """The wider network of a client's IP address: an IPv6 /48 or an IPv4 /24.

    Other text is used unchanged.
    """
    ip = _read_ip(address)
    if ip is None:
        return address
    if isinstance(ip, IPv6Address):
        return f"{IPv6Address(int(ip) & _WIDE_IPV6_NETWORK)}/48"
    return f"{IPv4Address(int(ip) & _WIDE_IPV4_NETWORK)}/24"


def _read_ip(address: str) -> IPv4Address | IPv6Address | None:
    """An IPv4 address that is mapped into IPv6 becomes the IPv4 address."""
    try:
        ip = ip_address(address)
    except ValueError:
        return None
    return (ip.ipv4_mapped or ip) if isinstance(ip, IPv6Address) else ip
