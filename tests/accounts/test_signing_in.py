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


def guess(limits: RateLimits, address: str, email: str, now: int = NOW) -> bool:
    """Whether the try was let through."""
    try:
        take_sign_in(limits, address, email, now)
    except RateLimitedError:
        return False
    return True


def test_one_account_may_be_tried_ten_times_in_ten_minutes_from_one_address() -> None:
    limits = RateLimits()
    for email in ("Ann@a.example", "ann@A.example "):
        assert all(guess(limits, "192.0.2.1", email) for _ in range(5))
    assert not guess(limits, "192.0.2.1", "ann@a.example")
    assert guess(limits, "192.0.2.2", "ann@a.example")
    assert guess(limits, "192.0.2.1", "ann@a.example", NOW + 10 * MINUTE)


def test_who_guesses_at_one_account_locks_nobody_out_behind_the_same_address() -> None:
    limits = RateLimits()
    passed = [guess(limits, "192.0.2.1", "ann@a.example") for _ in range(1000)]
    assert sum(passed) == 10
    assert guess(limits, "192.0.2.1", "bob@a.example")


def test_one_address_may_try_a_hundred_times_at_all_accounts_together() -> None:
    limits = RateLimits()
    assert all(guess(limits, "192.0.2.1", f"{number}@a.example") for number in range(100))
    assert not guess(limits, "192.0.2.1", "other@a.example")
    assert guess(limits, "192.0.2.2", "other@a.example")
    assert guess(limits, "192.0.2.1", "other@a.example", NOW + 10 * MINUTE)


def test_an_address_that_has_used_up_its_tries_leaves_no_more_accounts_behind() -> None:
    limits = RateLimits()
    assert sum(guess(limits, "192.0.2.1", f"{number}@a.example") for number in range(150)) == 100
    assert len(limits.sign_ins) == 100
    assert len(limits.sign_in_accounts) == 100


def test_one_account_may_be_tried_a_hundred_times_from_everywhere() -> None:
    limits = RateLimits()
    assert all(guess(limits, f"192.0.2.{number}", "ann@a.example") for number in range(100))
    assert not guess(limits, "192.0.2.200", "ann@a.example")
    assert guess(limits, "192.0.2.200", "bob@a.example")


def test_a_right_password_does_not_count() -> None:
    limits = RateLimits()
    for _ in range(200):
        take_sign_in(limits, "192.0.2.1", "ann@a.example", NOW)
        give_back_sign_in(limits, "192.0.2.1", "Ann@a.example", NOW)
    limits.sign_ins.give_back("192.0.2.2 ann@a.example", NOW)
    assert len(limits.sign_ins) == 1
