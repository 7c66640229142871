"""Reads a visitor's request: its source, host and client."""

import httpx
import pytest

from shorty.clicks.model import BIO, LINK, LONGEST_USER_AGENT, QR, Source
from shorty.redirect.request import (
    follows_button,
    is_prefetched,
    is_secure,
    read_address,
    read_host,
    read_source,
    read_user_agent,
)
from tests.rsgi_client import RequestHeaders, Scope
from tests.test_proxies import trust


def make_headers(*headers: tuple[str, str]) -> RequestHeaders:
    return RequestHeaders(httpx.Headers(headers))


def make_scope(*headers: tuple[str, str], client: str = "127.0.0.1:50000") -> Scope:
    scope = Scope(httpx.Request("GET", "http://go.example/"), client)
    scope.headers = make_headers(*headers)
    return scope


@pytest.mark.parametrize(
    ("query", "source", "is_button"),
    [
        ("", LINK, False),
        ("qr=1", QR, False),
        ("a=1&qr=1", QR, False),
        ("qr=1&a=1", QR, False),
        ("qr=1&bio=1", QR, False),
        ("qr=12", LINK, False),
        ("a=qr=1", LINK, False),
        ("QR=1", LINK, False),
        ("bio=1", BIO, False),
        ("a=1&bio=1", BIO, False),
        ("bio=go", BIO, True),
        ("bio=go&a=1", BIO, True),
        ("a=1&bio=go", BIO, True),
        ("bio=1&bio=go", BIO, True),
        ("bio=", LINK, False),
        ("bio=gone", LINK, False),
        ("a=bio=go", LINK, False),
        ("bio=2", LINK, False),
    ],
)
def test_the_query_says_whence_a_visit_comes(
    query: str, source: Source, *, is_button: bool
) -> None:
    assert read_source(query) == source
    assert follows_button(query) is is_button


@pytest.mark.parametrize("name", ["sec-purpose", "purpose", "x-moz"])
def test_a_prefetch_says_so_in_any_of_three_headers(name: str) -> None:
    assert is_prefetched(make_headers((name, "prefetch")))
    assert not is_prefetched(make_headers((name, "navigation")))


def test_what_names_no_purpose_is_no_prefetch() -> None:
    assert is_prefetched(make_headers()) is False
    assert is_prefetched(make_headers(("accept", "prefetch"))) is False


def test_a_user_agent_is_cut_before_it_is_looked_at() -> None:
    assert read_user_agent(make_headers()) == ""
    text = "x" * LONGEST_USER_AGENT
    assert read_user_agent(make_headers(("user-agent", text))) == text
    assert read_user_agent(make_headers(("user-agent", f"{text}y"))) == text


def test_the_requests_line_names_the_host_before_the_header() -> None:
    scope = make_scope(("host", "go.example"))
    assert read_host(scope, scope.headers) == "go.example"
    scope.authority = "other.example"
    assert read_host(scope, scope.headers) == "other.example"
    bare = make_scope()
    assert read_host(bare, bare.headers) == ""


@pytest.mark.parametrize(
    ("client", "forwarded", "address"),
    [
        ("127.0.0.1:50000", (), "127.0.0.1"),
        ("127.0.0.1:50000", ("192.0.2.1",), "192.0.2.1"),
        ("127.0.0.1:50000", ("192.0.2.2", "192.0.2.1"), "192.0.2.1"),
        ("198.51.100.7:50000", ("192.0.2.1",), "198.51.100.7"),
        ("2001:db8::7:50000", (), "2001:db8::7"),
    ],
)
def test_all_forwarded_headers_say_whom_a_visit_comes_from(
    client: str, forwarded: tuple[str, ...], address: str
) -> None:
    scope = make_scope(*(("x-forwarded-for", each) for each in forwarded), client=client)
    assert read_address(scope, scope.headers, trust("127.0.0.1")) == address


@pytest.mark.parametrize(
    ("client", "forwarded", "scheme", "expected"),
    [
        ("127.0.0.1:50000", "https", "http", True),
        ("127.0.0.1:50000", "http", "https", False),
        ("[::1]:50000", "https", "http", True),
        ("198.51.100.7:50000", "https", "http", False),
        ("198.51.100.7:50000", "http", "https", True),
        ("127.0.0.1:50000", "", "https", True),
        ("127.0.0.1:50000", "", "http", False),
    ],
)
def test_a_visit_is_secure_as_far_as_the_nearest_trusted_proxy_knows(
    client: str, forwarded: str, scheme: str, *, expected: bool
) -> None:
    headers = [("x-forwarded-proto", forwarded)] if forwarded else []
    scope = make_scope(*headers, client=client)
    scope.scheme = scheme
    assert is_secure(scope, scope.headers, trust("127.0.0.1", "::1")) is expected
