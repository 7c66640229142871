"""The key of the first run: anyone who has it can create the owner's account.

Each start of a node makes one while nobody can sign in, and prints it; any node takes it. The
database has digests alone.
"""

import hmac
from typing import Final

from shorty.accounts.secret_texts import digest_secret, make_secret_text
from shorty.storage.database import Reader, Transaction
from shorty.storage.state import PUT

OF_NODE: Final = "setup_key:"
LIST: Final = f"select value from server_state where name like '{OF_NODE}%'"  # noqa: S608
FORGET: Final = f"delete from server_state where name like '{OF_NODE}%'"  # noqa: S608


def make_setup_key(tx: Transaction, node: str) -> str:
    """Replaces the one that the node made before; the text itself is not stored."""
    text = make_secret_text()
    tx.execute(PUT, f"{OF_NODE}{node}", digest_secret(text))
    return text


def is_setup_key(rows: Reader, text: str) -> bool:
    digest = digest_secret(text)
    return any(hmac.compare_digest(digest, row["value"]) for row in rows.find_all(LIST))


def forget_setup_keys(tx: Transaction) -> None:
    """Of all nodes, once somebody can sign in."""
    tx.execute(FORGET)
