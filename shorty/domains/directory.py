"""Which domain answers a request: everything that answers, in memory, by host."""

import asyncio
from collections.abc import Sequence
from typing import Final

from shorty.addresses import fold_host
from shorty.config import Config, is_loopback, split_port
from shorty.domains import store
from shorty.domains.model import Domain
from shorty.proxies import read_address
from shorty.storage.changes import AnythingChanged, DomainsChanged, hear_of
from shorty.storage.database import Database, Transaction

REMEMBERED_HEADERS: Final = 4096
LONGEST_HOST: Final = 300

_LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")
_WEB_PORTS: Final = frozenset({80, 443})


class DomainDirectory:
    """Empty until `reload`, which follows the start and every change of domains.

    `config` tells the port that is listened on. `by_header` holds what Host headers are known by
    now, for who can spare no call; `find_by_host` knows them all.
    """

    def __init__(self, db: Database, config: Config) -> None:
        self._db = db
        self._config = config
        self._changes = 0
        self._domains: tuple[Domain, ...] = ()
        self._by_host: dict[str, Domain] = {}
        self.by_header: dict[str, Domain] = {}
        self.outdated = asyncio.Event()
        """Set where another process may have changed domains since they were read."""
        db.subscribe(hear_of(DomainsChanged, AnythingChanged, call=self.outdated.set))

    async def reload(self) -> None:
        """Reads all domains; again where one has changed meanwhile."""
        while True:
            changes = self._changes
            self.outdated.clear()
            found = await self._db.read(store.list_answering)
            if changes == self._changes:
                break
        self._put(found)

    def note_change(self, tx: Transaction) -> None:
        """Called last in a write that changed a domain: after the commit, it answers so."""
        found = store.list_answering(tx)
        tx.after_commit(lambda: self._put(found))
        tx.note_change(DomainsChanged())

    def _put(self, found: Sequence[Domain]) -> None:
        self._changes += 1
        self._domains = tuple(found)
        by_host = {domain.host: domain for domain in self._domains}
        for domain in self._domains:
            for alias in self._list_aliases(domain):
                by_host.setdefault(alias, domain)
        # Put in place whole: changes of links ask from the writer's thread.
        self._by_host = by_host
        self.by_header = dict(by_host)

    @property
    def default(self) -> Domain | None:
        """The operator's first domain."""
        first = self._domains[0] if self._domains else None
        return first if first is not None and first.workspace_id is None else None

    def find_by_host(self, header: str) -> Domain | None:
        """The domain that answers a Host header as it came: with its port, else without."""
        try:
            return self.by_header[header]
        except KeyError:
            return self._read_header(header)

    def find_for_workspace(self, workspace_id: int, host_text: str) -> Domain | None:
        """The domain that a caller names for a link, if it is verified and they may use it."""
        host = fold_host(host_text) if len(host_text) <= LONGEST_HOST else None
        domain = None if host is None else self._find_named(host)
        return domain if domain is not None and domain.serves(workspace_id) else None

    def list_operator_domains(self) -> list[Domain]:
        return [domain for domain in self._domains if domain.workspace_id is None]

    def list_for_workspace(self, workspace_id: int) -> list[Domain]:
        """Those it may make links on, the operator's first."""
        served = [domain for domain in self._domains if domain.serves(workspace_id)]
        return sorted(served, key=lambda domain: domain.workspace_id is not None)

    def is_own_host(self, host: str, port: int | None) -> bool:
        """Whether a destination there would come back to this server.

        `host` has no port. A domain without one answers on any, but only the web's ports and the
        one listened on lead here; something else may run on the others.
        """
        name = fold_host(host) if len(host) <= LONGEST_HOST else None
        if name is None:
            return False
        if port is not None and f"{name}:{port}" in self._by_host:
            return True
        if port == self._config.server.port and _is_this_machine(name):
            return True
        is_our_port = port is None or port in _WEB_PORTS or port == self._config.server.port
        return is_our_port and name in self._by_host

    def _read_header(self, header: str) -> Domain | None:
        if len(header) > LONGEST_HOST:
            return None
        # In any thread: what was found among the former domains is remembered among them.
        by_header = self.by_header
        host = fold_host(_decode(header))
        domain = None if host is None else self._find_named(host)
        # Only hits are remembered, and only so many: they differ in case or port alone.
        if domain is not None and len(by_header) < REMEMBERED_HEADERS:
            by_header[header] = domain
        return domain

    def _find_named(self, host: str) -> Domain | None:
        return self._by_host.get(host) or self._by_host.get(split_port(host)[0])

    @staticmethod
    def _list_aliases(domain: Domain) -> list[str]:
        """The names of loopback are one, and the built-in domain answers to all of them.

        Its port is the server's, which a command cannot know of from the configuration.
        """
        name, port = split_port(domain.host)
        is_ours = domain.workspace_id is None and is_loopback(name)
        if not is_ours and domain.source != "builtin":
            return []
        return [f"{alias}:{port}" if port else alias for alias in _LOOPBACK_NAMES]


def _is_this_machine(host: str) -> bool:
    """Whether it is an address by which this machine calls itself, in whatever spelling."""
    address = read_address(host)
    return address is not None and (address.is_loopback or address.is_unspecified)


def _decode(header: str) -> str:
    """Headers are read as Latin-1; a client that writes a name as it is sends UTF-8."""
    if header.isascii():
        return header
    try:
        return header.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return header
