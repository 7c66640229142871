"""Signals as bytes on a socket, so that one wait covers everything."""

import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Final

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
SIGNALS: Final = {*STOP_SIGNALS, signal.SIGHUP}


@contextmanager
def catch_signals(is_ending: Callable[[], bool]) -> Generator[socket.socket]:
    """A socket that receives each signal's number as a byte.

    Signals are ignored afterwards if the process is ending, so that a second one does not make a
    clean stop look like a crash.
    """
    reader, writer = socket.socketpair()
    writer.settimeout(0)
    before = {number: signal.signal(number, _note) for number in SIGNALS}
    before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    descriptor = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    try:
        yield reader
    finally:
        signal.set_wakeup_fd(descriptor)
        for number, handler in before.items():
            is_deaf = number in STOP_SIGNALS and is_ending()
            signal.signal(number, signal.SIG_IGN if is_deaf else handler)
        reader.close()
        writer.close()


def _note(_number: int, _frame: FrameType | None) -> None:
    """Does nothing: the byte on the wakeup descriptor is the signal."""
