"""Owns what an actor may do: the lesser of their token's scope and their role.

A request is checked once. A longer operation calls `may_still` again and again, and whatever
outlasts the right to it, such as a new token, is checked once more in its own write, because the
right may have ended while the body arrived or another write was waited for.
"""

from typing import Final

from msgspec.structs import replace

from shorty.accounts import session_store, store, token_store
from shorty.accounts.model import Actor, Role, Scope
from shorty.errors import ForbiddenError, UnauthenticatedError
from shorty.storage.database import Reader

RANKS: Final[dict[Scope, int]] = {"read": 0, "write": 1, "admin": 2}
SCOPE_OF_ROLE: Final[dict[Role, Scope]] = {
    "viewer": "read",
    "editor": "write",
    "admin": "admin",
    "owner": "admin",
}
ACTIONS: Final[dict[Scope, str]] = {
    "read": "read",
    "write": "make changes",
    "admin": "manage tokens, domains or members",
}


def is_allowed(actor: Actor, needed: Scope) -> bool:
    rank = RANKS[needed]
    return rank <= RANKS[actor.scope] and rank <= RANKS[SCOPE_OF_ROLE[actor.role]]


def require_scope(actor: Actor, needed: Scope) -> None:
    """Raises ForbiddenError, which names the token or the role as the cause.

    `read` reads, `write` changes links and what belongs to them, `admin` manages the workspace: its
    tokens, domains and members.
    """
    if RANKS[needed] > RANKS[SCOPE_OF_ROLE[actor.role]]:
        raise ForbiddenError(f"{actor.role.capitalize()}s can't {ACTIONS[needed]}.")
    if RANKS[needed] > RANKS[actor.scope]:
        raise ForbiddenError(
            f"This token has the scope {actor.scope!r} and can't {ACTIONS[needed]}; use one with "
            f"the scope {needed!r}."
        )


def may_still(rows: Reader, actor: Actor, needed: Scope, now: int) -> bool:
    """Whether the actor's session or token is still valid, and their role still sufficient.

    Used for operations that last, such as before each event of a stream. Costs two reads by key,
    about 10 µs. An actor with neither session nor token only needs the membership and the role.
    Raises StorageUnavailableError.
    """
    role = _look_up_role(rows, actor, now)
    return role is not None and is_allowed(replace(actor, role=role), needed)


def require_still(rows: Reader, actor: Actor, needed: Scope, now: int) -> None:
    """Raises UnauthenticatedError unless the actor `may_still`."""
    if not may_still(rows, actor, needed, now):
        raise UnauthenticatedError("You no longer have permission to do this.")


def _look_up_role(rows: Reader, actor: Actor, now: int) -> Role | None:
    place = (actor.user_id, actor.workspace_id)
    if actor.session_id is not None:
        return session_store.look_up_role(rows, actor.session_id, *place, now)
    if actor.token_id is not None:
        return token_store.look_up_role(rows, actor.token_id, *place, now)
    member = store.find_member(rows, actor.workspace_id, actor.user_id)
    return None if member is None else member.role
