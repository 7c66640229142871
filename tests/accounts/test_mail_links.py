from collections.abc import Callable

import pytest

from shorty.accounts.mail_links import (
    change_email_by_link,
    delete_old_mail_links,
    find_mail_link,
    request_email_link,
    request_password_link,
    set_password_by_link,
    take_mail,
    take_mail_of,
    take_password_mail,
)
from shorty.accounts.model import MadeMailLink
from shorty.accounts.profile import change_email, change_name, change_password
from shorty.accounts.service import Home, get_user, prepare_first_workspace
from shorty.accounts.sessions import find_signed_in, start_session
from shorty.accounts.signing_in import check_password
from shorty.config import Config
from shorty.errors import (
    AlreadyExistsError,
    ConflictError,
    InvalidFieldsError,
    RateLimitedError,
)
from shorty.limits import RateLimits
from shorty.passwords import hash_password
from shorty.storage.database import Database, Transaction
from tests.support import MINUTE, NOW, make_home


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
    with pytest.raises(ConflictError, match="ask for a new one"):
        await set_password(db, made)


async def test_a_password_set_by_link_ends_every_session(db: Database, home: Home) -> None:
    session = await db.write(lambda tx: start_session(tx, home.user.id, None, "", NOW))
    await set_password(db, await ask(db))
    assert find_signed_in(db, session.text, Config().plans, NOW) is None


async def test_nobody_gets_a_link_for_an_unknown_address(db: Database, home: Home) -> None:
    for email in ("eve@b.example", "", "owner@shorty.invalid"):
        assert await db.write(lambda tx, to=email: request_password_link(tx, to, NOW)) is None


async def test_the_owner_who_has_no_address_yet_gets_no_link(db: Database) -> None:
    await db.write(lambda tx: prepare_first_workspace(tx, Config(), NOW))
    made = await db.write(lambda tx: request_password_link(tx, "owner@shorty.invalid", NOW))
    assert made is None


async def test_a_link_holds_for_an_hour_and_is_removed(db: Database, home: Home) -> None:
    made, end = await ask(db), NOW + 60 * MINUTE
    assert find_mail_link(db, made.text, "password", end - 1)
    assert find_mail_link(db, made.text, "password", end) is None
    with pytest.raises(ConflictError):
        await set_password(db, made, now=end)
    assert await delete_old_mail_links(db, end) == 1
    assert await delete_old_mail_links(db, end) == 0


async def test_a_stranger_who_asks_for_another_link_stops_none_that_was_sent(
    db: Database, home: Home
) -> None:
    old, new = await ask(db), await ask(db)
    assert find_mail_link(db, new.text, "password", NOW)
    assert await set_password(db, old) == "ann@a.example"
    assert find_mail_link(db, new.text, "password", NOW) is None


async def test_a_link_to_another_new_address_stops_the_one_before(db: Database, home: Home) -> None:
    def request(email: str) -> Callable[[Transaction], MadeMailLink]:
        return lambda tx: request_email_link(tx, home.user.id, email, NOW)

    reset = await ask(db)
    old = await db.write(request("ann@wrong.example"))
    new = await db.write(request("ann@right.example"))
    assert find_mail_link(db, old.text, "email", NOW) is None
    assert find_mail_link(db, new.text, "email", NOW)
    assert find_mail_link(db, reset.text, "password", NOW)


async def test_a_link_is_good_for_its_purpose_alone(db: Database, home: Home) -> None:
    made = await ask(db)
    other = await db.write(lambda tx: request_email_link(tx, home.user.id, "a@b.example", NOW))
    with pytest.raises(ConflictError):
        await db.write(lambda tx: change_email_by_link(tx, made.text, NOW))
    with pytest.raises(ConflictError):
        await set_password(db, other)


async def test_the_digest_alone_is_stored(db: Database, home: Home) -> None:
    made = await ask(db)
    row = db.look_up("select * from mail_links")
    assert row is not None
    assert made.text not in str(dict(row))


async def test_a_new_address_counts_once_its_owner_has_followed_the_link(
    db: Database, home: Home
) -> None:
    made = await db.write(lambda tx: request_email_link(tx, home.user.id, "New@A.example", NOW))
    assert (await db.write(lambda tx: get_user(tx, "ann@a.example"))).id == home.user.id
    changed = await db.write(lambda tx: change_email_by_link(tx, made.text, NOW))
    assert (changed.user.id, changed.user.email) == (home.user.id, "new@a.example")
    assert changed.old == "ann@a.example"
    with pytest.raises(ConflictError):
        await db.write(lambda tx: change_email_by_link(tx, made.text, NOW))


async def test_an_address_of_somebody_else_is_refused(db: Database, home: Home) -> None:
    made = await db.write(lambda tx: request_email_link(tx, home.user.id, "eve@b.example", NOW))
    await make_home(db, email="eve@b.example")
    with pytest.raises(AlreadyExistsError):
        await db.write(lambda tx: request_email_link(tx, home.user.id, "Eve@b.example", NOW))
    with pytest.raises(AlreadyExistsError):
        await db.write(lambda tx: change_email_by_link(tx, made.text, NOW))
    with pytest.raises(AlreadyExistsError):
        await db.write(lambda tx: change_email(tx, home.user.id, "eve@b.example"))


async def test_links_to_the_old_address_stop_with_it_and_with_a_new_password(
    db: Database, home: Home
) -> None:
    made = await ask(db)
    await db.write(lambda tx: change_email(tx, home.user.id, "new@a.example"))
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


def test_an_address_gets_five_mails_an_hour() -> None:
    limits = RateLimits()
    for _ in range(5):
        take_mail(limits, "ann@a.example", NOW)
    with pytest.raises(RateLimitedError):
        take_mail(limits, " Ann@a.example", NOW)
    take_mail(limits, "bob@a.example", NOW)


def test_endless_addresses_fill_no_memory() -> None:
    limits = RateLimits()
    for number in range(5):
        take_mail(limits, "x" * 1000 + str(number), NOW)
    assert len(limits.mails) == 1


def test_mails_are_counted_by_who_fills_them() -> None:
    limits = RateLimits()
    for _ in range(5):
        take_password_mail(limits, "Ann@a.example", NOW)
        take_mail_of(limits, 1, NOW)
    with pytest.raises(RateLimitedError):
        take_password_mail(limits, " ann@a.example", NOW)
    with pytest.raises(RateLimitedError):
        take_mail_of(limits, 1, NOW)
    take_password_mail(limits, "bob@a.example", NOW)
    take_mail(limits, "ann@a.example", NOW)
    take_mail_of(limits, 2, NOW)
