"""Owns what people change about themselves: name, address, password."""

from shorty.accounts import mail_link_store, session_store, store, token_store
from shorty.accounts.model import User
from shorty.accounts.rules import check_person
from shorty.errors import AlreadyExistsError, NotFoundError
from shorty.storage.database import Transaction


def get_user_by_id(tx: Transaction, user_id: int) -> User:
    user = store.find_user_by_id(tx, user_id)
    if user is None:
        raise NotFoundError("user", user_id)
    return user


def change_name(tx: Transaction, user_id: int, name: str) -> User:
    """Raises InvalidFieldsError."""
    user = get_user_by_id(tx, user_id)
    email, name = check_person(user.email, name)
    store.update_person(tx, user_id, email, name)
    return get_user_by_id(tx, user_id)


def change_email(tx: Transaction, user_id: int, email: str) -> User:
    """Links that were mailed to the old address stop.

    Raises AlreadyExistsError and InvalidFieldsError.
    """
    user = get_user_by_id(tx, user_id)
    email, _ = check_person(email, user.name)
    namesake = store.find_user(tx, email)
    if namesake is not None and namesake.id != user_id:
        raise AlreadyExistsError("user", email)
    store.update_person(tx, user_id, email, user.name)
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
