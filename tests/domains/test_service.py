"""Adds, changes and removes domains on a real database, and follows the configuration."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from shorty.accounts.model import Actor
from shorty.config import Config, DomainConfig, Plan
from shorty.domains import Domain, DomainChange, DomainDirectory, NewDomain
from shorty.domains.app_links import AppLinks, find_app_links
from shorty.domains.service import (
    add_domain,
    add_operator_domain,
    change_domain,
    get_domain,
    list_all_domains,
    list_domains,
    remove_by_host,
    remove_domain,
    sync_domains,
)
from shorty.domains.store import mark_verified
from shorty.errors import (
    AlreadyExistsError,
    ConflictError,
    ForbiddenError,
    InvalidFieldsError,
    NotFoundError,
    QuotaExceededError,
    StartError,
)
from shorty.plans import read_usage
from shorty.storage.database import Database, Transaction
from tests.domains.support import make_config, start
from tests.reading import reader
from tests.support import NOW, make_actor, make_home

Act = tuple[Callable[[Transaction], object], set[int]]

LATER = NOW + 1000
TWO_DOMAINS = Config(plans={"unlimited": Plan(name="unlimited", domains=2)})


@pytest.fixture
def directory(db: Database) -> DomainDirectory:
    return DomainDirectory(db, make_config())


@pytest.fixture
async def ann(db: Database) -> Actor:
    return await make_actor(db, await make_home(db, email="ann@a.example"))


@pytest.fixture
async def bob(db: Database) -> Actor:
    return await make_actor(db, await make_home(db, email="bob@b.example"))


async def claim(db: Database, actor: Actor, host: str, **rest: str) -> Domain:
    new = NewDomain(
        host=host,
        root_redirect=rest.get("root_redirect", ""),
        not_found_redirect=rest.get("not_found_redirect", ""),
    )
    return await db.write(lambda tx: add_domain(tx, actor, new, NOW))


async def verify(db: Database, domain: Domain) -> Domain | None:
    return await db.write(lambda tx: mark_verified(tx, domain.id, LATER))


async def vouch(db: Database, host: str) -> Domain:
    return await db.write(lambda tx: add_operator_domain(tx, NewDomain(host=host), NOW))


async def test_a_workspaces_domain_starts_unverified_with_a_token(db: Database, ann: Actor) -> None:
    domain = await claim(db, ann, " Go.Acme.example ", root_redirect="https://acme.example")
    assert (domain.host, domain.scheme, domain.source) == ("go.acme.example", "https", "api")
    assert domain.workspace_id == ann.workspace_id
    assert domain.root_redirect == "https://acme.example/"
    assert not domain.is_verified
    assert len(domain.verification_token) == 32
    assert domain.verification_token != (await claim(db, ann, "b.example")).verification_token


async def test_all_that_is_wrong_with_a_domain_is_said_at_once(db: Database, ann: Actor) -> None:
    with pytest.raises(InvalidFieldsError) as caught:
        await claim(db, ann, "a/b", root_redirect="x", not_found_redirect="ftp://x/")
    assert sorted(caught.value.fields) == ["host", "not_found_redirect", "root_redirect"]
    with pytest.raises(InvalidFieldsError, match="only the operator"):
        await claim(db, ann, "localhost:8000")
    with pytest.raises(InvalidFieldsError, match="back to itself"):
        await claim(db, ann, "go.acme.example", root_redirect="https://GO.acme.example")


async def test_a_domain_is_claimed_once_by_a_workspace(db: Database, ann: Actor) -> None:
    await claim(db, ann, "go.acme.example")
    with pytest.raises(AlreadyExistsError):
        await claim(db, ann, "GO.acme.example.")
    usage = await read_usage(db, ann.workspace_id, ann.plan, NOW)
    assert usage["domains"].used == 1


async def test_a_false_claim_does_not_block_the_true_owner(
    db: Database, ann: Actor, bob: Actor
) -> None:
    false = await claim(db, ann, "go.bob.example")
    true = await claim(db, bob, "go.bob.example")
    assert await verify(db, true) is not None
    assert await verify(db, false) is None


async def test_a_verified_host_cannot_be_claimed_and_nobody_learns_whose_it_is(
    db: Database, ann: Actor, bob: Actor
) -> None:
    await verify(db, await claim(db, ann, "go.acme.example"))
    with pytest.raises(AlreadyExistsError) as caught:
        await claim(db, bob, "go.acme.example")
    assert caught.value.message == "A domain named 'go.acme.example' already exists."


async def test_the_operators_hosts_cannot_be_claimed(db: Database, ann: Actor) -> None:
    await start(db, make_config("go.example.com"))
    await vouch(db, "links.example.com")
    for host in ("go.example.com", "links.example.com"):
        with pytest.raises(AlreadyExistsError):
            await claim(db, ann, host)


async def test_domains_are_limited_by_the_plan_and_given_back(
    db: Database, directory: DomainDirectory
) -> None:
    ann = await make_actor(db, await make_home(db), config=TWO_DOMAINS)
    first = await claim(db, ann, "a.example.com")
    await claim(db, ann, "b.example.com")
    with pytest.raises(QuotaExceededError):
        await claim(db, ann, "c.example.com")
    await db.write(lambda tx: remove_domain(tx, directory, ann, first.id, LATER))
    await claim(db, ann, "c.example.com")
    assert {each.host for each in await list_domains(db, ann.workspace_id)} == {
        "b.example.com",
        "c.example.com",
    }


async def test_a_removed_domain_comes_back_as_the_same_one_unverified(
    db: Database, directory: DomainDirectory, ann: Actor
) -> None:
    first = await claim(db, ann, "go.acme.example", root_redirect="https://old.example/")
    await verify(db, first)
    await db.write(lambda tx: remove_domain(tx, directory, ann, first.id, LATER))
    with pytest.raises(NotFoundError):
        await get_domain(db, ann.workspace_id, first.id)
    assert await verify(db, first) is None
    with pytest.raises(NotFoundError):
        await db.write(lambda tx: remove_domain(tx, directory, ann, first.id, LATER))
    with pytest.raises(NotFoundError):
        await db.write(lambda tx: change_domain(tx, directory, ann, first.id, DomainChange()))
    assert (await read_usage(db, ann.workspace_id, ann.plan, NOW))["domains"].used == 0
    again = await claim(db, ann, "go.acme.example")
    assert again.id == first.id
    assert again.verified_at is None
    assert again.root_redirect == ""
    assert again.verification_token != first.verification_token


async def test_a_removed_domain_may_be_anothers(
    db: Database, directory: DomainDirectory, ann: Actor, bob: Actor
) -> None:
    first = await claim(db, ann, "go.acme.example")
    await verify(db, first)
    await db.write(lambda tx: remove_domain(tx, directory, ann, first.id, LATER))
    second = await claim(db, bob, "go.acme.example")
    assert await verify(db, second) is not None
    with pytest.raises(AlreadyExistsError):
        await claim(db, ann, "go.acme.example")


async def test_redirects_change_one_by_one_and_clear(
    db: Database, directory: DomainDirectory, ann: Actor
) -> None:
    domain = await claim(db, ann, "go.acme.example", root_redirect="https://a.example/")

    async def change(**fields: str | None) -> Domain:
        return await db.write(
            lambda tx: change_domain(tx, directory, ann, domain.id, DomainChange(**fields))
        )

    changed = await change(not_found_redirect="https://b.example/lost")
    assert changed.root_redirect == "https://a.example/"
    assert changed.not_found_redirect == "https://b.example/lost"
    assert (await change(root_redirect=None)).root_redirect == ""
    assert (await change(not_found_redirect="")).not_found_redirect == ""
    assert (await get_domain(db, ann.workspace_id, domain.id)).root_redirect == ""
    over = await change(expired_redirect="https://b.example/over")
    assert over.expired_redirect == "https://b.example/over"
    assert (await get_domain(db, ann.workspace_id, domain.id)) == over
    assert (await change(root_redirect="")).expired_redirect == "https://b.example/over"
    assert (await change(expired_redirect=None)).expired_redirect == ""
    with pytest.raises(InvalidFieldsError, match="https://"):
        await change(root_redirect="javascript:alert(1)")
    with pytest.raises(InvalidFieldsError, match="back to itself"):
        await change(root_redirect="http://go.acme.example")


async def test_another_workspaces_domain_is_not_there(
    db: Database, directory: DomainDirectory, ann: Actor, bob: Actor
) -> None:
    domain = await claim(db, ann, "go.acme.example")
    with pytest.raises(NotFoundError):
        await get_domain(db, bob.workspace_id, domain.id)
    with pytest.raises(NotFoundError):
        await db.write(lambda tx: remove_domain(tx, directory, bob, domain.id, NOW))
    with pytest.raises(NotFoundError):
        await db.write(lambda tx: change_domain(tx, directory, bob, domain.id, DomainChange()))


async def test_the_operators_domains_are_seen_but_not_touched(
    db: Database, directory: DomainDirectory, ann: Actor
) -> None:
    await start(db, make_config("go.example.com"))
    await claim(db, ann, "a.acme.example")
    seen = await list_domains(db, ann.workspace_id)
    assert [each.host for each in seen] == ["go.example.com", "a.acme.example"]
    with pytest.raises(ForbiddenError, match="belongs to the operator"):
        await db.write(lambda tx: remove_domain(tx, directory, ann, seen[0].id, NOW))
    with pytest.raises(ForbiddenError, match="belongs to the operator"):
        await db.write(lambda tx: change_domain(tx, directory, ann, seen[0].id, DomainChange()))


async def test_domains_need_the_admin_scope(db: Database, directory: DomainDirectory) -> None:
    home = await make_home(db)
    writer = await make_actor(db, home, scope="write")
    with pytest.raises(ForbiddenError):
        await claim(db, writer, "go.acme.example")
    domain = await claim(db, await make_actor(db, home), "go.acme.example")
    with pytest.raises(ForbiddenError):
        await db.write(lambda tx: remove_domain(tx, directory, writer, domain.id, NOW))


async def test_the_operator_vouches_for_a_domain_at_once(db: Database, ann: Actor) -> None:
    await claim(db, ann, "links.example.com")
    domain = await vouch(db, "Links.example.com:443")
    assert (domain.host, domain.workspace_id, domain.source) == ("links.example.com", None, "cli")
    assert domain.is_verified
    with pytest.raises(AlreadyExistsError):
        await vouch(db, "links.example.com")


async def test_what_the_operator_removes_comes_back_with_its_links(db: Database) -> None:
    first = await vouch(db, "links.example.com")
    await db.write(lambda tx: remove_by_host(tx, "links.example.com", LATER))
    assert await list_all_domains(db) == []
    assert (await vouch(db, "links.example.com")).id == first.id


async def test_a_domain_is_removed_by_any_spelling_of_its_host(db: Database) -> None:
    for spelling in ("Plain.example.com.", "plain.example.com:443", "plain.example.com:80"):
        domain = await vouch(db, "plain.example.com")
        removed = await db.write(lambda tx, spelling=spelling: remove_by_host(tx, spelling, LATER))
        assert removed.id == domain.id


async def test_the_operator_may_remove_a_workspaces_domain(
    db: Database, ann: Actor, bob: Actor
) -> None:
    await claim(db, ann, "go.acme.example")
    proved = await claim(db, bob, "go.acme.example")
    await verify(db, proved)
    removed = await db.write(lambda tx: remove_by_host(tx, "go.acme.example", LATER))
    assert removed.id == proved.id
    assert (await read_usage(db, bob.workspace_id, bob.plan, NOW))["domains"].used == 0
    assert [each.workspace_id for each in await list_all_domains(db)] == [ann.workspace_id]


async def test_configured_domains_are_removed_in_the_configuration(db: Database) -> None:
    await start(db, make_config("go.example.com"))
    with pytest.raises(ConflictError, match="configuration"):
        await db.write(lambda tx: remove_by_host(tx, "go.example.com", LATER))
    with pytest.raises(NotFoundError):
        await db.write(lambda tx: remove_by_host(tx, "nowhere.example", LATER))


async def test_the_configurations_first_domain_is_the_default(db: Database) -> None:
    await vouch(db, "early.example.com")
    directory = await start(db, make_config("b.example.com", "a.example.com"))
    assert [each.host for each in directory.list_operator_domains()] == [
        "b.example.com",
        "a.example.com",
        "early.example.com",
    ]
    assert directory.default is not None
    assert directory.default.host == "b.example.com"


async def test_a_start_brings_the_configurations_domains_up_to_date(db: Database) -> None:
    await start(db, make_config("go.example.com"))
    changed = Config(
        domains=(
            DomainConfig(
                host="go.example.com",
                scheme="http",
                root_redirect="https://example.com/",
                not_found_redirect="https://example.com/lost",
            ),
        )
    )
    domain = (await start(db, changed)).default
    assert domain is not None
    assert (domain.scheme, domain.root_redirect) == ("http", "https://example.com/")
    assert domain.not_found_redirect == "https://example.com/lost"
    assert domain.created_at == domain.verified_at == NOW


async def test_a_domain_that_leaves_the_configuration_stops_and_comes_back(db: Database) -> None:
    both = await start(db, make_config("a.example.com", "b.example.com"))
    known = both.find_by_host("b.example.com")
    with capture_logs() as logs:
        one = await start(db, make_config("a.example.com"))
        rows = await read_rows(db)
        await start(db, make_config("a.example.com"), LATER)
    assert one.find_by_host("b.example.com") is None
    assert [each["host"] for each in logs] == ["b.example.com"]
    assert await read_rows(db) == rows
    again = await start(db, make_config("b.example.com", "a.example.com"), LATER)
    assert known is not None
    assert again.default is not None
    assert again.default.id == known.id


async def test_starting_again_changes_nothing(db: Database) -> None:
    config = make_config("a.example.com", "b.example.com")
    first = await start(db, config)
    second = await start(db, config, LATER)
    assert first.list_operator_domains() == second.list_operator_domains()


async def test_domains_added_by_command_outlast_the_configuration(db: Database) -> None:
    await vouch(db, "links.example.com")
    directory = await start(db, make_config("a.example.com"))
    assert directory.find_by_host("links.example.com") is not None
    directory = await start(db, make_config())
    assert directory.find_by_host("links.example.com") is not None


async def test_the_builtin_domain_moves_with_the_port_and_host(db: Database) -> None:
    ids: set[int] = set()
    for config, host in (
        (make_config(port=8000), "localhost:8000"),
        (make_config(port=9000), "localhost:9000"),
        (make_config(port=80), "localhost"),
        (make_config(host="0.0.0.0", port=9000), "localhost:9000"),  # noqa: S104 - only compared
        (make_config(host="192.168.1.5", port=9000), "192.168.1.5:9000"),
        (make_config(host="::1", port=8000), "localhost:8000"),
    ):
        directory = await start(db, config)
        assert directory.default is not None
        assert directory.default.origin == f"http://{host}"
        ids.add(directory.default.id)
    assert len(ids) == 1
    assert len(await list_all_domains(db)) == 1


async def test_the_builtin_domain_and_a_configured_one_of_its_host_are_the_same(
    db: Database,
) -> None:
    builtin = (await start(db, make_config())).default
    named = (await start(db, make_config("localhost:8000"))).default
    assert builtin is not None
    assert named is not None
    assert named.id == builtin.id
    other = await start(db, make_config("go.example.com"))
    assert other.find_by_host("localhost:8000") is None
    back = (await start(db, make_config())).default
    assert back is not None
    assert (back.id, back.source) == (builtin.id, "builtin")


async def test_the_builtin_domain_moves_to_a_host_that_a_workspace_claims(
    db: Database, ann: Actor
) -> None:
    builtin = (await start(db, make_config())).default
    claimed = await claim(db, ann, "srv.acme.example:9000")
    moved = (await start(db, make_config(host="srv.acme.example", port=9000))).default
    assert builtin is not None
    assert moved is not None
    assert (moved.id, moved.host) == (builtin.id, claimed.host)


async def test_the_builtin_domain_takes_over_a_host_that_is_there_already(db: Database) -> None:
    await start(db, make_config(port=8000))
    added = await db.write(
        lambda tx: add_operator_domain(tx, NewDomain(host="localhost:9000", scheme="http"), NOW)
    )
    directory = await start(db, make_config(port=9000))
    assert directory.default is not None
    assert directory.default.id == added.id
    assert directory.find_by_host("localhost:8000") is None
    moved = await start(db, make_config(port=7000))
    assert moved.default is not None
    assert moved.default.id == added.id


async def test_the_configuration_wins_over_a_workspaces_proof_and_says_so(
    db: Database, ann: Actor
) -> None:
    domain = await claim(db, ann, "go.acme.example")
    await verify(db, domain)
    with capture_logs() as logs:
        directory = await start(db, make_config("go.acme.example"))
    assert [(each["log_level"], each["workspace_id"]) for each in logs] == [
        ("warning", ann.workspace_id)
    ]
    answering = directory.find_by_host("go.acme.example")
    assert answering is not None
    assert answering.workspace_id is None
    assert not (await get_domain(db, ann.workspace_id, domain.id)).is_verified
    assert await verify(db, domain) is None
    await db.write(lambda tx: sync_domains(tx, make_config("other.example"), LATER))
    assert await verify(db, domain) is not None


async def test_requests_are_answered_by_a_change_at_once(
    db: Database, directory: DomainDirectory, ann: Actor
) -> None:
    domain = await claim(db, ann, "go.acme.example")
    await verify(db, domain)
    change = DomainChange(root_redirect="https://acme.example/")
    await db.write(lambda tx: change_domain(tx, directory, ann, domain.id, change))
    found = directory.find_by_host("go.acme.example")
    assert found is not None
    assert found.root_redirect == "https://acme.example/"
    await db.write(lambda tx: remove_domain(tx, directory, ann, domain.id, LATER))
    assert directory.find_by_host("go.acme.example") is None


async def test_what_is_done_to_a_domain_is_done_to_no_other(
    db: Database, directory: DomainDirectory, ann: Actor, bob: Actor
) -> None:
    """Each act changes the rows that are named beside it, of several workspaces and hosts."""
    await start(db, make_config())
    anns, other = await claim(db, ann, "go.acme.example"), await claim(db, ann, "b.acme.example")
    bobs, false = await claim(db, bob, "go.bob.example"), await claim(db, bob, "go.acme.example")
    await claim(db, ann, "go.bob.example")
    former = await claim(db, ann, "more.example.com")
    for domain in (anns, other, bobs, former):
        await verify(db, domain)
    await db.write(lambda tx: remove_domain(tx, directory, ann, former.id, LATER))
    ours, more = await vouch(db, "links.example.com"), await vouch(db, "more.example.com")
    (builtin,) = [each for each in await list_all_domains(db) if each.source == "builtin"]
    redirects = DomainChange(root_redirect="https://a.example/", not_found_redirect="https://b.ex/")
    gone = NewDomain(host="go.acme.example")
    acts: list[Act] = [
        (lambda tx: change_domain(tx, directory, ann, anns.id, redirects), {anns.id}),
        (lambda tx: change_domain(tx, directory, bob, bobs.id, redirects), {bobs.id}),
        (lambda tx: remove_domain(tx, directory, ann, anns.id, LATER), {anns.id}),
        (lambda tx: mark_verified(tx, false.id, LATER), {false.id}),
        (lambda tx: remove_by_host(tx, "go.acme.example", LATER), {false.id}),
        (lambda tx: add_domain(tx, bob, gone, LATER), {false.id}),
        (lambda tx: add_domain(tx, ann, gone, LATER), {anns.id}),
        (lambda tx: mark_verified(tx, anns.id, LATER), {anns.id}),
        (lambda tx: remove_by_host(tx, "links.example.com", LATER), {ours.id}),
        (lambda tx: add_operator_domain(tx, NewDomain(host=ours.host), LATER), {ours.id}),
        (lambda tx: sync_domains(tx, make_config(port=9000), LATER), {builtin.id}),
        (
            lambda tx: sync_domains(tx, make_config("more.example.com"), LATER),
            {builtin.id, more.id},
        ),
    ]
    for number, (act, changed) in enumerate(acts):
        before = await read_rows(db)
        await db.write(act)
        after = await read_rows(db)
        assert {key for key in after if after[key] != before.get(key)} == changed, number
    for domain in (anns, other, ours):
        assert (await get_domain(db, ann.workspace_id, domain.id)).host == domain.host
    with capture_logs() as logs:
        await start(db, make_config("more.example.com", "go.bob.example"))
    assert [each.host for each in await list_domains(db, ann.workspace_id) if each.is_verified] == [
        "more.example.com",
        "go.bob.example",
        "links.example.com",
        "go.acme.example",
        "b.acme.example",
    ]
    assert [each.get("workspace_id") for each in logs if each["log_level"] == "warning"] == [
        bob.workspace_id
    ]
    for actor, used in ((ann, 3), (bob, 2)):
        assert (await read_usage(db, actor.workspace_id, actor.plan, NOW))["domains"].used == used


async def read_rows(db: Database) -> dict[int, dict[str, Any]]:
    return {row["id"]: dict(row) for row in await db.find_all("select * from domains")}


async def test_the_files_that_the_configuration_names_are_read_at_each_start(
    db: Database, tmp_path: Path
) -> None:
    file = tmp_path / "android.json"
    file.write_text('[{"a": 1}]')
    domain = DomainConfig(host="go.example.com", asset_links=str(file))
    directory = await start(db, Config(domains=(domain,)))
    assert directory.default is not None
    id_ = directory.default.id
    assert find_app_links(reader(db), id_) == AppLinks(asset_links='[{"a":1}]')
    file.write_text('[{"a": 2}]')
    await start(db, Config(domains=(domain,)))
    assert find_app_links(reader(db), id_) == AppLinks(asset_links='[{"a":2}]')
    await start(db, make_config("go.example.com"))
    assert find_app_links(reader(db), id_) == AppLinks()


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"{}", "must be a JSON list of objects."),
        (b"[", "is not valid JSON (Input data was truncated)."),
        (b"\xff", "is not text in UTF-8."),
        (b'[{"a":' * 100_000, "is nested too deeply."),
    ],
)
async def test_a_file_that_cannot_be_served_stops_the_start(
    db: Database, tmp_path: Path, content: bytes, fault: str
) -> None:
    file = tmp_path / "android.json"
    file.write_bytes(content)
    domain = DomainConfig(host="go.example.com", asset_links=str(file))
    with pytest.raises(StartError) as error:
        await start(db, Config(domains=(domain,)))
    assert error.value.message == f"{file} {fault}"
    file.unlink()
    with pytest.raises(StartError, match=r"cannot be read: No such file or directory\."):
        await start(db, Config(domains=(domain,)))
