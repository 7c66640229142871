"""Owns sign-in: email and password, then a code if the account has a second factor."""

from typing import Final

import msgspec

from shorty.accounts import session_store, store
from shorty.accounts.emails import fold_email, read_email
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
from shorty.config import Config
from shorty.durations import MINUTE_MS
from shorty.errors import UnauthenticatedError
from shorty.limits import RateLimits
from shorty.passwords import NOBODYS_HASH, SIGN_INS, is_password_right
from shorty.pools import WorkerThreads
from shorty.storage.database import Database, Reader, Transaction

CODE_AWAITED_MS: Final = 10 * MINUTE_MS
WRONG_CODES_PER_STEP: Final = 10
"""After this many codes, the password has to be given again."""
TRIES_PER_WINDOW: Final = 10
"""For one account from one IP address: enough for a person who forgot the password."""
TRIES_AT_ALL: Final = 100
"""From one IP address, which a whole office may share. Also for one account from all addresses, so
that strangers do not lock its owner out with their ten attempts."""
ACCOUNT_REFILL_MS: Final = 6000
"""For one account after that: still a hundred in ten minutes, but the wait is only seconds."""

WRONG: Final = "The email or the password is wrong."


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to sign in with a password, and the allowance that it uses.

    `address` has the form of `limits.name_address`. `browser` is empty, or has the form of
    `known_browsers.name_allowance` for a browser that the account knows.
    """

    address: str
    email: str
    browser: str = ""


async def take_sign_in(limits: RateLimits, attempt: Attempt, now: int) -> None:
    """Counts one attempt: for the account from this IP address, for the address, and the account.

    A known browser's attempts count only for that browser, so that strangers cannot use them up.

    An attempt refused by the first limit counts for no other limit, so that guessing one password
    does not use up the attempts of others at the same address. An attempt refused by the account's
    limit has counted for the address; otherwise one stranger could use up every attempt that
    becomes free. Raises RateLimitedError.
    """
    if attempt.browser:
        taken = await limits.browser_sign_ins.take(attempt.browser, TRIES_PER_WINDOW, now)
        taken.require(now)
        return
    address, account = attempt.address, _name_account(attempt.email)
    # First, because made-up accounts would otherwise evict the remembered ones.
    (await limits.sign_in_addresses.look(address, TRIES_AT_ALL, now)).require(now)
    (await limits.sign_ins.take(f"{address} {account}", TRIES_PER_WINDOW, now)).require(now)
    (await limits.sign_in_addresses.take(address, TRIES_AT_ALL, now)).require(now)
    everywhere = await limits.sign_in_accounts.take(account, TRIES_AT_ALL, ACCOUNT_REFILL_MS, now)
    everywhere.require(now, "Too many attempts to sign in to this account")


async def give_back_sign_in(limits: RateLimits, attempt: Attempt, now: int) -> None:
    """Called after the right password, because only wrong ones count."""
    if attempt.browser:
        await limits.browser_sign_ins.give_back(attempt.browser, now)
        return
    address, account = attempt.address, _name_account(attempt.email)
    await limits.sign_ins.give_back(f"{address} {account}", now)
    await limits.sign_in_addresses.give_back(address, now)
    await limits.sign_in_accounts.give_back(account, ACCOUNT_REFILL_MS, now)


async def take_address(limits: RateLimits, address: str, now: int) -> None:
    """Counts a form about an account that does not guess a password. Raises RateLimitedError."""
    (await limits.sign_in_addresses.take(address, TRIES_AT_ALL, now)).require(now)


async def is_newly_limited(limits: RateLimits, email: str, now: int) -> bool:
    """Whether strangers have used up the account's attempts; True once an hour, for the log."""
    account = _name_account(email)
    left = await limits.sign_in_accounts.look(account, TRIES_AT_ALL, ACCOUNT_REFILL_MS, now)
    return not left.is_allowed and limits.sign_in_reports.take(account, 1, now).is_allowed


def is_newly_limited_address(limits: RateLimits, address: str, now: int) -> bool:
    """Whether a refusal for too many attempts is the first in an hour from there, for the log."""
    return limits.sign_in_reports.take(f"from {address}", 1, now).is_allowed


def name_account(email: str) -> str:
    """The account that was typed, for the log; empty for other text, which may be a password."""
    try:
        return read_email(email)
    except ValueError:
        return ""


async def take_session_password(limits: RateLimits, session_id: int, now: int) -> None:
    """Counts one password entered within a session, which strangers cannot use up.

    Raises RateLimitedError.
    """
    (await limits.session_passwords.take(session_id, TRIES_PER_WINDOW, now)).require(now)


async def give_back_session_password(limits: RateLimits, session_id: int, now: int) -> None:
    """Called after the right password, because only wrong ones count."""
    await limits.session_passwords.give_back(session_id, now)


async def check_password(
    db: Database, email: str, password: str, *, pool: WorkerThreads = SIGN_INS, owner: str = ""
) -> ProvedUser:
    """The person with this email and password; `pool` and `owner` as in `passwords`.

    Raises BusyError. Raises UnauthenticatedError with the same message and after the same time
    whether the email is known or not.
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
    """`text` is a session's cookie, or with `awaits_code` only the input of `finish_sign_in`."""

    text: str
    awaits_code: bool


def start_sign_in(
    tx: Transaction,
    config: Config,
    user: ProvedUser,
    user_agent: str,
    now: int,
    *,
    workspace_id: int | None = None,
) -> StartedSignIn:
    """Called after the right password. A person without a workspace gets a new one.

    Starts in `workspace_id` if they are a member of it.

    Raises UnauthenticatedError if the password or the known browsers changed while the password was
    being checked, because hashing takes time, and more time under load.
    """
    if store.find_browsers_generation(tx, user.id) != user.browsers_generation:
        raise UnauthenticatedError(WRONG)
    if workspace_id is None or store.find_member(tx, workspace_id, user.id) is None:
        workspace_id = find_home_workspace(tx, config, user, now).id
    if not has_second_factor(tx, user.id):
        made = start_session(tx, user.id, workspace_id, user_agent, now)
        return StartedSignIn(text=made.text, awaits_code=False)
    text = make_secret_text()
    half = describe_session(user.id, workspace_id, user_agent, now, now + CODE_AWAITED_MS)
    session_store.insert_session(tx, digest_secret(text), half, awaits_code=True)
    return StartedSignIn(text=text, awaits_code=True)


def find_half_signed_in(rows: Reader, text: str, now: int) -> Session | None:
    """The session that awaits a code; None if it has taken too long."""
    return session_store.find_half_session(rows, digest_secret(text), now)


class WrongCode(msgspec.Struct, frozen=True, kw_only=True):
    """`voids_step`: the password has to be given again. `ends_day`: it was the day's last one."""

    voids_step: bool
    ends_day: bool


def finish_sign_in(
    tx: Transaction, text: str, code: str, now: int, *, is_known: bool
) -> MadeSession | WrongCode:
    """`is_known`: the account accepted a code in this browser before; then the caller counts codes.

    Wrong codes are returned, not raised, so that their count is committed.

    Raises UnauthenticatedError if it has taken too long, and RateLimitedError after the day's last
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
