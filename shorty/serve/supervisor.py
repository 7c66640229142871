"""The supervisor: starts, watches and replaces the worker, and turns signals into its commands."""

import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from importlib import import_module
from types import FrameType
from typing import Final, NoReturn, TextIO

from msgspec.structs import replace

from shorty.config import LISTEN_ON_ALL, Config, format_host
from shorty.errors import ConfigError, ShortyError, StartError
from shorty.serve.handshake import OPEN, READY, Patience, read_setup_path

TRIES: Final = 3  # workers in a row that die before they answer

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
SIGNALS: Final = {*STOP_SIGNALS, signal.SIGHUP}
CLEAN_ENDS: Final = {0, -signal.SIGTERM}


class Worker:
    """The supervisor's view of a worker: its channel carries reports, and EOF when it ends."""

    def __init__(self, pid: int, channel: socket.socket, stop_s: float) -> None:
        self.pid = pid
        self.channel = channel
        self._stop_s = stop_s
        self.report = b""
        self.stop_sent_at: float | None = None
        self.killed = False

    @property
    def is_open(self) -> bool:
        return self.report.startswith(OPEN)

    @property
    def is_ready(self) -> bool:
        return self.is_open and self.report.endswith(READY)

    @property
    def setup_path(self) -> str:
        """A path; empty if there is none."""
        return read_setup_path(self.report)

    @property
    def start_fault(self) -> str:
        """Why it could not start, as a sentence; empty if it gave no reason."""
        return "" if self.is_open else self.report.decode("utf-8", "replace").strip()

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

    def collect(self) -> int:
        """Its exit status, negative for the signal that ended it."""
        self.channel.close()
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class Supervisor:
    def __init__(
        self, application: str, listener: socket.socket, config: Config, patience: Patience
    ) -> None:
        self._patience = patience
        self._application = application
        self._listener = listener
        self._config = config
        self._proven: Config | None = None  # the settings with which a worker last answered
        self._stopping = False
        self._failures = 0
        self._terminal = os.isatty(0)

    def run(self, read_config: Callable[[], Config] | None = None) -> None:
        """Runs until a signal stops it; raises StartError if no worker can start."""
        with catch_signals(lambda: self._stopping) as signals:
            while not self._stopping:
                worker = self._start_worker()
                try:
                    self._follow(worker, signals, read_config or (lambda: self._config))
                finally:
                    status = worker.collect()
                self._judge(worker, status)

    def _start_worker(self) -> Worker:
        ours, theirs = socket.socketpair()
        flush_output()
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        pid = os.fork()
        if pid == 0:
            ours.close()
            become_worker(self._application, self._config, self._listener, theirs, self._patience)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        theirs.close()
        return Worker(pid, ours, self._patience.stop_s)

    def _follow(
        self, worker: Worker, signals: socket.socket, read_config: Callable[[], Config]
    ) -> None:
        """Watches one worker until it ends."""
        while True:
            ready, _, _ = select.select(
                [signals, worker.channel], [], [], worker.count_seconds_left()
            )
            if not ready:
                worker.kill()
            if signals in ready:
                for number in signals.recv(64):
                    self._obey(number, worker, read_config)
            if worker.channel in ready and not self._hear(worker):
                return

    def _hear(self, worker: Worker) -> bool:
        """Whether the worker is alive."""
        news = worker.channel.recv(4096)
        worker.report += news
        if news and worker.is_ready and worker.stop_sent_at is None:
            self._announce(worker.setup_path)
        return bool(news)

    def _obey(self, number: int, worker: Worker, read_config: Callable[[], Config]) -> None:
        if number in STOP_SIGNALS or (number == signal.SIGHUP and self._has_lost_terminal()):
            self._stopping = True
            self._listener.close()
            worker.stop()
        elif number == signal.SIGHUP and not self._stopping and self._take_settings(read_config):
            worker.stop()

    def _has_lost_terminal(self) -> bool:
        """Whether SIGHUP has its original meaning: the terminal of shorty was closed."""
        return self._terminal and not os.isatty(0)

    def _take_settings(self, read_config: Callable[[], Config]) -> bool:
        """Whether the worker should restart with new settings."""
        try:
            config = read_config()
        except ConfigError as error:
            say(sys.stderr, f"{error}\nThe settings remain unchanged.")
            return False
        kept = keep_place(config, self._config)
        if kept != config and config.server.port:
            say(
                sys.stderr,
                "A new host, port or database takes effect after a restart of shorty.",
            )
        self._config = kept
        return True

    def _announce(self, setup_path: str) -> None:
        server = self._config.server
        if self._proven is None:
            say(sys.stdout, f"Shorty is ready on http://{format_host(server.host)}:{server.port}")
        else:
            say(sys.stderr, "Shorty is ready again.")
        if setup_path:
            # A browser cannot open a wildcard address.
            host = "localhost" if server.host in LISTEN_ON_ALL else format_host(server.host)
            say(sys.stdout, f"Create your account at http://{host}:{server.port}{setup_path}")
        self._proven = self._config
        self._failures = 0

    def _judge(self, worker: Worker, status: int) -> None:
        """Decides after a worker's end: do nothing, start another worker, or end the service."""
        end = describe_end(status)
        if worker.stop_sent_at is not None:
            self._judge_stop(status, end)
        elif worker.start_fault or (status > 0 and not worker.is_ready):
            self._go_back(worker.start_fault or f"The server could not start: it {end}.")
        elif worker.is_open:
            say(sys.stderr, f"The worker {end}; starting another.")
        else:
            self._failures += 1
            if self._failures == TRIES:
                self._go_back(f"The worker {end} {TRIES} times before it was ready.")
            else:
                say(sys.stderr, f"The worker {end} before it was ready; trying again.")

    def _judge_stop(self, status: int, end: str) -> None:
        if status in CLEAN_ENDS:
            return
        if self._stopping:
            raise ShortyError(f"The worker did not stop cleanly: it {end}.")
        say(sys.stderr, f"The worker did not stop cleanly: it {end}; starting another.")

    def _go_back(self, why: str) -> None:
        """Returns to the settings that worked, or ends if there are none."""
        if self._proven is None or self._proven == self._config:
            raise StartError(why)
        say(sys.stderr, f"{why}\nContinuing with the former settings.")
        self._config = self._proven
        self._failures = 0


@contextmanager
def catch_signals(is_ending: Callable[[], bool]) -> Generator[socket.socket]:
    """A socket that receives each signal's number as a byte, so that one wait covers everything.

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


def become_worker(
    application: str,
    config: Config,
    listener: socket.socket,
    channel: socket.socket,
    patience: Patience,
) -> NoReturn:
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
        status = worker.run(application, config, listener, channel, patience)
    except BaseException as error:  # noqa: BLE001 - the process's last frame, which prints it and ends
        sys.excepthook(type(error), error, error.__traceback__)
    finally:
        flush_output()
        os._exit(status)


def keep_place(config: Config, former: Config) -> Config:
    """`config` with the socket and the database that the supervisor already has."""
    server = replace(config.server, host=former.server.host, port=former.server.port)
    return replace(config, server=server, storage=former.storage)


def describe_end(status: int) -> str:
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"exited with status {status}"


def say(stream: TextIO, text: str) -> None:
    """A closed output is not a reason to stop serving."""
    with suppress(OSError):
        stream.write(f"{text}\n")
        stream.flush()


def flush_output() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
