"""Keeps tests on this machine: a connection that would leave it fails, and so does the test.

An audit hook sees every look-up and connection by Python code, in any library. It does not see
those of other processes, such as a server that a test starts.
"""

import socket
import sys
from ipaddress import ip_address
from typing import Any, Final

LEFT: Final[list[str]] = []
"""Attempts to leave since the last test ended."""
RESERVED: Final = (
    *("example", "invalid", "test", "localhost"),
    *("example.com", "example.net", "example.org"),
)
"""RFC 2606: reserved names that belong to nobody and are not looked up."""


def is_here(host: str) -> bool:
    """Whether a numeric IP address or a local name is this machine."""
    if host in {"", "localhost"}:
        return True
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return mapped.is_loopback or mapped.is_unspecified


def is_numeric(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host.partition("%")[0])
        except (OSError, ValueError):
            continue
        return True
    return False


def is_reserved(host: str) -> bool:
    name = host.rstrip(".").lower()
    return any(name == each or name.endswith(f".{each}") for each in RESERVED)


def _judge_name(host: object) -> None:
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host or "")
    if is_here(text.rstrip(".").lower()) or is_numeric(text):
        return
    if not is_reserved(text):
        LEFT.append(f"asked for the name {text}")
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def _judge_address(family: int, address: Any) -> None:
    if family not in {socket.AF_INET, socket.AF_INET6} or not isinstance(address, tuple):
        return
    host = str(address[0])  # pyright: ignore[reportUnknownArgumentType]
    if not is_here(host):
        LEFT.append(f"sent to {host}, port {address[1]}")
        raise ConnectionRefusedError(f"{host} is not on this machine.")


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    if not event.startswith("socket."):
        return
    if event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        _judge_name(arguments[0])
    elif event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        _judge_address(arguments[0].family, arguments[1])


def keep_here() -> None:
    """Permanent: an audit hook stays until the process ends."""
    sys.addaudithook(watch)
