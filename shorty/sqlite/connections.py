"""Opens connections to the SQLite file, with pragmas, their reasons, and our SQL function."""

import sqlite3
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Final

from shorty.errors import StorageUnavailableError
from shorty.storage.statements import PARAMETER
from shorty.storage.text import contains_folded

BUSY_TIMEOUT_MS: Final = 5000

Connection = sqlite3.Connection
SqliteError = sqlite3.Error
"""What those who open a file themselves have to catch: only this package imports the driver."""

_EVERY_CONNECTION = (
    f"pragma busy_timeout = {BUSY_TIMEOUT_MS}",
    "pragma foreign_keys = on",
    # For files written by other software: triggers, views, indexes and constraints cannot use
    # functions with side effects or virtual tables.
    "pragma trusted_schema = off",
)
_SHARED_PRAGMAS = (
    "pragma temp_store = memory",
    # 8 MB per connection for the indexes' upper levels; the system's page cache has the rest.
    "pragma cache_size = -8000",
)
_WRITER_PRAGMAS = (
    "pragma journal_mode = wal",
    # Acknowledged writes survive a power cut; affordable because commits are grouped.
    "pragma synchronous = full",
    # Checkpoints after 16 MB of log instead of 4 MB: pages that every write changes, such as the
    # ends of indexes, are then copied into the database once and not four times.
    "pragma wal_autocheckpoint = 4000",
    # Truncates the log after a checkpoint, so that one burst does not leave a large file for ever.
    "pragma journal_size_limit = 67108864",
)


@lru_cache(maxsize=1024)
def number_parameters(sql: str) -> str:
    """Replaces `$1` with `?1`, which means the same in SQLite."""
    return PARAMETER.sub(r"?\1", sql)


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Opens a connection with the common pragmas; usable from any thread.

    Raises sqlite3.Error if the file cannot be opened.
    """
    mode = "ro" if read_only else "rwc"
    pragmas = _SHARED_PRAGMAS if read_only else _SHARED_PRAGMAS + _WRITER_PRAGMAS
    connection = _open(f"{path.absolute().as_uri()}?mode={mode}", pragmas)
    connection.create_function("contains_folded", -1, contains_folded, deterministic=True)
    return connection


def connect_outside(path: Path) -> sqlite3.Connection:
    """Opens a foreign database that nobody writes to: the file alone, without a log.

    Creates no files beside it. Bytes that are not UTF-8 become U+FFFD. Raises sqlite3.Error.
    """
    pragmas = ("pragma cell_size_check = on",)
    connection = _open(f"{path.absolute().as_uri()}?mode=ro&immutable=1", pragmas)
    connection.text_factory = _decode
    return connection


def _decode(text: bytes) -> str:
    return text.decode(errors="replace")


def connect_target(path: Path) -> sqlite3.Connection:
    """Opens an empty file as the target of a database copy. Raises sqlite3.Error."""
    return _open(f"{path.absolute().as_uri()}?mode=rwc")


def connect_memory() -> sqlite3.Connection:
    return _open(":memory:")


def _open(uri: str, pragmas: Iterable[str] = ()) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, cached_statements=512
    )
    connection.row_factory = sqlite3.Row
    try:
        for pragma in (*_EVERY_CONNECTION, *pragmas):
            connection.execute(pragma)
    except BaseException:  # a file that is no database can be opened, and fails when it is read
        connection.close()
        raise
    return connection


def describe_failure(error: BaseException) -> BaseException:
    """Turns SQLite's runtime errors into StorageUnavailableError; keeps errors in statements."""
    if isinstance(error, sqlite3.OperationalError | sqlite3.DatabaseError) and not isinstance(
        error, sqlite3.IntegrityError | sqlite3.ProgrammingError
    ):
        unavailable = StorageUnavailableError()
        unavailable.__cause__ = error
        return unavailable
    return error
