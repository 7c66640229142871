import pytest
from structlog.testing import capture_logs

from shorty.accounts.members import change_role, get_member, list_members, remove_member
from shorty.accounts.model import Actor, Member, Role
from shorty.accounts.roles import is_allowed, require_scope
from shorty.accounts.service import leave_workspace, list_users
from shorty.accounts.tokens import find_actor
from shorty.config import Config, DefaultsConfig, Plan
from shorty.errors import (
    AlreadyExistsError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    QuotaExceededError,
    UnauthenticatedError,
)
from shorty.storage.database import Database
from tests.reading import reader
from tests.support import NOW, make_actor, make_colleague, make_home, make_token

SMALL = Config(plans={"small": Plan(members=2)}, defaults=DefaultsConfig(plan="small"))


@pytest.fixture
async def owner(db: Database) -> Actor:
    return await make_actor(db, await make_home(db))


async def add(db: Database, actor: Actor, email: str = "bob@a.example") -> Member:
    home = await make_colleague(db, actor, "editor", email)
    return get_member(reader(db), actor.workspace_id, home.user.id)


async def list_roles(db: Database, actor: Actor) -> dict[str, Role]:
    members = await list_members(db, actor.workspace_id, 0, 100)
    return {member.name: member.role for member in members}


async def test_a_new_person_is_created_and_joins(db: Database, owner: Actor) -> None:
    member = await add(db, owner, "Bob@A.example")
    assert (member.email, member.role) == ("bob@a.example", "editor")
    assert await list_roles(db, owner) == {"ann": "owner", "bob": "editor"}


async def test_a_person_with_an_account_joins_with_it(db: Database, owner: Actor) -> None:
    eve = await make_home(db, email="eve@b.example")
    member = await add(db, owner, "eve@b.example")
    assert member.user_id == eve.user.id
    assert await list_roles(db, owner) == {"ann": "owner", "eve": "editor"}
    assert len(await list_users(db)) == 2


async def test_a_person_cannot_join_twice(db: Database, owner: Actor) -> None:
    await add(db, owner)
    with pytest.raises(AlreadyExistsError):
        await add(db, owner)


async def test_the_plan_limits_the_members_and_a_place_becomes_free_again(db: Database) -> None:
    owner = await make_actor(db, await make_home(db, SMALL), config=SMALL)
    member = await add(db, owner)
    with pytest.raises(QuotaExceededError):
        await add(db, owner, "eve@b.example")
    assert len(await list_users(db)) == 2
    await db.write(lambda tx: remove_member(tx, owner, member.user_id, NOW))
    await add(db, owner, "eve@b.example")


async def test_the_name_that_a_workspace_gave_a_person_stays(db: Database, owner: Actor) -> None:
    member = await add(db, owner)
    await db.write(
        lambda tx: tx.execute(
            "update members set name = 'Bobby' where user_id = $1", member.user_id
        )
    )
    changed = await db.write(lambda tx: change_role(tx, owner, member.user_id, "viewer"))
    assert changed.name == "Bobby"
    assert await list_roles(db, owner) == {"ann": "owner", "Bobby": "viewer"}


async def test_a_removed_members_token_stops_and_stays_stopped(db: Database, owner: Actor) -> None:
    bob = await make_colleague(db, owner, "editor")
    text = await make_token(db, bob)
    await db.write(lambda tx: remove_member(tx, owner, bob.user.id, NOW))
    await add(db, owner)
    with pytest.raises(UnauthenticatedError):
        find_actor(reader(db), text, Config().plans, NOW)


async def test_the_log_says_who_removed_a_member_or_that_they_left(
    db: Database, owner: Actor
) -> None:
    removed, leaving = [
        await make_colleague(db, owner, "editor", email) for email in ("a@b.example", "c@b.example")
    ]
    actor = find_actor(reader(db), await make_token(db, leaving), Config().plans, NOW)
    with capture_logs() as logs:
        await db.write(lambda tx: remove_member(tx, owner, removed.user.id, NOW))
        await db.write(lambda tx: leave_workspace(tx, actor, NOW))
    said = {"event": "member_removed", "log_level": "info", "workspace_id": owner.workspace_id}
    assert logs == [
        {**said, "user_id": removed.user.id, "by": owner.user_id},
        {**said, "user_id": leaving.user.id, "by": leaving.user.id},
    ]


async def test_the_last_owner_stays_owner(db: Database, owner: Actor) -> None:
    with pytest.raises(
        ConflictError, match=r"^A workspace needs an owner; make someone else an owner"
    ):
        await db.write(lambda tx: change_role(tx, owner, owner.user_id, "admin"))
    with pytest.raises(ConflictError):
        await db.write(lambda tx: remove_member(tx, owner, owner.user_id, NOW))
    assert await list_roles(db, owner) == {"ann": "owner"}


async def test_an_owner_may_leave_if_another_remains(db: Database, owner: Actor) -> None:
    bob = await add(db, owner)
    await db.write(lambda tx: change_role(tx, owner, bob.user_id, "owner"))
    await db.write(lambda tx: remove_member(tx, owner, owner.user_id, NOW))
    assert await list_roles(db, owner) == {"bob": "owner"}


async def test_an_admin_manages_members_but_no_owner(db: Database, owner: Actor) -> None:
    admin = await make_actor(db, await make_colleague(db, owner, "admin"))
    eve = await add(db, admin, "eve@a.example")
    await db.write(lambda tx: change_role(tx, admin, eve.user_id, "viewer"))
    with pytest.raises(ForbiddenError, match="Only an owner"):
        await db.write(lambda tx: change_role(tx, admin, eve.user_id, "owner"))
    with pytest.raises(ForbiddenError, match="Only an owner"):
        await db.write(lambda tx: remove_member(tx, admin, owner.user_id, NOW))


async def test_another_workspaces_member_is_not_there(db: Database, owner: Actor) -> None:
    eve = await make_home(db, email="eve@b.example")
    with pytest.raises(NotFoundError):
        await db.write(lambda tx: change_role(tx, owner, eve.user.id, "viewer"))
    with pytest.raises(NotFoundError):
        await db.write(lambda tx: remove_member(tx, owner, eve.user.id, NOW))


@pytest.mark.parametrize(
    ("role", "reads", "writes", "manages"),
    [
        ("viewer", True, False, False),
        ("editor", True, True, False),
        ("admin", True, True, True),
        ("owner", True, True, True),
    ],
)
async def test_a_role_limits_an_admin_token(
    db: Database, owner: Actor, role: Role, *, reads: bool, writes: bool, manages: bool
) -> None:
    actor = await make_actor(db, await make_colleague(db, owner, role))
    assert is_allowed(actor, "read") is reads
    assert is_allowed(actor, "write") is writes
    assert is_allowed(actor, "admin") is manages


async def test_a_refusal_says_whether_the_role_or_the_token_is_in_the_way(
    db: Database, owner: Actor
) -> None:
    reader = await make_actor(db, await make_colleague(db, owner, "admin"), scope="read")
    with pytest.raises(ForbiddenError, match="token has the scope 'read'"):
        require_scope(reader, "write")
    viewer = await make_actor(db, await make_colleague(db, owner, "viewer", "eve@a.example"))
    with pytest.raises(ForbiddenError, match=r"^Viewers can't make changes"):
        require_scope(viewer, "write")
