from hashlib import sha256

import pytest
from structlog.testing import capture_logs

from shorty.accounts.last_used import SessionUses, TokenUses
from shorty.accounts.members import remove_member
from shorty.accounts.model import Actor, MadeSession, SignedIn
from shorty.accounts.service import Home, change_password, set_password
from shorty.accounts.sessions import (
    delete_old_sessions,
    end_other_sessions,
    end_session,
    find_signed_in,
    list_sessions,
    require_session,
    start_session,
    switch_workspace,
)
from shorty.config import Config
from shorty.errors import ForbiddenError, NotFoundError, UnauthenticatedError
from shorty.storage.database import Database
from tests.clicks.making import limit_file_size
from tests.reading import path_of, reader
from tests.support import DAY, MINUTE, NOW, make_actor, make_colleague, make_home, make_token

PLANS = Config().plans


@pytest.fixture
async def home(db: Database) -> Home:
    return await make_home(db)


async def start(
    db: Database, home: Home, workspace_id: int | None = None, agent: str = "Firefox"
) -> MadeSession:
    return await db.write(lambda tx: start_session(tx, home.user.id, workspace_id, agent, NOW))


def find(db: Database, made: MadeSession, now: int = NOW) -> SignedIn | None:
    return find_signed_in(reader(db), made.text, PLANS, now)


def get_actor(db: Database, made: MadeSession) -> Actor:
    signed_in = find(db, made)
    assert signed_in is not None
    return signed_in.actor


async def test_a_session_speaks_for_its_person_with_all_that_the_role_allows(
    db: Database, home: Home
) -> None:
    made = await start(db, home)
    actor = get_actor(db, made)
    assert (actor.user_id, actor.user_email) == (home.user.id, "ann@a.example")
    assert (actor.workspace_id, actor.role, actor.scope) == (home.workspace.id, "owner", "admin")
    assert actor.token_id is None
    assert actor.plan == PLANS["unlimited"]


async def test_only_the_digest_of_a_cookie_is_stored(db: Database, home: Home) -> None:
    made = await start(db, home, agent="a" * 999)
    row = reader(db).find_one("select * from sessions")
    assert row is not None
    assert row["digest"] == sha256(made.text.encode()).hexdigest()
    assert made.text not in str(dict(row))
    assert row["user_agent"] == "a" * 200


@pytest.mark.parametrize("text", ["", "x", "\ud800", "a" * 9000])
async def test_an_unknown_cookie_signs_nobody_in(db: Database, home: Home, text: str) -> None:
    await start(db, home)
    assert find_signed_in(reader(db), text, PLANS, NOW) is None


async def test_a_session_ends_thirty_days_after_its_last_use(db: Database, home: Home) -> None:
    made, uses = await start(db, home), SessionUses(db)
    assert find(db, made, NOW + 30 * DAY - 1)
    assert not find(db, made, NOW + 30 * DAY)
    uses.note(made.session.id, NOW + 29 * DAY)
    await uses.finish()
    assert find(db, made, NOW + 59 * DAY - 1)
    assert not find(db, made, NOW + 59 * DAY)


async def test_a_session_ends_after_180_days_however_much_it_is_used(
    db: Database, home: Home
) -> None:
    made, uses = await start(db, home), SessionUses(db)
    for day in range(0, 181, 20):
        uses.note(made.session.id, NOW + day * DAY)
    await uses.finish()
    assert find(db, made, NOW + 180 * DAY - 1)
    assert not find(db, made, NOW + 180 * DAY)


async def test_the_use_of_a_session_is_noted_once_a_minute(db: Database, home: Home) -> None:
    made, uses = await start(db, home), SessionUses(db)

    async def use(now: int) -> int:
        uses.note(made.session.id, now)
        await uses.finish()
        (session,) = await list_sessions(db, home.user.id, now)
        signed_in = find(db, made, now)
        assert signed_in
        assert signed_in.session == session
        return session.last_used_at

    first = NOW + MINUTE
    assert await use(first) == first
    assert await use(first + MINUTE - 1) == first
    assert await use(first + MINUTE) == first + MINUTE


@pytest.mark.parametrize(("uses", "what"), [(SessionUses, "session"), (TokenUses, "token")])
async def test_a_use_that_a_full_disk_does_not_take_is_logged(
    db: Database, home: Home, uses: type[SessionUses | TokenUses], what: str
) -> None:
    made = await start(db, home)
    await make_token(db, home)
    noting = uses(db)
    room = path_of(db).with_name("shorty.db-wal").stat().st_size
    with limit_file_size(room), capture_logs() as logs:
        noting.note(made.session.id, NOW + 1)
        await noting.finish()
    (logged,) = logs
    assert (logged["event"], logged["what"], logged["id"]) == ("use_not_noted", what, 1)
    assert logged["log_level"] == "warning"


async def test_what_outlasts_a_session_takes_one_that_is_valid_and_the_persons_own(
    db: Database, home: Home
) -> None:
    await start(db, home)
    made, eve = await start(db, home), await make_home(db, email="eve@b.example")
    require_session(reader(db), home.user.id, made.session.id, NOW)
    for user_id, now in ((eve.user.id, NOW), (home.user.id, NOW + 1000 * DAY)):
        with pytest.raises(UnauthenticatedError, match=r"^You have just been signed out"):
            require_session(reader(db), user_id, made.session.id, now)
    await db.write(lambda tx: end_session(tx, home.user.id, made.session.id, NOW))
    with pytest.raises(UnauthenticatedError):
        require_session(reader(db), home.user.id, made.session.id, NOW)


async def test_an_ended_session_stops_at_once_and_another_persons_cannot_be_ended(
    db: Database, home: Home
) -> None:
    made, eve = await start(db, home), await make_home(db, email="eve@b.example")
    session_id = made.session.id
    with pytest.raises(NotFoundError):
        await db.write(lambda tx: end_session(tx, eve.user.id, session_id, NOW))
    assert find(db, made)
    await db.write(lambda tx: end_session(tx, home.user.id, session_id, NOW))
    assert not find(db, made)
    assert await list_sessions(db, home.user.id, NOW) == []
    with pytest.raises(NotFoundError):
        await db.write(lambda tx: end_session(tx, home.user.id, session_id, NOW))


async def test_ending_the_others_leaves_this_one_and_other_peoples(
    db: Database, home: Home
) -> None:
    eve = await start(db, await make_home(db, email="eve@b.example"))
    first, second, third = [await start(db, home) for _ in range(3)]
    ended = await db.write(lambda tx: end_other_sessions(tx, home.user.id, second.session.id, NOW))
    assert ended == 2
    assert [bool(find(db, made)) for made in (first, second, third, eve)] == [
        False,
        True,
        False,
        True,
    ]


async def test_a_session_starts_in_the_persons_own_workspace_and_switches_to_others(
    db: Database, home: Home
) -> None:
    await make_colleague(
        db,
        await make_actor(db, await make_home(db, email="eve@b.example")),
        "viewer",
        "ann@a.example",
    )
    made = await start(db, home)
    assert get_actor(db, made).workspace_id == home.workspace.id
    await db.write(lambda tx: switch_workspace(tx, home.user.id, made.session.id, 2))
    actor = get_actor(db, made)
    assert (actor.workspace_id, actor.role) == (2, "viewer")


async def test_nobody_switches_to_a_workspace_they_do_not_belong_to(
    db: Database, home: Home
) -> None:
    made = await start(db, home)
    other = (await make_home(db, email="eve@b.example")).workspace.id
    with pytest.raises(NotFoundError):
        await db.write(lambda tx: switch_workspace(tx, home.user.id, made.session.id, other))
    with pytest.raises(NotFoundError):
        await start(db, home, other)
    assert get_actor(db, made).workspace_id == home.workspace.id


async def test_a_removed_members_session_loses_that_workspace_at_once(
    db: Database, home: Home
) -> None:
    owner = await make_actor(db, await make_home(db, email="eve@b.example"))
    await make_colleague(db, owner, "admin", "ann@a.example")
    made = await start(db, home, owner.workspace_id)
    assert get_actor(db, made).workspace_id == owner.workspace_id
    await db.write(lambda tx: remove_member(tx, owner, home.user.id, NOW))
    assert get_actor(db, made).workspace_id == home.workspace.id


async def test_who_belongs_to_no_workspace_any_more_is_not_signed_in(
    db: Database, home: Home
) -> None:
    owner = await make_actor(db, home)
    bob = await make_colleague(db, owner, "editor")
    made = await start(db, bob)
    await db.write(lambda tx: remove_member(tx, owner, bob.user.id, NOW))
    assert not find(db, made)
    with pytest.raises(ForbiddenError, match="ask for an invitation"):
        await start(db, bob)


async def test_changing_ones_password_ends_ones_other_sessions(db: Database, home: Home) -> None:
    here, there = await start(db, home), await start(db, home)
    await db.write(lambda tx: change_password(tx, home.user.id, here.session.id, "$hash", NOW))
    assert find(db, here)
    assert not find(db, there)


async def test_a_password_set_by_the_operator_ends_every_session_of_the_person(
    db: Database, home: Home
) -> None:
    mine = await start(db, home)
    eve = await start(db, await make_home(db, email="eve@b.example"))
    await db.write(lambda tx: set_password(tx, "ann@a.example", "$hash", NOW))
    assert not find(db, mine)
    assert find(db, eve)


async def test_sessions_are_listed_by_their_last_use_without_expired_ones(
    db: Database, home: Home
) -> None:
    first, second = await start(db, home), await start(db, home)
    uses = SessionUses(db)
    uses.note(first.session.id, NOW + DAY)
    await uses.finish()

    async def list_ids(now: int) -> list[int]:
        return [session.id for session in await list_sessions(db, home.user.id, now)]

    assert await list_ids(NOW + DAY) == [first.session.id, second.session.id]
    assert await list_ids(NOW + 30 * DAY) == [first.session.id]


async def test_expired_sessions_are_removed(db: Database, home: Home) -> None:
    made, uses = await start(db, home), SessionUses(db)
    await start(db, home)
    uses.note(made.session.id, NOW + DAY)
    await uses.finish()
    assert await delete_old_sessions(db, NOW + 30 * DAY) == 1
    assert await delete_old_sessions(db, NOW + 30 * DAY) == 0
    assert find(db, made, NOW + 30 * DAY)


async def test_ended_sessions_are_removed(db: Database, home: Home) -> None:
    made = await start(db, home)
    await db.write(lambda tx: end_session(tx, home.user.id, made.session.id, NOW))
    assert await delete_old_sessions(db, NOW) == 1
