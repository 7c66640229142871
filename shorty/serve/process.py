"""A worker's process as the supervisor sees it: from the fork to its exit status."""

import os
import signal
import socket
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module
from typing import NoReturn

from shorty.config import Config
from shorty.serve.handshake import OPEN, READY, Task, read_setup_path
from shorty.serve.port import Port
from shorty.serve.signals import SIGNALS


class Worker:
    """Its channel carries reports, and EOF when it ends. `config` are the settings it serves."""

    def __init__(
        self,
        pid: int,
        channel: socket.socket,
        stop_s: float,
        number: int = 1,
        config: Config | None = None,
    ) -> None:
        self.pid = pid
        self.channel = channel
        self.number = number
        self.config = config
        self._stop_s = stop_s
        self.report = b""
        self.ready_at: float | None = None
        self.stop_sent_at: float | None = None
        self.killed = False

    @property
    def is_open(self) -> bool:
        return self.report.startswith(OPEN)

    @property
    def is_ready(self) -> bool:
        return self.is_open and self.report.endswith(READY)

    @property
    def is_answering(self) -> bool:
        """Ready, and not about to end."""
        return self.is_ready and self.stop_sent_at is None

    @property
    def setup_path(self) -> str:
        """A path; empty if there is none."""
        return read_setup_path(self.report)

    @property
    def start_fault(self) -> str:
        """Why it could not start, as a sentence; empty if it gave no reason."""
        return "" if self.is_open else self.report.decode("utf-8", "replace").strip()

    def hear(self) -> bool:
        """Takes what it reports; returns whether it is alive."""
        news = self.channel.recv(4096)
        self.report += news
        if self.is_ready and self.ready_at is None:
            self.ready_at = time.monotonic()
        return bool(news)

    def stop(self) -> None:
        if self.stop_sent_at is None:
            self.stop_sent_at = time.monotonic()
            os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        self.killed = True
        os.kill(self.pid, signal.SIGKILL)

    def count_seconds_left(self) -> float | None:
        """Seconds until it must be killed; None while it may run."""
        if self.stop_sent_at is None or self.killed:
            return None
        return max(0.0, self.stop_sent_at + self._stop_s - time.monotonic())

    def count_seconds_ready(self) -> float:
        """Seconds for which it has been ready."""
        return 0.0 if self.ready_at is None else time.monotonic() - self.ready_at

    def collect(self) -> int:
        """Its exit status, negative for the signal that ended it."""
        self.channel.close()
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def start_worker(task: Task, port: Port, others: Iterable[Worker]) -> Worker:
    """Forks. `others` are the running workers, whose channels and sockets the new one closes."""
    ours, theirs = socket.socketpair()
    flush_output()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    pid = os.fork()
    if pid == 0:
        # A copy of the supervisor's end would keep the others from noticing its death.
        for channel in (ours, *(other.channel for other in others)):
            channel.close()
        listener = port.find(task.number)
        for each in port.sockets:
            if each is not listener:
                each.close()
        become_worker(task, listener, theirs)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    theirs.close()
    return Worker(pid, ours, task.patience.stop_s, task.number, task.settings)


def become_worker(task: Task, listener: socket.socket, channel: socket.socket) -> NoReturn:
    """The forked process until its end; it must never return to the supervisor's code.

    Ctrl-C and SIGHUP reach the whole process group, but only the supervisor acts on them. Until the
    worker answers, SIGTERM ends it at once, because no client depends on it yet.
    """
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        worker = import_module("shorty.serve.worker")  # imports granian and the application
        status = worker.run(task, listener, channel)
    except BaseException as error:  # noqa: BLE001 - the process's last frame, which prints it and ends
        sys.excepthook(type(error), error, error.__traceback__)
    finally:
        flush_output()
        os._exit(status)


def describe_end(status: int) -> str:
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"exited with status {status}"


def flush_output() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
