"""The connections that come just before a worker stops: no more are taken, and those few are read.

Granian closes a connection of which it has read nothing yet when it is to stop, though a request
may be in it. So that nobody goes unanswered where one worker follows another, the listening socket
is taken from it first: whoever calls then waits in the socket's queue for the next worker.
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
LOOKS: Final = 2  # in a row that find everything read: granian may have been about to take one more

EVENT_QUEUE: Final = "anon_inode:[eventpoll]"

# Of Linux's tcp_info: milliseconds since data was last received (or, without any, since the
# connection is there), and how many bytes were received in all.
_RECEIVED: Final = struct.Struct("=52xI72xQ")
_COUNT: Final = struct.Struct("i")


def stop_accepting(port: int) -> None:
    """No thread of this process hears of new connections to `port` any more.

    The socket itself goes on listening, and its descriptor stays granian's to close. Does nothing
    where the system has no epoll.
    """
    if sys.platform != "linux":
        return
    listening = [
        descriptor
        for descriptor, found in list_sockets()
        if is_listening(found) and found.getsockname()[1] == port
    ]
    for entry in DESCRIPTORS.iterdir():
        with suppress(OSError):  # it is closed meanwhile
            if str(entry.readlink()) == EVENT_QUEUE:
                _forget(int(entry.name), listening)


def _forget(queue: int, descriptors: list[int]) -> None:
    with closing(select.epoll.fromfd(os.dup(queue))) as events:
        for descriptor in descriptors:
            with suppress(FileNotFoundError):  # it is another queue's
                events.unregister(descriptor)


def is_listening(found: socket.socket) -> bool:
    return found.family in (socket.AF_INET, socket.AF_INET6) and bool(
        found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    )


def is_unread(connection: socket.socket, young_s: float) -> bool:
    """Whether something was sent that nobody has read, or a young client has yet to send."""
    age_ms, received = _RECEIVED.unpack(
        connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _RECEIVED.size)
    )
    if not received:
        return age_ms < young_s * 1000
    (waiting,) = _COUNT.unpack(fcntl.ioctl(connection, termios.FIONREAD, bytes(_COUNT.size)))
    return waiting > 0


async def wait_until_read(port: int, patience_s: float) -> None:
    """Until each connection that was accepted is read, but for no longer than `patience_s`."""
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
