"""Owns invitations: a link that lets one person join a workspace in a given role.

Anyone who has the link may accept it, with an existing account or with a new one for the invited
email. A mailed link proves that the person reads that email. A link that the inviter copied proves
nothing: a new account's email is then unverified, and an account that another workspace added in
the past cannot be claimed with it. The answer to an inviter is the same whether or not the email
has an account.
"""

from collections.abc import Mapping
from typing import Final

from shorty.accounts import invitation_store, store
from shorty.accounts.members import require_power_over
from shorty.accounts.model import Actor, Invitation, MadeInvitation, Role, User
from shorty.accounts.roles import require_scope, require_still
from shorty.accounts.rules import check_email, check_person
from shorty.accounts.secret_texts import digest_secret, make_secret_text
from shorty.config import Plan
from shorty.durations import WEEK_MS
from shorty.errors import AlreadyExistsError, ConflictError, NotFoundError
from shorty.limits import RateLimits
from shorty.log import log_committed
from shorty.plans import find_plan, require_room, take_quota
from shorty.storage.database import Database, Reader, Transaction

LIFE_MS: Final = WEEK_MS
OPEN_AT_ONCE: Final = 100
INVITATIONS_PER_HOUR: Final = 50
SWEEP_BATCH: Final = 500


async def take_invitation(limits: RateLimits, user_id: int, now: int) -> None:
    """Counts one, so that nobody sends bulk mail through this server. Raises RateLimitedError."""
    (await limits.invitations.take(user_id, INVITATIONS_PER_HOUR, now)).require(now)


def create_invitation(
    tx: Transaction, actor: Actor, email: str, role: Role, now: int, *, is_mailed: bool
) -> MadeInvitation:
    """Valid for seven days. Replaces an earlier invitation of the same email.

    `is_mailed` means that the link will be mailed and shown to no one.

    Raises ForbiddenError and InvalidFieldsError. Raises AlreadyExistsError for a member, whom the
    actor can list anyway; QuotaExceededError if the workspace is full; ConflictError if too many
    are open; UnauthenticatedError if the actor's session or token has ended, because the link would
    outlast it.
    """
    require_power_over(actor, role)
    require_still(tx, actor, "admin", now)
    email = check_email(email)
    if store.has_member_with_email(tx, actor.workspace_id, email):
        raise AlreadyExistsError("member", email)
    require_room(tx, actor.workspace_id, actor.plan, "members", now)
    if invitation_store.count_invitations(tx, actor.workspace_id, now) >= OPEN_AT_ONCE:
        raise ConflictError(f"{OPEN_AT_ONCE} invitations are already open; withdraw some first.")
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
        is_mailed=is_mailed,
    )
    invitation = get_invitation(tx, actor.workspace_id, invitation_id)
    log_committed(
        tx, "member_invited", workspace_id=actor.workspace_id, role=role, by=actor.user_id
    )
    return MadeInvitation(invitation=invitation, text=text)


def get_invitation(rows: Reader, workspace_id: int, invitation_id: int) -> Invitation:
    invitation = invitation_store.find_invitation_by_id(rows, workspace_id, invitation_id)
    if invitation is None:
        raise NotFoundError("invitation", invitation_id)
    return invitation


def mark_invitation_shown(tx: Transaction, text: str) -> None:
    """Called before showing a link that could not be mailed, because it then proves nothing.

    Selects it by its key `text`, because a newer link of the same invitation may be under way.
    """
    invitation_store.mark_shown(tx, digest_secret(text))


async def list_invitations(db: Database, actor: Actor, now: int) -> list[Invitation]:
    """Invitations that can be accepted, in the order of their creation. Raises ForbiddenError."""
    require_scope(actor, "admin")
    return await invitation_store.list_invitations(db, actor.workspace_id, now)


def revoke_invitation(tx: Transaction, actor: Actor, invitation_id: int) -> None:
    """Raises ForbiddenError and NotFoundError."""
    require_scope(actor, "admin")
    invitation = get_invitation(tx, actor.workspace_id, invitation_id)
    require_power_over(actor, invitation.role)
    invitation_store.delete_invitation(tx, actor.workspace_id, invitation_id)
    log_committed(tx, "invitation_withdrawn", workspace_id=actor.workspace_id, by=actor.user_id)


def find_invitation(rows: Reader, text: str, now: int) -> Invitation | None:
    """None if it is unknown, used, revoked or expired, or if its inviter may no longer invite."""
    return invitation_store.find_invitation(rows, digest_secret(text), now)


def is_known_account(rows: Reader, invitation: Invitation) -> bool:
    """Whether the reader should sign in, because the email has an account.

    False for every link that was shown: its page must not tell an inviter who has an account.
    """
    if not invitation.is_mailed:
        return False
    user = store.find_user(rows, invitation.email)
    return user is not None and store.has_password(rows, user.id)


def accept_invitation(
    tx: Transaction, plans: Mapping[str, Plan], text: str, user_id: int, now: int
) -> Invitation:
    """Called for a signed-in person with any email; a mailed link verifies the invited one.

    Raises ConflictError if it is no longer valid or the person is a member, and QuotaExceededError.
    """
    invitation = _get_open_invitation(tx, text, now)
    user = store.find_user_by_id(tx, user_id)
    if invitation.is_mailed and user is not None and user.email == invitation.email:
        store.mark_email_verified(tx, user_id, now)
    _join(tx, invitation, user_id, now)
    _take_place(tx, plans, invitation, now)
    return invitation


def accept_as_new_person(
    tx: Transaction,
    plans: Mapping[str, Plan],
    text: str,
    name: str,
    password_hash: str,
    now: int,
) -> User:
    """Creates an account for the invited email, which is verified if the link was mailed.

    Raises the same errors as accept_invitation, and ConflictError if the email has an account. A
    person with a copied link can thus find out whether it has one, but only by creating the account
    if it has none. The plan is checked first, so that a full workspace reveals nothing.
    """
    invitation = _get_open_invitation(tx, text, now)
    email, name = check_person(invitation.email, name)
    _take_place(tx, plans, invitation, now)
    verified_at = now if invitation.is_mailed else None
    user = store.insert_user(tx, email, name, password_hash, now, verified_at=verified_at)
    user = user or _claim_account(tx, invitation, name, password_hash, verified_at)
    log_committed(tx, "account_created", user_id=user.id)
    _join(tx, invitation, user.id, now)
    return user


def _get_open_invitation(tx: Transaction, text: str, now: int) -> Invitation:
    invitation = find_invitation(tx, text, now)
    if invitation is None:
        raise ConflictError("This invitation is no longer valid; ask for a new one.")
    return invitation


def _join(tx: Transaction, invitation: Invitation, user_id: int, now: int) -> None:
    workspace_id = invitation.workspace_id
    invitation_store.delete_invitation(tx, workspace_id, invitation.id)
    if not store.insert_member(tx, workspace_id, user_id, invitation.role, now):
        raise ConflictError(f"You are already a member of {invitation.workspace_name}.")
    log_committed(
        tx, "member_joined", workspace_id=workspace_id, user_id=user_id, role=invitation.role
    )


def _take_place(
    tx: Transaction, plans: Mapping[str, Plan], invitation: Invitation, now: int
) -> None:
    plan = find_plan(plans, invitation.workspace_plan)
    take_quota(tx, invitation.workspace_id, plan, "members", 1, now)


def _claim_account(
    tx: Transaction,
    invitation: Invitation,
    name: str,
    password_hash: str,
    verified_at: int | None,
) -> User:
    """Claims an account added before schema 13, without a password or its person's consent."""
    known = store.find_user(tx, invitation.email)
    is_elsewhere = known is not None and store.find_first_workspace_of(tx, known.id) is not None
    user = None
    if known is not None and (invitation.is_mailed or not is_elsewhere):
        user = store.claim_user(
            *(tx, known.id, known.email, name, password_hash), verified_at=verified_at
        )
    if user is None:
        raise ConflictError(
            f"{invitation.email} already has an account; sign in with it. If you don't know its "
            "password, reset it by email, or ask the person who runs this server."
        )
    return user


async def delete_old_invitations(db: Database, now: int) -> int:
    """Deletes some expired invitations; returns how many."""
    return await db.write(lambda tx: invitation_store.delete_old_invitations(tx, now, SWEEP_BATCH))
