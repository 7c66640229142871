"""Owns what it means that an email is verified: somebody has proved that they read its mail.

Three things verify one: a link that was mailed to it and shown to nobody else; the operator, who
answers for whom they add; and the setup link of the first start. An account that was made with a
link that somebody copied has an unverified one: it is a name to sign in with and proves nothing.

Anybody may so have set up an account under an address before the person who reads it comes along.
The person who proves the address then takes that account over, and nothing that its former holder
has set up opens it any more: sessions, tokens, the second factor, invitations. (The other way, to
take the address away from the account, would cost people who have never verified theirs all
they have, the first time they forget their password.) What the account belongs to stays, and is
shown, for its workspaces may have been chosen by the former holder. Who proves the address *and*
is signed in to its account is that holder: nothing ends.
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
from shorty.accounts.store import Rows
from shorty.storage.database import Transaction


def is_email_verified(rows: Rows, user_id: int) -> bool:
    user = store.find_user_by_id(rows, user_id)
    return user is not None and user.email_verified_at is not None


def is_unproven_account(rows: Rows, user_id: int) -> bool:
    """Whether somebody may have set it up who does not read its email.

    Not without a password: nobody could sign in then, and the tokens are the operator's.
    """
    user = store.find_user_by_id(rows, user_id)
    return user is not None and user.email_verified_at is None and store.has_password(rows, user_id)


def take_over_account(tx: Transaction, user: User, now: int) -> None:
    """For somebody who has proved the email alone; does nothing where it was verified before."""
    is_unproven = is_unproven_account(tx, user.id)
    store.mark_email_verified(tx, user.id, now)
    if not is_unproven:
        return
    session_store.mark_sessions_of_user_ended(tx, user.id, now)
    token_store.mark_tokens_of_user_revoked(tx, user.id, now)
    second_factor.delete_second_factor(tx, user.id)
    invitation_store.delete_invitations_of_inviter(tx, user.id)
    mail_link_store.delete_mail_links_of(tx, user.id)
