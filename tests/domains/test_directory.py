"""Finds the domain of a host, however the host is written."""

import pytest

from shorty.accounts.model import Actor
from shorty.domains import Domain, DomainDirectory, NewDomain
from shorty.domains.directory import REMEMBERED_HEADERS
from shorty.domains.service import add_domain, add_operator_domain
from shorty.domains.store import mark_verified
from shorty.storage.database import Database
from tests.domains.support import make_config, start
from tests.support import NOW, make_actor, make_home


@pytest.fixture
async def ann(db: Database) -> Actor:
    return await make_actor(db, await make_home(db))


async def add(db: Database, actor: Actor, host: str, *, is_verified: bool = True) -> Domain:
    domain = await db.write(lambda tx: add_domain(tx, actor, NewDomain(host=host), NOW))
    if is_verified:
        await db.write(lambda tx: mark_verified(tx, domain.id, NOW))
    return domain


def find(directory: DomainDirectory, header: str) -> str | None:
    domain = directory.find_by_host(header)
    return None if domain is None else domain.host


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("go.example.com", "go.example.com"),
        ("GO.Example.com", "go.example.com"),
        ("go.example.com.", "go.example.com"),
        ("go.example.com:80", "go.example.com"),
        ("go.example.com:443", "go.example.com"),
        ("go.example.com:9999", "go.example.com"),
        ("ports.example.com:8443", "ports.example.com:8443"),
        ("PORTS.example.com.:8443", "ports.example.com:8443"),
        ("ports.example.com", None),
        ("ports.example.com:443", None),
        ("both.example.com:8443", "both.example.com:8443"),
        ("both.example.com:8444", "both.example.com"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("bÃ¼cher.example", "xn--bcher-kva.example"),  # UTF-8 read as Latin-1
        ("localhost:8000", None),
        ("unknown.example", None),
        ("sub.go.example.com", None),
        ("", None),
        ("go.example.com/path", None),
        ("evil@go.example.com", None),
        ("go.example.com#", None),
        ("go.example.com go.example.com", None),
        ("go.example.com:x", None),
        ("[", None),
        ("\udcff", None),
        ("a" * 10_000, None),
    ],
)
async def test_a_host_header_finds_its_domain(db: Database, header: str, host: str | None) -> None:
    config = make_config(
        "go.example.com",
        "ports.example.com:8443",
        "both.example.com",
        "both.example.com:8443",
        "xn--bcher-kva.example",
    )
    directory = await start(db, config)
    assert find(directory, header) == host
    assert find(directory, header) == host


@pytest.mark.parametrize("port", [8000, 80])
async def test_the_names_of_loopback_are_the_builtin_domain(db: Database, port: int) -> None:
    directory = await start(db, make_config(port=port))
    end = "" if port == 80 else f":{port}"
    for name in ("localhost", "127.0.0.1", "[::1]", "LOCALHOST", "[0:0:0:0:0:0:0:1]"):
        assert find(directory, name + end) == f"localhost{end}"
        assert find(directory, f"{name}:8001") == ("localhost" if port == 80 else None)


async def test_a_configured_localhost_has_the_other_names_too(db: Database) -> None:
    directory = await start(db, make_config("localhost:8000"))
    assert find(directory, "127.0.0.1:8000") == "localhost:8000"
    assert find(directory, "127.0.0.1:9000") is None


async def test_a_domain_of_its_own_keeps_its_name(db: Database) -> None:
    directory = await start(db, make_config("localhost:8000", "127.0.0.1:8000"))
    assert find(directory, "127.0.0.1:8000") == "127.0.0.1:8000"
    assert find(directory, "[::1]:8000") == "localhost:8000"


async def test_the_builtin_domain_of_an_address_answers_on_loopback_too(db: Database) -> None:
    directory = await start(db, make_config(host="192.168.1.5"))
    assert find(directory, "192.168.1.5:8000") == "192.168.1.5:8000"
    assert find(directory, "localhost:8000") == "192.168.1.5:8000"


async def test_a_command_knows_the_builtin_domain_on_the_port_that_the_server_was_given(
    db: Database,
) -> None:
    await start(db, make_config(port=9000))
    directory = DomainDirectory(db, make_config(port=8000))
    await directory.reload()
    assert find(directory, "127.0.0.1:9000") == "localhost:9000"
    assert directory.is_own_host("127.0.0.1", 9000)


async def test_unverified_and_removed_domains_do_not_answer(db: Database, ann: Actor) -> None:
    await add(db, ann, "go.acme.example")
    await add(db, ann, "new.acme.example", is_verified=False)
    directory = await start(db, make_config())
    assert find(directory, "go.acme.example") == "go.acme.example"
    assert find(directory, "new.acme.example") is None
    assert directory.is_own_host("go.acme.example", 443)
    assert not directory.is_own_host("new.acme.example", 443)


async def test_changes_show_after_a_reload(db: Database) -> None:
    directory = await start(db, make_config())
    assert find(directory, "LINKS.example.com") is None
    await db.write(lambda tx: add_operator_domain(tx, NewDomain(host="links.example.com"), NOW))
    assert find(directory, "LINKS.example.com") is None
    await directory.reload()
    assert find(directory, "LINKS.example.com") == "links.example.com"


async def test_an_empty_directory_answers_nothing(db: Database) -> None:
    directory = DomainDirectory(db, make_config())
    assert directory.default is None
    assert find(directory, "localhost:8000") is None
    await directory.reload()
    assert directory.default is None


async def test_a_workspaces_domain_is_not_the_default(db: Database, ann: Actor) -> None:
    await add(db, ann, "go.acme.example")
    directory = DomainDirectory(db, make_config())
    await directory.reload()
    assert directory.default is None
    assert directory.list_operator_domains() == []


async def test_links_are_made_on_domains_that_the_workspace_may_use(
    db: Database, ann: Actor
) -> None:
    bob = await make_actor(db, await make_home(db, email="bob@b.example"))
    await add(db, ann, "go.acme.example")
    await add(db, ann, "new.acme.example", is_verified=False)
    directory = await start(db, make_config("go.example.com", "localhost:8000"))

    def named(actor: Actor, text: str) -> str | None:
        domain = directory.find_for_workspace(actor.workspace_id, text)
        return None if domain is None else domain.host

    assert named(ann, "go.acme.example") == "go.acme.example"
    assert named(ann, "Go.Acme.Example.") == "go.acme.example"
    assert named(bob, "go.acme.example") is None
    assert named(ann, "new.acme.example") is None
    assert named(bob, "go.example.com") == "go.example.com"
    assert named(bob, "go.example.com:443") == "go.example.com"
    assert named(bob, "127.0.0.1:8000") == "localhost:8000"
    for text in ("", "https://go.example.com", "go.example.com/x", "nowhere.example", "x" * 999):
        assert named(ann, text) is None


async def test_destinations_on_own_hosts_are_known(db: Database, ann: Actor) -> None:
    await add(db, ann, "go.acme.example")
    await add(db, ann, "ports.acme.example:8443")
    directory = await start(db, make_config("localhost:8000"))
    for host, port in (
        ("go.acme.example", 443),
        ("GO.acme.example.", 80),
        ("go.acme.example", None),
        ("go.acme.example", 8000),  # the port listened on
        ("ports.acme.example", 8443),
        ("localhost", 8000),
        ("127.0.0.1", 8000),
        ("[::1]", 8000),
        ("127.0.0.2", 8000),
        ("0.0.0.0", 8000),  # noqa: S104 - compared, not bound
        ("[::ffff:127.0.0.1]", 8000),
    ):
        assert directory.is_own_host(host, port), (host, port)
    for host, port in (
        ("go.acme.example", 3000),
        ("ports.acme.example", 443),
        ("localhost", 3000),
        ("localhost", None),
        ("example.com", 443),
        ("my host", 443),
        ("x" * 1000, 443),
    ):
        assert not directory.is_own_host(host, port), (host, port)


async def test_headers_are_remembered_within_bounds(db: Database) -> None:
    directory = await start(db, make_config("go.example.com"))
    for port in range(1, 10_000):
        assert find(directory, f"go.example.com:{port}") == "go.example.com"
        assert find(directory, f"scanner-{port}.example") is None
    assert len(directory.by_header) <= REMEMBERED_HEADERS  # pyright: ignore[reportPrivateUsage]
