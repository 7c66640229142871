"""Owns the visitor number, which tells visitors apart for one UTC day and is irreversible."""

import logging
import os
import secrets
from pathlib import Path
from threading import Lock
from typing import Final

from siphashc import siphash

from shorty.durations import DAY_MS

logger = logging.getLogger(__name__)

KEY_BYTES: Final = 16
NOT_TOLD_APART: Final = 0


class VisitorNumbers:
    """Numbers visitors by SipHash-2-4 (Aumasson and Bernstein, 2012) with the day's key.

    The key has its own file, which only the server's user may read, so that it survives a restart
    but is in no backup of the database. At midnight UTC a new key overwrites it. Nobody can then
    derive a past day's number from an IP address.
    """

    def __init__(self, path: Path, now: int) -> None:
        """Raises OSError if the file cannot be read or written."""
        self._path = path
        self._lock = Lock()
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

    def _use_key(self, day: int, key: bytes) -> None:
        self._key = key  # first, so that a thread that sees the new day also has its key
        # A clock that is set back across midnight keeps the new key.
        self._first_ms = (day - 1) * DAY_MS
        self._end_ms = (day + 1) * DAY_MS

    def _renew(self, now: int) -> None:
        with self._lock:
            if self._first_ms <= now < self._end_ms:
                return  # another thread was faster
            day, key = now // DAY_MS, secrets.token_bytes(KEY_BYTES)
            self._use_key(day, key)
            try:
                _write_key(self._path, day, key)
            except OSError as error:
                logger.warning(
                    "The visitor key in %s could not be replaced (%s): yesterday's stays on the "
                    "disk, and visitors will be counted anew after a restart.",
                    self._path,
                    error,
                )


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
