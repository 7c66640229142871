"""Owns workspaces as their people handle them: another one, a new name, leaving."""

from shorty.accounts import store
from shorty.accounts.members import end_membership
from shorty.accounts.model import Actor, User, Workspace
from shorty.accounts.roles import require_scope
from shorty.accounts.rules import check_workspace_name
from shorty.config import Config
from shorty.errors import InvalidFieldsError
from shorty.plans import find_plan, take_quota
from shorty.storage.database import Transaction


def create_workspace(
    tx: Transaction, config: Config, user_id: int, name: str, now: int
) -> Workspace:
    """On the default plan, with the person as its owner.

    Raises InvalidFieldsError, also where they own as many as one may.
    """
    most = config.defaults.workspaces_per_person
    if store.count_owned_workspaces(tx, user_id) >= most:
        raise InvalidFieldsError({"name": f"would be one more than the {most} you may own"})
    workspace = store.insert_workspace(tx, check_workspace_name(name), config.defaults.plan, now)
    store.insert_member(tx, workspace.id, user_id, "owner", now)
    plan = find_plan(config.plans, workspace.plan)
    take_quota(tx, workspace.id, plan, "members", 1, now)
    return workspace


def find_home_workspace(tx: Transaction, config: Config, user: User, now: int) -> Workspace:
    """A person's own workspace, or the first they joined; a new one where they have none."""
    return (
        store.find_own_workspace(tx, user.id)
        or store.find_first_workspace_of(tx, user.id)
        or create_workspace(tx, config, user.id, user.name, now)
    )


def rename_workspace(tx: Transaction, actor: Actor, name: str) -> None:
    """Raises ForbiddenError and InvalidFieldsError."""
    require_scope(actor, "admin")
    store.update_workspace_name(tx, actor.workspace_id, check_workspace_name(name))


def leave_workspace(tx: Transaction, actor: Actor, now: int) -> None:
    """Also ends the actor's tokens here. Raises ConflictError for the last owner."""
    end_membership(tx, actor.workspace_id, actor.user_id, now)
