import pytest

from shorty.accounts.service import add_user
from shorty.accounts.signing_in import check_password, give_back_sign_in, take_sign_in
from shorty.config import Config
from shorty.errors import RateLimitedError, UnauthenticatedError
from shorty.limits import RateLimits
from shorty.passwords import hash_password
from shorty.storage.database import Database
from tests.support import MINUTE, NOW, make_home


async def add_ann(db: Database) -> None:
    password_hash = await hash_password("correct horse")
    await db.write(
        lambda tx: add_user(tx, Config(), "ann@a.example", NOW, password_hash=password_hash)
    )


async def test_the_address_counts_in_any_case(db: Database) -> None:
    await add_ann(db)
    user = await check_password(db, " Ann@A.example ", "correct horse")
    assert user.email == "ann@a.example"


async def test_a_wrong_password_an_unknown_address_and_no_password_look_alike(
    db: Database,
) -> None:
    await add_ann(db)
    await make_home(db, email="bob@a.example")
    messages: set[str] = set()
    for email in ("ann@a.example", "bob@a.example", "eve@a.example", ""):
        for password in ("wrong", "", "x" * 999):
            with pytest.raises(UnauthenticatedError) as raised:
                await check_password(db, email, password)
            messages.add(raised.value.message)
    assert len(messages) == 1


def test_one_address_may_try_ten_times_in_ten_minutes() -> None:
    limits = RateLimits()
    for number in range(10):
        take_sign_in(limits, "192.0.2.1", f"{number}@a.example", NOW)
    with pytest.raises(RateLimitedError):
        take_sign_in(limits, "192.0.2.1", "other@a.example", NOW)
    take_sign_in(limits, "192.0.2.2", "other@a.example", NOW)
    take_sign_in(limits, "192.0.2.1", "other@a.example", NOW + 10 * MINUTE)


def test_a_right_password_does_not_count() -> None:
    limits = RateLimits()
    for _ in range(30):
        take_sign_in(limits, "192.0.2.1", "ann@a.example", NOW)
        give_back_sign_in(limits, "192.0.2.1", "Ann@a.example", NOW)
    limits.sign_ins.give_back("192.0.2.2", NOW)
    assert len(limits.sign_ins) == 1


def test_one_account_may_be_tried_ten_times_in_ten_minutes() -> None:
    limits = RateLimits()
    for number in range(10):
        take_sign_in(limits, f"192.0.2.{number}", "Ann@a.example", NOW)
    with pytest.raises(RateLimitedError):
        take_sign_in(limits, "192.0.2.99", "ann@A.example ", NOW)
