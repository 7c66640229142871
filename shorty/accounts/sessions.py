"""Owns sessions: a browser in which a person is signed in, from the password to sign-out.

A session expires 30 days after its last use and 180 days after its start. Every request reads the
session, so that ending it takes effect at once.
"""

from collections.abc import Mapping
from typing import Final

from shorty.accounts import session_store, store
from shorty.accounts.model import MadeSession, Session, SignedIn
from shorty.accounts.secret_texts import digest_secret, make_secret_text
from shorty.config import Plan
from shorty.durations import DAY_MS
from shorty.errors import ForbiddenError, NotFoundError, UnauthenticatedError
from shorty.storage.database import Database, Reader, Transaction

IDLE_MS: Final = 30 * DAY_MS
WHOLE_MS: Final = 180 * DAY_MS
USER_AGENT_LENGTH: Final = 200
SWEEP_BATCH: Final = 500


def find_signed_in(rows: Reader, text: str, plans: Mapping[str, Plan], now: int) -> SignedIn | None:
    """The person of a cookie's value; None if the session is unknown, expired or ended.

    If the person has left the current workspace, their first one is used; None without any.
    """
    return session_store.find_signed_in(rows, digest_secret(text), plans, now)


def start_session(
    tx: Transaction, user_id: int, workspace_id: int | None, user_agent: str, now: int
) -> MadeSession:
    """Without `workspace_id`, starts in the person's own workspace or the first they joined.

    Raises NotFoundError if they are not a member of it, ForbiddenError if they have no workspace.
    """
    if workspace_id is None:
        workspace_id = _choose_workspace(tx, user_id)
    _require_member(tx, workspace_id, user_id)
    text = make_secret_text()
    new = describe_session(user_id, workspace_id, user_agent, now, now + IDLE_MS)
    store.mark_signed_in(tx, user_id)
    return MadeSession(
        session=session_store.insert_session(tx, digest_secret(text), new), text=text
    )


def describe_session(
    user_id: int, workspace_id: int, user_agent: str, now: int, expires_at: int
) -> Session:
    return Session(
        id=0,
        user_id=user_id,
        workspace_id=workspace_id,
        user_agent=user_agent[:USER_AGENT_LENGTH],
        created_at=now,
        last_used_at=now,
        expires_at=expires_at,
    )


def end_session(tx: Transaction, user_id: int, session_id: int, now: int) -> None:
    """Raises NotFoundError if it is not the person's."""
    if not session_store.mark_session_ended(tx, user_id, session_id, now):
        raise NotFoundError("session", session_id)


def sign_out_browser(tx: Transaction, user_id: int, session_id: int, now: int) -> None:
    """Ends a session from another one, and forgets every known browser, because the cookie of the
    ended session's browser cannot be told from the others.

    Raises NotFoundError if the session is not the person's.
    """
    end_session(tx, user_id, session_id, now)
    store.forget_browsers(tx, user_id)


def end_other_sessions(tx: Transaction, user_id: int, session_id: int, now: int) -> int:
    """Ends the other sessions, forgets every known browser, and returns how many ended."""
    store.forget_browsers(tx, user_id)
    return session_store.mark_other_sessions_ended(tx, user_id, session_id, now)


def require_session(rows: Reader, user_id: int, session_id: int, now: int) -> None:
    """Called before a write that would outlast the session, which may have ended meanwhile.

    Raises UnauthenticatedError.
    """
    if not session_store.is_session_valid(rows, session_id, user_id, now):
        raise UnauthenticatedError("You have just been signed out; sign in again.")


def switch_workspace(tx: Transaction, user_id: int, session_id: int, workspace_id: int) -> None:
    """Raises NotFoundError if the person is not a member of it."""
    _require_member(tx, workspace_id, user_id)
    if not session_store.update_workspace(tx, user_id, session_id, workspace_id):
        raise NotFoundError("session", session_id)


async def list_sessions(db: Database, user_id: int, now: int) -> list[Session]:
    """The person's sessions, most recently used first."""
    return await session_store.list_sessions(db, user_id, now)


async def delete_old_sessions(db: Database, now: int) -> int:
    """Deletes some expired or ended sessions; returns how many."""
    return await db.write(lambda tx: session_store.delete_old_sessions(tx, now, SWEEP_BATCH))


def _choose_workspace(tx: Transaction, user_id: int) -> int:
    workspace = store.find_own_workspace(tx, user_id) or store.find_first_workspace_of(tx, user_id)
    if workspace is None:
        raise ForbiddenError("You belong to no workspace any more; ask for an invitation to one.")
    return workspace.id


def _require_member(tx: Transaction, workspace_id: int, user_id: int) -> None:
    if store.find_member(tx, workspace_id, user_id) is None:
        raise NotFoundError("workspace", workspace_id)
