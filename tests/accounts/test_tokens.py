import asyncio
import re
from collections.abc import Callable
from hashlib import sha256

import pytest

from shorty.accounts.last_used import TokenUses
from shorty.accounts.mail_links import request_password_link, set_password_by_link
from shorty.accounts.members import remove_member
from shorty.accounts.model import Actor, NewToken, TokenChange
from shorty.accounts.service import Home, change_password
from shorty.accounts.tokens import (
    change_token,
    count_own_tokens,
    create_token,
    end_expired_tokens,
    find_actor,
    get_token,
    list_all_tokens,
    list_tokens,
    make_token_text,
    revoke_any_token,
    revoke_token,
)
from shorty.config import Config
from shorty.errors import (
    ForbiddenError,
    InvalidFieldsError,
    NotFoundError,
    UnauthenticatedError,
)
from shorty.storage.database import Database, Transaction
from tests.reading import reader
from tests.support import (
    DAY,
    MINUTE,
    NOW,
    build_actor,
    make_actor,
    make_colleague,
    make_home,
    make_token,
)

PLANS = Config().plans


@pytest.fixture
async def home(db: Database) -> Home:
    return await make_home(db)


def test_a_token_is_recognisable_and_carries_256_random_bits() -> None:
    texts = {make_token_text() for _ in range(100)}
    assert len(texts) == 100
    assert all(re.fullmatch(r"shorty_[A-Za-z0-9_-]{43}", text) for text in texts)


async def test_a_token_speaks_for_its_person_in_its_workspace(db: Database, home: Home) -> None:
    text = await make_token(db, home, scope="write")
    actor = find_actor(reader(db), text, PLANS, NOW)
    assert (actor.user_id, actor.user_email) == (home.user.id, "ann@a.example")
    assert (actor.workspace_id, actor.role, actor.scope) == (home.workspace.id, "owner", "write")
    assert actor.plan == PLANS["unlimited"]


async def test_only_the_digest_of_a_token_is_stored(db: Database, home: Home) -> None:
    text = await make_token(db, home)
    row = reader(db).find_one("select digest, hint from tokens")
    assert row is not None
    assert row["digest"] == sha256(text.encode()).hexdigest()
    assert row["hint"] == text[:11]


@pytest.mark.parametrize("text", ["", "shorty_", "shorty_x", "Bearer", "\ud800", "a" * 9000])
async def test_an_unknown_token_acts_for_nobody(db: Database, home: Home, text: str) -> None:
    with pytest.raises(UnauthenticatedError):
        find_actor(reader(db), text, PLANS, NOW)


async def test_a_token_stops_at_the_moment_it_expires(db: Database, home: Home) -> None:
    text = await make_token(db, home, expires_at=NOW + DAY)
    assert find_actor(reader(db), text, PLANS, NOW + DAY - 1).user_id == home.user.id
    with pytest.raises(UnauthenticatedError):
        find_actor(reader(db), text, PLANS, NOW + DAY)


async def test_an_expired_token_stays_expired_whatever_is_changed_of_it(
    db: Database, home: Home
) -> None:
    text = await make_token(db, home, expires_at=NOW + DAY)
    actor = await make_actor(db, home)
    token = (await list_tokens(db, actor, 0, 10))[0]

    async def change(change: TokenChange, now: int) -> None:
        await db.write(lambda tx: change_token(tx, actor, token.id, change, now))

    await change(TokenChange(expires_at=NOW + 2 * DAY), NOW + DAY - 1)
    end = NOW + 2 * DAY
    for later in (end + DAY, None):
        with pytest.raises(InvalidFieldsError, match="create another"):
            await change(TokenChange(expires_at=later), end)
    await change(TokenChange(name="Old"), end)
    with pytest.raises(UnauthenticatedError):
        find_actor(reader(db), text, PLANS, end)


async def test_a_clock_that_is_set_back_revives_no_expired_token(db: Database, home: Home) -> None:
    text = await make_token(db, home, expires_at=NOW + DAY)
    lasting = await make_token(db, home)
    assert await end_expired_tokens(db, NOW + DAY - 1) == 0
    assert find_actor(reader(db), text, PLANS, NOW)
    assert await end_expired_tokens(db, NOW + DAY) == 1
    assert await end_expired_tokens(db, NOW + DAY) == 0
    with pytest.raises(UnauthenticatedError):
        find_actor(reader(db), text, PLANS, NOW)
    actor = find_actor(reader(db), lasting, PLANS, NOW)
    token = (await list_tokens(db, actor, 0, 10))[0]
    assert token.is_over(NOW)
    assert count_own_tokens(reader(db), home.user.id, NOW) == 1
    with pytest.raises(InvalidFieldsError, match="create another"):
        await db.write(
            lambda tx: change_token(tx, actor, token.id, TokenChange(expires_at=None), NOW)
        )


async def test_a_revoked_token_stops_at_once(db: Database, home: Home) -> None:
    text = await make_token(db, home)
    token_id = find_actor(reader(db), text, PLANS, NOW).token_id
    assert token_id is not None
    actor = build_actor(workspace_id=home.workspace.id)
    await db.write(lambda tx: revoke_token(tx, actor, token_id, NOW))
    with pytest.raises(UnauthenticatedError):
        find_actor(reader(db), text, PLANS, NOW)
    assert await list_tokens(db, actor, 0, 10) == []


async def test_a_token_stops_when_its_person_leaves(db: Database, home: Home) -> None:
    text = await make_token(db, home)
    await db.write(lambda tx: tx.execute("delete from members"))
    with pytest.raises(UnauthenticatedError):
        find_actor(reader(db), text, PLANS, NOW)


async def test_ones_own_tokens_are_those_that_still_work_in_every_workspace(
    db: Database, home: Home
) -> None:
    other = await make_home(db, email="eve@b.example")
    actor = await make_actor(db, other)
    await make_colleague(db, actor, "viewer", email="ann@a.example")
    await make_token(db, home)
    await make_token(db, home, expires_at=NOW + DAY)
    await make_token(db, Home(user=home.user, workspace=other.workspace))
    assert count_own_tokens(reader(db), home.user.id, NOW) == 3
    assert count_own_tokens(reader(db), home.user.id, NOW + DAY) == 2
    await db.write(lambda tx: remove_member(tx, actor, home.user.id, NOW))
    assert count_own_tokens(reader(db), home.user.id, NOW) == 2


@pytest.mark.parametrize("revokes", [True, False])
async def test_a_new_password_revokes_ones_own_tokens_where_that_is_asked_for(
    db: Database, home: Home, *, revokes: bool
) -> None:
    other = await make_home(db, email="eve@b.example")
    for each in (home, other):
        await make_token(db, each)
    user_id = home.user.id
    await db.write(lambda tx: change_password(tx, user_id, 1, "$hash", NOW, revokes_tokens=revokes))
    assert count_own_tokens(reader(db), user_id, NOW) == (0 if revokes else 1)
    await make_token(db, home)
    made = await db.write(lambda tx: request_password_link(tx, home.user.email, NOW))
    assert made is not None
    await db.write(
        lambda tx: set_password_by_link(tx, made.text, "$hash", NOW, revokes_tokens=revokes)
    )
    assert count_own_tokens(reader(db), user_id, NOW) == (0 if revokes else 2)
    assert count_own_tokens(reader(db), other.user.id, NOW) == 1


async def test_another_workspaces_token_is_not_there(db: Database, home: Home) -> None:
    other = await make_home(db, email="eve@b.example")
    await make_token(db, other)
    theirs = build_actor(workspace_id=other.workspace.id)
    (token,) = await list_tokens(db, theirs, 0, 10)
    mine = build_actor(workspace_id=home.workspace.id)
    with pytest.raises(NotFoundError):
        await db.write(lambda tx: revoke_token(tx, mine, token.id, NOW))
    with pytest.raises(NotFoundError):
        await db.write(lambda tx: change_token(tx, mine, token.id, TokenChange(name="x"), NOW))
    with pytest.raises(NotFoundError):
        get_token(reader(db), mine, token.id)
    assert await list_tokens(db, theirs, 0, 10) == [token]


ACTIONS: dict[str, Callable[[Transaction, Actor], object]] = {
    "create": lambda tx, actor: create_token(tx, actor, NewToken(), NOW),
    "get": lambda tx, actor: get_token(tx, actor, 1),
    "change": lambda tx, actor: change_token(tx, actor, 1, TokenChange(name="x"), NOW),
    "revoke": lambda tx, actor: revoke_token(tx, actor, 1, NOW),
}


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(
    "actor",
    [
        build_actor(role="viewer"),
        build_actor(role="editor"),
        build_actor(scope="read"),
        build_actor(scope="write"),
    ],
)
async def test_who_does_not_manage_the_workspace_manages_no_token(
    db: Database, home: Home, actor: Actor, action: str
) -> None:
    await make_token(db, home)
    before = await list_all_tokens(db)
    with pytest.raises(ForbiddenError):
        await db.write(lambda tx: ACTIONS[action](tx, actor))
    with pytest.raises(ForbiddenError):
        await list_tokens(db, actor, 0, 10)
    assert await list_all_tokens(db) == before


async def test_a_token_is_created_for_its_creator_in_the_current_workspace(
    db: Database, home: Home
) -> None:
    actor = await make_actor(db, home)
    made = await db.write(lambda tx: create_token(tx, actor, NewToken(scope="read"), NOW))
    found = find_actor(reader(db), made.text, PLANS, NOW)
    assert (found.user_id, found.workspace_id) == (actor.user_id, actor.workspace_id)
    assert found.scope == "read"


async def test_the_operator_lists_and_revokes_every_token_once(db: Database, home: Home) -> None:
    await make_token(db, home, name="a")
    await make_token(db, await make_home(db, email="eve@b.example"), name="b")
    tokens = await list_all_tokens(db)
    assert [token.name for token in tokens] == ["a", "b"]
    await db.write(lambda tx: revoke_any_token(tx, tokens[1].id, NOW))
    with pytest.raises(NotFoundError):
        await db.write(lambda tx: revoke_any_token(tx, tokens[1].id, NOW))
    assert await list_all_tokens(db) == [tokens[0]]


async def test_tokens_are_listed_in_pages(db: Database, home: Home) -> None:
    for name in "abc":
        await make_token(db, home, name=name)
    actor = build_actor(workspace_id=home.workspace.id)
    first = await list_tokens(db, actor, 0, 2)
    rest = await list_tokens(db, actor, first[-1].id, 2)
    assert [token.name for token in first + rest] == ["a", "b", "c"]


async def test_a_tokens_name_and_end_may_change_but_not_into_the_past(
    db: Database, home: Home
) -> None:
    await make_token(db, home, name="old", expires_at=NOW + DAY)
    (token,) = await list_all_tokens(db)
    actor = build_actor(workspace_id=home.workspace.id)

    async def change(wanted: TokenChange) -> tuple[str, int | None]:
        changed = await db.write(lambda tx: change_token(tx, actor, token.id, wanted, NOW))
        return changed.name, changed.expires_at

    assert await change(TokenChange(name="new")) == ("new", NOW + DAY)
    assert await change(TokenChange(expires_at=None)) == ("new", None)
    with pytest.raises(InvalidFieldsError, match="expires_at: must be in the future"):
        await change(TokenChange(expires_at=NOW))


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("x" * 101, "may be at most 100 characters long"),
        ("a\nb", "must be one line without control characters"),
        ("\x00", "must be one line without control characters"),
    ],
)
async def test_every_fault_of_a_new_token_is_named_at_once(
    db: Database, home: Home, name: str, fault: str
) -> None:
    new = NewToken(name=name, expires_at=NOW - 1)
    with pytest.raises(InvalidFieldsError) as raised:
        await db.write(lambda tx: create_token(tx, build_actor(), new, NOW))
    assert raised.value.fields == {"name": fault, "expires_at": "must be in the future"}


async def test_the_use_of_a_token_is_noted_once_a_minute(db: Database, home: Home) -> None:
    await make_token(db, home)
    uses = TokenUses(db)

    async def use(now: int) -> int | None:
        uses.note(1, now)
        await uses.finish()
        (token,) = await list_all_tokens(db)
        return token.last_used_at

    assert await use(NOW) == NOW
    assert await use(NOW + MINUTE - 1) == NOW
    assert await use(NOW + MINUTE) == NOW + MINUTE


async def test_many_uses_at_once_are_one_write(db: Database, home: Home) -> None:
    await make_token(db, home)
    uses, before = TokenUses(db), asyncio.all_tasks()
    for _ in range(100):
        uses.note(1, NOW)
    assert len(asyncio.all_tasks() - before) == 1
    await uses.finish()
