"""Owns what people change about themselves: name, address, password."""

from shorty.accounts import mail_link_store, session_store, store, token_store
from shorty.accounts.model import User
from shorty.accounts.rules import check_email, check_person_name
from shorty.accounts.store import Rows
from shorty.errors import AlreadyExistsError, NotFoundError
from shorty.storage.database import Transaction


def get_user_by_id(tx: Transaction, user_id: int) -> User:
    user = store.find_user_by_id(tx, user_id)
    if user is None:
        raise NotFoundError("user", user_id)
    return user


def is_email_verified(rows: Rows, user_id: int) -> bool:
    user = store.find_user_by_id(rows, user_id)
    return user is not None and user.email_verified_at is not None


def change_name(tx: Transaction, user_id: int, name: str) -> User:
    """Raises InvalidFieldsError."""
    user = get_user_by_id(tx, user_id)
    store.update_name(tx, user_id, check_person_name(name, user.email))
    return get_user_by_id(tx, user_id)


def change_email(tx: Transaction, user_id: int, email: str, now: int) -> User:
    """To one that the person or the operator answers for: it is verified from now on.

    It may be the one they have. Links that were mailed to the old one stop.
    Raises AlreadyExistsError and InvalidFieldsError.
    """
    email = check_email(email)
    namesake = store.find_user(tx, email)
    if namesake is not None and namesake.id != user_id:
        raise AlreadyExistsError("user", email)
    store.update_email(tx, user_id, email, now)
    mail_link_store.delete_mail_links_of(tx, user_id)
    return get_user_by_id(tx, user_id)


def change_password(
    tx: Transaction,
    user_id: int,
    session_id: int,
    password_hash: str,
    now: int,
    *,
    revokes_tokens: bool = False,
) -> None:
    """Also ends the person's other sessions and the links that were mailed to them.

    Their tokens, which programs hold, go on unless it is asked for.
    """
    store.update_password(tx, user_id, password_hash)
    session_store.mark_other_sessions_ended(tx, user_id, session_id, now)
    mail_link_store.delete_mail_links_of(tx, user_id)
    if revokes_tokens:
        token_store.mark_tokens_of_user_revoked(tx, user_id, now)
