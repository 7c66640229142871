"""Owns what the server knows of itself and keeps in the database."""

import secrets
from typing import Final

from shorty.storage.database import Transaction

SECRET_BYTES: Final = 32

KEEP = "insert into server_state (name, value) values ($1, $2) on conflict (name) do nothing"
FIND = "select value from server_state where name = $1"


def find_or_make_secret(tx: Transaction) -> bytes:
    """What the server's cookies are signed with; made once."""
    tx.execute(KEEP, "cookie_secret", secrets.token_hex(SECRET_BYTES))
    row = tx.find_one(FIND, "cookie_secret")
    return bytes.fromhex(row["value"]) if row else b""
