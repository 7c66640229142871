"""Output files of commands: private, written completely or not at all, never replaced unasked."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from shorty.errors import StartError
from shorty.sqlite.copies import sync_folder


def require_free(path: Path, *, may_replace: bool) -> None:
    """Raises StartError if the file already exists or its folder does not."""
    if not path.absolute().parent.is_dir():
        raise StartError(
            f"The folder {path.parent} does not exist; create it, or name another file."
        )
    if path.exists() and not may_replace:
        raise StartError(f"{path} already exists; name another file, or replace it with --force.")


def name_unfinished(path: Path) -> Path:
    return path.with_name(f"{path.name}.unfinished")


@contextmanager
def write_file(path: Path, *, may_replace: bool) -> Generator[BinaryIO]:
    """The file gets its name once it is complete and on the disk. Raises StartError and OSError."""
    require_free(path, may_replace=may_replace)
    unfinished = name_unfinished(path)
    try:
        with os.fdopen(open_private(unfinished), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        sync_folder(path.absolute().parent)
    finally:
        unfinished.unlink(missing_ok=True)


def open_private(path: Path) -> int:
    """A new file in place of one that an earlier command may have left."""
    path.unlink(missing_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
