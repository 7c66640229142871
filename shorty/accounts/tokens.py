"""Owns API tokens: making, listing, revoking, and finding out who a token speaks for."""

from collections.abc import Mapping
from typing import Final

from msgspec import UNSET

from shorty.accounts import token_store
from shorty.accounts.model import Actor, MadeToken, NewToken, Token, TokenChange
from shorty.accounts.secret_texts import digest_secret, make_secret_text
from shorty.accounts.store import Rows
from shorty.accounts.uses import Uses
from shorty.config import Plan
from shorty.errors import InvalidFieldsError, NotFoundError, UnauthenticatedError
from shorty.storage.database import Database, Transaction

PREFIX: Final = "shorty_"
HINT_LENGTH: Final = len(PREFIX) + 4
NAME_LENGTH: Final = 100


def make_token_text() -> str:
    """`shorty_` and 256 random bits in URL-safe base64."""
    return make_secret_text(PREFIX)


def find_actor(db: Database, token_text: str, plans: Mapping[str, Plan], now: int) -> Actor:
    """Who the token speaks for, asked anew each time so that a revoked one stops at once.

    Raises UnauthenticatedError; the reason is the same for every kind of bad token.
    """
    actor = token_store.look_up_actor(db, digest_secret(token_text), plans, now)
    if actor is None:
        raise UnauthenticatedError("This token is unknown, expired or revoked.")
    return actor


def create_token(tx: Transaction, new: NewToken, now: int) -> MadeToken:
    check_token(new.name, new.expires_at, now)
    text = make_token_text()
    token_id = token_store.insert_token(tx, digest_secret(text), text[:HINT_LENGTH], new, now)
    return MadeToken(token=get_token(tx, new.workspace_id, token_id), text=text)


def check_token(name: str, expires_at: int | None, now: int) -> None:
    faults: dict[str, str] = {}
    if len(name) > NAME_LENGTH:
        faults["name"] = f"may be at most {NAME_LENGTH} characters long"
    elif not name.isprintable():
        faults["name"] = "must be one line of text without control characters"
    if expires_at is not None and expires_at <= now:
        faults["expires_at"] = "must lie in the future"
    if faults:
        raise InvalidFieldsError(faults)


def get_token(rows: Rows, workspace_id: int, token_id: int) -> Token:
    token = token_store.find_token(rows, token_id)
    if token is None or token.workspace_id != workspace_id:
        raise NotFoundError("token", token_id)
    return token


def change_token(
    tx: Transaction, workspace_id: int, token_id: int, change: TokenChange, now: int
) -> Token:
    token = get_token(tx, workspace_id, token_id)
    name = token.name if change.name is UNSET else change.name
    expires_at = token.expires_at if change.expires_at is UNSET else change.expires_at
    check_token(name, expires_at if change.expires_at is not UNSET else None, now)
    token_store.update_token(tx, token_id, name, expires_at)
    return get_token(tx, workspace_id, token_id)


def revoke_token(tx: Transaction, workspace_id: int, token_id: int, now: int) -> None:
    get_token(tx, workspace_id, token_id)
    token_store.mark_token_revoked(tx, token_id, now)


def revoke_any_token(tx: Transaction, token_id: int, now: int) -> None:
    """For the operator, who is above workspaces. Raises NotFoundError."""
    if not token_store.mark_token_revoked(tx, token_id, now):
        raise NotFoundError("token", token_id)


def count_own_tokens(rows: Rows, user_id: int, now: int) -> int:
    """Those that speak for a person and still work, in every workspace."""
    return token_store.count_tokens_of_user(rows, user_id, now)


async def list_tokens(db: Database, workspace_id: int, after: int, limit: int) -> list[Token]:
    """The workspace's tokens in the order they were made, from the one after id `after` on."""
    return await token_store.list_tokens(db, workspace_id, after, limit)


async def list_all_tokens(db: Database) -> list[Token]:
    return await token_store.list_all_tokens(db)


class TokenUses(Uses):
    def __init__(self, db: Database) -> None:
        super().__init__(db, "token", token_store.mark_token_used)
