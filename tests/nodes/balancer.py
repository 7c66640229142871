"""HAProxy in front of all nodes of a site, and what an operator tells it before a restart."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Final

from tests.nodes.networks import LOOPBACK, Host
from tests.nodes.site import ENDS_WITH_US, HOST, Node, Site
from tests.nodes.wire import PATIENCE_S, Wire
from tests.postgres.support import wait_until

PROGRAM: Final = "haproxy"
MISSING: Final = "HAProxy was not found: install it (on Debian `apt-get install haproxy`)."
SBIN: Final = "/usr/sbin"  # not in everybody's PATH
SETTINGS: Final = """
global
  stats socket {socket} mode 600 level admin

defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout check 10s

frontend all
  bind fd@{descriptor}
  default_backend nodes

backend nodes
  balance roundrobin
  option forwardfor if-none
  option redispatch 1
  option httpchk
  http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host {host}
  default-server check inter 500 fall 3 rise 1
{servers}
"""
SESSIONS: Final = 4  # the column of `show stat` with the requests under way


def find_haproxy() -> str | None:
    return shutil.which(PROGRAM) or shutil.which(PROGRAM, path=SBIN)


class Balancer:
    """A door like a node's, which nothing ever excuses."""

    name = "the balancer"

    def __init__(self, host: Host, port: int, commands: Path) -> None:
        self.is_up = asyncio.Event()
        self._host = host
        self._port = port
        self._commands = commands

    def open_wire(self) -> Wire:
        return Wire(self._host, self._port)

    def is_calm_since(self, _moment: float, /) -> bool:
        return True

    async def wait_until_up(self, *nodes: Node) -> None:
        """Until it has found each of them ready."""

        async def are_up() -> bool:
            states = [await self._find(node) for node in nodes]
            return all("UP" in state for state in states)

        await wait_until(are_up, PATIENCE_S)
        self.is_up.set()

    async def drain(self, node: Node) -> None:
        """Returns once the node has answered all that it got, and it gets nothing more."""
        await self._command(f"set server nodes/{node.name} state drain")

        async def is_idle() -> bool:
            return (await self._find(node))[SESSIONS] == "0"

        await wait_until(is_idle, PATIENCE_S)

    async def enable(self, node: Node) -> None:
        await self._command(f"set server nodes/{node.name} state ready")
        await self.wait_until_up(node)

    async def _find(self, node: Node) -> list[str]:
        """The node's line of statistics."""
        start = f"nodes,{node.name},"
        for line in (await self._command("show stat")).splitlines():
            if line.startswith(start):
                return line.split(",")
        raise AssertionError(f"HAProxy knows no {node.name}")

    async def _command(self, words: str) -> str:
        reader, writer = await asyncio.open_unix_connection(self._commands)
        with closing(writer):
            writer.write(f"{words}\n".encode())
            return (await reader.read()).decode()


@asynccontextmanager
async def open_balancer(site: Site, program: str, folder: Path) -> AsyncGenerator[Balancer]:
    host = await site.network.add_host("balancer", site.cluster)
    commands = folder / "commands"
    process, port = _start(site, host, program, commands)
    try:
        await wait_until(lambda: asyncio.to_thread(commands.exists), PATIENCE_S)
        balancer = Balancer(host, port, commands)
        await balancer.wait_until_up(*site.nodes)
        yield balancer
    finally:
        process.kill()
        await asyncio.to_thread(process.wait)


def _start(
    site: Site, host: Host, program: str, commands: Path
) -> tuple[subprocess.Popen[bytes], int]:
    """Returns its port, too."""
    settings = commands.with_name("haproxy.cfg")
    with host.open_socket() as made:
        made.bind((LOOPBACK, 0))
        made.listen(1000)
        servers = [f"  server {each.name} {each.host.address}:{each.port}" for each in site.nodes]
        settings.write_text(
            SETTINGS.format(
                socket=commands, descriptor=made.fileno(), host=HOST, servers="\n".join(servers)
            )
        )
        process = subprocess.Popen(
            [*host.within, *ENDS_WITH_US, program, "-q", "-db", "-f", str(settings)],
            stdin=subprocess.DEVNULL,
            pass_fds=[made.fileno()],
            start_new_session=True,
        )
        return process, made.getsockname()[1]
