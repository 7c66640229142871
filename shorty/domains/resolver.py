"""Asks the DNS, and says in words what it answered."""

import asyncio
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from typing import Final, Literal, cast

import dns.asyncresolver
import dns.exception
import dns.message
import dns.nameserver
import dns.resolver
import dns.rrset
import msgspec
from dns.rdata import Rdata
from dns.rdtypes.ANY.CNAME import CNAME
from dns.rdtypes.ANY.TXT import TXT

RecordType = Literal["TXT", "A", "AAAA"]

DNS_PORT: Final = 53


class DnsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to ask, as `address` or `address:port`; nobody named: whom the system asks."""

    nameservers: tuple[str, ...] = ()
    timeout_s: float = 5.0


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What stands at a name. `aliases` are the names that CNAME records led through, in order;
    `problem` says in words why there are no values.
    """

    values: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    problem: str = ""


class Resolver:
    """Keeps nothing, so that a record that was just made is seen as soon as the DNS shows it."""

    def __init__(self, settings: DnsSettings) -> None:
        self._timeout_s = settings.timeout_s
        self._resolver = _open_resolver(settings.nameservers)
        self._resolver.cache = None
        # One silent name server leaves time to ask another.
        self._resolver.timeout = min(self._resolver.timeout, settings.timeout_s / 2)

    async def find(self, name: str, kind: RecordType) -> Found:
        try:
            answer = await self._resolver.resolve(
                name, kind, raise_on_no_answer=False, lifetime=self._timeout_s, search=False
            )
        except dns.resolver.NXDOMAIN as error:
            return Found(problem=_explain_missing(name, error))
        except dns.resolver.LifetimeTimeout:
            return Found(problem=f"no answer within {self._timeout_s:g} s")
        except dns.exception.DNSException:
            return Found(problem="the name servers failed")
        # Sorted, because records come in any order and the same answer should read the same.
        values = tuple(sorted(_read_value(record) for record in _list_records(answer.rrset)))
        aliases = _list_aliases(answer.response)
        return Found(values=values, aliases=aliases, problem="" if values else f"no {kind} record")

    async def find_addresses(self, name: str) -> Found:
        """Both kinds of addresses; an address is its own."""
        literal = name.strip("[]")
        if is_address(literal):
            return Found(values=(literal,))
        four, six = await asyncio.gather(self.find(name, "A"), self.find(name, "AAAA"))
        values = four.values + six.values
        problem = "" if values else _join_problems(four.problem, six.problem)
        return Found(values=values, aliases=four.aliases or six.aliases, problem=problem)


def drop_local(addresses: Iterable[str]) -> frozenset[str]:
    """Without those that mean another machine everywhere, such as 127.0.0.1."""
    read = (ip_address(address) for address in addresses)
    return frozenset(str(ip) for ip in read if not (ip.is_loopback or ip.is_unspecified))


def _open_resolver(nameservers: Sequence[str]) -> dns.asyncresolver.Resolver:
    if not nameservers:
        try:
            return dns.asyncresolver.Resolver()
        except dns.resolver.NoResolverConfiguration:
            nameservers = ["127.0.0.1"]  # as the C library does
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = [_name_server(text) for text in nameservers]
    return resolver


def _name_server(text: str) -> dns.nameserver.Nameserver:
    address, colon, port = text.rpartition(":")
    if colon and not is_address(text):
        return dns.nameserver.Do53Nameserver(address.strip("[]"), int(port))
    return dns.nameserver.Do53Nameserver(text, DNS_PORT)


def _list_records(rrset: dns.rrset.RRset | None) -> list[Rdata]:
    return list(cast("Iterable[Rdata]", rrset or ()))


def _read_value(record: Rdata) -> str:
    if isinstance(record, TXT):
        return b"".join(record.strings).decode("utf-8", "replace")
    return record.to_text()


def _list_aliases(response: dns.message.Message) -> tuple[str, ...]:
    if not isinstance(response, dns.message.QueryMessage):
        return ()
    records = [
        each for rrset in response.resolve_chaining().cnames for each in _list_records(rrset)
    ]
    return tuple(
        each.target.to_text(omit_final_dot=True).lower()
        for each in records
        if isinstance(each, CNAME)
    )


def _explain_missing(name: str, error: dns.resolver.NXDOMAIN) -> str:
    last = str(cast("object", error.canonical_name)).rstrip(".").lower()
    return "no such name" if last == name.lower() else f"an alias of {last}, which does not exist"


def _join_problems(four: str, six: str) -> str:
    return "no A or AAAA record" if (four, six) == ("no A record", "no AAAA record") else four


def is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
