from collections.abc import Callable

import pytest

from shorty.accounts.login import (
    Attempt,
    check_password,
    give_back_sign_in,
    is_newly_limited,
    start_sign_in,
    take_address,
    take_sign_in,
)
from shorty.accounts.service import add_user, get_user, set_password
from shorty.accounts.sessions import end_other_sessions, list_sessions
from shorty.accounts.store import insert_user
from shorty.config import Config
from shorty.errors import RateLimitedError, UnauthenticatedError
from shorty.limits import RateLimits
from shorty.passwords import hash_password
from shorty.storage.database import Database, Transaction
from tests.support import MINUTE, NOW, make_home


async def add_ann(db: Database) -> None:
    password_hash = await hash_password("correct horse")
    await db.write(
        lambda tx: add_user(tx, Config(), "ann@a.example", NOW, password_hash=password_hash)
    )


async def test_the_email_matches_in_any_case(db: Database) -> None:
    await add_ann(db)
    user = await check_password(db, " Ann@A.example ", "correct horse")
    assert user.email == "ann@a.example"


async def test_an_old_account_signs_in_with_its_own_spelling(
    db: Database,
) -> None:
    await add_ann(db)
    kept = await hash_password("battery staple")

    def add(tx: Transaction) -> None:
        for email in ("ann@zürich.example", "ann@xn--zrich-kva.example"):
            insert_user(tx, email, "", kept, NOW, verified_at=None)

    await db.write(add)
    for typed, email in (
        ("Ann@zürich.example", "ann@zürich.example"),
        ("ann@xn--zrich-kva.example", "ann@xn--zrich-kva.example"),
        ("ann@zürich.EXAMPLE", "ann@zürich.example"),
        ("ann@zu\N{COMBINING DIAERESIS}rich.example", "ann@xn--zrich-kva.example"),
    ):
        assert (await check_password(db, typed, "battery staple")).email == email
        assert (await db.write(lambda tx, to=typed: get_user(tx, to))).email == email


async def test_a_wrong_password_an_unknown_email_and_no_password_look_alike(
    db: Database,
) -> None:
    await add_ann(db)
    await make_home(db, email="bob@a.example")
    messages: set[str] = set()
    for email in ("ann@a.example", "bob@a.example", "eve@a.example", "ann@a.example\0", ""):
        for password in ("wrong", "", "x" * 999):
            with pytest.raises(UnauthenticatedError) as raised:
                await check_password(db, email, password)
            messages.add(raised.value.message)
    assert len(messages) == 1


ENDS: dict[str, Callable[[Transaction], object]] = {
    "a new password": lambda tx: set_password(tx, "ann@a.example", "$new", NOW),
    "signing out all browsers": lambda tx: end_other_sessions(tx, 1, 0, NOW),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_a_password_replaced_during_its_check_signs_nobody_in(
    db: Database, end: Callable[[Transaction], object]
) -> None:
    await add_ann(db)
    ann = await check_password(db, "ann@a.example", "correct horse")
    await db.write(end)
    with pytest.raises(UnauthenticatedError, match="password is wrong"):
        await db.write(lambda tx: start_sign_in(tx, Config(), ann, "", NOW))
    assert await list_sessions(db, ann.id, NOW) == []


async def guess(
    limits: RateLimits, address: str, email: str, now: int = NOW, *, browser: str = ""
) -> bool:
    """Whether the attempt was let through."""
    try:
        await take_sign_in(limits, Attempt(address=address, email=email, browser=browser), now)
    except RateLimitedError:
        return False
    return True


async def test_one_account_allows_ten_attempts_in_ten_minutes_from_one_address() -> None:
    limits = RateLimits()
    for email in ("Ann@a.example", "ann@A.example "):
        assert all([await guess(limits, "192.0.2.1", email) for _ in range(5)])
    assert not await guess(limits, "192.0.2.1", "ann@a.example")
    assert await guess(limits, "192.0.2.2", "ann@a.example")
    assert await guess(limits, "192.0.2.1", "ann@a.example", NOW + 10 * MINUTE)


async def test_guesses_at_one_account_do_not_lock_out_others_at_the_same_address() -> None:
    limits = RateLimits()
    passed = [await guess(limits, "192.0.2.1", "ann@a.example") for _ in range(1000)]
    assert sum(passed) == 10
    assert await guess(limits, "192.0.2.1", "bob@a.example")


async def test_one_address_has_a_hundred_attempts_at_all_accounts_together() -> None:
    limits = RateLimits()
    assert all([await guess(limits, "192.0.2.1", f"{number}@a.example") for number in range(100)])
    assert not await guess(limits, "192.0.2.1", "other@a.example")
    assert await guess(limits, "192.0.2.2", "other@a.example")
    assert await guess(limits, "192.0.2.1", "other@a.example", NOW + 10 * MINUTE)


async def test_an_address_without_attempts_left_adds_no_accounts_to_memory() -> None:
    limits = RateLimits()
    assert (
        sum([await guess(limits, "192.0.2.1", f"{number}@a.example") for number in range(150)])
        == 100
    )
    assert len(limits.sign_ins) == 100
    assert len(limits.sign_in_accounts) == 100


async def fill(limits: RateLimits, email: str = "ann@a.example") -> None:
    """Strangers use up their shared allowance for the account."""
    assert all([await guess(limits, f"198.51.100.{number}", email) for number in range(100)])


async def test_one_account_allows_a_hundred_attempts_from_all_addresses() -> None:
    limits = RateLimits()
    await fill(limits)
    assert not await guess(limits, "192.0.2.200", "ann@a.example")
    assert await guess(limits, "192.0.2.200", "bob@a.example")


async def test_an_account_used_up_by_strangers_allows_an_attempt_every_six_seconds() -> None:
    limits = RateLimits()
    await fill(limits)
    attempt = Attempt(address="192.0.2.1", email="ann@a.example")
    with pytest.raises(RateLimitedError, match="Too many attempts to sign in") as caught:
        await take_sign_in(limits, attempt, NOW)
    assert caught.value.retry_after_s == 6
    assert not await guess(limits, "192.0.2.1", "ann@a.example", NOW + 5999)
    assert await guess(limits, "192.0.2.1", "ann@a.example", NOW + 6000)
    assert not await guess(limits, "192.0.2.2", "ann@a.example", NOW + 6000)
    ten_minutes = [
        await guess(limits, f"203.0.113.{number}", "ann@a.example", NOW + 6000 + number * 3000)
        for number in range(1, 201)
    ]
    assert sum(ten_minutes) == 100


async def test_a_stranger_cannot_wait_in_front_of_a_used_up_account() -> None:
    limits = RateLimits()
    await fill(limits)
    for tick in range(1000):
        await guess(limits, "192.0.2.1", "ann@a.example", NOW + tick)
    assert not await guess(limits, "192.0.2.1", "ann@a.example", NOW + 6000)
    assert await guess(limits, "192.0.2.2", "ann@a.example", NOW + 6000)


async def test_a_known_browser_has_ten_tries_that_strangers_cannot_use_up() -> None:
    limits = RateLimits()
    await fill(limits)
    for _ in range(100):
        await guess(limits, "192.0.2.1", "eve@a.example")
    tries = [await guess(limits, "192.0.2.1", "ann@a.example", browser="abc 1") for _ in range(11)]
    assert tries == [True] * 10 + [False]
    assert await guess(limits, "192.0.2.1", "ann@a.example", browser="xyz 1")
    assert await guess(limits, "192.0.2.9", "ann@a.example", NOW + 10 * MINUTE, browser="abc 1")


async def test_a_known_browser_has_its_own_allowance_and_gets_attempts_back() -> None:
    limits = RateLimits()
    known = Attempt(address="192.0.2.1", email="ann@a.example", browser="abc 1")
    for _ in range(100):
        await take_sign_in(limits, known, NOW)
        await give_back_sign_in(limits, known, NOW)
    assert (len(limits.sign_ins), len(limits.sign_in_accounts)) == (0, 0)
    assert all([await guess(limits, "192.0.2.1", "ann@a.example") for _ in range(10)])


async def test_a_form_about_an_account_counts_only_for_the_address() -> None:
    limits = RateLimits()
    for _ in range(100):
        await take_address(limits, "192.0.2.1", NOW)
    with pytest.raises(RateLimitedError):
        await take_address(limits, "192.0.2.1", NOW)
    assert (len(limits.sign_ins), len(limits.sign_in_accounts)) == (0, 0)
    assert not await guess(limits, "192.0.2.1", "ann@a.example")


async def test_a_used_up_account_is_reported_once_an_hour() -> None:
    limits = RateLimits()
    assert not await is_newly_limited(limits, "ann@a.example", NOW)
    await fill(limits)
    reports = [await is_newly_limited(limits, "Ann@a.example", NOW) for _ in range(3)]
    assert reports == [True, False, False]
    hour = NOW + 60 * MINUTE
    for number in range(100):
        await guess(limits, f"203.0.113.{number}", "ann@a.example", hour - 1)
    assert not await is_newly_limited(limits, "ann@a.example", hour - 1)
    assert await is_newly_limited(limits, "ann@a.example", hour)
    await fill(limits, "bob@a.example")
    assert await is_newly_limited(limits, "bob@a.example", NOW)


async def test_a_right_password_does_not_count() -> None:
    limits = RateLimits()
    for _ in range(200):
        await take_sign_in(limits, Attempt(address="192.0.2.1", email="ann@a.example"), NOW)
        await give_back_sign_in(limits, Attempt(address="192.0.2.1", email="Ann@a.example"), NOW)
    assert len(limits.sign_in_accounts) == 0
    await limits.sign_ins.give_back("192.0.2.2 ann@a.example", NOW)
    assert len(limits.sign_ins) == 1
