"""Owns who belongs to a workspace, and in which role; a workspace always has an owner.

People join by accepting an invitation or by creating the workspace; nobody can be added.
"""

from shorty.accounts import invitation_store, store, token_store
from shorty.accounts.model import Actor, Member, Role
from shorty.accounts.roles import require_scope
from shorty.errors import ConflictError, ForbiddenError, NotFoundError
from shorty.log import log_committed
from shorty.plans import give_back_quota
from shorty.storage.database import Database, Reader, Transaction


def get_member(rows: Reader, workspace_id: int, user_id: int) -> Member:
    member = store.find_member(rows, workspace_id, user_id)
    if member is None:
        raise NotFoundError("member", user_id)
    return member


async def list_members(db: Database, workspace_id: int, after: int, limit: int) -> list[Member]:
    """The members with ids above `after`, by id."""
    return await store.list_members(db, workspace_id, after, limit)


def change_role(tx: Transaction, actor: Actor, user_id: int, role: Role) -> Member:
    """Raises ConflictError for the last owner, and ForbiddenError if only an owner may do this."""
    member = get_member(tx, actor.workspace_id, user_id)
    require_power_over(actor, member.role)
    require_power_over(actor, role)
    store.update_role(tx, actor.workspace_id, user_id, role)
    _require_an_owner(tx, actor.workspace_id)
    log_committed(
        tx,
        "member_role_changed",
        workspace_id=actor.workspace_id,
        user_id=user_id,
        role=role,
        by=actor.user_id,
    )
    return get_member(tx, actor.workspace_id, user_id)


def remove_member(tx: Transaction, actor: Actor, user_id: int, now: int) -> None:
    """Ends the membership and the person's tokens and invitations here; keeps their links.

    Raises the same errors as change_role.
    """
    member = get_member(tx, actor.workspace_id, user_id)
    require_power_over(actor, member.role)
    end_membership(tx, actor, user_id, now)


def end_membership(tx: Transaction, actor: Actor, user_id: int, now: int) -> None:
    """The actor's own, or another's. Raises ConflictError for the last owner."""
    workspace_id = actor.workspace_id
    store.delete_member(tx, workspace_id, user_id)
    token_store.mark_tokens_of_member_revoked(tx, workspace_id, user_id, now)
    invitation_store.delete_invitations_by(tx, workspace_id, user_id)
    _require_an_owner(tx, workspace_id)
    give_back_quota(tx, workspace_id, "members", 1)
    log_committed(
        tx, "member_removed", workspace_id=workspace_id, user_id=user_id, by=actor.user_id
    )


def require_power_over(actor: Actor, role: Role) -> None:
    """Raises ForbiddenError unless the actor may assign and remove the role."""
    require_scope(actor, "admin")
    if role == "owner" and actor.role != "owner":
        raise ForbiddenError("Only an owner may add, change or remove an owner.")


def _require_an_owner(tx: Transaction, workspace_id: int) -> None:
    if not store.has_owner(tx, workspace_id):
        raise ConflictError("A workspace needs an owner; make someone else an owner first.")
