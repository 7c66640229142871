"""Owns what migrations do to rows that SQL cannot: each in its migration's transaction, frozen.

A fill never calls the code of today, which would make another of it tomorrow.
"""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Final
from unicodedata import normalize

import idna


def spell_emails(connection: sqlite3.Connection) -> None:
    """Gives each address the one spelling that is compared from schema 13 on.

    Of several rows with the same mailbox, one that has that spelling keeps it, else the oldest gets
    it; the others stay as they are, so that nobody loses an account.
    """
    for table in ("users", "invitations", "mail_links"):
        rows = connection.execute(f"select id, email from {table} order by id").fetchall()  # noqa: S608 - a name of ours
        connection.executemany(
            f"update or ignore {table} set email = ? where id = ?",  # noqa: S608 - a name of ours
            [(spelt, id) for id, email in rows if (spelt := _spell(email)) != email],
        )


def _spell(email: str) -> str:
    """As it stands where its domain cannot be one."""
    local, _, domain = email.rpartition("@")
    try:
        encoded = idna.encode(domain, uts46=True, std3_rules=True).decode().lower()
    except (idna.IDNAError, UnicodeError):
        return email
    return f"{normalize('NFC', normalize('NFD', local).casefold())}@{encoded}"


FILLS: Final[Mapping[int, Callable[[sqlite3.Connection], None]]] = {13: spell_emails}
"""By the version of the migration that they follow."""
