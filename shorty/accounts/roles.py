"""What an actor may do: the lesser of what the token's scope and the person's role allow.

A request is let in once. What goes on after that asks `may_still` again and again.
"""

from typing import Final

from msgspec.structs import replace

from shorty.accounts import session_store, store, token_store
from shorty.accounts.model import Actor, Role, Scope
from shorty.errors import ForbiddenError
from shorty.storage.database import Database

RANKS: Final[dict[Scope, int]] = {"read": 0, "write": 1, "admin": 2}
SCOPE_OF_ROLE: Final[dict[Role, Scope]] = {
    "viewer": "read",
    "editor": "write",
    "admin": "admin",
    "owner": "admin",
}
DEEDS: Final[dict[Scope, str]] = {
    "read": "read",
    "write": "change anything",
    "admin": "manage tokens, domains or members",
}


def is_allowed(actor: Actor, needed: Scope) -> bool:
    rank = RANKS[needed]
    return rank <= RANKS[actor.scope] and rank <= RANKS[SCOPE_OF_ROLE[actor.role]]


def require_scope(actor: Actor, needed: Scope) -> None:
    """Raises ForbiddenError, saying whether the token or the role is in the way.

    `read` reads, `write` changes links and what belongs to them, `admin` manages the workspace:
    its tokens, domains and members.
    """
    if RANKS[needed] > RANKS[SCOPE_OF_ROLE[actor.role]]:
        raise ForbiddenError(f"The role {actor.role} may not {DEEDS[needed]}.")
    if RANKS[needed] > RANKS[actor.scope]:
        raise ForbiddenError(
            f"This token has the scope {actor.scope!r} and may not {DEEDS[needed]}; "
            f"use one with the scope {needed!r}."
        )


def may_still(db: Database, actor: Actor, needed: Scope, now: int) -> bool:
    """Whether the actor's session or token is still valid, and its person's role enough for this.

    For whatever lasts, such as each event of a stream. It costs two reads by key, some 10 µs. An
    actor with neither session nor token needs the membership and the role alone. Raises
    StorageUnavailableError.
    """
    role = _look_up_role(db, actor, now)
    return role is not None and is_allowed(replace(actor, role=role), needed)


def _look_up_role(db: Database, actor: Actor, now: int) -> Role | None:
    place = (actor.user_id, actor.workspace_id)
    if actor.session_id is not None:
        return session_store.look_up_role(db, actor.session_id, *place, now)
    if actor.token_id is not None:
        return token_store.look_up_role(db, actor.token_id, *place, now)
    member = store.find_member(db, actor.workspace_id, actor.user_id)
    return None if member is None else member.role
