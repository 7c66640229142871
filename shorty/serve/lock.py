"""One shorty per database: a file lock that lasts as long as a process that serves it."""

import errno
import fcntl
import os
import signal
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from shorty.errors import StartError
from shorty.serve.handshake import Patience


@contextmanager
def lock_database(database: Path, wait_s: float = Patience().lock_s) -> Generator[None]:
    """Locks the database inside the block; raises StartError if another shorty has the lock.

    A process forked inside shares the lock, and the last one to end releases it: while an orphaned
    worker still stores its clicks, no other process can open the database. `wait_s` seconds for
    another holder to end let a restart right after a crash succeed. Call it on the main thread.
    """
    path = Path(f"{database.resolve()}.lock")
    file = open_lock_file(path)
    try:
        if not take_lock(file, path, wait_s):
            raise StartError(describe_holder(file, database))
        write_holder(file, path)
        yield
    finally:
        os.close(file)


def open_lock_file(path: Path) -> int:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise describe_folder(path.parent, error) from error


def write_holder(file: int, path: Path) -> None:
    try:
        os.ftruncate(file, 0)
        os.pwrite(file, b"%d\n" % os.getpid(), 0)
    except OSError as error:
        raise describe_folder(path.parent, error) from error


def describe_folder(folder: Path, error: OSError) -> StartError:
    return StartError(f"The database folder {folder} is not writable: {error.strerror}.")


def take_lock(file: int, path: Path, wait_s: float) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return wait_s > 0 and wait_for_lock(file, wait_s)
    except OSError as error:
        name = errno.errorcode.get(error.errno or 0, "")
        raise StartError(
            f"{path} cannot be locked ({error.strerror}, {name}); keep the database on a local "
            "disk."
        ) from error
    return True


def wait_for_lock(file: int, wait_s: float) -> bool:
    """Sleeps in the kernel until the lock is free; an alarm ends it after `wait_s` seconds."""
    before = signal.signal(signal.SIGALRM, _ring)
    signal.setitimer(signal.ITIMER_REAL, wait_s)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
    except TimeoutError:
        return False
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return True


def describe_holder(file: int, database: Path) -> str:
    number = os.pread(file, 32, 0).decode("ascii", "replace").strip()
    process = f" (process {number})" if number.isdigit() else ""
    return f"Another shorty{process} is serving {database}; stop it first."


def _ring(_number: int, _frame: FrameType | None) -> NoReturn:
    raise TimeoutError
