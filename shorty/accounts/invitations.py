"""Owns invitations: a link that lets one person into a workspace, in the role it names.

Whoever has the link may accept it, with the account they have or with a new one for the address
that was invited. A link that was mailed proves that they read that address; one that the inviter
copied proves nothing. So only a mailed one leads to an account that somebody else has added.
"""

from collections.abc import Mapping
from typing import Final

from shorty.accounts import invitation_store, store
from shorty.accounts.members import require_power_over
from shorty.accounts.model import Actor, Invitation, MadeInvitation, Role, User
from shorty.accounts.roles import require_scope
from shorty.accounts.rules import check_person
from shorty.accounts.secret_texts import digest_secret, make_secret_text
from shorty.accounts.store import Rows
from shorty.config import Plan
from shorty.errors import AlreadyExistsError, ConflictError, NotFoundError
from shorty.limits import RateLimits
from shorty.plans import find_plan, take_quota
from shorty.storage.database import Database, Transaction

LIFE_MS: Final = 7 * 86_400_000
OPEN_AT_ONCE: Final = 100
INVITATIONS_PER_HOUR: Final = 50
SWEEP_BATCH: Final = 500


def take_invitation(limits: RateLimits, user_id: int, now: int) -> None:
    """Counts one, so that nobody mails the world through this server. Raises RateLimitedError."""
    limits.invitations.take(user_id, INVITATIONS_PER_HOUR, now).require(now)


def create_invitation(
    tx: Transaction, actor: Actor, email: str, role: Role, now: int
) -> MadeInvitation:
    """For seven days. The link of an earlier one to the same address stops.

    Raises ForbiddenError, InvalidFieldsError, AlreadyExistsError for a member, ConflictError where
    too many are open.
    """
    require_power_over(actor, role)
    email, _ = check_person(email, "")
    known = store.find_user(tx, email)
    if known is not None and store.find_member(tx, actor.workspace_id, known.id) is not None:
        raise AlreadyExistsError("member", email)
    if invitation_store.count_invitations(tx, actor.workspace_id) >= OPEN_AT_ONCE:
        raise ConflictError(f"{OPEN_AT_ONCE} invitations are open already; revoke some first.")
    text = make_secret_text()
    invitation_id = invitation_store.replace_invitation(
        tx,
        digest_secret(text),
        actor.workspace_id,
        email,
        role,
        actor.user_id,
        now,
        now + LIFE_MS,
    )
    invitation = get_invitation(tx, actor.workspace_id, invitation_id)
    return MadeInvitation(invitation=invitation, text=text)


def get_invitation(rows: Rows, workspace_id: int, invitation_id: int) -> Invitation:
    invitation = invitation_store.find_invitation_by_id(rows, workspace_id, invitation_id)
    if invitation is None:
        raise NotFoundError("invitation", invitation_id)
    return invitation


def mark_invitation_mailed(tx: Transaction, text: str) -> None:
    """Only where nobody but the address has been given the link, whose key `text` is.

    By the key, for a newer link of the same invitation may have been shown meanwhile.
    """
    invitation_store.mark_mailed(tx, digest_secret(text))


async def list_invitations(db: Database, actor: Actor, now: int) -> list[Invitation]:
    """Those that can be accepted, in the order they were first made. Raises ForbiddenError."""
    require_scope(actor, "admin")
    return await invitation_store.list_invitations(db, actor.workspace_id, now)


def revoke_invitation(tx: Transaction, actor: Actor, invitation_id: int) -> None:
    """Raises ForbiddenError and NotFoundError."""
    require_scope(actor, "admin")
    invitation = get_invitation(tx, actor.workspace_id, invitation_id)
    require_power_over(actor, invitation.role)
    invitation_store.delete_invitation(tx, actor.workspace_id, invitation_id)


def find_invitation(rows: Rows, text: str, now: int) -> Invitation | None:
    """None where it is unknown, used, revoked or expired, or its inviter may invite no more."""
    return invitation_store.find_invitation(rows, digest_secret(text), now)


def has_account(rows: Rows, invitation: Invitation) -> bool:
    """Whether somebody can sign in with the address that was invited."""
    return store.has_password(rows, invitation.email)


def accept_invitation(
    tx: Transaction, plans: Mapping[str, Plan], text: str, user_id: int, now: int
) -> Invitation:
    """For somebody who has signed in, under whichever address.

    Raises ConflictError where it holds no more and for a member, QuotaExceededError.
    """
    invitation = find_invitation(tx, text, now)
    if invitation is None:
        raise ConflictError("This invitation holds no more; ask for a new one.")
    workspace_id = invitation.workspace_id
    invitation_store.delete_invitation(tx, workspace_id, invitation.id)
    if not store.insert_member(tx, workspace_id, user_id, invitation.role, now):
        raise ConflictError(f"You belong to {invitation.workspace_name} already.")
    take_quota(tx, workspace_id, find_plan(plans, invitation.workspace_plan), "members", 1, now)
    return invitation


def accept_as_new_person(
    tx: Transaction,
    plans: Mapping[str, Plan],
    text: str,
    name: str,
    password_hash: str,
    now: int,
) -> User:
    """Makes the account of the address that was invited.

    Raises as accept_invitation does, and ConflictError where the address has an account already.
    """
    invitation = find_invitation(tx, text, now)
    if invitation is None:
        raise ConflictError("This invitation holds no more; ask for a new one.")
    email, name = check_person(invitation.email, name)
    user = store.insert_user(tx, email, name, password_hash, now)
    user = user or _claim_account(tx, invitation, name, password_hash)
    accept_invitation(tx, plans, text, user.id, now)
    return user


def _claim_account(tx: Transaction, invitation: Invitation, name: str, password_hash: str) -> User:
    known = store.find_user(tx, invitation.email)
    if known is None or store.has_password(tx, invitation.email):
        raise ConflictError(f"{invitation.email} has an account already; sign in with it.")
    if not invitation.is_mailed and store.find_first_workspace_of(tx, known.id) is not None:
        raise ConflictError(
            f"{invitation.email} belongs to another workspace and has no password yet; "
            "ask whoever runs this server to set one."
        )
    user = store.claim_user(tx, known.id, invitation.email, name, password_hash)
    if user is None:
        raise NotFoundError("user", invitation.email)
    return user


async def delete_old_invitations(db: Database, now: int) -> int:
    """Removes some of those that have expired; returns how many."""
    return await db.write(lambda tx: invitation_store.delete_old_invitations(tx, now, SWEEP_BATCH))
