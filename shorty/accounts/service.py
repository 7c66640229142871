"""Owns people and workspaces: creates the first ones and others, and changes them.

Every change runs inside a write: `await db.write(lambda tx: add_user(tx, …))`. Passwords arrive
hashed (see shorty/passwords.py), because hashing is slow and runs in another thread.
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
    check_time_zone,
    check_workspace_name,
)
from shorty.config import Config, Plan
from shorty.errors import AlreadyExistsError, ConflictError, InvalidFieldsError, NotFoundError
from shorty.log import log_committed
from shorty.plans import find_plan, take_quota
from shorty.storage.database import Database, Reader, Transaction


class Home(msgspec.Struct, frozen=True, kw_only=True):
    """A person and their default workspace."""

    user: User
    workspace: Workspace


def prepare_first_workspace(
    tx: Transaction, config: Config, now: int, email: str = NOBODYS_EMAIL
) -> Home:
    """The oldest workspace and its owner, created if missing. `email` names a new owner."""
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
    """Creates the owner's account while nobody can sign in; afterwards raises ConflictError.

    The operator may also do so later, because people whom a token invited may have joined already.

    Raises AlreadyExistsError if the email belongs to a person added by the owner.
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
    log_committed(tx, "account_created", user_id=user.id)
    workspace = home.workspace
    if workspace.name == home.user.name:  # the workspace still has its first name
        store.update_workspace_name(tx, workspace.id, user.name)
        workspace = replace(workspace, name=user.name)
    return Home(user=user, workspace=workspace)


def can_anyone_sign_in(rows: Reader) -> bool:
    return store.has_password_anywhere(rows)


def add_user(
    tx: Transaction,
    config: Config,
    email: str,
    now: int,
    *,
    name: str = "",
    password_hash: str | None = None,
) -> Home:
    """Adds a person with their own workspace on the default plan, for the operator.

    With a password, also accepts a person whom a workspace added in the past and who has no
    password yet, because those who added them have no claim to the email. Raises AlreadyExistsError
    and InvalidFieldsError. Raises ConflictError if an account already uses the email without having
    verified it.
    """
    email, name = check_person(email, name)
    verified_at = None if email == NOBODYS_EMAIL else now
    user = store.insert_user(tx, email, name, password_hash, now, verified_at=verified_at)
    if user is None:
        user = _claim_account(tx, get_user(tx, email), name, password_hash, now)
    log_committed(tx, "account_created", user_id=user.id)
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
    """The person with that email and their own workspace, or the first one they joined.

    Raises NotFoundError.
    """
    user = get_user(tx, email)
    workspace = store.find_own_workspace(tx, user.id)
    workspace = workspace or store.find_first_workspace_of(tx, user.id)
    if workspace is None:
        raise NotFoundError("workspace of", user.email)
    return Home(user=user, workspace=workspace)


def find_user(rows: Reader, email: str) -> User | None:
    return store.find_user(rows, email.strip().lower())


def find_user_by_id(rows: Reader, user_id: int) -> User | None:
    return store.find_user_by_id(rows, user_id)


async def list_users(db: Database) -> list[User]:
    return await store.list_users(db)


async def list_workspaces(db: Database, user_id: int) -> list[Workspace]:
    """A person's workspaces, in the order they joined them."""
    return await store.list_workspaces_of(db, user_id)


def set_password(tx: Transaction, email: str, password_hash: str, now: int) -> None:
    """Used by the operator: also ends the person's sessions. Raises NotFoundError."""
    user = get_user(tx, email)
    store.update_password(tx, user.id, password_hash)
    session_store.mark_sessions_of_user_ended(tx, user.id, now)
    mail_link_store.delete_mail_links_of(tx, user.id)
    log_committed(tx, "account_password_changed", user_id=user.id)


async def find_unknown_plans(db: Database, plans: Mapping[str, Plan]) -> list[str]:
    """Plans of workspaces that the configuration does not define; they have no limits."""
    return [plan for plan in await store.list_plans(db) if plan not in plans]


def create_workspace(
    tx: Transaction, config: Config, user_id: int, name: str, now: int
) -> Workspace:
    """On the default plan, with the person as its owner.

    Raises InvalidFieldsError, also if the person owns the maximum number of workspaces.
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
    log_committed(tx, "workspace_created", workspace_id=workspace.id, by=user_id)
    return workspace


def find_home_workspace(tx: Transaction, config: Config, user: User, now: int) -> Workspace:
    """The person's own workspace, or the first they joined; a new one if they have none."""
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
    end_membership(tx, actor, actor.user_id, now)


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


def change_single_keys(tx: Transaction, user_id: int, *, is_on: bool) -> None:
    """Whether the person's dashboard listens to keys without a modifier."""
    store.update_single_keys(tx, user_id, is_on=is_on)


def change_time_zone(tx: Transaction, user_id: int, name: str) -> str | None:
    """Sets the zone in which the person sees times; None, from an empty name, is the browser's.

    Raises InvalidFieldsError.
    """
    zone = check_time_zone(name)
    store.update_time_zone(tx, user_id, zone)
    return zone


def change_email(tx: Transaction, user_id: int, email: str, now: int) -> User:
    """Sets an email that the person or the operator vouches for, which is verified from now on.

    May be the current email. Links that were mailed to the old one stop working. Raises
    AlreadyExistsError and InvalidFieldsError.
    """
    email = check_email(email)
    namesake = store.find_user(tx, email)
    if namesake is not None and namesake.id != user_id:
        raise AlreadyExistsError("user", email)
    store.update_email(tx, user_id, email, now)
    mail_link_store.delete_mail_links_of(tx, user_id)
    log_committed(tx, "account_email_changed", user_id=user_id)
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

    Their tokens, which programs use, keep working unless the caller asks to end them.
    """
    store.update_password(tx, user_id, password_hash)
    session_store.mark_other_sessions_ended(tx, user_id, session_id, now)
    mail_link_store.delete_mail_links_of(tx, user_id)
    log_committed(tx, "account_password_changed", user_id=user_id)
    if revokes_tokens:
        token_store.mark_tokens_of_user_revoked(tx, user_id, now)
