import pytest

from shorty.accounts.login import start_sign_in
from shorty.accounts.members import remove_member
from shorty.accounts.model import Actor
from shorty.accounts.service import (
    create_workspace,
    leave_workspace,
    list_workspaces,
    rename_workspace,
)
from shorty.accounts.sessions import find_signed_in
from shorty.accounts.tokens import find_actor
from shorty.config import Config, DefaultsConfig
from shorty.errors import (
    ConflictError,
    ForbiddenError,
    InvalidFieldsError,
    UnauthenticatedError,
)
from shorty.plans import read_usage
from shorty.storage.database import Database
from tests.reading import reader
from tests.support import NOW, make_actor, make_colleague, make_home, make_token, prove

CONFIG = Config()


@pytest.fixture
async def owner(db: Database) -> Actor:
    return await make_actor(db, await make_home(db))


async def list_names(db: Database, user_id: int) -> list[str]:
    return [workspace.name for workspace in await list_workspaces(db, user_id)]


async def test_a_person_makes_another_workspace_and_owns_it(db: Database, owner: Actor) -> None:
    config = Config(defaults=DefaultsConfig(plan="free"))
    made = await db.write(lambda tx: create_workspace(tx, config, owner.user_id, " Shop ", NOW))
    assert (made.name, made.plan) == ("Shop", "free")
    assert await list_names(db, owner.user_id) == ["ann", "Shop"]
    usage = await read_usage(db, made.id, config.plans["free"], NOW)
    assert usage["members"].used == 1


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\nb"])
async def test_a_name_is_one_line_of_text(db: Database, owner: Actor, name: str) -> None:
    with pytest.raises(InvalidFieldsError):
        await db.write(lambda tx: rename_workspace(tx, owner, name))
    with pytest.raises(InvalidFieldsError):
        await db.write(lambda tx: create_workspace(tx, CONFIG, owner.user_id, name, NOW))


async def test_a_person_owns_so_many_workspaces_and_no_more(db: Database, owner: Actor) -> None:
    config = Config(defaults=DefaultsConfig(workspaces_per_person=2))
    await db.write(lambda tx: create_workspace(tx, config, owner.user_id, "Shop", NOW))
    with pytest.raises(InvalidFieldsError, match="own at most 2 workspaces"):
        await db.write(lambda tx: create_workspace(tx, config, owner.user_id, "Third", NOW))
    assert await list_names(db, owner.user_id) == ["ann", "Shop"]


async def test_an_admin_renames_the_workspace_and_an_editor_does_not(
    db: Database, owner: Actor
) -> None:
    editor = await make_actor(db, await make_colleague(db, owner, "editor"))
    with pytest.raises(ForbiddenError):
        await db.write(lambda tx: rename_workspace(tx, editor, "Mine"))
    await db.write(lambda tx: rename_workspace(tx, owner, "Shop"))
    assert await list_names(db, owner.user_id) == ["Shop"]


async def test_the_last_owner_may_not_leave(db: Database, owner: Actor) -> None:
    await make_colleague(db, owner, "admin")
    with pytest.raises(ConflictError):
        await db.write(lambda tx: leave_workspace(tx, owner, NOW))
    assert await list_names(db, owner.user_id) == ["ann"]


async def test_a_viewer_leaves_and_their_tokens_stop(db: Database, owner: Actor) -> None:
    bob = await make_colleague(db, owner, "viewer")
    text = await make_token(db, bob)
    actor = find_actor(reader(db), text, CONFIG.plans, NOW)
    await db.write(lambda tx: leave_workspace(tx, actor, NOW))
    assert await list_names(db, bob.user.id) == []
    with pytest.raises(UnauthenticatedError):
        find_actor(reader(db), text, CONFIG.plans, NOW)
    usage = await read_usage(db, owner.workspace_id, owner.plan, NOW)
    assert usage["members"].used == 1


async def test_who_belongs_nowhere_any_more_gets_a_workspace_when_they_sign_in(
    db: Database, owner: Actor
) -> None:
    bob = await make_colleague(db, owner, "editor")
    await db.write(lambda tx: remove_member(tx, owner, bob.user.id, NOW))
    started = await db.write(
        lambda tx: start_sign_in(tx, CONFIG, prove(tx, bob.user), "Firefox", NOW)
    )
    signed_in = find_signed_in(reader(db), started.text, CONFIG.plans, NOW)
    assert signed_in is not None
    assert signed_in.actor.role == "owner"
    assert await list_names(db, bob.user.id) == ["bob"]
