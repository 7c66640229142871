"""Owns people and their workspaces: the first of them, adding more, what they change themselves.

Everything that changes something runs inside a write: `await db.write(lambda tx: add_user(tx, …))`.
Passwords arrive hashed (see shorty/passwords.py): hashing is slow and belongs in a thread.
"""

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from shorty.accounts import mail_link_store, session_store, store, token_store
from shorty.accounts.members import end_membership
from shorty.accounts.model import Actor, User, Workspace
from shorty.accounts.roles import require_scope
from shorty.accounts.rules import (
    NOBODYS_EMAIL,
    check_email,
    check_person,
    check_person_name,
    check_workspace_name,
)
from shorty.accounts.store import Rows
from shorty.config import Config, Plan
from shorty.errors import AlreadyExistsError, ConflictError, InvalidFieldsError, NotFoundError
from shorty.plans import find_plan, take_quota
from shorty.storage.database import Database, Transaction


class Home(msgspec.Struct, frozen=True, kw_only=True):
    """A person and the workspace that is meant where none is named."""

    user: User
    workspace: Workspace


def prepare_first_workspace(
    tx: Transaction, config: Config, now: int, email: str = NOBODYS_EMAIL
) -> Home:
    """The oldest workspace and its owner, made if there is none. `email` names a new owner."""
    workspace = store.find_oldest_workspace(tx)
    if workspace is None:
        return add_user(tx, config, email, now)
    owner = store.find_first_owner(tx, workspace.id)
    if owner is None:
        raise NotFoundError("owner of the workspace", workspace.name)
    return Home(user=owner, workspace=workspace)


def claim_first_workspace(
    tx: Transaction,
    config: Config,
    email: str,
    name: str,
    password_hash: str,
    now: int,
    *,
    by_operator: bool = False,
) -> Home:
    """Creates the owner's account, while nobody can sign in yet; ConflictError afterwards.

    The operator may do so later too: people whom a token invited may have joined by then.

    Raises AlreadyExistsError where the address is that of somebody the owner has added.
    """
    if not by_operator and store.has_password_anywhere(tx):
        raise ConflictError("Someone can already sign in; ask them to add you.")
    home = prepare_first_workspace(tx, config, now)
    email, name = check_person(email, name)
    namesake = store.find_user(tx, email)
    if namesake is not None and namesake.id != home.user.id:
        raise AlreadyExistsError("user", email)
    user = store.claim_user(tx, home.user.id, email, name, password_hash, verified_at=now)
    if user is None:
        raise ConflictError("The owner's account has already been created.")
    workspace = home.workspace
    if workspace.name == home.user.name:  # nobody has given it one of its own
        store.update_workspace_name(tx, workspace.id, user.name)
        workspace = replace(workspace, name=user.name)
    return Home(user=user, workspace=workspace)


def can_anyone_sign_in(db: Database) -> bool:
    return store.has_password_anywhere(db)


def add_user(
    tx: Transaction,
    config: Config,
    email: str,
    now: int,
    *,
    name: str = "",
    password_hash: str | None = None,
) -> Home:
    """A new person with a workspace of their own on the default plan, added by the operator.

    With a password, also somebody whom a workspace once added and who has none yet: those who added
    them have no hold on the email. Raises AlreadyExistsError, InvalidFieldsError, and
    ConflictError where somebody has an account under the email without having proved it.
    """
    email, name = check_person(email, name)
    verified_at = None if email == NOBODYS_EMAIL else now
    user = store.insert_user(tx, email, name, password_hash, now, verified_at=verified_at)
    if user is None:
        user = _claim_account(tx, get_user(tx, email), name, password_hash, now)
    own = store.find_own_workspace(tx, user.id)
    if own is not None:
        return Home(user=user, workspace=own)
    return Home(user=user, workspace=create_workspace(tx, config, user.id, name, now))


def _claim_account(
    tx: Transaction, known: User, name: str, password_hash: str | None, now: int
) -> User:
    email = known.email
    if password_hash is not None:
        user = store.claim_user(tx, known.id, email, name, password_hash, verified_at=now)
        if user is not None:
            return user
    if known.email_verified_at is None:
        raise ConflictError(
            f"{email} already has an account, but the email is not verified. `shorty user email "
            f"{email}` verifies it; with a new email as a second argument, that command gives the "
            "account another email."
        )
    raise AlreadyExistsError("user", email)


def get_user(tx: Transaction, email: str) -> User:
    user = store.find_user(tx, email)
    if user is None:
        raise NotFoundError("user", email)
    return user


def get_home(tx: Transaction, email: str) -> Home:
    """The person with that address and their first workspace, one of their own if they have any.

    Raises NotFoundError.
    """
    user = get_user(tx, email)
    workspace = store.find_own_workspace(tx, user.id)
    workspace = workspace or store.find_first_workspace_of(tx, user.id)
    if workspace is None:
        raise NotFoundError("workspace of", user.email)
    return Home(user=user, workspace=workspace)


def find_user(rows: Rows, email: str) -> User | None:
    return store.find_user(rows, email.strip().lower())


async def list_users(db: Database) -> list[User]:
    return await store.list_users(db)


async def list_workspaces(db: Database, user_id: int) -> list[Workspace]:
    """The workspaces a person belongs to, in the order they joined them."""
    return await store.list_workspaces_of(db, user_id)


def set_password(tx: Transaction, email: str, password_hash: str, now: int) -> None:
    """For the operator: also ends the person's sessions. Raises NotFoundError."""
    user = get_user(tx, email)
    store.update_password(tx, user.id, password_hash)
    session_store.mark_sessions_of_user_ended(tx, user.id, now)
    mail_link_store.delete_mail_links_of(tx, user.id)


async def find_unknown_plans(db: Database, plans: Mapping[str, Plan]) -> list[str]:
    """Plans that workspaces have and the configuration does not; such a workspace has no limits."""
    return [plan for plan in await store.list_plans(db) if plan not in plans]


def create_workspace(
    tx: Transaction, config: Config, user_id: int, name: str, now: int
) -> Workspace:
    """On the default plan, with the person as its owner.

    Raises InvalidFieldsError, also where they own as many as one may.
    """
    most = config.defaults.workspaces_per_person
    if store.count_owned_workspaces(tx, user_id) >= most:
        raise InvalidFieldsError(
            {"name": (f"cannot be added; you may own at most {most} workspaces")}
        )
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


def get_user_by_id(tx: Transaction, user_id: int) -> User:
    user = store.find_user_by_id(tx, user_id)
    if user is None:
        raise NotFoundError("user", user_id)
    return user


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
