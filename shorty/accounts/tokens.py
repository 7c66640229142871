"""Owns API tokens: making, listing, revoking, and finding out who a token speaks for."""

import asyncio
import secrets
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

import structlog
from msgspec import UNSET

from shorty.accounts import store
from shorty.accounts.model import Actor, MadeToken, NewToken, Token, TokenChange
from shorty.accounts.store import Rows
from shorty.config import Plan
from shorty.errors import (
    InvalidFieldsError,
    NotFoundError,
    StorageUnavailableError,
    UnauthenticatedError,
)
from shorty.storage.database import Database, Transaction

PREFIX: Final = "shorty_"
SECRET_BYTES: Final = 32
HINT_LENGTH: Final = len(PREFIX) + 4
NAME_LENGTH: Final = 100
USE_NOTED_EVERY_MS: Final = 60_000

log = structlog.get_logger(__name__)


def make_token_text() -> str:
    """`shorty_` and 256 random bits in URL-safe base64."""
    return PREFIX + secrets.token_urlsafe(SECRET_BYTES)


def digest_token(text: str) -> str:
    """SHA-256 alone serves: 256 random bits cannot be guessed, so nothing needs to slow it down."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def find_actor(db: Database, token_text: str, plans: Mapping[str, Plan], now: int) -> Actor:
    """Who the token speaks for, asked anew each time so that a revoked one stops at once.

    Raises UnauthenticatedError; the reason is the same for every kind of bad token.
    """
    actor = store.look_up_actor(db, digest_token(token_text), plans, now)
    if actor is None:
        raise UnauthenticatedError("This token is unknown, expired or revoked.")
    return actor


def create_token(tx: Transaction, new: NewToken, now: int) -> MadeToken:
    check_token(new.name, new.expires_at, now)
    text = make_token_text()
    token_id = store.insert_token(tx, digest_token(text), text[:HINT_LENGTH], new, now)
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
    token = store.find_token(rows, token_id)
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
    store.update_token(tx, token_id, name, expires_at)
    return get_token(tx, workspace_id, token_id)


def revoke_token(tx: Transaction, workspace_id: int, token_id: int, now: int) -> None:
    get_token(tx, workspace_id, token_id)
    store.mark_token_revoked(tx, token_id, now)


def revoke_any_token(tx: Transaction, token_id: int, now: int) -> None:
    """For the operator, who is above workspaces. Raises NotFoundError."""
    if not store.mark_token_revoked(tx, token_id, now):
        raise NotFoundError("token", token_id)


async def list_tokens(db: Database, workspace_id: int, after: int, limit: int) -> list[Token]:
    """The workspace's tokens in the order they were made, from the one after id `after` on."""
    return await store.list_tokens(db, workspace_id, after, limit)


async def list_all_tokens(db: Database) -> list[Token]:
    return await store.list_all_tokens(db)


class TokenUses:
    """Writes down when tokens were last used: behind the requests, once a minute for each."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._noted: dict[int, int] = {}
        self._writes: set[asyncio.Task[None]] = set()

    def note(self, token_id: int, now: int) -> None:
        """Costs one look into a dictionary, but for the first use in each minute."""
        if now - self._noted.get(token_id, -USE_NOTED_EVERY_MS) < USE_NOTED_EVERY_MS:
            return
        self._noted[token_id] = now
        task = asyncio.get_running_loop().create_task(self._write(token_id, now))
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)

    async def _write(self, token_id: int, now: int) -> None:
        try:
            await self._db.write(lambda tx: store.mark_token_used(tx, token_id, now))
        except StorageUnavailableError as error:
            log.warning("token_use_not_noted", token_id=token_id, reason=str(error.__cause__))

    async def finish(self) -> None:
        """Waits for what is being written; call it before the database is closed."""
        await asyncio.gather(*self._writes)
