from ipaddress import IPv4Network, IPv6Network, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shorty.proxies import REMEMBERED_WAYS, TrustedProxies, read_address


def trust(*networks: str) -> TrustedProxies:
    return TrustedProxies([read_network(network) for network in networks])


def read_network(text: str) -> IPv4Network | IPv6Network:
    return ip_network(text)


# (peer, X-Forwarded-For, the client); 127.0.0.1, 10.0.0.0/8 and 2001:db8:1::/48 are trusted
WAYS = [
    ("198.51.100.7", "", "198.51.100.7"),
    ("198.51.100.7", "203.0.113.9", "198.51.100.7"),
    ("127.0.0.1", "", "127.0.0.1"),
    ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
    ("127.0.0.1", "192.0.2.66, 203.0.113.9", "203.0.113.9"),
    ("127.0.0.1", "192.0.2.66,203.0.113.9 ,10.1.2.3", "203.0.113.9"),
    ("127.0.0.1", "10.9.9.9, 10.1.2.3", "10.9.9.9"),
    ("127.0.0.1", "203.0.113.9, not-an-address, 10.1.2.3", "10.1.2.3"),
    ("127.0.0.1", "203.0.113.9, unknown", "127.0.0.1"),
    ("127.0.0.1", ",", "127.0.0.1"),
    ("127.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
    ("127.0.0.1", "[2001:db8::5]:4711", "2001:db8::5"),
    ("127.0.0.1", "2001:DB8:0::5", "2001:db8::5"),
    ("127.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
    ("::ffff:127.0.0.1", "203.0.113.9", "203.0.113.9"),
    ("2001:db8:1::1", "2001:db8:2::5", "2001:db8:2::5"),
    ("2001:db8:2::1", "203.0.113.9", "2001:db8:2::1"),
    ("127.0.0.1", "203.0.113.9, " + "9" * 9000, "127.0.0.1"),
    ("", "203.0.113.9", ""),
]


@pytest.mark.parametrize(("peer", "forwarded_for", "client"), WAYS)
def test_the_client_is_the_nearest_address_that_is_no_trusted_proxy(
    peer: str, forwarded_for: str, client: str
) -> None:
    proxies = trust("127.0.0.1", "10.0.0.0/8", "2001:db8:1::/48")
    assert proxies.find_client_address(peer, forwarded_for) == client
    assert proxies.find_client_address(peer, forwarded_for) == client


def test_the_cached_result_of_one_way_is_not_used_for_another() -> None:
    proxies = trust("127.0.0.1", "10.0.0.0/8", "2001:db8:1::/48")
    for _ in range(2):
        for peer, forwarded_for, client in WAYS:
            assert proxies.find_client_address(peer, forwarded_for) == client


def test_the_cache_of_ways_is_bounded() -> None:
    proxies = trust("127.0.0.1")
    for number in range(REMEMBERED_WAYS + 10):
        address = f"2001:db8::{number + 1:x}"
        assert proxies.find_client_address("127.0.0.1", address) == address
    assert len(proxies.ways) == REMEMBERED_WAYS
    longest = "203.0.113.9," * 11
    for header, is_remembered in ((longest[-128:], True), (longest[-129:], False)):
        proxies.find_client_address("127.0.0.1", header)
        assert (("127.0.0.1", header) in proxies.ways) is is_remembered


def test_a_cached_way_is_not_read_again() -> None:
    proxies = trust("127.0.0.1")
    proxies.ways["127.0.0.1", "203.0.113.9"] = "remembered"
    assert proxies.find_client_address("127.0.0.1", "203.0.113.9") == "remembered"
    assert proxies.find_client_address("127.0.0.1", "203.0.113.8") == "203.0.113.8"
    assert proxies.ways["127.0.0.1", "203.0.113.8"] == "203.0.113.8"


def test_an_address_is_read_up_to_its_longest_spelling() -> None:
    zone = "fe80::1%" + "z" * 56
    proxies = trust("127.0.0.1")
    assert proxies.find_client_address("127.0.0.1", zone) == zone
    assert proxies.find_client_address("127.0.0.1", f"{zone}z") == "127.0.0.1"


# (peer, X-Forwarded-Proto, the connection's scheme, the client's); 127.0.0.1 is trusted
SCHEMES = [
    ("127.0.0.1", "https", "http", "https"),
    ("127.0.0.1", "http", "https", "http"),
    ("127.0.0.1", "HTTPS , http", "http", "https"),
    ("127.0.0.1", "https, http, https, http", "http", "https"),
    ("127.0.0.1", "", "http", "http"),
    ("127.0.0.1", "", "https", "https"),
    ("127.0.0.1", "gopher", "http", "http"),
    ("127.0.0.1", "gopher", "https", "https"),
    ("198.51.100.7", "https", "http", "http"),
    ("198.51.100.7", "http", "https", "https"),
    ("", "https", "http", "http"),
]


def test_the_scheme_is_believed_from_trusted_proxies_only() -> None:
    proxies = trust("127.0.0.1")
    for _ in range(2):
        for peer, forwarded_proto, scheme, expected in SCHEMES:
            assert proxies.find_client_scheme(peer, forwarded_proto, scheme) == expected


@pytest.mark.parametrize(
    ("peer", "is_trusted"),
    [("127.0.0.1", True), ("::ffff:127.0.0.1", True), ("127.0.0.2", False), ("", False)],
)
def test_a_peer_is_trusted_by_its_address(peer: str, *, is_trusted: bool) -> None:
    assert trust("127.0.0.1").is_trusted(peer) is is_trusted


@pytest.mark.parametrize(
    ("peer", "is_stranger"),
    [
        ("10.1.2.3", False),
        ("127.0.0.1", True),
        ("::ffff:172.17.0.1", True),
        ("192.168.1.5", True),
        ("100.64.0.9", True),
        ("fd00::5", True),
        ("fe80::5", True),
        ("8.8.8.8", False),
        ("2a00:1450::1", False),
        ("", False),
        ("/run/shorty.sock", False),
    ],
)
def test_an_untrusted_neighbour_is_recognised(peer: str, *, is_stranger: bool) -> None:
    assert trust("10.0.0.0/8").is_untrusted_neighbour(peer) is is_stranger


def test_without_trusted_proxies_the_headers_are_ignored() -> None:
    assert trust().find_client_address("127.0.0.1", "203.0.113.9") == "127.0.0.1"


@given(st.text(max_size=60), st.ip_addresses().map(str))
def test_a_visitors_own_headers_never_decide_the_client(sent: str, real: str) -> None:
    proxies = trust("192.0.2.1")
    expected = str(read_address(real))
    if expected != "192.0.2.1":
        assert proxies.find_client_address("192.0.2.1", f"{sent},{real}") == expected
        assert proxies.find_client_address(real, sent) == expected
