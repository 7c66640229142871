"""How often each action is allowed, who shares its limit, and when it resets."""

from collections.abc import Awaitable, Callable
from typing import Final

import pytest

from shorty.accounts.invitations import take_invitation
from shorty.accounts.login import (
    Attempt,
    give_back_session_password,
    give_back_sign_in,
    take_address,
    take_session_password,
    take_sign_in,
)
from shorty.accounts.mail_links import take_mail, take_mail_of, take_password_mail
from shorty.accounts.second_factor import (
    give_back_browser_code,
    give_back_setup_code,
    take_browser_code,
    take_setup_code,
)
from shorty.errors import RateLimitedError
from shorty.limits import RateLimits
from tests.support import DAY, MINUTE, NOW

Take = Callable[[RateLimits, int], Awaitable[None]]


def sign_in(address: str, email: str = "ann@a.example", browser: str = "") -> Take:
    attempt = Attempt(address=address, email=email, browser=browser)
    return lambda limits, now: take_sign_in(limits, attempt, now)


def undo_sign_in(address: str, browser: str = "") -> Take:
    attempt = Attempt(address=address, email="ann@a.example", browser=browser)
    return lambda limits, now: give_back_sign_in(limits, attempt, now)


# The number that passes in that many milliseconds; who shares the limit; who has another one; and
# what gives one back, if anything does.
Case = tuple[Take, int, int, Take, Take, Take | None]

CASES: Final[dict[str, Case]] = {
    "a password for an account from an address": (
        sign_in("192.0.2.1"),
        10,
        10 * MINUTE,
        sign_in("192.0.2.1", " ANN@a.example"),
        sign_in("192.0.2.2"),
        undo_sign_in("192.0.2.1"),
    ),
    "a password in a known browser": (
        sign_in("192.0.2.1", browser="abc 1"),
        10,
        10 * MINUTE,
        sign_in("192.0.2.2", browser="abc 1"),
        sign_in("192.0.2.1", browser="xyz 1"),
        undo_sign_in("192.0.2.1", browser="abc 1"),
    ),
    "a form about an account": (
        lambda limits, now: take_address(limits, "192.0.2.1", now),
        100,
        10 * MINUTE,
        sign_in("192.0.2.1"),
        sign_in("192.0.2.2"),
        None,
    ),
    "a password within a session": (
        lambda limits, now: take_session_password(limits, 1, now),
        10,
        10 * MINUTE,
        lambda limits, now: take_session_password(limits, 1, now),
        lambda limits, now: take_session_password(limits, 2, now),
        lambda limits, now: give_back_session_password(limits, 1, now),
    ),
    "a code that sets a second factor up": (
        lambda limits, now: take_setup_code(limits, 1, now),
        10,
        10 * MINUTE,
        lambda limits, now: take_setup_code(limits, 1, now),
        lambda limits, now: take_setup_code(limits, 2, now),
        lambda limits, now: give_back_setup_code(limits, 1, now),
    ),
    "a code in a known browser": (
        lambda limits, now: take_browser_code(limits, "abc 1", now),
        30,
        DAY,
        lambda limits, now: take_browser_code(limits, "abc 1", now),
        lambda limits, now: take_browser_code(limits, "abc 2", now),
        lambda limits, now: give_back_browser_code(limits, "abc 1", now),
    ),
    "an invitation": (
        lambda limits, now: take_invitation(limits, 1, now),
        50,
        60 * MINUTE,
        lambda limits, now: take_invitation(limits, 1, now),
        lambda limits, now: take_invitation(limits, 2, now),
        None,
    ),
    "a mail to an email": (
        lambda limits, now: take_mail(limits, "ann@a.example", now),
        5,
        60 * MINUTE,
        lambda limits, now: take_mail(
            limits, " Ann@\N{FULLWIDTH LATIN SMALL LETTER A}.example", now
        ),
        lambda limits, now: take_password_mail(limits, "ann@a.example", now),
        None,
    ),
    "a mail that a person asks for": (
        lambda limits, now: take_mail_of(limits, 1, now),
        5,
        60 * MINUTE,
        lambda limits, now: take_mail_of(limits, 1, now),
        lambda limits, now: take_mail_of(limits, 2, now),
        None,
    ),
    "a link to a new password": (
        lambda limits, now: take_password_mail(limits, "ann@a.example", now),
        5,
        60 * MINUTE,
        lambda limits, now: take_password_mail(limits, "ANN@a.example ", now),
        lambda limits, now: take_mail(limits, "ann@a.example", now),
        None,
    ),
}


async def passes(limits: RateLimits, take: Take, now: int = NOW) -> bool:
    try:
        await take(limits, now)
    except RateLimitedError:
        return False
    return True


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_a_limit_lets_so_many_pass_for_all_who_share_it(case: Case) -> None:
    limits, (take, times, window_ms, same, other, _) = RateLimits(), case
    assert [await passes(limits, take) for _ in range(times)] == [True] * times
    end = NOW + window_ms
    assert not await passes(limits, take)
    assert not await passes(limits, same, end - 1)
    assert await passes(limits, other)
    assert await passes(limits, same, end)


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=name) for name, case in CASES.items() if case[-1]]
)
async def test_a_right_one_is_given_back_to_its_own_limit(case: Case) -> None:
    limits, (take, times, _, same, _, give_back) = RateLimits(), case
    assert give_back is not None
    for _ in range(3 * times):
        await take(limits, NOW)
        await give_back(limits, NOW)
    assert [await passes(limits, take) for _ in range(times + 1)] == [True] * times + [False]
    await give_back(limits, NOW)
    assert [await passes(limits, same) for _ in range(2)] == [True, False]
