"""The listening socket: where it listens, and what its connections inherit."""

import errno
import os
import socket
from contextlib import suppress
from typing import Any

import pytest

from shorty.errors import StartError
from shorty.serve.listener import BACKLOG, describe_fault, find_address, open_listener
from shorty.serve.port import Port, open_port

LOCAL = "127.0.0.1"


def read_options(found: socket.socket) -> dict[str, int]:
    tcp = socket.IPPROTO_TCP
    return {
        "no delay": found.getsockopt(tcp, socket.TCP_NODELAY),
        "keep alive": found.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
        "after": found.getsockopt(tcp, socket.TCP_KEEPIDLE),
        "every": found.getsockopt(tcp, socket.TCP_KEEPINTVL),
        "times": found.getsockopt(tcp, socket.TCP_KEEPCNT),
    }


def test_a_client_that_vanished_is_noticed_after_two_minutes() -> None:
    with open_listener(LOCAL, 0) as listener:
        with (
            socket.create_connection(listener.getsockname()),
            listener.accept()[0] as connection,
        ):
            options = read_options(connection)
        assert listener.gettimeout() == 0
        assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
        assert not listener.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT)
    assert options == {"no delay": 1, "keep alive": 1, "after": 60, "every": 20, "times": 3}


def test_as_many_as_wait_while_a_worker_is_replaced_find_room() -> None:
    assert BACKLOG >= 1024
    with open_listener(LOCAL, 0) as listener:
        clients = [socket.create_connection(listener.getsockname(), 5) for _ in range(300)]
        for client in clients:
            client.close()


@pytest.mark.parametrize(
    ("host", "family", "address"),
    [
        ("127.0.0.2", socket.AF_INET, "127.0.0.2"),
        ("[::1]", socket.AF_INET6, "::1"),
        ("::", socket.AF_INET6, "::"),
        ("localhost", socket.AF_INET, LOCAL),
    ],
)
def test_a_host_is_an_address_of_its_family(
    host: str, family: socket.AddressFamily, address: str
) -> None:
    found, (name, port, *_) = find_address(host, 8250)
    assert (found, name, port) == (family, address, 8250)


def test_ipv4_comes_first_for_a_name_with_both(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = [*socket.getaddrinfo("::1", 80), *socket.getaddrinfo(LOCAL, 80)]

    def find_both(*_: object, **__: object) -> list[Any]:
        return both

    monkeypatch.setattr(socket, "getaddrinfo", find_both)
    assert find_address("both.example", 80) == (socket.AF_INET, (LOCAL, 80))


def test_an_invalid_host_is_reported() -> None:
    host = "a" * 64 + ".example"
    with pytest.raises(StartError) as raised:
        find_address(host, 0)
    assert raised.value.message == (
        f"The host {host} is unknown on this machine; choose one of its IP addresses with --host."
    )


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (
            errno.EADDRINUSE,
            (
                "Port 80 on 127.0.0.1 is already in use; "
                "stop the program that uses it or choose another port with --port."
            ),
        ),
        (errno.EACCES, "Port 80 needs more rights than this user has; choose a port above 1023."),
        (
            errno.EADDRNOTAVAIL,
            "127.0.0.1 is not an IP address of this machine; choose another with --host.",
        ),
        (errno.EMFILE, "Cannot listen on 127.0.0.1 port 80: Too many open files."),
    ],
)
def test_what_the_system_refuses_is_said_in_words(number: int, sentence: str) -> None:
    assert describe_fault(LOCAL, 80, OSError(number, os.strerror(number))) == sentence


def accept_all(port: Port) -> list[int]:
    """How many connections each socket has got."""
    counts: list[int] = []
    for listener in port.sockets:
        counts.append(0)
        with suppress(BlockingIOError):
            while True:
                listener.accept()[0].close()
                counts[-1] += 1
    return counts


def connect_often(port: Port) -> list[int]:
    for _ in range(100):
        socket.create_connection((LOCAL, port.number), 5).close()
    return accept_all(port)


def test_connections_are_divided_among_the_preferred_workers() -> None:
    with open_port(LOCAL, 0, 3) as port:
        assert [port.find(worker) for worker in (1, 2, 3, 4)] == [*port.sockets, port.sockets[0]]
        assert min(connect_often(port)) > 0
        port.prefer([2])
        assert connect_often(port) == [0, 100, 0]
        port.prefer([1, 3])
        first, second, third = connect_often(port)
        assert (first + third, second) == (100, 0)
        assert min(first, third) > 0
        port.prefer([])
        assert min(connect_often(port)) > 0


def test_the_port_of_one_worker_has_one_socket_which_nobody_shares() -> None:
    with open_port(LOCAL, 0) as port:
        (listener,) = port.sockets
        assert port.find(1) is port.find(2) is listener
        assert not listener.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT)
        port.prefer([1])
        assert connect_often(port) == [100]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_second_server_does_not_share_the_port(workers: int) -> None:
    with (
        open_port(LOCAL, 0, 2) as port,
        pytest.raises(StartError, match="is already in use"),
    ):
        open_port(LOCAL, port.number, workers)
