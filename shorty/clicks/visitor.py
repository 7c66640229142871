"""Owns the visitor number, which tells visitors apart for one UTC day and is irreversible."""

import os
import secrets
from pathlib import Path
from threading import Lock
from typing import Final

import structlog
from siphashc import siphash

from shorty.durations import DAY_MS
from shorty.storage.database import Database

log = structlog.get_logger(__name__)

KEY_BYTES: Final = 16
NOT_TOLD_APART: Final = 0


async def find_shared_key(db: Database, day: int, today: int) -> bytes | None:
    """The key of that UTC day, the same for all who use the database; None: it keeps none.

    Deletes those of the days before `today`. Raises StorageUnavailableError.
    """
    return await db.keep_day_key(day, secrets.token_bytes(KEY_BYTES), today)


class VisitorNumbers:
    """Numbers visitors by SipHash-2-4 (Aumasson and Bernstein, 2012) with the day's key.

    The key has its own file, which only the server's user may read, so that it survives a restart
    but is in no backup of the database. At midnight UTC a new key overwrites it. Nobody can then
    derive a past day's number from an IP address.

    Where the database shares keys, `shared` is today's and there is no file. The next day's has to
    be brought before midnight; otherwise this process makes one of its own.
    """

    def __init__(self, path: Path, now: int, *, shared: bytes | None = None) -> None:
        """Raises OSError if the file cannot be read or written."""
        self._path = path
        self._lock = Lock()
        self._is_shared = shared is not None
        self._next: dict[int, bytes] = {}
        if shared is not None:
            self._use_key(now // DAY_MS, shared)
            return
        day, key = _read_key(path) or (-1, b"")
        if day != now // DAY_MS:
            day, key = now // DAY_MS, secrets.token_bytes(KEY_BYTES)
            _write_key(path, day, key)
        self._use_key(day, key)

    def number_visitor(self, address: str, user_agent: str, now: int) -> int:
        """63 bits, never 0; usable in any thread. Takes 0.3 µs."""
        if not self._first_ms <= now < self._end_ms:
            self._renew(now)
        visitor = f"{address}\0{user_agent}".encode("utf-8", "surrogatepass")
        return (siphash(self._key, visitor) >> 1) or 1

    def bring_key(self, day: int, key: bytes) -> None:
        """The shared key of a day to come."""
        self._next = {day: key}

    def _use_key(self, day: int, key: bytes) -> None:
        self._key = key  # first, so that a thread that sees the new day also has its key
        # A clock that is set back across midnight keeps the new key.
        self._first_ms = (day - 1) * DAY_MS
        self._end_ms = (day + 1) * DAY_MS

    def _renew(self, now: int) -> None:
        with self._lock:
            if self._first_ms <= now < self._end_ms:
                return  # another thread was faster
            day = now // DAY_MS
            key = self._next.get(day) or secrets.token_bytes(KEY_BYTES)
            self._use_key(day, key)
            if self._is_shared:
                if day not in self._next:
                    log.warning("visitor_key_not_shared", day=day)
                return
            try:
                _write_key(self._path, day, key)
            except OSError as error:
                log.warning("visitor_key_not_replaced", file=str(self._path), reason=str(error))


def wants_privacy(sec_gpc: str, dnt: str) -> bool:
    """Whether Global Privacy Control or Do Not Track is set."""
    return sec_gpc == "1" or dnt == "1"


def _read_key(path: Path) -> tuple[int, bytes] | None:
    """The day (since 1970) and its key; None if the file has no valid key."""
    try:
        day, key = path.read_text(encoding="ascii").split()
        read = int(day), bytes.fromhex(key)
    except (FileNotFoundError, ValueError):
        return None
    return read if len(read[1]) == KEY_BYTES else None


def _write_key(path: Path, day: int, key: bytes) -> None:
    # Overwritten in place, because a new file would leave the old key's block on the disk.
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(path, flags, 0o600)
    try:
        os.fchmod(file, 0o600)
        length = os.pwrite(file, f"{day:07d} {key.hex()}\n".encode("ascii"), 0)
        os.ftruncate(file, length)
        os.fsync(file)  # until then a power cut could restore the old key
    finally:
        os.close(file)
