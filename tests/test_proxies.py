from ipaddress import IPv4Network, IPv6Network, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shorty.proxies import TrustedProxies, read_address


def trust(*networks: str) -> TrustedProxies:
    return TrustedProxies([read_network(network) for network in networks])


def read_network(text: str) -> IPv4Network | IPv6Network:
    return ip_network(text)


# (peer, X-Forwarded-For, whom it comes from); 127.0.0.1, 10.0.0.0/8, 2001:db8:1::/48 are trusted
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
def test_the_client_is_the_nearest_address_no_proxy_vouches_past(
    peer: str, forwarded_for: str, client: str
) -> None:
    proxies = trust("127.0.0.1", "10.0.0.0/8", "2001:db8:1::/48")
    assert proxies.find_client_address(peer, forwarded_for) == client
    assert proxies.find_client_address(peer, forwarded_for) == client


@pytest.mark.parametrize(
    ("peer", "forwarded_proto", "scheme"),
    [
        ("127.0.0.1", "https", "https"),
        ("127.0.0.1", "HTTPS , http", "https"),
        ("127.0.0.1", "", "http"),
        ("127.0.0.1", "gopher", "http"),
        ("198.51.100.7", "https", "http"),
        ("", "https", "http"),
    ],
)
def test_the_scheme_is_believed_from_trusted_proxies_only(
    peer: str, forwarded_proto: str, scheme: str
) -> None:
    assert trust("127.0.0.1").find_client_scheme(peer, forwarded_proto, "http") == scheme


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
def test_a_neighbour_who_is_not_trusted_is_known(peer: str, *, is_stranger: bool) -> None:
    assert trust("10.0.0.0/8").is_untrusted_neighbour(peer) is is_stranger


def test_without_trusted_proxies_nothing_is_believed() -> None:
    assert trust().find_client_address("127.0.0.1", "203.0.113.9") == "127.0.0.1"


@given(st.text(max_size=60), st.ip_addresses().map(str))
def test_what_a_visitor_sends_along_never_decides_who_the_visitor_is(sent: str, real: str) -> None:
    proxies = trust("192.0.2.1")
    expected = str(read_address(real))
    if expected != "192.0.2.1":
        assert proxies.find_client_address("192.0.2.1", f"{sent},{real}") == expected
        assert proxies.find_client_address(real, sent) == expected
