"""Owns the IP address of a request's client behind trusted proxies."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from re import compile as compile_pattern
from typing import Final

from cachebox import LRUCache

REMEMBERED_HOPS: Final = 10_000
REMEMBERED_WAYS: Final = 10_000
LONGEST_WAY: Final = 128  # the header of three hops or more
LONGEST_SCHEME: Final = 16  # two of them
LONGEST_ADDRESS: Final = 64  # with brackets, a zone and a port; longer text is not cached

# Some proxies include the port: 192.0.2.1:4711, [2001:db8::1]:4711.
_WITH_PORT = compile_pattern(r"\[([0-9A-Fa-f:.]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+")


class _Hop:
    """One IP address on a request's way, in its one spelling."""

    __slots__ = ("address", "is_trusted")

    def __init__(self, address: str, *, is_trusted: bool) -> None:
        self.address = address
        self.is_trusted = is_trusted


class TrustedProxies:
    """Trusts X-Forwarded-For and -Proto from `networks` only.

    Results are cached: a known way costs one look-up in a bounded cache, `ways`, which is public
    for callers that cannot afford a call.
    """

    def __init__(self, networks: Sequence[IPv4Network | IPv6Network]) -> None:
        self._networks = tuple(networks)
        self._hops: LRUCache[str, _Hop | None] = LRUCache(REMEMBERED_HOPS)
        self._schemes: LRUCache[tuple[str, str], str | None] = LRUCache(REMEMBERED_WAYS)
        self.ways: LRUCache[tuple[str, str], str | None] = LRUCache(REMEMBERED_WAYS)

    def find_client_address(self, peer: str, forwarded_for: str) -> str:
        """The nearest IP address that is not a trusted proxy's, with IPv4 in its plain spelling.

        `forwarded_for` is the header's value, repeated headers joined by commas, or "". The list is
        read from the right, because everything left of an untrusted entry may be forged. An invalid
        entry stops the search at the last valid one. An unreadable `peer` is returned unchanged.
        """
        way = (peer, forwarded_for)
        address = self.ways.get(way)
        if address is None:
            address = self._walk(peer, forwarded_for)
            if len(forwarded_for) <= LONGEST_WAY:
                self.ways[way] = address
        return address

    def _walk(self, peer: str, forwarded_for: str) -> str:
        hop = self._read_hop(peer)
        if hop is None:
            return peer
        if not forwarded_for or not hop.is_trusted:
            return hop.address
        for entry in reversed(forwarded_for.split(",")):
            before = self._read_hop(entry.strip())
            if before is None:
                break
            hop = before
            if not hop.is_trusted:
                break
        return hop.address

    def find_client_scheme(self, peer: str, forwarded_proto: str, scheme: str) -> str:
        """`http` or `https` as the first proxy saw it, else `scheme`."""
        if not forwarded_proto:
            return scheme
        way = (peer, forwarded_proto)
        believed = self._schemes.get(way)
        if believed is None:
            believed = self._read_scheme(peer, forwarded_proto)
            if len(forwarded_proto) <= LONGEST_SCHEME:
                self._schemes[way] = believed
        return believed or scheme

    def _read_scheme(self, peer: str, forwarded_proto: str) -> str:
        """Empty if the header is not trusted."""
        hop = self._read_hop(peer)
        if hop is None or not hop.is_trusted:
            return ""
        believed = forwarded_proto.partition(",")[0].strip().lower()
        return believed if believed in {"http", "https"} else ""

    def is_trusted(self, peer: str) -> bool:
        hop = self._read_hop(peer)
        return hop is not None and hop.is_trusted

    def is_untrusted_neighbour(self, peer: str) -> bool:
        """Whether the peer is on this machine or network, but is not a trusted proxy."""
        address = read_address(peer)
        if address is None or address.is_global:
            return False
        return not any(address in network for network in self._networks)

    def _read_hop(self, text: str) -> _Hop | None:
        if len(text) > LONGEST_ADDRESS:
            return None
        try:
            return self._hops[text]
        except KeyError:
            hop = self._hops[text] = self._make_hop(text)
            return hop

    def _make_hop(self, text: str) -> _Hop | None:
        address = read_address(text)
        if address is None:
            return None
        return _Hop(str(address), is_trusted=any(address in network for network in self._networks))


def read_address(text: str) -> IPv4Address | IPv6Address | None:
    """Reads an IP address with or without a port; IPv4 inside IPv6 becomes plain IPv4."""
    if match := _WITH_PORT.fullmatch(text):
        text = match[1] or match[2]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
