"""Whatever lasts longer than a request checks again that its session or token is valid."""

from collections.abc import Callable
from typing import Final, NamedTuple

import pytest
from msgspec.structs import replace

from shorty.accounts.invitations import create_invitation
from shorty.accounts.mail_links import request_password_link, set_password_by_link
from shorty.accounts.members import change_role, remove_member
from shorty.accounts.model import Actor, MadeSession, NewToken, Scope
from shorty.accounts.roles import may_still
from shorty.accounts.service import Home, change_password, set_password
from shorty.accounts.sessions import (
    end_other_sessions,
    end_session,
    find_signed_in,
    start_session,
    switch_workspace,
)
from shorty.accounts.tokens import (
    create_token,
    create_token_for,
    end_expired_tokens,
    find_actor,
    revoke_token,
)
from shorty.config import Config
from shorty.errors import UnauthenticatedError
from shorty.storage.database import Database, Transaction
from tests.reading import reader
from tests.support import DAY, NOW, make_actor, make_colleague, make_home

PLANS: Final = Config().plans
BOB: Final = "bob@a.example"


class Scene(NamedTuple):
    """Bob, an editor in Ann's workspace, signed in in two browsers; `owner` is Ann."""

    owner: Actor
    bob: Home
    here: MadeSession
    there: MadeSession


@pytest.fixture
async def scene(db: Database) -> Scene:
    owner = await make_actor(db, await make_home(db))
    bob = await make_colleague(db, owner, "editor")
    here, there = [
        await db.write(
            lambda tx: start_session(tx, bob.user.id, owner.workspace_id, "Firefox", NOW)
        )
        for _ in range(2)
    ]
    return Scene(owner, bob, here, there)


def act(db: Database, made: MadeSession) -> Actor:
    signed_in = find_signed_in(reader(db), made.text, PLANS, NOW)
    assert signed_in is not None
    return signed_in.actor


def may(db: Database, actor: Actor, *, needed: Scope = "write", now: int = NOW) -> bool:
    return may_still(reader(db), actor, needed, now)


def reset_password(tx: Transaction) -> None:
    made = request_password_link(tx, BOB, NOW)
    assert made is not None
    set_password_by_link(tx, made.text, "$hash", NOW)


ENDS: Final[dict[str, Callable[[Transaction, Scene], object]]] = {
    "signed out": lambda tx, it: end_session(tx, it.bob.user.id, it.here.session.id, NOW),
    "signed out elsewhere": lambda tx, it: end_other_sessions(
        tx, it.bob.user.id, it.there.session.id, NOW
    ),
    "password changed elsewhere": lambda tx, it: change_password(
        tx, it.bob.user.id, it.there.session.id, "$hash", NOW
    ),
    "password reset by mail": lambda tx, _: reset_password(tx),
    "password set by the operator": lambda tx, _: set_password(tx, BOB, "$hash", NOW),
    "removed from the workspace": lambda tx, it: remove_member(tx, it.owner, it.bob.user.id, NOW),
    "role lowered": lambda tx, it: change_role(tx, it.owner, it.bob.user.id, "viewer"),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_a_session_is_good_for_no_more_than_it_would_be_let_in_for(
    db: Database, scene: Scene, end: Callable[[Transaction, Scene], object]
) -> None:
    actor = act(db, scene.here)
    assert may(db, actor)
    await db.write(lambda tx: end(tx, scene))
    assert not may(db, actor)
    assert may(db, scene.owner)


async def test_a_session_expires_for_what_it_has_begun_too(db: Database, scene: Scene) -> None:
    actor = act(db, scene.here)
    assert may(db, actor, now=NOW + 30 * DAY - 1)
    assert not may(db, actor, now=NOW + 30 * DAY)


async def test_who_looks_at_another_workspace_by_now_still_belongs_to_the_first(
    db: Database, scene: Scene
) -> None:
    actor = act(db, scene.here)
    eve = await make_actor(db, await make_home(db, email="eve@b.example"))
    await make_colleague(db, eve, "viewer", BOB)
    user_id, session_id = scene.bob.user.id, scene.here.session.id
    await db.write(lambda tx: switch_workspace(tx, user_id, session_id, eve.workspace_id))
    assert may(db, actor)
    await db.write(lambda tx: remove_member(tx, scene.owner, user_id, NOW))
    assert not may(db, actor)


async def test_a_role_that_was_lowered_still_reads(db: Database, scene: Scene) -> None:
    actor = act(db, scene.here)
    await db.write(lambda tx: change_role(tx, scene.owner, scene.bob.user.id, "viewer"))
    assert may(db, actor, needed="read")


async def test_a_reused_session_id_acts_for_nobody_else(db: Database, scene: Scene) -> None:
    """The ids of deleted sessions are reused."""
    actor = replace(act(db, scene.here), user_id=scene.owner.user_id)
    assert not may(db, actor)


async def test_a_token_is_good_until_it_is_revoked_or_expires_or_its_person_leaves(
    db: Database, scene: Scene
) -> None:
    async def issue(expires_at: int | None = None) -> Actor:
        new, place = NewToken(expires_at=expires_at), (scene.owner.workspace_id, scene.bob.user.id)
        made = await db.write(lambda tx: create_token_for(tx, *place, new, NOW))
        return find_actor(reader(db), made.text, PLANS, NOW)

    actor, expiring, other = await issue(), await issue(NOW + DAY), await issue()
    assert may(db, actor)
    assert not may(db, actor, needed="admin")
    await db.write(lambda tx: revoke_token(tx, scene.owner, actor.token_id or 0, NOW))
    assert not may(db, actor)
    assert may(db, expiring, now=NOW + DAY - 1)
    assert not may(db, expiring, now=NOW + DAY)
    await db.write(lambda tx: remove_member(tx, scene.owner, scene.bob.user.id, NOW))
    assert not may(db, other)


async def test_an_expired_token_stays_expired_when_the_clock_is_set_back(
    db: Database, scene: Scene
) -> None:
    new, place = NewToken(expires_at=NOW + DAY), (scene.owner.workspace_id, scene.bob.user.id)
    made = await db.write(lambda tx: create_token_for(tx, *place, new, NOW))
    actor = find_actor(reader(db), made.text, PLANS, NOW)
    assert await end_expired_tokens(db, NOW + DAY) == 1
    assert not may(db, actor)


LASTS: Final[dict[str, Callable[[Transaction, Actor], object]]] = {
    "token": lambda tx, actor: create_token(tx, actor, NewToken(), NOW),
    "invitation": lambda tx, actor: create_invitation(
        tx, actor, "x@a.example", "viewer", NOW, is_mailed=False
    ),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("begin", LASTS.values(), ids=LASTS)
async def test_nothing_that_outlasts_a_session_is_created_once_it_has_ended(
    db: Database,
    scene: Scene,
    end: Callable[[Transaction, Scene], object],
    begin: Callable[[Transaction, Actor], object],
) -> None:
    """Its request was accepted before, and had to wait."""
    user_id = scene.bob.user.id
    await db.write(lambda tx: change_role(tx, scene.owner, user_id, "admin"))
    actor = act(db, scene.here)
    await db.write(lambda tx: end(tx, scene))
    with pytest.raises(UnauthenticatedError):
        await db.write(lambda tx: begin(tx, actor))


async def test_a_command_of_the_operators_needs_the_membership_alone(
    db: Database, scene: Scene
) -> None:
    actor = replace(act(db, scene.here), session_id=None)
    await db.write(lambda tx: end_session(tx, scene.bob.user.id, scene.here.session.id, NOW))
    assert may(db, actor)
    await db.write(lambda tx: remove_member(tx, scene.owner, scene.bob.user.id, NOW))
    assert not may(db, actor)
