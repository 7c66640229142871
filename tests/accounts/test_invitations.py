from hashlib import sha256

import pytest

from shorty.accounts.email_proof import is_email_verified
from shorty.accounts.invitations import (
    accept_as_new_person,
    accept_invitation,
    create_invitation,
    delete_old_invitations,
    find_invitation,
    is_known_account,
    list_invitations,
    mark_invitation_shown,
    revoke_invitation,
)
from shorty.accounts.members import change_role, get_member, list_members, remove_member
from shorty.accounts.model import Actor, MadeInvitation, Role, User
from shorty.accounts.service import (
    Home,
    add_user,
    get_home,
    get_user,
    list_users,
    list_workspaces,
)
from shorty.accounts.store import insert_member, insert_user
from shorty.config import Config, DefaultsConfig, Plan
from shorty.errors import (
    AlreadyExistsError,
    ConflictError,
    ForbiddenError,
    InvalidFieldsError,
    NotFoundError,
    QuotaExceededError,
)
from shorty.storage.database import Database, Transaction
from tests.reading import reader
from tests.support import DAY, NOW, make_actor, make_colleague, make_home

CONFIG = Config()
PLANS = CONFIG.plans
SMALL = Config(plans={"small": Plan(members=2)}, defaults=DefaultsConfig(plan="small"))


@pytest.fixture
async def owner(db: Database) -> Actor:
    return await make_actor(db, await make_home(db))


async def invite(
    db: Database,
    actor: Actor,
    email: str = "bob@a.example",
    role: Role = "editor",
    *,
    is_mailed: bool = False,
) -> MadeInvitation:
    return await db.write(
        lambda tx: create_invitation(tx, actor, email, role, NOW, is_mailed=is_mailed)
    )


async def add_unproven(db: Database, email: str = "bob@a.example") -> Home:
    """A person who came by a copied link, and left that workspace."""
    eve = await make_actor(db, await make_home(db, email="eve@b.example"))
    user = await join(db, await invite(db, eve, email))
    assert user.email_verified_at is None
    return await db.write(lambda tx: get_home(tx, email))


async def add_silently(db: Database, actor: Actor, email: str = "bob@a.example") -> User:
    """As `POST /members` did before schema 13."""

    def work(tx: Transaction) -> User:
        user = insert_user(tx, email, "bob", None, NOW, verified_at=None)
        assert user is not None
        insert_member(tx, actor.workspace_id, user.id, "admin", NOW)
        return user

    return await db.write(work)


async def accept(db: Database, made: MadeInvitation, user: User, now: int = NOW) -> None:
    await db.write(lambda tx: accept_invitation(tx, PLANS, made.text, user.id, now))


async def join(db: Database, made: MadeInvitation, name: str = "Bob") -> User:
    return await db.write(lambda tx: accept_as_new_person(tx, PLANS, made.text, name, "$hash", NOW))


async def test_an_invitation_says_who_is_invited_where_by_whom_and_for_how_long(
    db: Database, owner: Actor
) -> None:
    made = await invite(db, owner, " Bob@A.example ", "viewer")
    found = find_invitation(reader(db), made.text, NOW)
    assert found is not None
    assert found == made.invitation
    assert (found.email, found.role) == ("bob@a.example", "viewer")
    assert (found.workspace_name, found.inviter_name) == ("ann", "ann")
    assert found.expires_at == NOW + 7 * DAY
    assert await list_invitations(db, owner, NOW) == [found]


async def test_only_the_digest_of_a_link_is_stored(db: Database, owner: Actor) -> None:
    made = await invite(db, owner)
    row = reader(db).find_one("select * from invitations")
    assert row is not None
    assert row["digest"] == sha256(made.text.encode()).hexdigest()
    assert made.text not in str(dict(row))


async def test_a_new_person_joins_with_an_account_of_their_own(db: Database, owner: Actor) -> None:
    made = await invite(db, owner, role="viewer")
    bob = await join(db, made)
    assert (bob.email, bob.name) == ("bob@a.example", "Bob")
    assert get_member(reader(db), owner.workspace_id, bob.id).role == "viewer"
    again = await db.write(lambda tx: get_user(tx, "bob@a.example"))
    assert again.email_verified_at is None
    assert not is_email_verified(reader(db), bob.id)


async def test_a_mailed_link_verifies_the_new_persons_email(db: Database, owner: Actor) -> None:
    bob = await join(db, await invite(db, owner, is_mailed=True))
    assert bob.email_verified_at == NOW
    assert is_email_verified(reader(db), bob.id)
    assert not is_email_verified(reader(db), bob.id + 1)


async def test_a_mailed_link_verifies_the_email_of_the_account_that_was_invited(
    db: Database, owner: Actor
) -> None:
    bob = await add_unproven(db)
    await accept(db, await invite(db, owner, is_mailed=True), bob.user, NOW + 1)
    assert (await db.write(lambda tx: get_user(tx, "bob@a.example"))).email_verified_at == NOW + 1


async def test_neither_a_copied_link_nor_one_to_another_email_verifies_an_account(
    db: Database, owner: Actor
) -> None:
    bob = await add_unproven(db)
    await accept(db, await invite(db, owner), bob.user)
    other = await make_actor(db, await make_home(db, email="cy@c.example"))
    await accept(db, await invite(db, other, "x@a.example", is_mailed=True), bob.user)
    assert (await db.write(lambda tx: get_user(tx, "bob@a.example"))).email_verified_at is None
    assert get_member(reader(db), owner.workspace_id, bob.user.id).email_verified_at is None
    proofs = {each.email: each.email_verified_at for each in await list_members(db, 1, 0, 9)}
    assert proofs == {"ann@a.example": NOW, "bob@a.example": None}


async def test_only_a_mailed_link_says_that_its_email_has_an_account(
    db: Database, owner: Actor
) -> None:
    await add_unproven(db)
    assert not is_known_account(reader(db), (await invite(db, owner)).invitation)
    assert is_known_account(reader(db), (await invite(db, owner, is_mailed=True)).invitation)
    new = await invite(db, owner, "new@a.example", is_mailed=True)
    assert not is_known_account(reader(db), new.invitation)


async def test_a_full_plan_does_not_reveal_who_has_an_account(db: Database) -> None:
    owner = await make_actor(db, await make_home(db, SMALL), config=SMALL)
    await add_unproven(db)
    made = [await invite(db, owner, email) for email in ("bob@a.example", "new@a.example")]
    await make_colleague(db, owner, "editor", "cy@a.example")
    for each in made:
        with pytest.raises(QuotaExceededError):
            await db.write(
                lambda tx, text=each.text: accept_as_new_person(
                    tx, SMALL.plans, text, "", "$hash", NOW
                )
            )


async def test_a_full_workspace_cannot_invite(db: Database) -> None:
    owner = await make_actor(db, await make_home(db, SMALL), config=SMALL)
    await make_colleague(db, owner, "editor")
    with pytest.raises(QuotaExceededError, match="limit of 2 members"):
        await invite(db, owner, "new@a.example")


async def test_an_invitation_counts_once(db: Database, owner: Actor) -> None:
    made = await invite(db, owner)
    await join(db, made)
    assert find_invitation(reader(db), made.text, NOW) is None
    eve = await make_home(db, email="eve@b.example")
    with pytest.raises(ConflictError, match="ask for a new one"):
        await accept(db, made, eve.user)


async def test_a_person_with_an_account_joins_with_any_email(db: Database, owner: Actor) -> None:
    eve = await make_home(db, email="eve@b.example")
    await accept(db, await invite(db, owner), eve.user)
    assert get_member(reader(db), owner.workspace_id, eve.user.id).role == "editor"
    names = {workspace.name for workspace in await list_workspaces(db, eve.user.id)}
    assert names == {"eve", "ann"}


async def test_who_has_an_account_cannot_be_given_another_password(
    db: Database, owner: Actor
) -> None:
    await db.write(lambda tx: add_user(tx, CONFIG, "bob@a.example", NOW, password_hash="$hash"))
    made = await invite(db, owner, is_mailed=True)
    with pytest.raises(ConflictError, match="sign in with it"):
        await join(db, made)
    assert find_invitation(reader(db), made.text, NOW)


async def test_a_copied_link_does_not_lead_to_an_account_that_another_workspace_added(
    db: Database, owner: Actor
) -> None:
    other = await make_actor(db, await make_home(db, email="eve@b.example"))
    bob = await add_silently(db, other)
    with pytest.raises(ConflictError, match="already has an account"):
        await join(db, await invite(db, owner))
    joined = await join(db, await invite(db, owner, is_mailed=True))
    assert (joined.id, joined.email_verified_at) == (bob.id, NOW)
    assert get_member(reader(db), other.workspace_id, bob.id).role == "admin"


async def test_a_copied_link_leads_to_an_account_that_belongs_nowhere(
    db: Database, owner: Actor
) -> None:
    bob = await add_silently(db, owner)
    await db.write(lambda tx: remove_member(tx, owner, bob.id, NOW))
    joined = await join(db, await invite(db, owner))
    assert (joined.id, joined.email_verified_at) == (bob.id, None)


async def test_an_invitation_ends_after_seven_days_and_is_removed(
    db: Database, owner: Actor
) -> None:
    made = await invite(db, owner)
    end = NOW + 7 * DAY
    assert find_invitation(reader(db), made.text, end - 1)
    assert find_invitation(reader(db), made.text, end) is None
    assert await list_invitations(db, owner, end) == []
    assert await delete_old_invitations(db, end) == 1
    assert await delete_old_invitations(db, end) == 0


async def test_a_revoked_invitation_is_invalid(db: Database, owner: Actor) -> None:
    made = await invite(db, owner)
    await db.write(lambda tx: revoke_invitation(tx, owner, made.invitation.id))
    assert find_invitation(reader(db), made.text, NOW) is None
    with pytest.raises(NotFoundError):
        await db.write(lambda tx: revoke_invitation(tx, owner, made.invitation.id))


async def test_another_workspaces_invitations_are_not_there(db: Database, owner: Actor) -> None:
    made = await invite(db, owner)
    eve = await make_actor(db, await make_home(db, email="eve@b.example"))
    assert await list_invitations(db, eve, NOW) == []
    with pytest.raises(NotFoundError):
        await db.write(lambda tx: revoke_invitation(tx, eve, made.invitation.id))


async def test_a_newer_invitation_of_the_same_email_replaces_the_older(
    db: Database, owner: Actor
) -> None:
    old = await invite(db, owner)
    new = await invite(db, owner, " Bob@A.example", "admin", is_mailed=True)
    assert find_invitation(reader(db), old.text, NOW) is None
    (listed,) = await list_invitations(db, owner, NOW)
    assert (listed.role, listed.is_mailed) == ("admin", True)
    assert find_invitation(reader(db), new.text, NOW) == listed
    # The mail server may refuse the older one late.
    await db.write(lambda tx: mark_invitation_shown(tx, old.text))
    (listed,) = await list_invitations(db, owner, NOW)
    assert listed.is_mailed
    await db.write(lambda tx: mark_invitation_shown(tx, new.text))
    (listed,) = await list_invitations(db, owner, NOW)
    assert not listed.is_mailed


async def test_a_member_is_not_invited_again(db: Database, owner: Actor) -> None:
    bob = await make_colleague(db, owner, "editor")
    for email in ("bob@a.example", " BOB@\N{FULLWIDTH LATIN CAPITAL LETTER A}.example"):
        with pytest.raises(AlreadyExistsError):
            await invite(db, owner, email)
    made = await invite(db, owner, "other@a.example")
    with pytest.raises(ConflictError, match="already a member of ann"):
        await accept(db, made, bob.user)


@pytest.mark.parametrize(
    "email",
    [
        *("", "bob", "bob@", "a b@c.example", "a@@x.com", "<a@x.com>", "a@x.com,b@c.com"),
        "Owner@shorty.invalid",  # of the first owner, until they have an account
    ],
)
async def test_an_address_has_to_look_like_one(db: Database, owner: Actor, email: str) -> None:
    with pytest.raises(InvalidFieldsError):
        await invite(db, owner, email)


async def test_one_invites_only_to_roles_that_one_may_give(db: Database, owner: Actor) -> None:
    admin = await make_actor(db, await make_colleague(db, owner, "admin"))
    editor = await make_actor(db, await make_colleague(db, owner, "editor", "eve@a.example"))
    await invite(db, admin, "x@a.example", "admin")
    with pytest.raises(ForbiddenError):
        await invite(db, admin, "y@a.example", "owner")
    with pytest.raises(ForbiddenError):
        await invite(db, editor, "y@a.example", "viewer")
    with pytest.raises(ForbiddenError):
        await list_invitations(db, editor, NOW)
    made = await invite(db, owner, "z@a.example", "owner")
    with pytest.raises(ForbiddenError):
        await db.write(lambda tx: revoke_invitation(tx, admin, made.invitation.id))


async def test_an_invitation_is_valid_only_while_its_inviter_may_assign_the_role(
    db: Database, owner: Actor
) -> None:
    bob = await make_colleague(db, owner, "owner")
    made = await invite(db, await make_actor(db, bob), "x@a.example", "owner")
    await db.write(lambda tx: change_role(tx, owner, bob.user.id, "admin"))
    assert find_invitation(reader(db), made.text, NOW) is None
    await db.write(lambda tx: change_role(tx, owner, bob.user.id, "owner"))
    assert find_invitation(reader(db), made.text, NOW)
    await db.write(lambda tx: remove_member(tx, owner, bob.user.id, NOW))
    await make_colleague(db, owner, "owner")
    assert find_invitation(reader(db), made.text, NOW) is None


async def test_accepting_counts_against_the_plan_and_inviting_does_not(db: Database) -> None:
    owner = await make_actor(db, await make_home(db, SMALL), config=SMALL)
    first, second = await invite(db, owner), await invite(db, owner, "eve@b.example")

    async def join_small(made: MadeInvitation) -> User:
        return await db.write(
            lambda tx: accept_as_new_person(tx, SMALL.plans, made.text, "", "$hash", NOW)
        )

    await join_small(first)
    with pytest.raises(QuotaExceededError):
        await join_small(second)
    assert find_invitation(reader(db), second.text, NOW)
    assert len(await list_users(db)) == 2


async def test_a_workspace_has_a_hundred_open_invitations_at_most(
    db: Database, owner: Actor
) -> None:
    for number in range(100):
        await invite(db, owner, f"{number}@a.example")
    with pytest.raises(ConflictError, match="withdraw some first"):
        await invite(db, owner)


async def test_invitations_that_are_not_listed_do_not_count(db: Database, owner: Actor) -> None:
    """Otherwise an admin could use up the hundred, and the others could not even withdraw them."""
    bob = await make_colleague(db, owner, "admin")
    admin = await make_actor(db, bob)
    for number in range(100):
        await invite(db, admin, f"{number}@a.example")
    with pytest.raises(ConflictError):
        await invite(db, owner, "x@a.example")
    await db.write(lambda tx: change_role(tx, owner, bob.user.id, "viewer"))
    assert await list_invitations(db, owner, NOW) == []
    await invite(db, owner, "x@a.example")
    assert len(await list_invitations(db, owner, NOW)) == 1
