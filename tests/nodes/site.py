"""One PostgreSQL server, several `shorty serve` on it, and what receives their webhooks."""

import asyncio
import signal
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from math import inf
from pathlib import Path
from time import monotonic, time_ns
from typing import Final

from shorty.accounts.model import NewToken
from shorty.accounts.service import add_user
from shorty.accounts.sessions import start_session
from shorty.accounts.tokens import create_token_for
from shorty.config import Config, Plan, StorageConfig
from shorty.config.settings import UNLIMITED, DefaultsConfig
from shorty.databases import open_database, prepare_storage
from shorty.storage.database import Transaction
from tests.cluster import OWNER, SUPERUSER, Cluster, open_cluster, write_url
from tests.copies import connect
from tests.nodes.networks import LOOPBACK, Host, Network, open_network
from tests.nodes.wire import PATIENCE_S, LostError, Wire
from tests.postgres.support import ask_aside, wait_until
from tests.service import Service
from tests.webhooks.receiver import Receiver, answer

SERVE: Final = ("-m", "shorty", "serve")
# A run that is ended leaves no servers behind.
ENDS_WITH_US: Final = ("setpriv", "--pdeathsig", "TERM")
DATABASE: Final = "shorty"
HOST: Final = "go.example"
SETTLING_S: Final = 2  # until its other connections are there again, too
READY: Final = 200
SMALL: Final = "small"
SMALL_PLAN_LINKS: Final = 40
SETTINGS: Final = """
[server]
requests_per_minute = 10000000
trusted_proxies = ["127.0.0.1", "10.77.0.0/24"]

[[domains]]
host = "{host}"
scheme = "http"

[plans.small]
links = {links}

[webhooks]
allow_private = true
retries_s = [0.5, 0.5, 1, 1, 2, 2, 5, 5, 5, 5]
"""
# What a cluster accepts from a host besides its own Unix socket.
ACCEPTED: Final = f"host all {OWNER} 10.77.0.0/24 trust\n"


class Node:
    """One `shorty serve`: its host, its folder and port, and whether anything is wrong with it."""

    def __init__(self, name: str, host: Host, folder: Path, url: str) -> None:
        self.name = name
        self.host = host
        self.folder = folder
        self.port = 0  # once it has started: the one that it got and keeps
        self.is_up = asyncio.Event()
        self.calm_since = inf
        """When it became wholly well, by the monotonic clock; inf: it is not."""
        self.starts = 0
        self._settings = {
            "SHORTY_STORAGE__DATABASE": url,
            "SHORTY_STORAGE__FOLDER": str(folder / "own"),
            "SHORTY_STORAGE__NODE": name,
            "SHORTY_SERVER__HOST": LOOPBACK if host.address == LOOPBACK else "0.0.0.0",  # noqa: S104 - a host of the tests' own
        }
        self._service: Service | None = None
        self.log: list[str] = []
        """What its earlier processes wrote."""

    @property
    def service(self) -> Service:
        assert self._service, f"{self.name} does not run"
        return self._service

    def open_wire(self) -> Wire:
        return Wire(self.host, self.port)

    async def start(self) -> None:
        """Returns once it answers."""
        self.starts += 1
        settings = {**self._settings, "SHORTY_SERVER__PORT": str(self.port)}
        within = (*self.host.within, *ENDS_WITH_US)
        self._service = Service(SERVE, self.folder, within, **settings)
        await asyncio.to_thread(self._service.wait_until_ready, PATIENCE_S)
        self.port = self._service.address[1]
        self.is_up.set()

    async def stop(self) -> None:
        """As an operator does; everything that it holds is stored."""
        self.disturb()
        self.is_up.clear()
        status = await asyncio.to_thread(self.service.stop)
        await self._forget()
        assert status == 0, self.log[-20:]

    async def kill(self) -> None:
        self.disturb()
        self.is_up.clear()
        self.service.send_signal_to_all(signal.SIGKILL)
        await self._forget()

    def freeze(self) -> None:
        """All its processes stand still, with whatever they hold."""
        self.disturb()
        self.service.send_signal_to_all(signal.SIGSTOP)

    def thaw(self) -> None:
        self.service.send_signal_to_all(signal.SIGCONT)

    def cut(self) -> None:
        self.disturb()
        self.host.cut()

    def disturb(self) -> None:
        self.calm_since = inf

    def is_calm_since(self, moment: float) -> bool:
        return self.calm_since <= moment

    async def recover(self) -> None:
        """Returns once it says that it is ready, from when on nothing excuses it."""
        wire, said = self.open_wire(), ""

        async def is_ready() -> bool:
            nonlocal said
            said = await _ask_readiness(wire)
            return said == ""

        try:
            await wait_until(is_ready, PATIENCE_S)
        except TimeoutError:
            raise AssertionError(f"{self.name} does not become ready: {said}") from None
        finally:
            wire.close()
        self.calm_since = monotonic() + SETTLING_S

    async def end(self) -> None:
        if self._service:
            await self._forget()

    async def _forget(self) -> None:
        service, self._service = self.service, None
        await asyncio.to_thread(service.__exit__)
        self.log += service.stderr.lines


async def _ask_readiness(wire: Wire) -> str:
    """Why the node is not ready; empty if it is."""
    try:
        answer = await wire.ask("GET", "/readyz", {"Host": HOST})
    except LostError as error:
        return str(error)
    return "" if answer.status == READY else answer.describe()


class Site:
    def __init__(self, network: Network, cluster: Cluster, nodes: Sequence[Node]) -> None:
        self.network = network
        self.cluster = cluster
        self.nodes = tuple(nodes)
        self.url = write_url(cluster.folder, DATABASE, SUPERUSER)
        """For the superuser, by the server's Unix socket, which no namespace hides."""
        self.token = ""
        """Of a workspace without limits."""
        self.session = ""
        """Of the same person, at the dashboard."""
        self.small_token = ""
        """Of another one, which may have SMALL_PLAN_LINKS links."""
        self.receiver = Receiver()
        self.crashes = 0
        """How often the database lost what it does not keep through a crash."""

    def find_others(self, node: Node) -> list[Node]:
        return [each for each in self.nodes if each is not node]

    async def ask_database(self, sql: str, *parameters: object) -> list[tuple[object, ...]]:
        """As its superuser, past every node."""
        return await asyncio.to_thread(ask_aside, self.url, sql, *parameters)

    async def recover(self) -> None:
        await asyncio.gather(*(node.recover() for node in self.nodes))

    async def start(self) -> None:
        await asyncio.gather(*(node.start() for node in self.nodes))
        await self.recover()


@asynccontextmanager
async def open_site(programs: Path, folder: Path, names: Sequence[str]) -> AsyncGenerator[Site]:
    """A site whose nodes run, with two workspaces of which it has the tokens."""
    async with AsyncExitStack() as stack:
        network = await stack.enter_async_context(open_network())
        cluster = stack.enter_context(
            open_cluster(programs, network.within, listen_addresses=network.listens)
        )
        await asyncio.to_thread(_create_database, cluster)
        nodes = [await _add_node(network, cluster, folder, name) for name in names]
        site = Site(network, cluster, nodes)
        site.token, site.session, site.small_token = await _add_people(cluster, folder)
        site.receiver = await _open_receivers(stack, nodes)
        for node in nodes:
            stack.push_async_callback(node.end)
        await site.start()
        yield site


def _create_database(cluster: Cluster) -> None:
    with (cluster.folder / "data" / "pg_hba.conf").open("a") as file:
        file.write(ACCEPTED)
    with connect(str(cluster.folder)) as connection:
        connection.execute("select pg_reload_conf()")
        connection.execute(f"create role {OWNER} login")
        connection.execute(f"create database {DATABASE} owner {OWNER}")


async def _add_node(network: Network, cluster: Cluster, folder: Path, name: str) -> Node:
    host = await network.add_host(name, cluster)
    own = folder / name
    own.mkdir()
    (own / "shorty.toml").write_text(SETTINGS.format(host=HOST, links=SMALL_PLAN_LINKS))
    return Node(name, host, own, f"postgresql://{OWNER}@{host.database}/{DATABASE}")


async def _add_people(cluster: Cluster, folder: Path) -> tuple[str, str, str]:
    """Two persons, each with a workspace: the first one's token and session, the other's token."""
    now = time_ns() // 1_000_000
    storage = StorageConfig(database=write_url(cluster.folder, DATABASE), folder=str(folder))
    await asyncio.to_thread(prepare_storage, storage, now)

    def add(tx: Transaction, email: str, plan: str) -> tuple[str, str]:
        config = Config(plans={SMALL: Plan(name=SMALL)}, defaults=DefaultsConfig(plan=plan))
        home = add_user(tx, config, email, now)
        ids = (home.workspace.id, home.user.id)
        token = create_token_for(tx, *ids, NewToken(scope="admin"), now)
        session = start_session(tx, home.user.id, home.workspace.id, "Firefox", now)
        return token.text, session.text

    db = await open_database(storage, is_command=True)
    try:
        token, session = await db.write(lambda tx: add(tx, "ann@a.example", UNLIMITED))
        small_token, _ = await db.write(lambda tx: add(tx, "bob@b.example", SMALL))
    finally:
        await db.close()
    return token, session, small_token


async def _open_receivers(stack: AsyncExitStack, nodes: Sequence[Node]) -> Receiver:
    """At the same port of each host's loopback, so that any node may deliver."""
    receiver, port = Receiver(answer(200)), 0
    for place in _list_places(nodes):
        made = place.open_socket()
        made.bind((LOOPBACK, port))
        port = made.getsockname()[1]
        await stack.enter_async_context(await asyncio.start_server(receiver.talk, sock=made))
    receiver.url = f"http://{LOOPBACK}:{port}/hook"
    return receiver


def _list_places(nodes: Sequence[Node]) -> list[Host]:
    """The hosts that differ in their loopback."""
    hosts = [node.host for node in nodes]
    return hosts[:1] if hosts[0].address == LOOPBACK else hosts
