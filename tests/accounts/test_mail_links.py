import pytest

from shorty.accounts.email_proof import is_unproven_account
from shorty.accounts.invitations import create_invitation
from shorty.accounts.login import check_password
from shorty.accounts.mail_links import (
    change_email_by_link,
    delete_old_mail_links,
    find_mail_link,
    request_email_link,
    request_password_link,
    set_password_by_link,
    take_mail,
)
from shorty.accounts.model import MadeMailLink, MadeSession
from shorty.accounts.second_factor import (
    count_recovery_codes,
    has_second_factor,
    mark_confirmed,
    put_second_factor,
    replace_recovery_codes,
)
from shorty.accounts.service import (
    Home,
    change_email,
    change_name,
    change_password,
    get_user,
    list_workspaces,
    prepare_first_workspace,
)
from shorty.accounts.sessions import find_signed_in, start_session
from shorty.accounts.tokens import count_own_tokens
from shorty.config import Config
from shorty.errors import (
    AlreadyExistsError,
    ConflictError,
    InvalidFieldsError,
)
from shorty.limits import RateLimits
from shorty.passwords import hash_password
from shorty.storage.database import Database, Transaction
from tests.reading import reader
from tests.support import MINUTE, NOW, make_actor, make_home, make_token


@pytest.fixture
async def home(db: Database) -> Home:
    return await make_home(db)


async def ask(db: Database, email: str = "ann@a.example") -> MadeMailLink:
    made = await db.write(lambda tx: request_password_link(tx, email, NOW))
    assert made is not None
    return made


async def set_password(
    db: Database, made: MadeMailLink, new_hash: str = "$hash", now: int = NOW
) -> str:
    user = await db.write(lambda tx: set_password_by_link(tx, made.text, new_hash, now))
    return user.email


async def test_a_mailed_link_sets_a_new_password_once(db: Database, home: Home) -> None:
    made = await ask(db, " Ann@A.example ")
    assert made.link.email == "ann@a.example"
    assert await set_password(db, made, await hash_password("battery staple")) == "ann@a.example"
    assert (await check_password(db, "ann@a.example", "battery staple")).id == home.user.id
    with pytest.raises(ConflictError, match="request a new one"):
        await set_password(db, made)


async def test_a_password_set_by_link_ends_every_session(db: Database, home: Home) -> None:
    session = await db.write(lambda tx: start_session(tx, home.user.id, None, "", NOW))
    await set_password(db, await ask(db))
    assert find_signed_in(reader(db), session.text, Config().plans, NOW) is None


async def test_an_unknown_email_gets_no_link(db: Database, home: Home) -> None:
    for email in ("eve@b.example", "", "\0", "owner@shorty.invalid"):
        assert await db.write(lambda tx, to=email: request_password_link(tx, to, NOW)) is None


async def test_an_owner_without_an_email_gets_no_link(db: Database) -> None:
    await db.write(lambda tx: prepare_first_workspace(tx, Config(), NOW))
    made = await db.write(lambda tx: request_password_link(tx, "owner@shorty.invalid", NOW))
    assert made is None


async def test_a_link_is_valid_for_an_hour_and_is_then_deleted(db: Database, home: Home) -> None:
    made, end = await ask(db), NOW + 60 * MINUTE
    assert find_mail_link(reader(db), made.text, "password", end - 1)
    assert find_mail_link(reader(db), made.text, "password", end) is None
    with pytest.raises(ConflictError):
        await set_password(db, made, now=end)
    assert await delete_old_mail_links(db, end) == 1
    assert await delete_old_mail_links(db, end) == 0


async def test_a_strangers_request_does_not_void_an_earlier_link(db: Database, home: Home) -> None:
    old, new = await ask(db), await ask(db)
    assert find_mail_link(reader(db), new.text, "password", NOW)
    assert await set_password(db, old) == "ann@a.example"
    assert find_mail_link(reader(db), new.text, "password", NOW) is None


async def test_a_link_to_another_new_email_voids_the_previous_one(db: Database, home: Home) -> None:
    reset = await ask(db)
    old = await request_email(db, home, "ann@wrong.example")
    new = await request_email(db, home, "ann@right.example")
    assert find_mail_link(reader(db), old.text, "email", NOW) is None
    assert find_mail_link(reader(db), new.text, "email", NOW)
    assert find_mail_link(reader(db), reset.text, "password", NOW)


async def test_an_earlier_link_is_voided_whether_or_not_the_new_email_has_an_account(
    db: Database, home: Home
) -> None:
    """Otherwise, whether it still works would reveal who has an account."""
    await make_home(db, email="eve@b.example")
    for email in ("eve@b.example", "nobody@b.example"):
        old = await request_email(db, home, "ann@own.example")
        await db.write(lambda tx, to=email: request_email_link(tx, home.user.id, to, NOW))
        assert find_mail_link(reader(db), old.text, "email", NOW) is None


async def test_a_link_is_good_for_its_purpose_alone(db: Database, home: Home) -> None:
    made = await ask(db)
    other = await request_email(db, home, "a@b.example")
    with pytest.raises(ConflictError):
        await db.write(lambda tx: change_email_by_link(tx, home.user.id, made.text, NOW))
    with pytest.raises(ConflictError):
        await set_password(db, other)


async def test_the_digest_alone_is_stored(db: Database, home: Home) -> None:
    made = await ask(db)
    row = reader(db).find_one("select * from mail_links")
    assert row is not None
    assert made.text not in str(dict(row))


async def request_email(db: Database, home: Home, email: str) -> MadeMailLink:
    made = await db.write(lambda tx: request_email_link(tx, home.user.id, email, NOW))
    assert made is not None
    return made


async def test_a_new_email_is_set_once_its_link_was_opened(db: Database, home: Home) -> None:
    made, user_id = await request_email(db, home, "New@A.example"), home.user.id
    assert (await db.write(lambda tx: get_user(tx, "ann@a.example"))).id == user_id
    changed = await db.write(lambda tx: change_email_by_link(tx, user_id, made.text, NOW + 1))
    assert (changed.user.id, changed.user.email) == (user_id, "new@a.example")
    assert changed.user.email_verified_at == NOW + 1
    assert changed.old == "ann@a.example"
    with pytest.raises(ConflictError):
        await db.write(lambda tx: change_email_by_link(tx, user_id, made.text, NOW))


async def test_a_link_confirms_nothing_for_another_person(db: Database, home: Home) -> None:
    eve = await make_home(db, email="eve@b.example")
    made = await request_email(db, eve, "boss@a.example")
    with pytest.raises(ConflictError, match="another account"):
        await db.write(lambda tx: change_email_by_link(tx, home.user.id, made.text, NOW))
    assert find_mail_link(reader(db), made.text, "email", NOW)


async def test_a_request_for_another_accounts_email_gets_no_link(db: Database, home: Home) -> None:
    made = await request_email(db, home, "eve@b.example")
    await make_home(db, email="eve@b.example")
    with pytest.raises(AlreadyExistsError):
        await db.write(lambda tx: change_email_by_link(tx, home.user.id, made.text, NOW))
    for email in ("Eve@b.example", " EVE@\N{FULLWIDTH LATIN SMALL LETTER B}.example"):
        assert (
            await db.write(lambda tx, to=email: request_email_link(tx, home.user.id, to, NOW))
            is None
        )
    with pytest.raises(AlreadyExistsError):
        await db.write(lambda tx: change_email(tx, home.user.id, "eve@b.example", NOW))


async def test_ones_own_email_is_verified_by_a_link_and_then_needs_none(
    db: Database, home: Home
) -> None:
    await unprove(db)
    made = await request_email(db, home, "ann@a.example")
    changed = await db.write(lambda tx: change_email_by_link(tx, home.user.id, made.text, NOW))
    assert (changed.user.email_verified_at, changed.old) == (NOW, "ann@a.example")
    with pytest.raises(InvalidFieldsError, match=r"^email: is your email already"):
        await db.write(lambda tx: request_email_link(tx, home.user.id, "Ann@a.example", NOW))


async def unprove(db: Database) -> None:
    await db.write(
        lambda tx: tx.execute("update users set email_verified_at = null, password_hash = '$old'")
    )


async def set_up(db: Database, home: Home) -> MadeSession:
    """All access to an account: a session, a token, a second factor, an invitation."""

    def work(tx: Transaction) -> MadeSession:
        put_second_factor(tx, home.user.id, "ABCD", NOW)
        mark_confirmed(tx, home.user.id, NOW)
        replace_recovery_codes(tx, home.user.id, ["digest"])
        return start_session(tx, home.user.id, None, "", NOW)

    await make_token(db, home)
    actor = await make_actor(db, home)
    await db.write(
        lambda tx: create_invitation(tx, actor, "x@a.example", "owner", NOW, is_mailed=False)
    )
    return await db.write(work)


async def list_what_opens(db: Database, home: Home, session: MadeSession) -> list[bool]:
    user_id = home.user.id
    row = reader(db).find_one(
        "select count(*) as n from invitations where inviter_id = $1", user_id
    )
    return [
        find_signed_in(reader(db), session.text, Config().plans, NOW) is not None,
        count_own_tokens(reader(db), user_id, NOW) > 0,
        has_second_factor(reader(db), user_id) or count_recovery_codes(reader(db), user_id) > 0,
        row is not None and row["n"] > 0,
    ]


async def test_the_first_person_to_prove_an_email_takes_the_account_over(
    db: Database, home: Home
) -> None:
    await unprove(db)
    session = await set_up(db, home)
    other = await make_home(db, email="eve@b.example")
    others = await set_up(db, other)
    assert is_unproven_account(reader(db), home.user.id)
    await set_password(db, await ask(db))
    assert await list_what_opens(db, home, session) == [False, False, False, False]
    assert await list_what_opens(db, other, others) == [True, True, True, True]
    assert not is_unproven_account(reader(db), home.user.id)
    assert await list_workspaces(db, home.user.id) == [home.workspace]


async def test_after_verification_a_link_only_ends_the_sessions(db: Database, home: Home) -> None:
    await db.write(lambda tx: tx.execute("update users set password_hash = '$old'"))
    session = await set_up(db, home)
    await set_password(db, await ask(db))
    assert await list_what_opens(db, home, session) == [False, True, True, True]


async def test_an_account_without_a_password_keeps_the_operators_tokens(
    db: Database, home: Home
) -> None:
    await db.write(lambda tx: tx.execute("update users set email_verified_at = null"))
    await make_token(db, home)
    await set_password(db, await ask(db))
    assert count_own_tokens(reader(db), home.user.id, NOW) == 1
    user = await db.write(lambda tx: get_user(tx, "ann@a.example"))
    assert user.email_verified_at == NOW


async def test_a_new_email_or_password_voids_links_to_the_old_email(
    db: Database, home: Home
) -> None:
    made = await ask(db)
    await db.write(lambda tx: change_email(tx, home.user.id, "new@a.example", NOW))
    with pytest.raises(ConflictError):
        await set_password(db, made)
    made = await ask(db, "new@a.example")
    await db.write(lambda tx: change_password(tx, home.user.id, 1, "$hash", NOW))
    with pytest.raises(ConflictError):
        await set_password(db, made)


async def test_a_name_is_one_line_and_an_empty_one_is_the_addresss_first_part(
    db: Database, home: Home
) -> None:
    changed = await db.write(lambda tx: change_name(tx, home.user.id, " Ann Bo "))
    assert changed.name == "Ann Bo"
    assert (await db.write(lambda tx: change_name(tx, home.user.id, ""))).name == "ann"
    with pytest.raises(InvalidFieldsError):
        await db.write(lambda tx: change_name(tx, home.user.id, "a\nb"))


async def test_endless_emails_do_not_fill_the_memory() -> None:
    limits = RateLimits()
    for number in range(5):
        await take_mail(limits, "x" * 1000 + str(number), NOW)
    assert len(limits.mails) == 1
