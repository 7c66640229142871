import pytest

from shorty.accounts.model import Role, User
from shorty.accounts.rules import NOBODYS_EMAIL
from shorty.accounts.service import (
    Home,
    add_user,
    can_anyone_sign_in,
    change_email,
    claim_first_workspace,
    find_unknown_plans,
    get_home,
    get_user,
    list_users,
    list_workspaces,
    prepare_first_workspace,
    set_password,
)
from shorty.accounts.store import insert_member, insert_user, update_workspace_name
from shorty.config import Config, DefaultsConfig
from shorty.errors import AlreadyExistsError, ConflictError, InvalidFieldsError, NotFoundError
from shorty.links.public import PUBLIC_WORKSPACE_ID
from shorty.links.store import MAKE_WORKSPACE
from shorty.plans import read_usage
from shorty.storage.database import Database, Transaction
from tests.reading import reader
from tests.support import NOW, make_actor, make_colleague, make_home

CONFIG = Config()


async def prepare(db: Database) -> Home:
    return await db.write(lambda tx: prepare_first_workspace(tx, CONFIG, NOW))


async def claim(db: Database, email: str = "Ann@A.example ") -> Home:
    return await db.write(lambda tx: claim_first_workspace(tx, CONFIG, email, "Ann", "$hash", NOW))


async def test_the_first_workspace_is_created_once(db: Database) -> None:
    first = await prepare(db)
    assert await prepare(db) == first
    assert first.user.email == NOBODYS_EMAIL
    assert first.workspace.plan == "unlimited"


async def test_a_member_without_a_password_cannot_become_the_owner(db: Database) -> None:
    first = await prepare(db)
    await add_silently(db, first.workspace.id, "ann@a.example", "editor")
    with pytest.raises(AlreadyExistsError):
        await claim(db, "ann@a.example")


async def test_the_workspace_of_public_links_is_never_the_first(db: Database) -> None:
    await db.write(lambda tx: tx.execute(MAKE_WORKSPACE, PUBLIC_WORKSPACE_ID, "", "unlimited", 0))
    first = await prepare(db)
    assert first.user.email == NOBODYS_EMAIL
    assert await prepare(db) == first


async def test_the_first_workspace_is_the_oldest(db: Database) -> None:
    ann = await make_home(db)
    await make_home(db, email="eve@b.example")
    assert await prepare(db) == ann


async def test_a_new_workspace_has_the_default_plan_and_one_member(db: Database) -> None:
    config = Config(defaults=DefaultsConfig(plan="free"))
    home = await make_home(db, config)
    assert home.workspace.plan == "free"
    usage = await read_usage(db, home.workspace.id, config.plans["free"], NOW)
    assert usage["members"].used == 1


async def test_the_owner_claims_the_workspace_of_an_earlier_token(db: Database) -> None:
    first = await prepare(db)
    assert not can_anyone_sign_in(reader(db))
    claimed = await claim(db)
    assert claimed.workspace.id == first.workspace.id
    assert (claimed.user.id, claimed.user.email) == (first.user.id, "ann@a.example")
    assert (first.user.email_verified_at, claimed.user.email_verified_at) == (None, NOW)
    assert can_anyone_sign_in(reader(db))


async def test_a_claimed_workspace_goes_by_its_owners_name_unless_it_has_one(
    db: Database,
) -> None:
    await prepare(db)
    assert (await claim(db)).workspace.name == "Ann"
    assert [workspace.name for workspace in await list_workspaces(db, 1)] == ["Ann"]


async def test_a_name_that_a_workspace_was_given_stays(db: Database) -> None:
    first = await prepare(db)
    await db.write(lambda tx: update_workspace_name(tx, first.workspace.id, "Shop"))
    assert (await claim(db)).workspace.name == "Shop"


async def test_the_owner_claims_an_empty_database(db: Database) -> None:
    assert (await claim(db)).user.name == "Ann"


async def test_no_workspace_is_claimed_once_a_person_can_sign_in(db: Database) -> None:
    await claim(db)
    with pytest.raises(ConflictError):
        await claim(db, "eve@b.example")


async def test_the_operator_claims_the_first_workspace_after_people_have_joined_it(
    db: Database,
) -> None:
    first = await prepare(db)
    await make_colleague(db, await make_actor(db, first), "editor")
    with pytest.raises(ConflictError, match=r"^Someone can already sign in; ask them to add you"):
        await claim(db)
    claimed = await db.write(
        lambda tx: claim_first_workspace(
            tx, CONFIG, "ann@a.example", "Ann", "$hash", NOW, by_operator=True
        )
    )
    assert (claimed.user.id, claimed.workspace.id) == (first.user.id, first.workspace.id)


async def test_an_email_is_stored_in_lower_case_and_names_the_person(db: Database) -> None:
    home = await make_home(db, email=" Zoë.X@Example.ORG ")
    assert (home.user.email, home.user.name) == ("zoë.x@example.org", "zoë.x")
    assert await db.write(lambda tx: get_user(tx, "ZOË.X@example.org")) == home.user


async def add_silently(db: Database, workspace_id: int, email: str, role: Role) -> User:
    """As `POST /members` did before schema 13."""

    def work(tx: Transaction) -> User:
        user = insert_user(tx, email, "Not Eve", None, NOW, verified_at=None)
        assert user is not None
        insert_member(tx, workspace_id, user.id, role, NOW)
        return user

    return await db.write(work)


async def test_an_email_added_by_a_workspace_still_belongs_to_its_reader(db: Database) -> None:
    squatter = await make_home(db)
    member = await add_silently(db, squatter.workspace.id, "eve@b.example", "owner")

    async def add(password_hash: str | None) -> Home:
        return await db.write(
            lambda tx: add_user(
                tx, CONFIG, "Eve@b.example", NOW + 1, name="Eve", password_hash=password_hash
            )
        )

    with pytest.raises(ConflictError, match="is not verified"):
        await add(None)
    home = await add("$hash")
    assert (home.user.id, home.user.name) == (member.id, "Eve")
    assert home.user.email_verified_at == NOW + 1
    assert home.workspace.id != squatter.workspace.id
    assert await db.write(lambda tx: get_home(tx, "eve@b.example")) == home
    spaces = await list_workspaces(db, home.user.id)
    assert {space.id for space in spaces} == {home.workspace.id, squatter.workspace.id}
    with pytest.raises(AlreadyExistsError):
        await add("$other")


async def test_an_owner_without_a_password_keeps_their_workspace(db: Database) -> None:
    first = await make_home(db)
    home = await db.write(
        lambda tx: add_user(tx, CONFIG, "ann@a.example", NOW, password_hash="$hash")
    )
    assert home == first


async def test_a_persons_home_is_their_own_workspace_if_they_have_one(db: Database) -> None:
    ann = await make_home(db)
    await add_silently(db, ann.workspace.id, "eve@b.example", "admin")
    joined = await db.write(lambda tx: get_home(tx, "eve@b.example"))
    assert joined.workspace.id == ann.workspace.id
    own = await db.write(
        lambda tx: add_user(tx, CONFIG, "eve@b.example", NOW + 1, password_hash="$hash")
    )
    assert await db.write(lambda tx: get_home(tx, "eve@b.example")) == own


async def test_an_email_belongs_to_one_person(db: Database) -> None:
    await make_home(db)
    with pytest.raises(AlreadyExistsError, match=r"user named 'ann@a.example'"):
        await make_home(db, email="ANN@a.example")


@pytest.mark.parametrize(
    "email", ["", "ann", "@a.example", "ann@", "an n@a.example", "a\n@b.c", f"{'a' * 254}@b.c"]
)
async def test_an_invalid_email_is_refused(db: Database, email: str) -> None:
    with pytest.raises(InvalidFieldsError) as raised:
        await db.write(lambda tx: add_user(tx, CONFIG, email, NOW, name="x" * 101))
    assert set(raised.value.fields) == {"email", "name"}
    assert await list_users(db) == []


async def test_a_name_is_one_line_of_text(db: Database) -> None:
    with pytest.raises(InvalidFieldsError) as raised:
        await db.write(lambda tx: add_user(tx, CONFIG, "ann@a.example", NOW, name="Ann\nBcc: x"))
    assert set(raised.value.fields) == {"name"}


async def test_an_unproved_email_stays_taken_until_the_operator_frees_it(
    db: Database,
) -> None:
    await make_home(db)

    def squat(tx: Transaction) -> User | None:
        return insert_user(tx, "boss@b.example", "Eve", "$evil", NOW, verified_at=None)

    eve = await db.write(squat)
    assert eve is not None

    async def add() -> Home:
        return await db.write(
            lambda tx: add_user(tx, CONFIG, "boss@b.example", NOW, password_hash="$hash")
        )

    with pytest.raises(ConflictError, match=r"shorty user email boss@b\.example"):
        await add()
    await db.write(lambda tx: change_email(tx, eve.id, "eve@e.example", NOW))
    assert (await add()).user.id != eve.id


async def test_a_password_is_set_for_a_person_who_exists(db: Database) -> None:
    await make_home(db)
    await db.write(lambda tx: set_password(tx, "Ann@a.example", "$hash", NOW))
    row = reader(db).find_one("select password_hash from users")
    assert row is not None
    assert row["password_hash"] == "$hash"
    with pytest.raises(NotFoundError):
        await db.write(lambda tx: set_password(tx, "nobody@a.example", "$hash", NOW))


async def test_a_persons_home_is_the_workspace_they_joined_first(db: Database) -> None:
    home = await make_home(db)
    assert await db.write(lambda tx: get_home(tx, "ann@a.example")) == home
    assert await list_workspaces(db, home.user.id) == [home.workspace]
    with pytest.raises(NotFoundError):
        await db.write(lambda tx: get_home(tx, "nobody@a.example"))


async def test_a_plan_that_the_configuration_lost_is_found(db: Database) -> None:
    await make_home(db, Config(defaults=DefaultsConfig(plan="free")))
    assert await find_unknown_plans(db, CONFIG.plans) == []
    assert await find_unknown_plans(db, {}) == ["free"]
