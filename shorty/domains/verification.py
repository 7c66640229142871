"""Proves that a workspace's domain is theirs (a TXT record) and leads to this server.

Two facts of the DNS tell that a host leads here: it is an alias of one of the operator's hosts, or
it has an address that one of them has. Behind a content network or a translating router both can
be false although visitors arrive, so then the server asks itself by way of the host: only it knows
the answer to its challenge.
"""

import asyncio
import hmac
from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from hashlib import sha256
from secrets import token_urlsafe
from typing import Final, Literal

import msgspec

from shorty.accounts.model import Actor
from shorty.accounts.roles import require_scope
from shorty.config import is_loopback
from shorty.domains import store
from shorty.domains.directory import DomainDirectory
from shorty.domains.model import VERIFICATION_LABEL, Domain
from shorty.domains.resolver import DnsSettings, Found, Resolver, drop_local, is_address
from shorty.domains.service import get_domain
from shorty.errors import AlreadyExistsError, FetchError, ForbiddenError
from shorty.fetch import Fetcher
from shorty.log import log_committed
from shorty.storage.database import Database, Transaction

CHALLENGE_PATH: Final = "/.well-known/shorty-challenge/"
PROBE_TIMEOUT_S: Final = 5.0
PROBE_LIMIT_BYTES: Final = 200


class DnsRecord(msgspec.Struct, frozen=True, kw_only=True):
    type: Literal["TXT", "CNAME", "A", "AAAA"]
    name: str
    value: str


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One half of the proof: what was looked for, what was found, and what to do about it.

    Any one of `looked_for` is enough.
    """

    name: Literal["ownership", "address"]
    is_passed: bool
    message: str
    looked_for: tuple[DnsRecord, ...]
    found: tuple[str, ...]


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    domain: Domain
    checks: tuple[Check, ...]

    @property
    def is_passed(self) -> bool:
        return all(check.is_passed for check in self.checks)


class Challenges:
    """Questions that only a server of this database can answer, whichever is asked."""

    def __init__(self, secret: bytes) -> None:
        """`secret` is the server's; what answers are made with is derived from it alone."""
        self._key = hmac.digest(secret, b"shorty domain challenge", sha256)

    def answer(self, question: str) -> str:
        """What CHALLENGE_PATH with the question behind it is answered with, on any host."""
        return hmac.new(self._key, question.encode("utf-8", "replace"), sha256).hexdigest()


class DomainVerifier:
    def __init__(
        self,
        db: Database,
        directory: DomainDirectory,
        fetcher: Fetcher,
        challenges: Challenges,
        settings: DnsSettings,
    ) -> None:
        self._db = db
        self._directory = directory
        self._fetcher = fetcher
        self._challenges = challenges
        self._settings = settings

    async def verify(self, actor: Actor, domain_id: int, now: int) -> Verification:
        """Looks for the proof and lets the domain answer if all of it is there.

        A domain that was verified stays so whatever is found. Raises NotFoundError, ForbiddenError
        and AlreadyExistsError where another domain answers for the host by now.
        """
        require_scope(actor, "admin")
        domain = await get_domain(self._db, actor.workspace_id, domain_id)
        if domain.workspace_id is None:
            raise ForbiddenError(
                f"{domain.host} belongs to the operator and needs no verification."
            )
        resolver = Resolver(self._settings)
        checks = await asyncio.gather(
            self._check_ownership(resolver, domain), self._check_address(resolver, domain)
        )
        if all(check.is_passed for check in checks):
            domain = await self._accept(domain, now)
        return Verification(domain=domain, checks=tuple(checks))

    async def _accept(self, domain: Domain, now: int) -> Domain:
        def accept(tx: Transaction) -> Domain | None:
            verified = store.mark_verified(tx, domain.id, now)
            self._directory.note_change(tx)
            if verified is not None and not domain.is_verified:
                log_committed(
                    tx, "domain_verified", host=domain.host, workspace_id=domain.workspace_id
                )
            return verified

        verified = await self._db.write(accept)
        if verified is None:
            raise AlreadyExistsError("domain", domain.host)
        return verified

    async def _check_ownership(self, resolver: Resolver, domain: Domain) -> Check:
        wanted = build_ownership_record(domain)
        found = await resolver.find(wanted.name, "TXT")
        is_passed = any(value.strip(' "') == wanted.value for value in found.values)
        return Check(
            name="ownership",
            is_passed=is_passed,
            message=_explain_ownership(wanted, found, is_passed=is_passed),
            looked_for=(wanted,),
            found=found.values,
        )

    async def _check_address(self, resolver: Resolver, domain: Domain) -> Check:
        names = list_public_names(self._directory)
        found, *own = await asyncio.gather(
            resolver.find_addresses(domain.name), *(resolver.find_addresses(name) for name in names)
        )
        here = drop_local(address for each in own for address in each.values)
        looked_for = build_address_records(domain.name, names, here)
        way = _find_way_here(found, names, here)
        is_passed, message = True, f"{domain.name} points to this server: {way}."
        if not way:
            is_passed, heard = await self._probe(domain)
            message = f"{domain.name} points to this server: {heard}."
            if not is_passed:
                message = _explain_address(domain.name, found, looked_for, heard)
        return Check(
            name="address",
            is_passed=is_passed,
            message=message,
            looked_for=looked_for,
            found=found.aliases + found.values,
        )

    async def _probe(self, domain: Domain) -> tuple[bool, str]:
        """Whether the host hands our own challenge to us, and what was heard, in words."""
        question = token_urlsafe(16)
        heard: list[str] = []
        for scheme in dict.fromkeys((domain.scheme, "http")):
            url = f"{scheme}://{domain.host}{CHALLENGE_PATH}"
            reason = await self._ask(url + question, self._challenges.answer(question))
            if reason is None:
                return True, f"this server reached itself at {url}"
            heard.append(f"{url} {reason}")
        return False, "; ".join(heard)

    async def _ask(self, url: str, answer: str) -> str | None:
        """None if `url` gives the answer, else what came instead."""
        try:
            page = await self._fetcher.get_page(
                url, limit_bytes=PROBE_LIMIT_BYTES, timeout_s=PROBE_TIMEOUT_S
            )
        except FetchError as error:
            return f"could not be reached ({error.message.rstrip('.')})"
        if hmac.compare_digest(page.body.strip(), answer.encode()):
            return None
        return f"was answered by another server (status {page.status})"


def list_public_names(directory: DomainDirectory) -> tuple[str, ...]:
    """The hosts under which visitors everywhere reach this server, the default one first."""
    names = dict.fromkeys(domain.name for domain in directory.list_operator_domains())
    return tuple(name for name in names if not is_loopback(name))


def list_needed_records(domain: Domain, directory: DomainDirectory) -> tuple[DnsRecord, ...]:
    """What the owner of an unverified domain creates: the proof, and the way here."""
    names = list_public_names(directory)[:1]
    return (build_ownership_record(domain), *build_address_records(domain.name, names, ()))


def build_ownership_record(domain: Domain) -> DnsRecord:
    return DnsRecord(
        type="TXT", name=f"{VERIFICATION_LABEL}.{domain.name}", value=domain.verification_token
    )


def build_address_records(
    name: str, own_names: Sequence[str], own_addresses: Collection[str]
) -> tuple[DnsRecord, ...]:
    """Ways for `name` to lead here; one is enough."""
    aliases = [
        DnsRecord(type="CNAME", name=name, value=own)
        for own in own_names
        if not is_address(own.strip("[]"))
    ]
    addresses = [
        DnsRecord(type="AAAA" if ":" in address else "A", name=name, value=address)
        for address in sorted(own_addresses, key=lambda each: (":" in each, each))
    ]
    return (*aliases, *addresses)


def _find_way_here(found: Found, own_names: Sequence[str], own_addresses: AbstractSet[str]) -> str:
    """In words; empty if the DNS shows none. A CNAME without an IP address does not count."""
    if not found.values:
        return ""
    alias = next((each for each in found.aliases if each in own_names), None)
    if alias is not None:
        return f"it is an alias of {alias}"
    shared = sorted(drop_local(found.values) & own_addresses)
    return f"it has this server's IP address {shared[0]}" if shared else ""


def _explain_ownership(wanted: DnsRecord, found: Found, *, is_passed: bool) -> str:
    if is_passed:
        return f"The TXT record at {wanted.name} was found."
    wish = f'Create a TXT record at {wanted.name} with the value "{wanted.value}"'
    if found.values:
        seen = ", ".join(f'"{value[:100]}"' for value in found.values[:5])
        return f"The TXT record at {wanted.name} contains {seen}. {wish}."
    patience = "; DNS changes can take minutes, sometimes hours, to appear"
    return f"{wanted.name} has no TXT record ({found.problem}). {wish}{patience}."


def _explain_address(name: str, found: Found, looked_for: Sequence[DnsRecord], heard: str) -> str:
    ways = "; ".join(f"{record.type} {record.value}" for record in looked_for)
    wish = f" Create one of these records for it: {ways}." if ways else ""
    there = ", ".join(found.aliases + found.values[:5])
    where = (
        (f"points to {there}, not to this server")
        if found.values
        else f"has no IP address ({found.problem})"
    )
    return f"{name} {where}.{wish} An HTTP request failed too: {heard}."
