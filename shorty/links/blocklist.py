"""Owns which hosts no link may lead to: the operator's own list and files of hosts."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from shorty.addresses import fold_host
from shorty.config import LinksConfig, split_port
from shorty.errors import StartError

# What hosts files name besides the blocked: the machine itself.
_NEVER_BLOCKED: Final = frozenset(
    {
        *{"localhost", "localhost.localdomain", "local", "broadcasthost", "0.0.0.0"},  # noqa: S104 - a name in a list
        *{"ip6-localhost", "ip6-loopback", "ip6-localnet", "ip6-mcastprefix"},
        *{"ip6-allnodes", "ip6-allrouters", "ip6-allhosts"},
    }
)


# Spelt already as browsers spell it. What ends in a number, even 0x7f, they read as an address.
_PLAIN_NAME: Final = re.compile(r"([a-z0-9_-]+\.)*[a-z_][a-z0-9_-]*")


class BlockList:
    """A blocked host blocks its subdomains too."""

    __slots__ = ("_hosts",)

    def __init__(self, hosts: Iterable[str] = ()) -> None:
        self._hosts = frozenset(name for host in hosts if (name := _spell_host(host)))

    def __len__(self) -> int:
        return len(self._hosts)

    def is_blocked(self, host: str) -> bool:
        """`host` as `destination_host` answers it: lower case, punycode, no port."""
        while host:
            if host in self._hosts:
                return True
            host = host.partition(".")[2]
        return False


def read_block_list(config: LinksConfig) -> BlockList:
    """The hosts of the settings and of the files they name; StartError where one is unreadable."""
    return BlockList(_list_hosts(config))


def _list_hosts(config: LinksConfig) -> Iterator[str]:
    yield from config.blocked_hosts
    for path in config.blocked_hosts_files:
        yield from _read_hosts_file(path)


def _read_hosts_file(path: Path) -> Iterator[str]:
    """Hosts-file lines (`0.0.0.0 a.example b.example`) or one host a line; `#` starts a comment."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise StartError(f"The blocklist {path} cannot be read: {error.strerror}.") from error
    for line in lines:
        words = line.partition("#")[0].split()
        yield from words[1:] if len(words) > 1 else words


def _spell_host(host: str) -> str:
    """A host as destinations spell it; empty where it is none, or this machine itself."""
    name = host.strip().removeprefix("*").strip(".").lower()
    if not name or name in _NEVER_BLOCKED:
        return ""
    if _PLAIN_NAME.fullmatch(name):
        return name
    if name.count(":") > 1 and not name.startswith("["):
        name = f"[{name}]"  # as files of hosts write IPv6
    folded = fold_host(name)
    return split_port(folded)[0] if folded else ""
