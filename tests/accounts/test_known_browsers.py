"""Which browsers an account knows, and what makes it forget them."""

from collections.abc import Callable

import pytest

from shorty.accounts.known_browsers import (
    KNOWN_MS,
    KnownBrowser,
    create_browser,
    find_known_account,
    name_allowance,
    remember_account,
)
from shorty.accounts.mail_links import request_password_link, set_password_by_link
from shorty.accounts.second_factor import begin_second_factor, confirm_second_factor
from shorty.accounts.service import Home, change_name, change_password, set_password
from shorty.accounts.sessions import (
    WHOLE_MS,
    end_other_sessions,
    end_session,
    sign_out_browser,
    start_session,
)
from shorty.accounts.totp import STEP_MS, compute_code
from shorty.storage.database import Database, Transaction
from tests.reading import reader
from tests.support import NOW, make_home


@pytest.fixture
async def home(db: Database) -> Home:
    return await make_home(db)


def remember(
    db: Database, home: Home, browser: KnownBrowser | None = None, *, passed_code: bool = False
) -> KnownBrowser:
    browser = browser or create_browser()
    return remember_account(reader(db), browser, home.user.id, NOW, passed_code=passed_code)


def is_known(db: Database, home: Home, browser: KnownBrowser, now: int = NOW) -> bool:
    return find_known_account(reader(db), browser, home.user.id, now) is not None


async def test_a_browser_is_known_to_the_account_that_was_signed_in_to_alone(
    db: Database, home: Home
) -> None:
    eve = await make_home(db, email="eve@b.example")
    browser = remember(db, home)
    assert is_known(db, home, browser)
    assert not is_known(db, eve, browser)
    assert not is_known(db, home, create_browser())
    assert name_allowance(browser, home.user.id) != name_allowance(browser, eve.user.id)


async def test_a_browser_stays_known_for_a_year_which_is_longer_than_a_session(
    db: Database, home: Home
) -> None:
    browser, end = remember(db, home), NOW + KNOWN_MS
    assert KNOWN_MS > WHOLE_MS
    assert is_known(db, home, browser, end - 1)
    assert not is_known(db, home, browser, end)


async def test_a_browser_keeps_its_id_and_remembers_five_accounts(db: Database, home: Home) -> None:
    homes = [await make_home(db, email=f"p{number}@b.example") for number in range(6)]
    first = browser = create_browser()
    for each in (*homes, homes[1]):
        browser = remember(db, each, browser)
    assert browser.id == first.id
    assert [is_known(db, each, browser) for each in homes] == [False] + [True] * 5
    assert len(browser.accounts) == 5
    assert browser.accounts[0].user_id == homes[1].user.id


async def test_a_code_that_was_given_counts_until_the_next_generation(
    db: Database, home: Home
) -> None:
    browser = remember(db, home, remember(db, home, passed_code=True))
    account = find_known_account(reader(db), browser, home.user.id, NOW)
    assert account is not None
    assert account.passed_code
    await db.write(lambda tx: set_password(tx, "ann@a.example", "$hash", NOW))
    account = find_known_account(reader(db), remember(db, home, browser), home.user.id, NOW)
    assert account is not None
    assert not account.passed_code


def change_it(tx: Transaction, home: Home) -> object:
    return change_password(tx, home.user.id, 1, "$hash", NOW)


def let_the_operator_set_it(tx: Transaction, home: Home) -> object:
    return set_password(tx, home.user.email, "$hash", NOW)


def sign_others_out(tx: Transaction, home: Home) -> object:
    return end_other_sessions(tx, home.user.id, 1, NOW)


def change_ones_name(tx: Transaction, home: Home) -> object:
    return change_name(tx, home.user.id, "Ann Bo")


def reset_by_mail(tx: Transaction, home: Home) -> object:
    made = request_password_link(tx, home.user.email, NOW)
    assert made is not None
    return set_password_by_link(tx, made.text, "$hash", NOW)


def set_up_second_factor(tx: Transaction, home: Home) -> object:
    secret = begin_second_factor(tx, home.user.id, NOW)
    return confirm_second_factor(tx, home.user.id, compute_code(secret, NOW // STEP_MS), NOW)


def sign_one_out(tx: Transaction, home: Home) -> object:
    session = start_session(tx, home.user.id, None, "", NOW).session
    return sign_out_browser(tx, home.user.id, session.id, NOW)


def sign_oneself_out(tx: Transaction, home: Home) -> object:
    session = start_session(tx, home.user.id, None, "", NOW).session
    return end_session(tx, home.user.id, session.id, NOW)


@pytest.mark.parametrize(
    ("change", "stays_known"),
    [
        (change_it, False),
        (let_the_operator_set_it, False),
        (reset_by_mail, False),
        (set_up_second_factor, False),
        (sign_others_out, False),
        (sign_one_out, False),
        (sign_oneself_out, True),
        (change_ones_name, True),
    ],
)
async def test_what_shuts_others_out_makes_every_browser_unknown_to_that_account(
    db: Database,
    home: Home,
    change: Callable[[Transaction, Home], object],
    stays_known: bool,
) -> None:
    eve = await make_home(db, email="eve@b.example")
    browser = remember(db, home, remember(db, eve))
    await db.write(lambda tx: change(tx, home))
    assert is_known(db, home, browser) is stays_known
    assert is_known(db, eve, browser)
    assert is_known(db, home, remember(db, home, browser))
