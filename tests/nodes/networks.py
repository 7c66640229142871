"""The hosts of a site: network namespaces joined by a bridge, or else ports of this machine.

With namespaces (root, and the program `ip`) a node reaches the database through a cable of its own,
which a test can pull: packets are then lost, and neither end hears of it. Without, a proxy stands
before the database for each node, and holds back what it is given.
"""

import ctypes
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Final, Protocol

from tests.cluster import Cluster
from tests.postgres.proxy import Proxy, open_proxy

LOOPBACK: Final = "127.0.0.1"
NAMES: Final = Path("/run/netns")
PREFIX: Final = "shorty-nodes-"
SUBNET: Final = "10.77.0"
CLONE_NEWNET: Final = 0x40000000
_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_numbers: Final = count()


class Host(Protocol):
    """Where a process runs. Whatever listens at a host's loopback is reached by `open_socket`."""

    @property
    def name(self) -> str: ...

    @property
    def within(self) -> tuple[str, ...]:
        """The start of a command that runs there."""
        ...

    @property
    def address(self) -> str:
        """The IP address at which other hosts reach it."""
        ...

    @property
    def database(self) -> str:
        """The IP address, and perhaps the port, at which it reaches the database."""
        ...

    def open_socket(self) -> socket.socket:
        """A TCP socket of this process that belongs to the host."""
        ...

    def cut(self) -> None:
        """Nothing reaches the other hosts, and nothing comes from them, until `mend`."""
        ...

    def mend(self) -> None: ...


class Network(Protocol):
    """One for each site."""

    @property
    def description(self) -> str: ...

    @property
    def within(self) -> tuple[str, ...]:
        """The start of a command that runs at the database's host."""
        ...

    @property
    def listens(self) -> str:
        """The IP addresses at which the database's server listens."""
        ...

    async def add_host(self, name: str, cluster: Cluster, /) -> Host: ...


@asynccontextmanager
async def open_network() -> AsyncGenerator[Network]:
    """Of namespaces where this process may create them."""
    if can_create_namespaces():
        with _open_namespaces() as network:
            yield network
    else:
        async with AsyncExitStack() as stack:
            yield Ports(stack)


def can_create_namespaces() -> bool:
    """Whether a namespace with a bridge in it can be made, which containers often forbid."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    _remove_left()
    name = _invent_name()
    made = [
        subprocess.run(command, capture_output=True, check=False).returncode == 0
        for command in (
            ["ip", "netns", "add", name],
            ["ip", "-n", name, "link", "add", "switch", "type", "bridge"],
            ["ip", "-n", name, "link", "add", "one", "type", "veth", "peer", "name", "two"],
            ["ip", "netns", "exec", name, "true"],
        )
    ]
    subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    return all(made)


class Ports:
    """All on this machine: hosts differ by their ports alone."""

    description = "loopback ports, with a proxy for each node before the database"
    within = ()
    listens = ""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    async def add_host(self, name: str, cluster: Cluster) -> "PortHost":
        proxy = await self._stack.enter_async_context(open_proxy(cluster.folder))
        return PortHost(name, proxy)


class PortHost:
    within = ()
    address = LOOPBACK

    def __init__(self, name: str, proxy: Proxy) -> None:
        self.name = name
        self.database = f"{LOOPBACK}:{proxy.port}"
        self._proxy = proxy

    def open_socket(self) -> socket.socket:
        return socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)

    def cut(self) -> None:
        self._proxy.hold()

    def mend(self) -> None:
        self._proxy.let_go()


class Namespaces:
    """A switch, and a host on it for the database and for each node."""

    description = "network namespaces, joined by a bridge"

    def __init__(self) -> None:
        self.hosts: list[NamespaceHost] = []
        self.switch = _invent_name()
        _run("ip", "netns", "add", self.switch)
        _run("ip", "-n", self.switch, "link", "add", "switch", "type", "bridge")
        _run("ip", "-n", self.switch, "link", "set", "switch", "up")
        self._database = self._add("database")

    @property
    def within(self) -> tuple[str, ...]:
        return self._database.within

    @property
    def listens(self) -> str:
        return self._database.address

    async def add_host(self, name: str, _cluster: Cluster, /) -> "NamespaceHost":
        return self._add(name)

    def _add(self, name: str) -> "NamespaceHost":
        host = NamespaceHost(name, len(self.hosts), self.switch)
        self.hosts.append(host)
        return host

    def remove(self) -> None:
        for name in (*(host.namespace for host in self.hosts), self.switch):
            _run("ip", "netns", "del", name)


class NamespaceHost:
    """Its cable is a pair of interfaces: `eth0` here, and the host's name at the switch."""

    database = f"{SUBNET}.1"  # the first host

    def __init__(self, name: str, number: int, switch: str) -> None:
        self.name = name
        self.address = f"{SUBNET}.{number + 1}"
        self.namespace = _invent_name()
        self.within = ("ip", "netns", "exec", self.namespace)
        self._switch = switch
        here, there = ("ip", "-n", self.namespace), ("ip", "-n", switch)
        _run("ip", "netns", "add", self.namespace)
        pair = ("type", "veth", "peer", "name", "eth0", "netns", self.namespace)
        _run(*there, "link", "add", "name", name, *pair)
        _run(*there, "link", "set", "dev", name, "master", "switch", "up")
        _run(*here, "address", "add", f"{self.address}/24", "dev", "eth0")
        _run(*here, "link", "set", "eth0", "up")
        _run(*here, "link", "set", "lo", "up")

    def open_socket(self) -> socket.socket:
        with _enter(self.namespace):
            return socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)

    def cut(self) -> None:
        # At the switch, so that the host's own interface and its routes stay as they are.
        _run("ip", "-n", self._switch, "link", "set", "dev", self.name, "nomaster")

    def mend(self) -> None:
        _run("ip", "-n", self._switch, "link", "set", "dev", self.name, "master", "switch")


@contextmanager
def _open_namespaces() -> Generator[Namespaces]:
    network = Namespaces()
    try:
        yield network
    finally:
        network.remove()


@contextmanager
def _enter(namespace: str) -> Generator[None]:
    """This thread alone is there; a socket stays where it was made."""
    back = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    there = os.open(NAMES / namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _set_namespace(there)
        try:
            yield
        finally:
            _set_namespace(back)
    finally:
        os.close(there)
        os.close(back)


def _set_namespace(descriptor: int) -> None:
    """As `os.setns`, which Python has from 3.12 on."""
    if _LIBC.setns(descriptor, CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _invent_name() -> str:
    return f"{PREFIX}{os.getpid()}-{next(_numbers)}"


def _remove_left() -> None:
    """Removes the namespaces of processes that were killed."""
    for place in NAMES.glob(f"{PREFIX}*"):
        if not Path("/proc", place.name.removeprefix(PREFIX).partition("-")[0]).exists():
            with suppress(subprocess.CalledProcessError):  # another process removes them too
                _run("ip", "netns", "del", place.name)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
