"""Verifies domains with a real DNS server and real HTTP servers on loopback."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from shorty.accounts.model import Actor
from shorty.config import Config
from shorty.domains import Domain, DomainDirectory, NewDomain
from shorty.domains.resolver import DnsSettings, Resolver, drop_local
from shorty.domains.service import add_domain, get_domain
from shorty.domains.verification import (
    CHALLENGE_PATH,
    Challenges,
    DnsRecord,
    DomainVerifier,
    Verification,
    list_needed_records,
)
from shorty.errors import AlreadyExistsError, ForbiddenError, NotFoundError
from shorty.fetch import Fetcher
from shorty.storage.database import Database
from tests.domains.dns_server import DnsServer, Zone, make_system_ask, run_dns_server
from tests.domains.support import make_config, start
from tests.support import NOW, make_actor, make_home

HOST = "go.acme.example"
UNSPECIFIED = "0.0.0.0"  # noqa: S104 - in records only
PROOF = f"_shorty-verification.{HOST}"
LATER = NOW + 5000


class LoopbackResolver(AbstractResolver):
    """Resolves every name to this machine, like a hosts file."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host, host="127.0.0.1", port=port, family=family, proto=0, flags=0
            )
        ]

    async def close(self) -> None:
        """Nothing is open."""


class Scene:
    """One server of links with its DNS, and a workspace that claims a domain."""

    def __init__(
        self, db: Database, directory: DomainDirectory, dns: DnsServer, fetcher: Fetcher
    ) -> None:
        self.db = db
        self.directory = directory
        self.dns = dns
        self.challenges = Challenges(b"ours")
        self.verifier = DomainVerifier(
            db,
            directory,
            fetcher,
            self.challenges,
            DnsSettings(nameservers=(dns.address,), timeout_s=1),
        )

    async def claim(self, actor: Actor, host: str = HOST) -> Domain:
        domain = await self.db.write(lambda tx: add_domain(tx, actor, NewDomain(host=host), NOW))
        self.dns.zone[f"_shorty-verification.{domain.name}"] = {"TXT": [domain.verification_token]}
        return domain

    async def verify(self, actor: Actor, domain: Domain) -> Verification:
        return await self.verifier.verify(actor, domain.id, LATER)


@pytest.fixture
async def ann(db: Database) -> Actor:
    return await make_actor(db, await make_home(db))


def make_zone() -> Zone:
    return {
        "sho.example": {"A": ["203.0.113.10"], "AAAA": ["2001:db8::10"]},
        "www.elsewhere.example": {"A": ["198.51.100.9"]},
    }


@asynccontextmanager
async def open_scene(db: Database, config: Config | None = None) -> AsyncGenerator[Scene]:
    directory = await start(db, config or make_config("sho.example", "localhost:8000"))
    async with (
        run_dns_server(make_zone()) as dns,
        Fetcher(allow_private=True, resolver=LoopbackResolver()) as fetcher,
    ):
        yield Scene(db, directory, dns, fetcher)


@pytest.fixture
async def scene(db: Database) -> AsyncGenerator[Scene]:
    async with open_scene(db) as opened:
        yield opened


@asynccontextmanager
async def run_site(answer: Callable[[str], str]) -> AsyncGenerator[int]:
    """A web server whose body is the result of `answer` for the path; yields its port."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.read(4096)
        if head.startswith(b"GET "):
            body = answer(head.split(b" ")[1].decode())
            status = "200 OK" if body else "404 Not Found"
            writer.write(f"HTTP/1.1 {status}\r\nConnection: close\r\n\r\n{body}".encode())
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("records", "way"),
    [
        ({"CNAME": ["sho.example."]}, "an alias of sho.example"),
        ({"CNAME": ["Sho.Example."]}, "an alias of sho.example"),
        ({"CNAME": ["hop.example."]}, "an alias of sho.example"),
        ({"A": ["203.0.113.10"]}, "this server's IP address 203.0.113.10"),
        ({"A": ["198.51.100.1", "203.0.113.10"]}, "this server's IP address 203.0.113.10"),
        ({"AAAA": ["2001:db8:0::10"]}, "this server's IP address 2001:db8::10"),
    ],
)
async def test_a_domain_with_its_records_is_verified_and_answers(
    scene: Scene, ann: Actor, records: dict[str, list[str]], way: str
) -> None:
    domain = await scene.claim(ann)
    scene.dns.zone[HOST] = records
    scene.dns.zone["hop.example"] = {"CNAME": ["sho.example."]}
    assert scene.directory.find_by_host(HOST) is None
    result = await scene.verify(ann, domain)
    assert result.is_passed
    assert way in result.checks[1].message
    assert result.domain.verified_at == LATER
    assert scene.directory.find_by_host(HOST) == result.domain


async def test_a_missing_proof_names_the_record_to_create(scene: Scene, ann: Actor) -> None:
    domain = await scene.claim(ann)
    scene.dns.zone[HOST] = {"CNAME": ["sho.example."]}
    del scene.dns.zone[PROOF]
    result = await scene.verify(ann, domain)
    ownership, address = result.checks
    assert (ownership.is_passed, address.is_passed, result.is_passed) == (False, True, False)
    assert ownership.looked_for == (
        DnsRecord(type="TXT", name=PROOF, value=domain.verification_token),
    )
    assert ownership.found == ()
    assert ownership.message.startswith(f"{PROOF} has no TXT record (no such name). Create a TXT")
    assert domain.verification_token in ownership.message
    assert not result.domain.is_verified
    assert scene.directory.find_by_host(HOST) is None


async def test_a_wrong_proof_is_shown(scene: Scene, ann: Actor) -> None:
    domain = await scene.claim(ann)
    scene.dns.zone[PROOF] = {"TXT": ['"of another"', f'"x{domain.verification_token}"']}
    ownership = (await scene.verify(ann, domain)).checks[0]
    assert not ownership.is_passed
    assert ownership.found == ("of another", f"x{domain.verification_token}")
    assert f'The TXT record at {PROOF} contains "of another", "x' in ownership.message


@pytest.mark.parametrize(
    "spelling", ['"{}"', '"\\"{}\\""', '" {} "', '"other" "value"|"{}"', '"{:.10}" "{:.22}"']
)
async def test_the_proof_is_found_as_people_write_it(
    scene: Scene, ann: Actor, spelling: str
) -> None:
    domain = await scene.claim(ann)
    token = domain.verification_token
    values = spelling.replace("{:.10}", token[:10]).replace("{:.22}", token[10:])
    scene.dns.zone[PROOF] = {"TXT": [each.format(token) for each in values.split("|")]}
    assert (await scene.verify(ann, domain)).checks[0].is_passed


async def test_the_proof_may_stand_behind_an_alias(scene: Scene, ann: Actor) -> None:
    domain = await scene.claim(ann)
    scene.dns.zone["proofs.example"] = scene.dns.zone.pop(PROOF)
    scene.dns.zone[PROOF] = {"CNAME": ["proofs.example."]}
    assert (await scene.verify(ann, domain)).checks[0].is_passed


async def test_a_long_answer_is_read_over_tcp(scene: Scene, ann: Actor) -> None:
    domain = await scene.claim(ann)
    others = [f'"{number:0200}"' for number in range(10)]
    scene.dns.zone[PROOF]["TXT"] = [*others, domain.verification_token]
    assert (await scene.verify(ann, domain)).checks[0].is_passed
    assert ("tcp", PROOF, "TXT") in scene.dns.asked


async def test_a_domain_that_leads_elsewhere_is_told_where(scene: Scene, ann: Actor) -> None:
    async with run_site(lambda _path: "") as port:
        domain = await scene.claim(ann, f"{HOST}:{port}")
        scene.dns.zone[HOST] = {"CNAME": ["www.elsewhere.example."]}
        result = await scene.verify(ann, domain)
    ownership, address = result.checks
    assert (ownership.is_passed, address.is_passed) == (True, False)
    assert address.found == ("www.elsewhere.example", "198.51.100.9")
    assert address.looked_for == (
        DnsRecord(type="CNAME", name=HOST, value="sho.example"),
        DnsRecord(type="A", name=HOST, value="203.0.113.10"),
        DnsRecord(type="AAAA", name=HOST, value="2001:db8::10"),
    )
    for part in (
        f"{HOST} points to www.elsewhere.example, 198.51.100.9, not to this server.",
        "records for it: CNAME sho.example; A 203.0.113.10; AAAA 2001:db8::10.",
        f"http://{HOST}:{port}{CHALLENGE_PATH} was answered by another server (status 404)",
        f"https://{HOST}:{port}{CHALLENGE_PATH} could not be reached (",
    ):
        assert part in address.message
    assert (await get_domain(scene.db, ann.workspace_id, domain.id)).verified_at is None


async def test_behind_another_address_the_server_recognises_itself(
    scene: Scene, ann: Actor
) -> None:
    def answer(path: str) -> str:
        return scene.challenges.answer(path.removeprefix(CHALLENGE_PATH)) + "\n"

    async with run_site(answer) as port:
        domain = await scene.claim(ann, f"{HOST}:{port}")
        scene.dns.zone[HOST] = {"A": ["198.51.100.77"]}
        result = await scene.verify(ann, domain)
    assert result.is_passed
    assert "this server reached itself at http://" in result.checks[1].message


async def test_another_shorty_is_not_this_one(scene: Scene, ann: Actor) -> None:
    other = Challenges(b"another")
    async with run_site(lambda path: other.answer(path.removeprefix(CHALLENGE_PATH))) as port:
        domain = await scene.claim(ann, f"{HOST}:{port}")
        scene.dns.zone[HOST] = {"A": ["198.51.100.77"]}
        result = await scene.verify(ann, domain)
    assert "answered by another server (status 200)" in result.checks[1].message


async def test_the_question_alone_is_no_answer(scene: Scene, ann: Actor) -> None:
    async with run_site(lambda path: path.removeprefix(CHALLENGE_PATH)) as port:
        domain = await scene.claim(ann, f"{HOST}:{port}")
        assert not (await scene.verify(ann, domain)).checks[1].is_passed


async def test_the_guard_holds_for_the_servers_own_question(db: Database, ann: Actor) -> None:
    directory = await start(db, make_config("sho.example"))
    async with (
        run_site(lambda _path: "secret") as port,
        run_dns_server(make_zone()) as dns,
        Fetcher(resolver=LoopbackResolver()) as fetcher,
    ):
        scene = Scene(db, directory, dns, fetcher)
        domain = await scene.claim(ann, f"{HOST}:{port}")
        result = await scene.verify(ann, domain)
    assert "is not on the public internet" in result.checks[1].message


@pytest.mark.parametrize(
    ("records", "problem"),
    [
        (None, "has no IP address (no such name)"),
        ({"MX": ["10 mail.acme.example."]}, "has no IP address (no A or AAAA record)"),
        (
            {"CNAME": ["gone.example."]},
            "has no IP address (an alias of gone.example, which does not exist)",
        ),
    ],
)
async def test_a_domain_that_leads_nowhere_is_told_so(
    scene: Scene, ann: Actor, records: dict[str, list[str]] | None, problem: str
) -> None:
    domain = await scene.claim(ann, f"{HOST}:1")
    if records is not None:
        scene.dns.zone[HOST] = records
    address = (await scene.verify(ann, domain)).checks[1]
    assert not address.is_passed
    assert problem in address.message


async def test_an_alias_of_a_host_without_addresses_is_no_way_here(
    scene: Scene, ann: Actor
) -> None:
    domain = await scene.claim(ann, f"{HOST}:1")
    scene.dns.zone[HOST] = {"CNAME": ["sho.example."]}
    scene.dns.zone["sho.example"] = {"MX": ["10 mail.example."]}
    assert not (await scene.verify(ann, domain)).checks[1].is_passed


async def test_loopback_is_nobodys_address(scene: Scene, ann: Actor) -> None:
    domain = await scene.claim(ann, f"{HOST}:1")
    scene.dns.zone[HOST] = {"A": ["127.0.0.1", UNSPECIFIED]}
    scene.dns.zone["sho.example"] = {"A": ["127.0.0.1", UNSPECIFIED]}
    assert not (await scene.verify(ann, domain)).checks[1].is_passed
    assert drop_local(["127.0.0.1", "::1", "::", "10.0.0.1"]) == {"10.0.0.1"}


async def test_broken_and_silent_name_servers_are_told_apart(scene: Scene, ann: Actor) -> None:
    domain = await scene.claim(ann, f"{HOST}:1")
    scene.dns.broken.add(PROOF)
    scene.dns.silent.add(HOST)
    ownership, address = (await scene.verify(ann, domain)).checks
    assert "(the name servers failed)" in ownership.message
    assert "(no answer within 1 s)" in address.message


async def test_an_operators_address_counts_where_no_name_is_known(db: Database, ann: Actor) -> None:
    async with open_scene(db, make_config("203.0.113.10", "[2001:db8::10]:8000")) as scene:
        domain = await scene.claim(ann)
        scene.dns.zone[HOST] = {"AAAA": ["2001:db8::10"]}
        result = await scene.verify(ann, domain)
    assert result.is_passed
    assert [record.type for record in result.checks[1].looked_for] == ["A", "AAAA"]


async def test_a_server_with_local_domains_only_asks_itself(db: Database, ann: Actor) -> None:
    async with open_scene(db, make_config()) as scene:
        domain = await scene.claim(ann, f"{HOST}:1")
        scene.dns.zone[HOST] = {"A": ["203.0.113.10"]}
        address = (await scene.verify(ann, domain)).checks[1]
    assert address.looked_for == ()
    assert "not to this server. An HTTP request failed too:" in address.message


async def test_verifying_again_keeps_what_was_proved(scene: Scene, ann: Actor) -> None:
    domain = await scene.claim(ann)
    scene.dns.zone[HOST] = {"CNAME": ["sho.example."]}
    await scene.verify(ann, domain)
    again = await scene.verifier.verify(ann, domain.id, LATER + 1)
    assert again.domain.verified_at == LATER
    del scene.dns.zone[PROOF]
    lost = await scene.verify(ann, domain)
    assert (lost.is_passed, lost.domain.is_verified) == (False, True)
    assert scene.directory.find_by_host(HOST) is not None


async def test_of_two_with_proof_the_first_has_the_domain(scene: Scene, ann: Actor) -> None:
    bob = await make_actor(scene.db, await make_home(scene.db, email="bob@b.example"))
    first, second = await scene.claim(ann), await scene.claim(bob)
    scene.dns.zone[PROOF] = {"TXT": [first.verification_token, second.verification_token]}
    scene.dns.zone[HOST] = {"CNAME": ["sho.example."]}
    assert (await scene.verify(bob, second)).is_passed
    with pytest.raises(AlreadyExistsError):
        await scene.verify(ann, first)
    found = scene.directory.find_by_host(HOST)
    assert found is not None
    assert found.workspace_id == bob.workspace_id


async def test_only_a_workspaces_admins_verify_its_own_domains(scene: Scene, ann: Actor) -> None:
    home = await make_home(scene.db, email="bob@b.example")
    bob = await make_actor(scene.db, home)
    domain = await scene.claim(ann)
    with pytest.raises(NotFoundError):
        await scene.verify(bob, domain)
    own = scene.directory.default
    assert own is not None
    with pytest.raises(ForbiddenError, match="needs no verification"):
        await scene.verify(bob, own)
    writer = await make_actor(scene.db, home, scope="write")
    with pytest.raises(ForbiddenError, match="scope"):
        await scene.verify(writer, domain)
    assert scene.dns.asked == []


async def test_the_needed_records_are_told_before_anything_is_asked(
    scene: Scene, ann: Actor
) -> None:
    domain = await scene.claim(ann, f"{HOST}:8443")
    assert list_needed_records(domain, scene.directory) == (
        DnsRecord(type="TXT", name=PROOF, value=domain.verification_token),
        DnsRecord(type="CNAME", name=HOST, value="sho.example"),
    )
    assert scene.dns.asked == []


def test_challenges_are_answered_by_the_servers_of_one_database_only() -> None:
    one, other = Challenges(b"ours"), Challenges(b"another")
    assert Challenges(b"ours").answer("x") == one.answer("x")
    assert one.answer("x") == one.answer("x")
    assert len({one.answer("x"), one.answer("y"), other.answer("x")}) == 3
    assert one.answer("\udcff")


async def test_the_systems_name_servers_are_asked_where_none_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with run_dns_server(make_zone()) as server:
        make_system_ask(server, monkeypatch)
        found = await Resolver(DnsSettings(timeout_s=1)).find("sho.example", "A")
    assert found.values == ("203.0.113.10",)


async def test_name_servers_may_have_ports_and_be_six() -> None:
    async with run_dns_server(make_zone()) as dns:
        port = dns.address.rpartition(":")[2]
        for servers in ((dns.address,), (f"[::1]:{port}", dns.address)):
            resolver = Resolver(DnsSettings(nameservers=servers, timeout_s=1))
            assert (await resolver.find("sho.example", "A")).values == ("203.0.113.10",)
        assert (await resolver.find_addresses("192.0.2.7")).values == ("192.0.2.7",)
        assert (await resolver.find("x" * 64, "A")).problem == "the name servers failed"
