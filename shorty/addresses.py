"""Owns how a host is written, and which IP addresses are on the public internet."""

import ipaddress
import re
from functools import lru_cache
from typing import Final

import can_ada

REMEMBERED_HOSTS: Final = 4096

_NOT_IN_A_HOST: Final = re.compile(r"[/\\?#@%<>^|\s]")

# Private networks that `is_global` of the oldest supported Python allows. Networks that embed an
# IPv4 address (NAT64, 6to4, Teredo) could lead anywhere; 168.63.129.16 is a cloud's own host.
_NEVER_PUBLIC: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "192.0.0.0/24",
        "192.88.99.0/24",
        "168.63.129.16/32",
        "2001::/23",
        "2002::/16",
        "3fff::/20",
    )
)
_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")


def is_public_address(address: str) -> bool:
    """Whether `address` (numeric, as connected to) is on the public internet."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif ip not in _GLOBAL_UNICAST:
            return False
    if any(ip in network for network in _NEVER_PUBLIC):
        return False
    return ip.is_global and not ip.is_multicast


@lru_cache(REMEMBERED_HOSTS)
def fold_host(text: str, scheme: str = "http") -> str | None:
    """The one spelling of a host and its port, if any; None if browsers would refuse it."""
    text = text.strip()
    if _NOT_IN_A_HOST.search(text):
        return None
    try:
        url = can_ada.parse(f"{scheme}://{text}/")
    except (ValueError, TypeError):  # TypeError: lone surrogates
        return None
    name = url.hostname.removesuffix(".")
    if not name:
        return None
    return f"{name}:{url.port}" if url.port else name
