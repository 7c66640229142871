"""How often each thing may be asked for, who shares it, and when it comes back."""

from collections.abc import Callable
from typing import Final, NamedTuple

import pytest

from shorty.accounts.invitations import take_invitation
from shorty.accounts.mail_links import take_mail, take_mail_of, take_password_mail
from shorty.accounts.second_factor import (
    give_back_browser_code,
    give_back_setup_code,
    take_browser_code,
    take_setup_code,
)
from shorty.accounts.signing_in import (
    Attempt,
    give_back_session_password,
    give_back_sign_in,
    take_address,
    take_session_password,
    take_sign_in,
)
from shorty.errors import RateLimitedError
from shorty.limits import RateLimits
from tests.support import DAY, MINUTE, NOW

Take = Callable[[RateLimits, int], None]


def sign_in(address: str, email: str = "ann@a.example", browser: str = "") -> Take:
    attempt = Attempt(address=address, email=email, browser=browser)
    return lambda limits, now: take_sign_in(limits, attempt, now)


def undo_sign_in(address: str, browser: str = "") -> Take:
    attempt = Attempt(address=address, email="ann@a.example", browser=browser)
    return lambda limits, now: give_back_sign_in(limits, attempt, now)


class Case(NamedTuple):
    """`take` passes `times` within `window_ms`; `same` shares it, `other` has one of its own."""

    take: Take
    times: int
    window_ms: int
    same: Take
    other: Take
    give_back: Take | None = None


CASES: Final[dict[str, Case]] = {
    "a password for an account from an address": Case(
        sign_in("192.0.2.1"),
        10,
        10 * MINUTE,
        sign_in("192.0.2.1", " ANN@a.example"),
        sign_in("192.0.2.2"),
        undo_sign_in("192.0.2.1"),
    ),
    "a password in a known browser": Case(
        sign_in("192.0.2.1", browser="abc 1"),
        10,
        10 * MINUTE,
        sign_in("192.0.2.2", browser="abc 1"),
        sign_in("192.0.2.1", browser="xyz 1"),
        undo_sign_in("192.0.2.1", browser="abc 1"),
    ),
    "a form about an account": Case(
        lambda limits, now: take_address(limits, "192.0.2.1", now),
        100,
        10 * MINUTE,
        sign_in("192.0.2.1"),
        sign_in("192.0.2.2"),
    ),
    "a password within a session": Case(
        lambda limits, now: take_session_password(limits, 1, now),
        10,
        10 * MINUTE,
        lambda limits, now: take_session_password(limits, 1, now),
        lambda limits, now: take_session_password(limits, 2, now),
        lambda limits, now: give_back_session_password(limits, 1, now),
    ),
    "a code that sets a second factor up": Case(
        lambda limits, now: take_setup_code(limits, 1, now),
        10,
        10 * MINUTE,
        lambda limits, now: take_setup_code(limits, 1, now),
        lambda limits, now: take_setup_code(limits, 2, now),
        lambda limits, now: give_back_setup_code(limits, 1, now),
    ),
    "a code in a known browser": Case(
        lambda limits, now: take_browser_code(limits, "abc 1", now),
        30,
        DAY,
        lambda limits, now: take_browser_code(limits, "abc 1", now),
        lambda limits, now: take_browser_code(limits, "abc 2", now),
        lambda limits, now: give_back_browser_code(limits, "abc 1", now),
    ),
    "an invitation": Case(
        lambda limits, now: take_invitation(limits, 1, now),
        50,
        60 * MINUTE,
        lambda limits, now: take_invitation(limits, 1, now),
        lambda limits, now: take_invitation(limits, 2, now),
    ),
    "a mail to an email": Case(
        lambda limits, now: take_mail(limits, "ann@a.example", now),
        5,
        60 * MINUTE,
        lambda limits, now: take_mail(
            limits, " Ann@\N{FULLWIDTH LATIN SMALL LETTER A}.example", now
        ),
        lambda limits, now: take_password_mail(limits, "ann@a.example", now),
    ),
    "a mail that a person asks for": Case(
        lambda limits, now: take_mail_of(limits, 1, now),
        5,
        60 * MINUTE,
        lambda limits, now: take_mail_of(limits, 1, now),
        lambda limits, now: take_mail_of(limits, 2, now),
    ),
    "a link to a new password": Case(
        lambda limits, now: take_password_mail(limits, "ann@a.example", now),
        5,
        60 * MINUTE,
        lambda limits, now: take_password_mail(limits, "ANN@a.example ", now),
        lambda limits, now: take_mail(limits, "ann@a.example", now),
    ),
}


def passes(limits: RateLimits, take: Take, now: int = NOW) -> bool:
    try:
        take(limits, now)
    except RateLimitedError:
        return False
    return True


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_limit_lets_so_many_pass_and_those_who_share_it_none_more(case: Case) -> None:
    limits = RateLimits()
    assert [passes(limits, case.take) for _ in range(case.times)] == [True] * case.times
    end = NOW + case.window_ms
    assert not passes(limits, case.take)
    assert not passes(limits, case.same, end - 1)
    assert passes(limits, case.other)
    assert passes(limits, case.same, end)


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=name) for name, case in CASES.items() if case.give_back]
)
def test_what_was_right_is_given_back_to_the_one_who_took_it(case: Case) -> None:
    limits = RateLimits()
    assert case.give_back is not None
    for _ in range(3 * case.times):
        case.take(limits, NOW)
        case.give_back(limits, NOW)
    assert [passes(limits, case.take) for _ in range(case.times + 1)] == [True] * case.times + [
        False
    ]
    case.give_back(limits, NOW)
    assert [passes(limits, case.same) for _ in range(2)] == [True, False]
