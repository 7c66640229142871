"""Owns whether the database's path still leads to the file that was opened.

Somebody may put another file there, or delete it, while the server runs. What SQLite then goes on
to write is gone with the file that no path leads to. Its log is worse: it keeps its name, and would
be played into the file that took the other's place (`Writer` sees to both).
"""

import errno
import os
from pathlib import Path

from shorty.errors import StorageUnavailableError

Identity = tuple[int, int]  # device and inode


class OpenedFile:
    """Made right after the file was opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._identity = _identify(path)

    def is_in_place(self) -> bool:
        """In any thread, in about 2 µs."""
        return _identify(self.path) == self._identity

    def describe_change(self) -> StorageUnavailableError:
        error = StorageUnavailableError()
        error.__cause__ = OSError(errno.ESTALE, "Another file is in its place", str(self.path))
        return error


def _identify(path: Path) -> Identity | None:
    """None where there is no file that can be seen."""
    try:
        found = os.stat(path)  # noqa: PTH116 - a third quicker, and asked for at every commit
    except OSError:
        return None
    return found.st_dev, found.st_ino
