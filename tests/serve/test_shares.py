"""Connections that are nearly used up: the biggest user loses some, all others are answered."""

# These decisions are not visible from outside.
# pyright: reportPrivateUsage=false

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_network
from pathlib import Path
from threading import Event
from typing import Final

import msgspec
import pytest
from structlog.testing import capture_logs

from shorty.proxies import TrustedProxies
from shorty.serve import shares
from shorty.serve.shares import (
    LEAST_SHARE,
    Connection,
    Shares,
    close,
    find_share,
    list_connections,
    list_surplus,
)
from shorty.serve.worker import OWN_FILES
from shorty.sockets import count_descriptors, list_sockets
from tests.serve.running import GET
from tests.service import PATIENCE_S, Service

TRUSTED: Final = "127.0.0.1"
GREEDY: Final = "127.0.0.2"
MODEST: Final = "127.0.0.3"
MOST: Final = 40
IDLE_MS: Final = 50
POOL: Final = 64
FILES: Final = POOL + OWN_FILES
SMALL_POOL: Final = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, ({FILES}, {FILES}))
sys.argv = ["small_app", "App"]
from tests.serve.small_app import main
main()
"""


def make_connection(number: int, idle_ms: int = 0) -> Connection:
    return Connection(descriptor=number, peer=f"192.0.2.1:{number}", idle_ms=idle_ms)


@pytest.mark.parametrize(
    ("held", "room", "share"),
    [
        ([4000, 3, 2], 3000, 1500),
        ([1000, 1000, 1000, 1000], 3000, 750),
        ([100] * 40, 3000, 46),
        ([2000, 900], 3000, 3000),
        ([8] * 500, 3000, LEAST_SHARE),
        ([4000], 0, LEAST_SHARE),
        ([4000], -1000, LEAST_SHARE),
    ],
)
def test_a_share_is_what_leaves_room_for_others(held: list[int], room: int, share: int) -> None:
    assert find_share(held, room) == share


def test_what_was_idle_for_longest_goes_first() -> None:
    held = [make_connection(1, 50), make_connection(2, 900), make_connection(3, 400)]
    assert [each.descriptor for each in list_surplus(held, 1)] == [2, 3]
    assert list_surplus(held, 3) == []


class Crowd:
    """Both ends of several clients' connections to one listener of this process."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._listener = stack.enter_context(socket.create_server((TRUSTED, 0)))
        self.port: int = self._listener.getsockname()[1]
        self.clients: dict[str, list[socket.socket]] = {}

    def come(self, address: str, count: int) -> None:
        for _ in range(count):
            client = socket.create_connection((TRUSTED, self.port), source_address=(address, 0))
            self.clients.setdefault(address, []).append(self._stack.enter_context(client))
            self._stack.enter_context(self._listener.accept()[0])

    def make_room(self) -> int:
        proxies = TrustedProxies([ip_network(TRUSTED)])
        return Shares(MOST, self.port, proxies).make_room()

    def list_open(self, address: str) -> list[bool]:
        return [is_open(client) for client in self.clients[address]]


def is_open(client: socket.socket) -> bool:
    client.settimeout(0)
    try:
        return client.recv(1) != b""
    except BlockingIOError:
        return True


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    with ExitStack() as stack:
        yield Crowd(stack)


def wait_until_idle(port: int) -> None:
    never = Event()
    while min(each.idle_ms for each in list_connections(port)) < IDLE_MS:
        never.wait(IDLE_MS / 1000)


def test_only_the_biggest_client_loses_idle_connections(crowd: Crowd) -> None:
    surplus = 30 - LEAST_SHARE
    crowd.come(GREEDY, surplus)
    crowd.come(MODEST, 5)
    wait_until_idle(crowd.port)
    crowd.come(GREEDY, LEAST_SHARE)
    crowd.come(TRUSTED, 5)
    assert crowd.make_room() == surplus
    assert crowd.list_open(GREEDY) == [False] * surplus + [True] * LEAST_SHARE
    assert crowd.list_open(MODEST) == [True] * 5
    assert crowd.list_open(TRUSTED) == [True] * 5


def test_with_free_connections_no_client_loses_one(crowd: Crowd) -> None:
    crowd.come(GREEDY, 30)
    assert crowd.make_room() == 0
    assert crowd.list_open(GREEDY) == [True] * 30


def test_a_trusted_proxy_may_have_them_all(crowd: Crowd) -> None:
    crowd.come(TRUSTED, MOST)
    assert crowd.make_room() == 0


def test_a_connection_whose_descriptor_is_another_ones_now_is_left_alone(crowd: Crowd) -> None:
    crowd.come(GREEDY, 2)
    first, second = sorted(list_connections(crowd.port), key=lambda each: each.descriptor)
    assert not close(msgspec.structs.replace(first, peer=second.peer))
    assert crowd.list_open(GREEDY) == [True, True]
    assert close(first)
    assert sorted(crowd.list_open(GREEDY)) == [False, True]
    assert not close(msgspec.structs.replace(second, descriptor=-1))


def test_what_was_closed_is_logged_once_a_minute_and_all_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logged = Shares(MOST, 1, TrustedProxies([]))
    told: list[tuple[float, int]] = []
    for now, closed in ((5.0, 0), (10.0, 2), (69.9, 3), (70.0, 4), (200.0, 0), (201.0, 1)):
        monkeypatch.setattr(shares, "monotonic", lambda now=now: now)
        with capture_logs() as logs:
            logged._log(closed)  # pyright: ignore[reportPrivateUsage]
        assert all(each["most"] == MOST for each in logs)
        told += [(now, each["count"]) for each in logs]
    assert told == [(10.0, 2), (70.0, 7), (201.0, 1)]


@pytest.mark.parametrize("spare", [0, 1])
def test_it_looks_at_them_once_seven_eighths_of_the_descriptors_are_open(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch, spare: int
) -> None:
    monkeypatch.setattr(shares, "LOOK_EVERY_S", 0.01)
    crowd.come(GREEDY, 200)
    most = (count_descriptors() + spare) * 8 // 7
    looked = Event()
    monkeypatch.setattr(shares, "list_sockets", lambda: looked.set() or list_sockets())
    thread = Shares(most, crowd.port, TrustedProxies([]))
    thread.start()
    is_full = count_descriptors() >= most * 7 / 8
    assert is_full == (not spare)
    assert looked.wait(PATIENCE_S if is_full else 0.1) == is_full
    thread.end()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()


def connect(service: Service, address: str) -> socket.socket:
    client = socket.create_connection(service.address, PATIENCE_S, source_address=(address, 0))
    client.sendall(GET % b"/pid")
    return client


def test_one_client_with_every_connection_does_not_lock_others_out(folder: Path) -> None:
    """Far sooner than the 30 seconds after which an idle connection ends."""
    with (
        Service(["-c", SMALL_POOL], folder).wait_until_ready() as service,
        ExitStack() as stack,
    ):
        proxy = stack.enter_context(connect(service, TRUSTED))
        assert proxy.recv(1000).startswith(b"HTTP/1.1 200")
        for _ in range(2 * POOL):
            stack.enter_context(connect(service, GREEDY))
        with connect(service, MODEST) as client:
            assert client.recv(1000).startswith(b"HTTP/1.1 200")
        proxy.sendall(GET % b"/pid")
        assert proxy.recv(1000).startswith(b"HTTP/1.1 200")
        line = service.stderr.wait_for("connections_closed")
        assert f"most={POOL}" in line
        assert GREEDY not in line
