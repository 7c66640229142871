"""Owns which browsers an account knows: those in which its person signed in before.

All strangers together share one allowance of wrong passwords for an account, which any of them can
use up. A known browser has an allowance of its own. It is known by a signed cookie, which signs
nobody in: the password and the code are asked for as ever.

An entry of the cookie counts for a year, and only while the account's generation is the one that it
names. A new password, a second factor that is set up, and signing out other browsers each begin a
new generation, and the browser in which that is done gets a new cookie: anyone who had got into the
account before is a stranger again.
"""

import secrets
from typing import Final

import msgspec

from shorty.accounts import store
from shorty.accounts.store import Rows
from shorty.durations import DAY_MS

KNOWN_MS: Final = 365 * DAY_MS
"""Longer than a session lives, so that a browser is still known when its session has expired."""
ACCOUNTS_PER_BROWSER: Final = 5
ID_BYTES: Final = 16


class KnownAccount(msgspec.Struct, frozen=True, array_like=True):
    """`passed_code`: the second factor was given in this browser, not the password alone."""

    user_id: int
    generation: int
    expires_at: int
    passed_code: bool


class KnownBrowser(msgspec.Struct, frozen=True, array_like=True):
    """What the cookie says; `id` is random and counts what is tried with this cookie."""

    id: str
    accounts: tuple[KnownAccount, ...] = ()


def create_browser() -> KnownBrowser:
    """One that no account knows yet."""
    return KnownBrowser(secrets.token_urlsafe(ID_BYTES))


def remember_account(
    rows: Rows, browser: KnownBrowser, user_id: int, now: int, *, passed_code: bool
) -> KnownBrowser:
    """The browser with that account first; of more than five the last is left out.

    A code that was given in the same generation still counts.
    """
    earlier = find_known_account(rows, browser, user_id, now)
    account = KnownAccount(
        user_id=user_id,
        generation=store.find_browsers_generation(rows, user_id),
        expires_at=now + KNOWN_MS,
        passed_code=passed_code or (earlier is not None and earlier.passed_code),
    )
    others = [each for each in browser.accounts if each.user_id != user_id]
    return KnownBrowser(browser.id, (account, *others[: ACCOUNTS_PER_BROWSER - 1]))


def find_known_account(
    rows: Rows, browser: KnownBrowser, user_id: int, now: int
) -> KnownAccount | None:
    account = next((each for each in browser.accounts if each.user_id == user_id), None)
    if account is None or account.expires_at <= now:
        return None
    is_current = account.generation == store.find_browsers_generation(rows, user_id)
    return account if is_current else None


def name_allowance(browser: KnownBrowser, user_id: int) -> str:
    """What a known browser's tries at an account are counted as."""
    return f"{browser.id} {user_id}"
