"""Owns when an email is verified, which means that the person has proved that they read it.

Three things verify an email: a link that was mailed to it and shown to no one else; the operator,
who vouches for the people they add; and the setup link of the first start. An account created with
a copied link has an unverified email, which is only a name to sign in with and proves nothing.

A stranger may thus have created an account under an email before its reader arrives. The person who
proves the email then takes over that account, and nothing that its former holder set up gives
access to it any more: sessions, tokens, the second factor, invitations. (The alternative, removing
the email from the account, would cost people who never verified their email everything they have,
the first time they forget their password.) The account's workspaces stay, and are shown, because
the former holder may have chosen them. A person who proves the email *and* is signed in to its
account is that holder, so nothing ends.
"""

from shorty.accounts import (
    invitation_store,
    mail_link_store,
    second_factor,
    session_store,
    store,
    token_store,
)
from shorty.accounts.model import User
from shorty.storage.database import Reader, Transaction


def is_email_verified(rows: Reader, user_id: int) -> bool:
    user = store.find_user_by_id(rows, user_id)
    return user is not None and user.email_verified_at is not None


def is_unproven_account(rows: Reader, user_id: int) -> bool:
    """Whether a person who does not read the email may have set up the account.

    Not without a password: nobody could sign in then, and the tokens are the operator's.
    """
    user = store.find_user_by_id(rows, user_id)
    return user is not None and user.email_verified_at is None and store.has_password(rows, user_id)


def take_over_account(tx: Transaction, user: User, now: int) -> None:
    """Called for a person who only proved the email; does nothing if it was verified before."""
    is_unproven = is_unproven_account(tx, user.id)
    store.mark_email_verified(tx, user.id, now)
    if not is_unproven:
        return
    session_store.mark_sessions_of_user_ended(tx, user.id, now)
    token_store.mark_tokens_of_user_revoked(tx, user.id, now)
    second_factor.delete_second_factor(tx, user.id)
    invitation_store.delete_invitations_of_inviter(tx, user.id)
    mail_link_store.delete_mail_links_of(tx, user.id)
