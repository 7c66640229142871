"""Handles connections that arrive just before a worker stops: refuses new ones, reads the others.

When granian stops, it closes connections from which it has not read yet, although they may contain
a request. To answer every client when one worker follows another, its listening socket is removed
first; later clients then wait in the socket's queue for the next worker.
"""

import asyncio
import fcntl
import os
import select
import socket
import struct
import sys
import termios
from contextlib import closing, suppress
from time import monotonic
from typing import Final

from shorty.sockets import DESCRIPTORS, describe_peer, list_sockets

LOOK_EVERY_S: Final = 0.01
LOOKS: Final = 2  # in a row that find everything read, as granian may be about to accept one more

EVENT_QUEUE: Final = "anon_inode:[eventpoll]"

# From Linux's tcp_info: milliseconds since data was last received (or, if none, since the
# connection was opened), and the number of bytes received in total.
_RECEIVED: Final = struct.Struct("=52xI72xQ")
_COUNT: Final = struct.Struct("i")


def stop_accepting(port: int) -> None:
    """Stops every thread of this process from accepting connections to `port`.

    The socket itself keeps listening, and granian still closes its descriptor. Does nothing on
    systems without epoll.
    """
    if sys.platform != "linux":
        return
    listening = [
        descriptor
        for descriptor, found in list_sockets()
        if is_listening(found) and found.getsockname()[1] == port
    ]
    for entry in DESCRIPTORS.iterdir():
        with suppress(OSError):  # closed meanwhile
            if str(entry.readlink()) == EVENT_QUEUE:
                _forget(int(entry.name), listening)


def _forget(queue: int, descriptors: list[int]) -> None:
    with closing(select.epoll.fromfd(os.dup(queue))) as events:
        for descriptor in descriptors:
            with suppress(FileNotFoundError):  # registered in another queue
                events.unregister(descriptor)


def is_listening(found: socket.socket) -> bool:
    return found.family in (socket.AF_INET, socket.AF_INET6) and bool(
        found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    )


def is_unread(connection: socket.socket, young_s: float) -> bool:
    """Whether it has unread data, or a new client that has not sent any yet."""
    age_ms, received = _RECEIVED.unpack(
        connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _RECEIVED.size)
    )
    if not received:
        return age_ms < young_s * 1000
    (waiting,) = _COUNT.unpack(fcntl.ioctl(connection, termios.FIONREAD, bytes(_COUNT.size)))
    return waiting > 0


async def wait_until_read(port: int, patience_s: float) -> None:
    """Waits until every accepted connection is read, but at most `patience_s`."""
    if sys.platform != "linux":
        return
    until = monotonic() + patience_s
    looks = 0
    while looks < LOOKS and monotonic() < until:
        await asyncio.sleep(LOOK_EVERY_S)
        unread = any(
            is_unread(found, patience_s)
            for _, found in list_sockets()
            if describe_peer(found) and found.getsockname()[1] == port
        )
        looks = 0 if unread else looks + 1
