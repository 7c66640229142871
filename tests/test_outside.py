"""Tests the guard that keeps tests on this machine."""

import asyncio
import socket
from collections.abc import Callable

import dns.asyncresolver
import dns.exception
import pytest

from shorty.errors import FetchError
from shorty.fetch import Fetcher
from tests.outside import LEFT

DOCUMENTATION = "192.0.2.1"  # RFC 5737: belongs to nobody


def connect() -> None:
    with socket.socket() as connection:
        connection.connect((DOCUMENTATION, 80))


def send() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as connection:
        connection.sendto(b"", (DOCUMENTATION, 53))


def connect_by_name() -> None:
    socket.create_connection(("shorty.dev", 80))


def connect_ipv6() -> None:
    with socket.socket(socket.AF_INET6) as connection:
        connection.connect(("2001:db8::1", 80))


@pytest.mark.parametrize(
    ("leave", "left"),
    [
        (connect, "sent to 192.0.2.1, port 80"),
        (send, "sent to 192.0.2.1, port 53"),
        (connect_ipv6, "sent to 2001:db8::1, port 80"),
        (connect_by_name, "asked for the name shorty.dev"),
    ],
)
def test_what_would_leave_this_machine_fails_and_is_noticed(
    leave: Callable[[], None], left: str
) -> None:
    with pytest.raises(OSError, match=r"not on this machine|not known"):
        leave()
    assert [left] == LEFT
    LEFT.clear()


async def test_the_clients_of_the_product_do_not_leave_either() -> None:
    async with Fetcher(allow_private=True) as fetcher:
        with pytest.raises(FetchError):
            await fetcher.post(f"http://{DOCUMENTATION}/", b"", {}, timeout_s=5)
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = [DOCUMENTATION]
    with pytest.raises((OSError, dns.exception.DNSException)):
        await resolver.resolve("shorty.dev", lifetime=0.05)
    assert set(LEFT) == {"sent to 192.0.2.1, port 80", "sent to 192.0.2.1, port 53"}
    LEFT.clear()


async def test_this_machine_is_reachable_and_reserved_names_are_unknown() -> None:
    for host in ("localhost", "127.0.0.2"):
        server = await asyncio.start_server(lambda _reader, writer: writer.close(), host, 0)
        port = server.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection(host, port)
        writer.close()
        server.close()
    for name in ("go.example", "example.com", "nobody.invalid.", "public.test"):
        with pytest.raises(socket.gaierror):
            socket.getaddrinfo(name, 80)
    assert LEFT == []
