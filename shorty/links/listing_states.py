"""The states by which links are listed, as conditions of SQL, each with an index that knows it.

The alias `l` is a row of links. Conditions are written word for word as their partial index has
them; literals, because an index's condition is compared with literals alone.
"""

from typing import Final

import msgspec

from shorty.links.model import JudgedState, LinkKind, LinkState
from shorty.storage.statements import Statement

LIVE: Final = "l.deleted_at is null"
# Public links never come back.
DELETED: Final = "l.deleted_at is not null and l.is_public = 0"

# The first condition is that of the index `links_of_codes_and_pages`, word for word.
_OF_CODE_OR_PAGE: Final = "(l.made_through = 'qr' or l.is_link_in_bio = 1)"
KINDS: Final[dict[LinkKind, str]] = {
    "plain": "l.made_through <> 'qr' and l.is_link_in_bio = 0",
    "qr": f"{_OF_CODE_OR_PAGE} and l.made_through = 'qr'",
    "bio": f"{_OF_CODE_OR_PAGE} and l.made_through <> 'qr'",
    "qr-or-bio": _OF_CODE_OR_PAGE,
    "coded": "l.qr_settings is not null",
}

_IS_USED_UP: Final = """exists (
  select 1 from link_counters u where u.link_id = l.id and u.total >= u.max_clicks
)"""
_TIMELESS: Final[dict[LinkState, str]] = {
    "blocked": "l.is_admin_blocked = 1",
    "password": "l.password_hash is not null and l.is_password_asked = 1",
    "bio-page": "l.is_link_in_bio = 1",
    "used-up": f"l.max_clicks is not null and {_IS_USED_UP}",
    "deleted": DELETED,
}
# Of these one index holds both the state and an order, whatever the time.
INDEXED: Final[frozenset[LinkState]] = frozenset({"blocked", "password", "bio-page", "deleted"})


class StateFlags(msgspec.Struct, frozen=True, kw_only=True):
    """What a state asks of the filters that links have anyway; None: nothing."""

    is_active: bool | None = None
    is_starred: bool | None = None
    kind: LinkKind | None = None


FLAGS: Final[dict[LinkState, StateFlags]] = {
    "active": StateFlags(is_active=True),
    "disabled": StateFlags(is_active=False),
    "starred": StateFlags(is_starred=True),
    "qr-code": StateFlags(kind="coded"),
}
# They ask for nothing but that.
_MERE_FLAGS: Final[frozenset[LinkState]] = frozenset({"disabled", "starred", "qr-code"})


def find_rest(state: JudgedState | None) -> JudgedState | None:
    """The state, unless its flags say all of it."""
    return None if state is None or state.name in _MERE_FLAGS else state


def write_state(statement: Statement, state: JudgedState, *, is_walked: bool = False) -> str:
    """A condition of a row of links. A plus keeps an index of times out of a walk."""
    plus = "+" if is_walked else ""
    match state.name:
        case "active":
            now = statement.bind(state.now)
            return (
                "l.is_active = 1 and l.is_admin_blocked = 0"
                f" and (l.valid_since is null or l.valid_since <= {now})"
                f" and (l.expires_at is null or l.expires_at > {now})"
                f" and (l.max_clicks is null or not {_IS_USED_UP})"
            )
        case "expired":
            ended = f"{plus}l.expires_at <= {statement.bind(state.now)}"
            return f"l.expires_at is not null and {ended}"
        case "not-started":
            waiting = f"{plus}l.valid_since > {statement.bind(state.now)}"
            return f"l.valid_since is not null and {waiting}"
        case name:
            return _TIMELESS[name]
