"""How hosts are written, and which IP addresses are public."""

import pytest

from shorty.addresses import fold_host, is_public_address


@pytest.mark.parametrize(
    ("text", "scheme", "folded"),
    [
        ("GO.example.com.:80", "http", "go.example.com"),
        ("go.example:443", "https", "go.example"),
        ("go.example:443", "http", "go.example:443"),
        ("go.example:80", "https", "go.example:80"),
        ("go.example:08000", "http", "go.example:8000"),
        ("go.example:", "http", "go.example"),
        ("go.example.:8000", "http", "go.example:8000"),
        ("  go.example\t", "http", "go.example"),
        ("münchen.example", "http", "xn--mnchen-3ya.example"),
        ("①②⑦.0.0.1", "http", "127.0.0.1"),
        ("[::0:1]:8000", "http", "[::1]:8000"),
        *((text, "http", None) for text in ("", ".", "go.example/", "go.example?x", "go.example#")),
        *((text, "http", None) for text in ("u@go.example", "%61.example", "go example", "<go>")),
        *((text, "http", None) for text in ("go.example:x", "go.example:70000", "a^b", "a|b")),
        *((text, "http", None) for text in ("\ud800", "go\\example", "go.example\x00")),
    ],
)
def test_a_host_has_one_spelling_or_none(text: str, scheme: str, folded: str | None) -> None:
    assert fold_host(text, scheme) == folded


def test_a_host_without_a_scheme_is_an_http_host() -> None:
    assert fold_host("go.example:80") == "go.example"
    assert fold_host("go.example:443") == "go.example:443"


@pytest.mark.parametrize(
    ("outside", "inside"),
    [
        ("168.63.129.16", "168.63.129.15"),
        ("168.63.129.16", "168.63.129.17"),
        ("192.0.0.255", "192.0.1.0"),
        ("192.88.99.0", "192.88.98.255"),
        ("192.88.99.255", "192.88.100.0"),
        ("2001:1ff:ffff::1", "2001:200::1"),
        ("2002:ffff::1", "2003::1"),
        ("3fff:fff::1", "3fff:1000::1"),
        ("1fff:ffff::1", "2000::1"),
        ("4000::1", "3ffe::1"),
        ("::ffff:168.63.129.16", "::ffff:168.63.129.17"),
        ("239.255.255.255", "223.255.255.255"),
    ],
)
def test_public_addresses_are_those_of_the_registries(outside: str, inside: str) -> None:
    assert not is_public_address(outside)
    assert is_public_address(inside)
