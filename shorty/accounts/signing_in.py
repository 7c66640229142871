"""Owns how people prove who they are: e-mail address and password."""

from typing import Final

from shorty.accounts import store
from shorty.accounts.model import User
from shorty.errors import UnauthenticatedError
from shorty.limits import RateLimits
from shorty.passwords import NOBODYS_HASH, is_password_right
from shorty.storage.database import Database

SIGN_INS_PER_WINDOW: Final = 10
EMAIL_KEY_LENGTH: Final = 254


def take_sign_in(limits: RateLimits, address: str, email: str, now: int) -> None:
    """Counts one try to sign in, for the address it comes from and for the account.

    `address` is named as `limits.name_address` does. Raises RateLimitedError.
    """
    key = email.strip().lower()[:EMAIL_KEY_LENGTH]
    limits.sign_ins.take(address, SIGN_INS_PER_WINDOW, now).require(now)
    limits.sign_in_emails.take(key, SIGN_INS_PER_WINDOW, now).require(now)


async def check_password(db: Database, email: str, password: str) -> User:
    """The person whose address and password these are.

    Raises UnauthenticatedError, with the same words and after the same time whether the address
    is known or not.
    """
    found = await store.find_password(db, email.strip().lower())
    password_hash = found[1] if found else None
    is_right = await is_password_right(password_hash or NOBODYS_HASH, password)
    if found is None or not is_right:
        raise UnauthenticatedError("The e-mail address or the password is wrong.")
    return found[0]
