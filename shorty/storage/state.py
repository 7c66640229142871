"""Owns what the server knows of itself and keeps in the database."""

import secrets
from typing import Final

from shorty.storage.database import Database, Transaction

SECRET_BYTES: Final = 32
HOST_COOKIES: Final = "host_cookies_since"

KEEP = "insert into server_state (name, value) values ($1, $2) on conflict (name) do nothing"
PUT = """
insert into server_state (name, value) values ($1, $2)
on conflict (name) do update set value = excluded.value
"""
FIND = "select value from server_state where name = $1"


def find_or_make_secret(tx: Transaction) -> bytes:
    """What the server's cookies are signed with; made once."""
    tx.execute(KEEP, "cookie_secret", secrets.token_hex(SECRET_BYTES))
    row = tx.find_one(FIND, "cookie_secret")
    return bytes.fromhex(row["value"]) if row else b""


def find_or_note_time(tx: Transaction, name: str, now: int) -> int:
    """When something was first asked for by that name: now, at the first time."""
    tx.execute(KEEP, name, str(now))
    row = tx.find_one(FIND, name)
    return int(row["value"]) if row else now


def find_believed_time(db: Database) -> int | None:
    """When the clock was last believed, in UTC milliseconds, to the hour."""
    row = db.look_up(FIND, "clock_believed_at")
    return int(row["value"]) if row else None


def note_believed_time(tx: Transaction, now: int) -> None:
    tx.execute(PUT, "clock_believed_at", str(now))


def write_probe(tx: Transaction, number: int) -> None:
    """Overwrites one row, which tells whether anything can be written."""
    tx.execute(PUT, "write_probe", str(number))
