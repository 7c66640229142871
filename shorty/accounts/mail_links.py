"""Owns links that prove who reads an email: for a forgotten password and for a new email.

They are created only if mail can be sent, are valid for an hour and work once.

Anyone can request a password link for any email. These mails are therefore counted separately from
those that signed-in people request, and an earlier link stays valid: all were sent to the same
email, and a stranger's request must not void a link that its owner is about to open.
"""

from typing import Final

import msgspec

from shorty.accounts import mail_link_store, session_store, store, token_store
from shorty.accounts.email_proof import take_over_account
from shorty.accounts.emails import fold_email
from shorty.accounts.model import MadeMailLink, MailLink, MailPurpose, User
from shorty.accounts.rules import NOBODYS_EMAIL, check_email
from shorty.accounts.secret_texts import digest_secret, make_secret_text
from shorty.accounts.service import change_email, get_user_by_id
from shorty.durations import HOUR_MS
from shorty.errors import ConflictError, InvalidFieldsError
from shorty.limits import RateLimits
from shorty.log import log_committed
from shorty.storage.database import Database, Reader, Transaction

LIFE_MS: Final = HOUR_MS
MAILS_PER_HOUR: Final = 5
SWEEP_BATCH: Final = 500


async def take_password_mail(limits: RateLimits, email: str, now: int) -> None:
    """Counts one password link, so that no stranger can fill another person's inbox.

    Raises RateLimitedError.
    """
    (await limits.password_mails.take(fold_email(email), MAILS_PER_HOUR, now)).require(now)


async def take_mail(limits: RateLimits, email: str, now: int) -> None:
    """Counts one mail to an email, requested by a signed-in person. Raises RateLimitedError."""
    (await limits.mails.take(fold_email(email), MAILS_PER_HOUR, now)).require(now)


async def take_mail_of(limits: RateLimits, user_id: int, now: int) -> None:
    """Counts one mail that a person requests, to any email. Raises RateLimitedError."""
    (await limits.mails.take(user_id, MAILS_PER_HOUR, now)).require(now)


def request_password_link(tx: Transaction, email: str, now: int) -> MadeMailLink | None:
    """None if the email has no account, which the person asking must not learn."""
    user = store.find_user(tx, email)
    if user is None or user.email == NOBODYS_EMAIL:
        return None
    return _make_link(tx, user.id, "password", user.email, now)


def set_password_by_link(
    tx: Transaction, text: str, password_hash: str, now: int, *, revokes_tokens: bool = False
) -> User:
    """Also ends the person's sessions, and their tokens if asked to.

    The second factor stays required, unless this is the first proof of the email: then the account
    is taken over.

    Raises ConflictError if the link is no longer valid.
    """
    link = _get_link(tx, text, "password", now)
    user = get_user_by_id(tx, link.user_id)
    if user.email != link.email:
        raise ConflictError(
            "This link is no longer valid, because the account's email has changed."
        )
    take_over_account(tx, user, now)
    store.update_password(tx, user.id, password_hash)
    session_store.mark_sessions_of_user_ended(tx, user.id, now)
    mail_link_store.delete_mail_links_of(tx, user.id)
    if revokes_tokens:
        token_store.mark_tokens_of_user_revoked(tx, user.id, now)
    log_committed(tx, "account_password_changed", user_id=user.id)
    return user


def request_email_link(tx: Transaction, user_id: int, email: str, now: int) -> MadeMailLink | None:
    """Requests a link to `email`, which may be the person's own unverified one.

    Voids a link to another email. Returns None if another account has the email, which the person
    must not learn, not even from whether an earlier link still works. Raises InvalidFieldsError.
    """
    email = check_email(email)
    known = store.find_user(tx, email)
    mail_link_store.delete_mail_links_for(tx, user_id, "email")
    if known is not None and known.id != user_id:
        return None
    if known is not None and known.email_verified_at is not None:
        raise InvalidFieldsError({"email": "is your email already"})
    return _make_link(tx, user_id, "email", email, now)


class EmailChange(msgspec.Struct, frozen=True, kw_only=True):
    """The person with their new email, and their previous email."""

    user: User
    old: str


def change_email_by_link(tx: Transaction, user_id: int, text: str, now: int) -> EmailChange:
    """Called for the signed-in person who asked: the link alone proves who reads the email, not
    whose account it is, and a stranger could have requested it.

    Raises ConflictError if the link is no longer valid or belongs to another person, and
    AlreadyExistsError.
    """
    link = _get_link(tx, text, "email", now)
    if link.user_id != user_id:
        raise ConflictError("This link is for another account; sign in with that one.")
    old = get_user_by_id(tx, user_id).email
    return EmailChange(user=change_email(tx, user_id, link.email, now), old=old)


def find_mail_link(rows: Reader, text: str, purpose: MailPurpose, now: int) -> MailLink | None:
    return mail_link_store.find_mail_link(rows, digest_secret(text), purpose, now)


async def delete_old_mail_links(db: Database, now: int) -> int:
    """Deletes some expired links; returns how many."""
    return await db.write(lambda tx: mail_link_store.delete_old_mail_links(tx, now, SWEEP_BATCH))


def _make_link(
    tx: Transaction, user_id: int, purpose: MailPurpose, email: str, now: int
) -> MadeMailLink:
    text, expires_at = make_secret_text(), now + LIFE_MS
    digest = digest_secret(text)
    mail_link_store.insert_mail_link(tx, digest, user_id, purpose, email, now, expires_at)
    link = MailLink(user_id=user_id, email=email, expires_at=expires_at)
    return MadeMailLink(link=link, text=text)


def _get_link(tx: Transaction, text: str, purpose: MailPurpose, now: int) -> MailLink:
    link = find_mail_link(tx, text, purpose, now)
    if link is None:
        raise ConflictError("This link was already used or has expired; request a new one.")
    return link
