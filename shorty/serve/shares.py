"""Closes connections of the clients that have the most when nearly all connections are used.

Granian accepts a limited number of connections, first come, first served, so one client that leaves
all of them open would lock out everyone else until they time out. Granian does not report a
connection before its first request. So a separate thread inspects the sockets themselves, once they
are nearly used up.
"""

import socket
import struct
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from time import monotonic
from typing import Final

import msgspec
import structlog

from shorty.limits import name_address
from shorty.proxies import TrustedProxies
from shorty.sockets import copy_socket, count_descriptors, describe_peer, list_sockets

LOOK_EVERY_S: Final = 0.5
LOG_EVERY_S: Final = 60.0
NEARLY_FULL: Final = 7 / 8  # of all connections
KEPT: Final = 3 / 4
LEAST_SHARE: Final = 16
"""More than browsers open; no client with so few loses one."""

# From Linux's tcp_info: milliseconds since data was last sent, and since it was last received.
_IDLE: Final = struct.Struct("=44xI4xI")

log = structlog.get_logger(__name__)


class Connection(msgspec.Struct, frozen=True, gc=False):
    """`peer` is a host with its port."""

    descriptor: int
    peer: str
    idle_ms: int

    @property
    def host(self) -> str:
        return self.peer.rpartition(":")[0].strip("[]")


class Shares(threading.Thread):
    """Watches the connections to `port`, of which `most` are allowed.

    Connections of trusted proxies belong to many clients and are never closed.
    """

    def __init__(self, most: int, port: int, proxies: TrustedProxies) -> None:
        super().__init__(name="shorty-shares", daemon=True)
        self.most = most
        self._port = port
        self._proxies = proxies
        self._ending = threading.Event()
        self._closed = 0  # since it was last logged
        self._logged_at = -LOG_EVERY_S

    def end(self) -> None:
        self._ending.set()

    def run(self) -> None:
        while not self._ending.wait(LOOK_EVERY_S):
            try:
                if count_descriptors() >= self.most * NEARLY_FULL:
                    self._log(self.make_room())
            except OSError as error:  # no descriptor is left to list them with
                log.warning("connections_not_listed", reason=str(error))

    def make_room(self) -> int:
        """Returns how many connections it closed; 0 if enough are free."""
        connections = list(list_connections(self._port))
        if len(connections) < self.most * NEARLY_FULL:
            return 0
        own = [each for each in connections if not self._proxies.is_trusted(each.host)]
        clients: dict[str, list[Connection]] = {}
        for each in own:
            clients.setdefault(name_address(each.host), []).append(each)
        room = int(self.most * KEPT) - (len(connections) - len(own))
        share = find_share([*map(len, clients.values())], room)
        return sum(close(each) for held in clients.values() for each in list_surplus(held, share))

    def _log(self, closed: int) -> None:
        self._closed += closed
        now = monotonic()
        if self._closed and now - self._logged_at >= LOG_EVERY_S:
            log.warning("connections_closed", count=self._closed, most=self.most)
            self._closed, self._logged_at = 0, now


def list_connections(port: int) -> Iterator[Connection]:
    for descriptor, found in list_sockets():
        peer = describe_peer(found)
        if peer and found.getsockname()[1] == port:
            yield Connection(descriptor, peer, read_idle_ms(found))


def find_share(held: Sequence[int], room: int) -> int:
    """How many connections each client may keep, so that all have at most `room`.

    Found by halving, so a few more might fit; never below LEAST_SHARE.
    """
    share = room
    while share > LEAST_SHARE and sum(min(count, share) for count in held) > room:
        share //= 2
    return max(share, LEAST_SHARE)


def list_surplus(held: Sequence[Connection], share: int) -> Sequence[Connection]:
    """The connections beyond the share: those that were idle for longest."""
    return sorted(held, key=lambda each: -each.idle_ms)[: max(0, len(held) - share)]


def read_idle_ms(connection: socket.socket) -> int:
    """0 if the system does not report it."""
    if sys.platform != "linux":
        return 0
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _IDLE.size)
    return min(_IDLE.unpack(info))


def close(connection: Connection) -> bool:
    """Whether it still existed."""
    with suppress(OSError), copy_socket(connection.descriptor) as found:
        if describe_peer(found) == connection.peer:
            found.shutdown(socket.SHUT_RDWR)
            return True
    return False
