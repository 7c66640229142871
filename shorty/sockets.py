"""Finds the process's own sockets by their descriptors: granian does not show its connections."""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

DESCRIPTORS: Final = Path("/dev/fd")


def count_descriptors() -> int:
    """The number of open descriptors; one call on Linux since 6.2, a listing elsewhere."""
    size = DESCRIPTORS.stat().st_size if sys.platform == "linux" else 0
    return size or sum(1 for _ in DESCRIPTORS.iterdir())


def list_sockets() -> Iterator[tuple[int, socket.socket]]:
    """Each socket with its descriptor, as a copy that is open until the next one is requested."""
    for entry in DESCRIPTORS.iterdir():
        with suppress(OSError), copy_socket(int(entry.name)) as found:
            yield int(entry.name), found


def copy_socket(descriptor: int) -> socket.socket:
    """The copy stays the same socket, whereas the descriptor's number may be reused.

    Raises OSError if the descriptor is closed or is not a socket.
    """
    copy = os.dup(descriptor)
    try:
        return socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        raise


def describe_peer(connection: socket.socket) -> str:
    """The peer as granian writes it, `192.0.2.1:80` or `[2001:db8::1]:80`; empty without one."""
    if connection.family not in (socket.AF_INET, socket.AF_INET6):
        return ""
    try:
        host, port, *_ = connection.getpeername()
    except OSError:  # not connected
        return ""
    return f"[{host}]:{port}" if connection.family == socket.AF_INET6 else f"{host}:{port}"


def cut_connection(peer: str) -> None:
    """Breaks the connection with `peer`, so that half a body is not taken for a whole one.

    RSGI can only end a body properly.
    """
    for _, found in list_sockets():
        if describe_peer(found) == peer:
            with suppress(OSError):  # the peer closed it first
                found.shutdown(socket.SHUT_RDWR)
