"""Owns how people prove who they are: e-mail address and password, then perhaps a code."""

from typing import Final

import msgspec

from shorty.accounts import session_store, store
from shorty.accounts.emails import fold_email
from shorty.accounts.model import MadeSession, ProvedUser, Session
from shorty.accounts.second_factor import (
    WRONG_CODES_PER_DAY,
    has_second_factor,
    note_wrong_code,
    require_codes_left,
    use_code,
)
from shorty.accounts.secret_texts import digest_secret, make_secret_text
from shorty.accounts.service import find_home_workspace
from shorty.accounts.sessions import describe_session, start_session
from shorty.accounts.store import Rows
from shorty.config import Config
from shorty.durations import MINUTE_MS
from shorty.errors import UnauthenticatedError
from shorty.limits import RateLimits
from shorty.passwords import NOBODYS_HASH, SIGN_INS, is_password_right
from shorty.pools import WorkerThreads
from shorty.storage.database import Database, Transaction

CODE_AWAITED_MS: Final = 10 * MINUTE_MS
WRONG_CODES_PER_STEP: Final = 10
"""So many, and the password has to be given again."""
TRIES_PER_WINDOW: Final = 10
"""For one account from one address: who has really forgotten needs no more."""
TRIES_AT_ALL: Final = 100
"""From one address, behind which may be a whole office; and for one account from everywhere, so
that strangers do not lock its person out with ten tries of theirs."""
ACCOUNT_REFILL_MS: Final = 6000
"""For one account after those: a hundred in ten minutes still, but the wait is one of seconds."""

WRONG: Final = "The email or the password is wrong."


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One password that is typed to sign in, and whose allowance it uses up.

    `address` is named as `limits.name_address` does. `browser` is empty, or names a browser that
    the account knows as `known_browsers.name_allowance` does.
    """

    address: str
    email: str
    browser: str = ""


def take_sign_in(limits: RateLimits, attempt: Attempt, now: int) -> None:
    """Counts one try to sign in: for the account from this address, and for each of them alone.

    A known browser's tries count for that browser alone, so that no stranger can use them up.

    What the first limit refuses counts for no other: one person's guesses at one account do not use
    up what others behind their address have. What the account's refuses has counted for the
    address, or one stranger could ask without end and take each try that comes back.
    Raises RateLimitedError.
    """
    if attempt.browser:
        limits.browser_sign_ins.take(attempt.browser, TRIES_PER_WINDOW, now).require(now)
        return
    address, account = attempt.address, _name_account(attempt.email)
    # First: made-up accounts would otherwise push out those that are remembered.
    limits.sign_in_addresses.look(address, TRIES_AT_ALL, now).require(now)
    limits.sign_ins.take(f"{address} {account}", TRIES_PER_WINDOW, now).require(now)
    limits.sign_in_addresses.take(address, TRIES_AT_ALL, now).require(now)
    everywhere = limits.sign_in_accounts.take(account, TRIES_AT_ALL, ACCOUNT_REFILL_MS, now)
    everywhere.require(now, "Too many attempts to sign in to this account")


def give_back_sign_in(limits: RateLimits, attempt: Attempt, now: int) -> None:
    """After the right password: only failures count."""
    if attempt.browser:
        limits.browser_sign_ins.give_back(attempt.browser, now)
        return
    address, account = attempt.address, _name_account(attempt.email)
    limits.sign_ins.give_back(f"{address} {account}", now)
    limits.sign_in_addresses.give_back(address, now)
    limits.sign_in_accounts.give_back(account, now)


def take_address(limits: RateLimits, address: str, now: int) -> None:
    """Counts a form that is about an account but guesses at none. Raises RateLimitedError."""
    limits.sign_in_addresses.take(address, TRIES_AT_ALL, now).require(now)


def is_newly_limited(limits: RateLimits, email: str, now: int) -> bool:
    """Whether strangers have used up the account's tries; True once an hour, to be logged."""
    account = _name_account(email)
    left = limits.sign_in_accounts.look(account, TRIES_AT_ALL, ACCOUNT_REFILL_MS, now)
    return not left.is_allowed and limits.sign_in_reports.take(account, 1, now).is_allowed


def take_session_password(limits: RateLimits, session_id: int, now: int) -> None:
    """Counts one password that is typed again within a session; strangers use up none of these.

    Raises RateLimitedError.
    """
    limits.session_passwords.take(session_id, TRIES_PER_WINDOW, now).require(now)


def give_back_session_password(limits: RateLimits, session_id: int, now: int) -> None:
    """After the right one: only failures count."""
    limits.session_passwords.give_back(session_id, now)


async def check_password(
    db: Database, email: str, password: str, *, pool: WorkerThreads = SIGN_INS, owner: str = ""
) -> ProvedUser:
    """The person whose address and password these are; `pool` and `owner` as in `passwords`.

    Raises BusyError; and UnauthenticatedError, with the same words and after the same time whether
    the address is known or not.
    """
    found = await store.find_password(db, email)
    password_hash = found[1] if found else None
    is_right = await is_password_right(
        password_hash or NOBODYS_HASH, password, pool=pool, owner=owner
    )
    if found is None or not is_right:
        raise UnauthenticatedError(WRONG)
    return found[0]


class StartedSignIn(msgspec.Struct, frozen=True, kw_only=True):
    """`text` is a session's cookie; with `awaits_code` only what `finish_sign_in` takes."""

    text: str
    awaits_code: bool


def start_sign_in(
    tx: Transaction, config: Config, user: ProvedUser, user_agent: str, now: int
) -> StartedSignIn:
    """After the right password. Who belongs to no workspace any more gets one of their own.

    Raises UnauthenticatedError where the password was replaced, or browsers were signed out, while
    this one was compared: hashing takes its time, and longer where many wait.
    """
    if store.find_browsers_generation(tx, user.id) != user.browsers_generation:
        raise UnauthenticatedError(WRONG)
    workspace_id = find_home_workspace(tx, config, user, now).id
    if not has_second_factor(tx, user.id):
        made = start_session(tx, user.id, workspace_id, user_agent, now)
        return StartedSignIn(text=made.text, awaits_code=False)
    text = make_secret_text()
    half = describe_session(user.id, workspace_id, user_agent, now, now + CODE_AWAITED_MS)
    session_store.insert_session(tx, digest_secret(text), half, awaits_code=True)
    return StartedSignIn(text=text, awaits_code=True)


def find_half_signed_in(rows: Rows, text: str, now: int) -> Session | None:
    """Whose code is awaited; None once it has taken too long."""
    return session_store.find_half_session(rows, digest_secret(text), now)


class WrongCode(msgspec.Struct, frozen=True, kw_only=True):
    """`voids_step`: the password has to be given again. `ends_day`: it was the day's last."""

    voids_step: bool
    ends_day: bool


def finish_sign_in(
    tx: Transaction, text: str, code: str, now: int, *, is_known: bool
) -> MadeSession | WrongCode:
    """`is_known`: in a browser that has given the account a code before; the caller counts those.

    Wrong codes are returned rather than raised, so that counting them is committed.

    Raises UnauthenticatedError where it has taken too long, RateLimitedError after the day's last
    wrong code.
    """
    half = find_half_signed_in(tx, text, now)
    if half is None:
        raise UnauthenticatedError("Signing in took too long; sign in again.")
    if not is_known:
        require_codes_left(tx, half.user_id, now)
    if not use_code(tx, half.user_id, code, now):
        return _count_wrong_code(tx, half, now, is_known=is_known)
    session_store.mark_session_ended(tx, half.user_id, half.id, now)
    return start_session(tx, half.user_id, half.workspace_id, half.user_agent, now)


def _count_wrong_code(tx: Transaction, half: Session, now: int, *, is_known: bool) -> WrongCode:
    voids_step = session_store.count_wrong_code(tx, half.id) >= WRONG_CODES_PER_STEP
    if voids_step:
        session_store.mark_session_ended(tx, half.user_id, half.id, now)
    today = 0 if is_known else note_wrong_code(tx, half.user_id, now)
    return WrongCode(voids_step=voids_step, ends_day=today >= WRONG_CODES_PER_DAY)


def _name_account(email: str) -> str:
    return fold_email(email)
