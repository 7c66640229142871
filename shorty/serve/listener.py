"""The listening socket: bound once by the supervisor, for each worker that has it in turn."""

import errno
import socket
import sys
from socket import AddressFamily

from shorty.errors import StartError

BACKLOG = 1024

Address = tuple[AddressFamily, tuple[str | int | bytes, ...]]


def open_listener(host: str, port: int, *, is_one_of_several: bool = False) -> socket.socket:
    """Binds and listens; raises StartError, which says what to do, if that fails.

    The socket stays open while a worker is replaced: clients then wait in its queue instead of
    being refused.
    """
    listener = bind_socket(host, port, is_one_of_several=is_one_of_several)
    try:
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise StartError(describe_fault(host, port, error)) from error
    listener.settimeout(0)
    return listener


def bind_socket(host: str, port: int, *, is_one_of_several: bool = False) -> socket.socket:
    """Raises StartError. Without SO_REUSEPORT if it is the only one.

    So two servers never share a port by accident.
    """
    family, address = find_address(host, port)
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_one_of_several:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        expect_signs_of_life(bound)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise StartError(describe_fault(host, port, error)) from error
    return bound


def expect_signs_of_life(listener: socket.socket) -> None:
    """Enables keep-alive, which accepted connections inherit: vanished clients are then closed.

    Granian times out only idle connections (30 seconds), not a slow body or a slow reader.
    """
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if sys.platform == "linux":
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 20)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)


def find_address(host: str, port: int) -> Address:
    """The first address of a name, IPv4 before IPv6."""
    try:
        found = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError) as error:
        raise StartError(
            f"The host {host} is unknown on this machine; choose one of its IP addresses with "
            "--host."
        ) from error
    found.sort(key=lambda each: each[0] != socket.AF_INET)
    return found[0][0], found[0][4]


def describe_fault(host: str, port: int, error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return (
                f"Port {port} on {host} is already in use; stop the program that uses it or "
                "choose another port with --port."
            )
        case errno.EACCES:
            return f"Port {port} needs more rights than this user has; choose a port above 1023."
        case errno.EADDRNOTAVAIL:
            return f"{host} is not an IP address of this machine; choose another with --host."
        case _:
            return f"Cannot listen on {host} port {port}: {error.strerror}."
