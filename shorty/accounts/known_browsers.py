"""Owns the browsers that an account knows, which are those in which its person has signed in.

All strangers together share one allowance of wrong passwords for an account, which any of them can
use up. A known browser has its own allowance. A signed cookie identifies it, but does not sign
anyone in: the password and the code are still required.

An entry of the cookie is valid for a year, and only while the account has the generation that it
names. A new password, a new second factor and signing out other browsers each start a new
generation, and the browser in which this happens gets a new cookie. Anyone who had access to the
account before then becomes a stranger again.
"""

import secrets
from typing import Final

import msgspec

from shorty.accounts import store
from shorty.durations import DAY_MS
from shorty.storage.database import Reader

KNOWN_MS: Final = 365 * DAY_MS
"""Longer than a session's life, so that a browser is still known when its session expires."""
ACCOUNTS_PER_BROWSER: Final = 5
ID_BYTES: Final = 16


class KnownAccount(msgspec.Struct, frozen=True, array_like=True):
    """`passed_code`: this browser has given the second factor, not only the password."""

    user_id: int
    generation: int
    expires_at: int
    passed_code: bool


class KnownBrowser(msgspec.Struct, frozen=True, array_like=True):
    """The content of the cookie; `id` is random and counts the attempts made with this cookie."""

    id: str
    accounts: tuple[KnownAccount, ...] = ()


def create_browser() -> KnownBrowser:
    """A browser that no account knows yet."""
    return KnownBrowser(secrets.token_urlsafe(ID_BYTES))


def remember_account(
    rows: Reader, browser: KnownBrowser, user_id: int, now: int, *, passed_code: bool
) -> KnownBrowser:
    """Returns the browser with that account first; drops the last of more than five accounts.

    A code given in the same generation stays valid.
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
    rows: Reader, browser: KnownBrowser, user_id: int, now: int
) -> KnownAccount | None:
    account = next((each for each in browser.accounts if each.user_id == user_id), None)
    if account is None or account.expires_at <= now:
        return None
    is_current = account.generation == store.find_browsers_generation(rows, user_id)
    return account if is_current else None


def name_allowance(browser: KnownBrowser, user_id: int) -> str:
    """The key under which a known browser's attempts at an account are counted."""
    return f"{browser.id} {user_id}"
