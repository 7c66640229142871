"""Owns how people prove who they are: e-mail address and password, then perhaps a code."""

from typing import Final

import msgspec

from shorty.accounts import session_store, store
from shorty.accounts.model import MadeSession, Session, User
from shorty.accounts.second_factor import check_code, has_second_factor
from shorty.accounts.secret_texts import digest_secret, make_secret_text
from shorty.accounts.sessions import describe_session, start_session
from shorty.accounts.store import Rows
from shorty.accounts.workspaces import find_home_workspace
from shorty.config import Config
from shorty.errors import UnauthenticatedError
from shorty.limits import RateLimits
from shorty.passwords import NOBODYS_HASH, SIGN_INS, is_password_right
from shorty.pools import WorkerThreads
from shorty.storage.database import Database, Transaction

CODE_AWAITED_MS: Final = 600_000
TRIES_PER_WINDOW: Final = 10
"""For one account from one address: who has really forgotten needs no more."""
TRIES_AT_ALL: Final = 100
"""From one address, behind which may be a whole office; and for one account from everywhere, so
that strangers do not lock its person out with ten tries of theirs."""
EMAIL_KEY_LENGTH: Final = 254


def take_sign_in(limits: RateLimits, address: str, email: str, now: int) -> None:
    """Counts one try to sign in: for the account from this address, and for each of them alone.

    What the first limit refuses counts for no other: one person's guesses at one account do not use
    up what others behind their address have. `address` is named as `limits.name_address` does.
    Raises RateLimitedError.
    """
    account = _name_account(email)
    # First: made-up accounts would otherwise push out those that are remembered.
    limits.sign_in_addresses.look(address, TRIES_AT_ALL, now).require(now)
    limits.sign_ins.take(f"{address} {account}", TRIES_PER_WINDOW, now).require(now)
    limits.sign_in_addresses.take(address, TRIES_AT_ALL, now).require(now)
    limits.sign_in_accounts.take(account, TRIES_AT_ALL, now).require(now)


def give_back_sign_in(limits: RateLimits, address: str, email: str, now: int) -> None:
    """After the right password: only failures count."""
    account = _name_account(email)
    limits.sign_ins.give_back(f"{address} {account}", now)
    limits.sign_in_addresses.give_back(address, now)
    limits.sign_in_accounts.give_back(account, now)


async def check_password(
    db: Database, email: str, password: str, *, pool: WorkerThreads = SIGN_INS, owner: str = ""
) -> User:
    """The person whose address and password these are; `pool` and `owner` as in `passwords`.

    Raises BusyError; and UnauthenticatedError, with the same words and after the same time whether
    the address is known or not.
    """
    found = await store.find_password(db, email.strip().lower())
    password_hash = found[1] if found else None
    is_right = await is_password_right(
        password_hash or NOBODYS_HASH, password, pool=pool, owner=owner
    )
    if found is None or not is_right:
        raise UnauthenticatedError("The e-mail address or the password is wrong.")
    return found[0]


class StartedSignIn(msgspec.Struct, frozen=True, kw_only=True):
    """`text` is a session's cookie; with `awaits_code` only what `finish_sign_in` takes."""

    text: str
    awaits_code: bool


def start_sign_in(
    tx: Transaction, config: Config, user: User, user_agent: str, now: int
) -> StartedSignIn:
    """After the right password. Who belongs to no workspace any more gets one of their own."""
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


def finish_sign_in(tx: Transaction, text: str, code: str, now: int) -> MadeSession:
    """Raises UnauthenticatedError where it has taken too long, InvalidFieldsError for the code."""
    half = find_half_signed_in(tx, text, now)
    if half is None:
        raise UnauthenticatedError("That took too long; sign in again.")
    check_code(tx, half.user_id, code, now)
    session_store.mark_session_ended(tx, half.user_id, half.id, now)
    return start_session(tx, half.user_id, half.workspace_id, half.user_agent, now)


def _name_account(email: str) -> str:
    return email.strip().lower()[:EMAIL_KEY_LENGTH]
