"""Owns API tokens: creates, lists and revokes them, and finds the person a token acts for."""

from collections.abc import Mapping
from typing import Final

from msgspec import UNSET

from shorty.accounts import token_store
from shorty.accounts.model import Actor, MadeToken, NewToken, Token, TokenChange
from shorty.accounts.roles import require_scope, require_still
from shorty.accounts.secret_texts import digest_secret, make_secret_text
from shorty.config import Plan
from shorty.errors import InvalidFieldsError, NotFoundError, UnauthenticatedError
from shorty.log import log_committed
from shorty.storage.database import Database, Reader, Transaction

PREFIX: Final = "shorty_"
HINT_LENGTH: Final = len(PREFIX) + 4
NAME_LENGTH: Final = 100
SWEEP_BATCH: Final = 500


def make_token_text() -> str:
    """`shorty_` and 256 random bits in URL-safe base64."""
    return make_secret_text(PREFIX)


def find_actor(rows: Reader, token_text: str, plans: Mapping[str, Plan], now: int) -> Actor:
    """The person a token acts for, read at each request so that revoking takes effect at once.

    Raises UnauthenticatedError, with the same reason for every kind of invalid token.
    """
    actor = token_store.find_actor(rows, digest_secret(token_text), plans, now)
    if actor is None:
        raise UnauthenticatedError("This token is unknown, expired or revoked.")
    return actor


def create_token(tx: Transaction, actor: Actor, new: NewToken, now: int) -> MadeToken:
    """The token acts for the actor in their workspace.

    Raises ForbiddenError and InvalidFieldsError. Raises UnauthenticatedError if the actor's own
    session or token has ended, because the new token would outlast it.
    """
    require_scope(actor, "admin")
    require_still(tx, actor, "admin", now)
    return create_token_for(tx, actor.workspace_id, actor.user_id, new, now)


def create_token_for(
    tx: Transaction, workspace_id: int, user_id: int, new: NewToken, now: int
) -> MadeToken:
    """Used by the operator, for any workspace. Raises InvalidFieldsError."""
    check_token(new.name, new.expires_at, now)
    text = make_token_text()
    digest, hint = digest_secret(text), text[:HINT_LENGTH]
    token_id = token_store.insert_token(tx, digest, hint, workspace_id, user_id, new, now)
    log_committed(
        tx,
        "token_created",
        token_id=token_id,
        workspace_id=workspace_id,
        user_id=user_id,
        scope=new.scope,
    )
    return MadeToken(token=_get_token(tx, workspace_id, token_id), text=text)


def check_token(name: str, expires_at: int | None, now: int) -> None:
    faults: dict[str, str] = {}
    if len(name) > NAME_LENGTH:
        faults["name"] = f"may be at most {NAME_LENGTH} characters long"
    elif not name.isprintable():
        faults["name"] = "must be one line without control characters"
    if expires_at is not None and expires_at <= now:
        faults["expires_at"] = "must be in the future"
    if faults:
        raise InvalidFieldsError(faults)


def get_token(rows: Reader, actor: Actor, token_id: int) -> Token:
    """Raises ForbiddenError and NotFoundError."""
    require_scope(actor, "admin")
    return _get_token(rows, actor.workspace_id, token_id)


def change_token(
    tx: Transaction, actor: Actor, token_id: int, change: TokenChange, now: int
) -> Token:
    """Raises ForbiddenError, NotFoundError and InvalidFieldsError.

    An expired token stays expired, because its holder may have stopped protecting it.
    """
    token = get_token(tx, actor, token_id)
    is_moved = change.expires_at is not UNSET and change.expires_at != token.expires_at
    if is_moved and token.is_over(now):
        raise InvalidFieldsError(
            {"expires_at": "cannot change, as the token has expired; create another"}
        )
    name = token.name if change.name is UNSET else change.name
    expires_at = token.expires_at if change.expires_at is UNSET else change.expires_at
    check_token(name, expires_at if is_moved else None, now)
    token_store.update_token(tx, token_id, name, expires_at)
    log_committed(
        tx,
        "token_changed",
        token_id=token_id,
        workspace_id=actor.workspace_id,
        by=actor.user_id,
    )
    return get_token(tx, actor, token_id)


def revoke_token(tx: Transaction, actor: Actor, token_id: int, now: int) -> None:
    """Raises ForbiddenError and NotFoundError."""
    get_token(tx, actor, token_id)
    token_store.mark_token_revoked(tx, token_id, now)
    log_committed(
        tx,
        "token_revoked",
        token_id=token_id,
        workspace_id=actor.workspace_id,
        by=actor.user_id,
    )


def revoke_any_token(tx: Transaction, token_id: int, now: int) -> None:
    """Used by the operator, for any workspace. Raises NotFoundError."""
    if not token_store.mark_token_revoked(tx, token_id, now):
        raise NotFoundError("token", token_id)


async def end_expired_tokens(db: Database, now: int) -> int:
    """Marks some expired tokens as ended, so that setting the clock back cannot revive them.

    Returns how many.
    """
    return await db.write(lambda tx: token_store.mark_some_tokens_ended(tx, now, SWEEP_BATCH))


def count_own_tokens(rows: Reader, user_id: int, now: int) -> int:
    """The number of a person's working tokens, in every workspace."""
    return token_store.count_tokens_of_user(rows, user_id, now)


async def list_tokens(db: Database, actor: Actor, after: int, limit: int) -> list[Token]:
    """The workspace's tokens with ids above `after`, in the order of creation.

    Raises ForbiddenError.
    """
    require_scope(actor, "admin")
    return await token_store.list_tokens(db, actor.workspace_id, after, limit)


async def list_all_tokens(db: Database) -> list[Token]:
    return await token_store.list_all_tokens(db)


def _get_token(rows: Reader, workspace_id: int, token_id: int) -> Token:
    token = token_store.find_token(rows, token_id)
    if token is None or token.workspace_id != workspace_id:
        raise NotFoundError("token", token_id)
    return token
