"""Owns the server's own state in the database: its secret, recorded times and the write probe."""

import secrets
from typing import Final

from shorty.storage.database import Reader, Transaction

SECRET_BYTES: Final = 32
HOST_COOKIES: Final = "host_cookies_since"

KEEP = "insert into server_state (name, value) values ($1, $2) on conflict (name) do nothing"
PUT = """
insert into server_state (name, value) values ($1, $2)
on conflict (name) do update set value = excluded.value
"""
FIND = "select value from server_state where name = $1"


def find_or_make_secret(tx: Transaction) -> bytes:
    """The key that signs the server's cookies; created once."""
    tx.execute(KEEP, "cookie_secret", secrets.token_hex(SECRET_BYTES))
    row = tx.find_one(FIND, "cookie_secret")
    return bytes.fromhex(row["value"]) if row else b""


def find_or_note_time(tx: Transaction, name: str, now: int) -> int:
    """The time at which this name was first asked for, in UTC milliseconds."""
    tx.execute(KEEP, name, str(now))
    row = tx.find_one(FIND, name)
    return int(row["value"]) if row else now


def find_believed_time(rows: Reader) -> int | None:
    """When the clock was last trusted, in UTC milliseconds, accurate to an hour."""
    row = rows.find_one(FIND, "clock_believed_at")
    return int(row["value"]) if row else None


def note_believed_time(tx: Transaction, now: int) -> None:
    tx.execute(PUT, "clock_believed_at", str(now))


def write_probe(tx: Transaction, number: int) -> None:
    """Overwrites one row, to find out whether the database accepts writes."""
    tx.execute(PUT, "write_probe", str(number))
