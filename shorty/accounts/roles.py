"""What an actor may do: the lesser of what the token's scope and the person's role allow."""

from typing import Final

from shorty.accounts.model import Actor, Role, Scope
from shorty.errors import ForbiddenError

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
