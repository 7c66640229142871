"""Normalises hosts, and refuses those that no browser opens."""

import pytest

from shorty.addresses import fold_host
from shorty.domains.model import (
    find_claim_fault,
    is_root_of,
    normalise_host,
    parse_redirect,
)
from shorty.errors import InvalidFieldsError
from tests.domains.support import make_domain


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("go.example.com", "go.example.com"),
        (" GO.Example.COM. ", "go.example.com"),
        ("go.example.com:8443", "go.example.com:8443"),
        ("go.example.com.:8443", "go.example.com:8443"),
        ("go.example.com:443", "go.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example:80", "xn--bcher-kva.example:80"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("日本語。jp", "xn--wgv71a119e.jp"),
        ("🐙.example", "xn--ho8h.example"),
        ("localhost:8000", "localhost:8000"),
        ("my_host", "my_host"),
        ("192.0.2.1:8000", "192.0.2.1:8000"),
        ("0x7f.1", "127.0.0.1"),
        ("[2001:DB8:0::1]:8000", "[2001:db8::1]:8000"),
        ("[::1]", "[::1]"),
        ("a" * 63 + ".example", "a" * 63 + ".example"),
    ],
)
def test_a_host_has_one_spelling(text: str, host: str) -> None:
    assert normalise_host(text) == host
    assert normalise_host(host) == host


def test_the_port_that_a_scheme_implies_is_dropped() -> None:
    assert normalise_host("go.example.com:80", "http") == "go.example.com"
    assert normalise_host("go.example.com:443", "http") == "go.example.com:443"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ".",
        "https://go.example.com",
        "go.example.com/path",
        "go.example.com?x",
        "go.example.com#x",
        "user@go.example.com",
        "go.example.com\\x",
        "go example.com",
        "go.%65xample.com",
        "go..example.com",
        ".example.com",
        "-go.example.com",
        "go-.example.com",
        "go.example.com:99999",
        "go.example.com:port",
        "go.ex*mple.com",
        "go.ex,mple.com",
        "a" * 64 + ".example",
        ".".join(["a" * 60] * 5),
        "256.256.256.256",
        "1.2.3.4.5",
        "::1",
        "[::1",
        "[fe80::1%eth0]",
        "xn--a",
        "\ud800.example",
        "go\n.example.com",
        "go\x00.example.com",
    ],
)
def test_what_is_no_host_is_refused_with_a_word(text: str) -> None:
    with pytest.raises(InvalidFieldsError) as caught:
        normalise_host(text)
    assert list(caught.value.fields) == ["host"]


def test_folding_a_host_never_fails() -> None:
    assert fold_host("GO.example.com.:80") == "go.example.com"
    assert fold_host("my host") is None
    assert fold_host("\ud800") is None
    assert fold_host("") is None


@pytest.mark.parametrize(
    ("host", "word"),
    [
        ("localhost:8000", "this machine"),
        ("app.localhost", "this machine"),
        ("127.0.0.1", "this machine"),
        ("192.0.2.1", "not an IP address"),
        ("[2001:db8::1]:8000", "not an IP address"),
        ("intranet", "full domain name"),
        (".".join(["a" * 60] * 4), "too long"),
    ],
)
def test_hosts_without_proof_cannot_be_claimed(host: str, word: str) -> None:
    assert word in (find_claim_fault(host) or "")


@pytest.mark.parametrize("host", ["go.example.com", "go.example.com:8443", "xn--ho8h.example"])
def test_names_of_the_dns_can_be_claimed(host: str) -> None:
    assert find_claim_fault(host) is None


def test_redirects_are_web_addresses() -> None:
    assert parse_redirect("") == parse_redirect("  ") == ""
    assert parse_redirect("https://EXAMPLE.com") == "https://example.com/"
    for url, word in (
        ("example.com", "full URL"),
        ("javascript:alert(1)", "https://"),
        ("https://example.com/" + "x" * 2048, "2048"),
        ("https://\ud800.example", "full URL"),
    ):
        with pytest.raises(ValueError, match=word):
            parse_redirect(url)


def test_a_domain_tells_its_name_origin_and_whom_it_serves() -> None:
    domain = make_domain(host="go.example.com:8443", workspace_id=7, verified_at=1)
    assert (domain.name, domain.origin) == ("go.example.com", "https://go.example.com:8443")
    assert domain.serves(7)
    assert not domain.serves(8)
    assert not make_domain(workspace_id=7, verified_at=None).serves(7)
    assert make_domain(workspace_id=None, verified_at=1).serves(8)


def test_a_root_is_known_by_its_host_and_path() -> None:
    assert is_root_of("go.example.com", "https://go.example.com/")
    assert is_root_of("go.example.com", "http://go.example.com/?x")
    assert not is_root_of("go.example.com", "https://go.example.com/about")
    assert not is_root_of("go.example.com", "https://example.com/")
    assert not is_root_of("go.example.com", "")
