"""Owns links that prove who reads an address: for a forgotten password, for a new address.

They are made where mail can be sent, hold for an hour and count once.

Anybody can ask for a link to a new password for anybody. Such mails are therefore counted apart
from those that people ask for who are signed in, and an earlier link goes on: all were sent to the
same address, and a stranger who asks for more stops none that its owner is about to open.
"""

from typing import Final

import msgspec

from shorty.accounts import mail_link_store, session_store, store, token_store
from shorty.accounts.model import MadeMailLink, MailLink, MailPurpose, User
from shorty.accounts.profile import change_email, get_user_by_id
from shorty.accounts.rules import EMAIL_LENGTH, NOBODYS_EMAIL, check_person
from shorty.accounts.secret_texts import digest_secret, make_secret_text
from shorty.accounts.store import Rows
from shorty.errors import AlreadyExistsError, ConflictError
from shorty.limits import RateLimits
from shorty.storage.database import Database, Transaction

LIFE_MS: Final = 3_600_000
MAILS_PER_HOUR: Final = 5
SWEEP_BATCH: Final = 500


def take_password_mail(limits: RateLimits, email: str, now: int) -> None:
    """Counts one link to a new password, so that no stranger fills another's inbox.

    Raises RateLimitedError.
    """
    limits.password_mails.take(_name_inbox(email), MAILS_PER_HOUR, now).require(now)


def take_mail(limits: RateLimits, email: str, now: int) -> None:
    """Counts one mail to an address that somebody signed in asks for. Raises RateLimitedError."""
    limits.mails.take(_name_inbox(email), MAILS_PER_HOUR, now).require(now)


def take_mail_of(limits: RateLimits, user_id: int, now: int) -> None:
    """Counts one mail that a person asks for, whoever it goes to. Raises RateLimitedError."""
    limits.mails.take(user_id, MAILS_PER_HOUR, now).require(now)


def _name_inbox(email: str) -> str:
    return email.strip().lower()[:EMAIL_LENGTH]


def request_password_link(tx: Transaction, email: str, now: int) -> MadeMailLink | None:
    """None where nobody has the address: whoever asks must not learn it."""
    user = store.find_user(tx, email.strip().lower())
    if user is None or user.email == NOBODYS_EMAIL:
        return None
    return _make_link(tx, user.id, "password", user.email, now)


def set_password_by_link(
    tx: Transaction, text: str, password_hash: str, now: int, *, revokes_tokens: bool = False
) -> User:
    """Also ends the person's sessions; their tokens where that is asked for.

    A second factor is asked for as before.

    Raises ConflictError where the link holds no more.
    """
    link = _get_link(tx, text, "password", now)
    user = store.find_user(tx, link.email)
    if user is None or user.id != link.user_id:
        raise ConflictError("This link holds no more: the account has another address by now.")
    store.update_password(tx, user.id, password_hash)
    session_store.mark_sessions_of_user_ended(tx, user.id, now)
    mail_link_store.delete_mail_links_of(tx, user.id)
    if revokes_tokens:
        token_store.mark_tokens_of_user_revoked(tx, user.id, now)
    return user


def request_email_link(tx: Transaction, user_id: int, email: str, now: int) -> MadeMailLink:
    """To be sent to the new address; a link to another one stops.

    Raises AlreadyExistsError and InvalidFieldsError.
    """
    email, _ = check_person(email, "")
    if store.find_user(tx, email) is not None:
        raise AlreadyExistsError("user", email)
    mail_link_store.delete_mail_links_for(tx, user_id, "email")
    return _make_link(tx, user_id, "email", email, now)


class EmailChange(msgspec.Struct, frozen=True, kw_only=True):
    """The person with their new address, and the one they had."""

    user: User
    old: str


def change_email_by_link(tx: Transaction, text: str, now: int) -> EmailChange:
    """Raises ConflictError where the link holds no more, AlreadyExistsError."""
    link = _get_link(tx, text, "email", now)
    old = get_user_by_id(tx, link.user_id).email
    return EmailChange(user=change_email(tx, link.user_id, link.email), old=old)


def find_mail_link(rows: Rows, text: str, purpose: MailPurpose, now: int) -> MailLink | None:
    return mail_link_store.find_mail_link(rows, digest_secret(text), purpose, now)


async def delete_old_mail_links(db: Database, now: int) -> int:
    """Removes some of those that have expired; returns how many."""
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
        raise ConflictError("This link is used up or too old; ask for a new one.")
    return link
