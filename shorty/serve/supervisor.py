"""The supervisor: starts, watches and replaces the workers, and turns signals into commands."""

import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TextIO

from msgspec.structs import replace

from shorty.config import LISTEN_ON_ALL, Config, format_host
from shorty.config.settings import LogLevel
from shorty.errors import ConfigError, ShortyError, StartError
from shorty.log_lines import FORMATS, LEVELS, read_clock
from shorty.serve.handshake import Patience, Task
from shorty.serve.port import Port
from shorty.serve.process import Worker, describe_end, start_worker
from shorty.serve.signals import STOP_SIGNALS, catch_signals
from shorty.serve.slots import Slot

TRIES: Final = 3  # workers in a row that die before they answer
CLEAN_ENDS: Final = {0, -signal.SIGTERM}


class Supervisor:
    def __init__(self, application: str, port: Port, config: Config, patience: Patience) -> None:
        self._patience = patience
        self._application = application
        self._port = port
        self._preferred: list[int] = []  # the workers that get new connections
        self._config = config
        self._slots = {1: Slot(1)}
        self._proven: Config | None = None  # the settings with which workers last answered
        self._stopping = False
        self._fault: ShortyError | None = None  # why it stops, if not by a signal
        self._failures = 0
        self._terminal = os.isatty(0)

    def run(self, read_config: Callable[[], Config] | None = None) -> None:
        """Runs until a signal stops it; raises StartError if no worker can start."""
        with catch_signals(lambda: self._stopping) as signals:
            while self._tend():
                self._wait(signals, read_config or (lambda: self._config))
        if self._fault is not None:
            raise self._fault

    def _list_workers(self) -> list[Worker]:
        return [slot.worker for slot in self._slots.values() if slot.worker]

    def _tend(self) -> bool:
        """Starts and stops workers as the settings want it; False once the last one has ended."""
        if not self._stopping:
            wanted = range(1, self._config.server.workers + 1)
            kept = {slot.number: slot for slot in self._slots.values() if slot.worker}
            self._slots = {number: self._slots.get(number) or Slot(number) for number in wanted}
            surplus = {number: slot for number, slot in kept.items() if number not in wanted}
            self._slots |= surplus
            self._stop_outdated(surplus)
            self._start_missing()
            self._divide_connections()
        return not self._stopping or bool(self._list_workers())

    def _stop_outdated(self, surplus: dict[int, Slot]) -> None:
        """Ready workers with former settings are replaced one by one, while the others answer."""
        outdated = [worker for worker in self._list_workers() if worker.config is not self._config]
        is_rolling = not all(slot.is_answering for slot in self._slots.values())
        for worker in outdated:
            if worker.number in surplus or not worker.is_ready:
                worker.stop()
            elif not is_rolling:
                worker.stop()
                is_rolling = True

    def _start_missing(self) -> None:
        """The first worker brings the database up to date, and the others follow it."""
        for slot in self._slots.values():
            workers = self._list_workers()
            if workers and not any(worker.is_open for worker in workers):
                return
            if slot.worker is None and not slot.count_seconds_to_wait():
                task = Task(
                    application=self._application,
                    settings=self._config,
                    patience=self._patience,
                    number=slot.number,
                )
                slot.worker = start_worker(task, self._port, workers)

    def _divide_connections(self) -> None:
        """Among the workers that answer; while none does, among those that are about to."""
        staying = [worker for worker in self._list_workers() if worker.stop_sent_at is None]
        preferred = [worker.number for worker in staying if worker.is_ready]
        preferred = preferred or [worker.number for worker in staying]
        if preferred == self._preferred:
            return
        self._preferred = preferred
        try:
            self._port.prefer(preferred)
        except OSError as error:
            self._log_event("warning", "connections_not_divided", reason=str(error))

    def _wait(self, signals: socket.socket, read_config: Callable[[], Config]) -> None:
        """Waits for one thing to happen, and acts on it."""
        channels = [worker.channel for worker in self._list_workers()]
        ready, _, _ = select.select([signals, *channels], [], [], self._find_timeout())
        for worker in self._list_workers():
            if worker.count_seconds_left() == 0:
                worker.kill()
        if signals in ready:
            for number in signals.recv(64):
                self._obey(number, read_config)
        for slot in self._slots.values():
            worker = slot.worker
            if worker and worker.channel in ready and not self._hear(worker):
                self._take_leave(slot, worker)

    def _find_timeout(self) -> float | None:
        """Seconds until a worker must be killed or may be started."""
        kills = [worker.count_seconds_left() for worker in self._list_workers()]
        starts = [] if self._stopping else [*self._slots.values()]
        pauses = [slot.count_seconds_to_wait() for slot in starts if not slot.worker]
        waits = [wait for wait in kills if wait is not None] + [wait for wait in pauses if wait]
        return min(waits, default=None)

    def _hear(self, worker: Worker) -> bool:
        """Whether the worker is alive."""
        is_alive = worker.hear()
        if is_alive and worker.is_answering:
            self._note_ready(worker)
        return is_alive

    def _take_leave(self, slot: Slot, worker: Worker) -> None:
        status = worker.collect()
        slot.clear(worker)
        try:
            self._judge(worker, status)
        except ShortyError as error:
            self._fault = self._fault or error
            self._stop()

    def _obey(self, number: int, read_config: Callable[[], Config]) -> None:
        if number in STOP_SIGNALS or (number == signal.SIGHUP and self._has_lost_terminal()):
            self._stop()
        elif number == signal.SIGHUP and not self._stopping and self._take_settings(read_config):
            for slot in self._slots.values():
                slot.forget_crashes()

    def _stop(self) -> None:
        self._stopping = True
        self._port.close()
        for worker in self._list_workers():
            worker.stop()

    def _has_lost_terminal(self) -> bool:
        """Whether SIGHUP has its original meaning: the terminal of shorty was closed."""
        return self._terminal and not os.isatty(0)

    def _take_settings(self, read_config: Callable[[], Config]) -> bool:
        """Whether workers should restart with new settings."""
        try:
            config = read_config()
        except ConfigError as error:
            self._log_event("error", "settings_refused", reason=str(error))
            return False
        kept = keep_place(config, self._config)
        if kept != config and config.server.port:
            self._log_event("warning", "settings_need_restart", settings="host, port or database")
        self._config = kept
        return True

    def _note_ready(self, worker: Worker) -> None:
        if self._proven is None:
            if not all(slot.is_answering for slot in self._slots.values()):
                return
            server = self._config.server
            say(sys.stdout, f"Shorty is ready on http://{format_host(server.host)}:{server.port}")
            for each in self._list_workers():
                self._show_setup_path(each.setup_path)
        else:
            self._log_event("info", "server_ready", **self._name(worker))
            self._show_setup_path(worker.setup_path)
        self._proven = self._config
        self._failures = 0

    def _show_setup_path(self, path: str) -> None:
        if path:
            server = self._config.server
            # A browser cannot open a wildcard address.
            host = "localhost" if server.host in LISTEN_ON_ALL else format_host(server.host)
            say(sys.stdout, f"Create your account at http://{host}:{server.port}{path}")

    def _judge(self, worker: Worker, status: int) -> None:
        """Decides after a worker's end: go on, go back to former settings, or end the service."""
        end = describe_end(status)
        if worker.stop_sent_at is not None:
            self._judge_stop(worker, status, end)
        elif worker.start_fault or (status > 0 and not worker.is_ready):
            why = worker.start_fault or f"The server could not start: it {end}."
            if self._is_served_by_others():
                self._log_event("error", "worker_not_started", how=why, **self._name(worker))
            else:
                self._go_back(why)
        elif worker.is_open:
            self._log_event("error", "worker_ended", how=end, **self._name(worker))
        else:
            self._failures += not self._is_served_by_others()
            if self._failures == TRIES:
                self._go_back(f"The worker {end} {TRIES} times before it was ready.")
            else:
                self._log_event("error", "worker_not_started", how=end, **self._name(worker))

    def _is_served_by_others(self) -> bool:
        """Whether workers answer with the same settings, so that one that cannot start may wait."""
        return self._proven == self._config and any(
            worker.is_answering for worker in self._list_workers()
        )

    def _judge_stop(self, worker: Worker, status: int, end: str) -> None:
        if status in CLEAN_ENDS:
            return
        if self._stopping:
            raise ShortyError(f"The worker did not stop cleanly: it {end}.")
        self._log_event("error", "worker_not_stopped", how=end, **self._name(worker))

    def _name(self, worker: Worker) -> dict[str, int]:
        """Its number, if there are several."""
        return {"worker": worker.number} if self._config.server.workers > 1 else {}

    def _log_event(self, level: LogLevel, event: str, **values: object) -> None:
        config = self._config.log
        if LEVELS.index(level) >= LEVELS.index(config.level):
            head = {"timestamp": read_clock(), "level": level, "event": event}
            say(sys.stderr, FORMATS[config.format](head | values))

    def _go_back(self, why: str) -> None:
        """Returns to the settings that worked, or ends if there are none."""
        if self._proven is None or self._proven == self._config:
            raise StartError(why)
        self._log_event("error", "settings_reverted", reason=why)
        self._config = self._proven
        self._failures = 0


def keep_place(config: Config, former: Config) -> Config:
    """`config` with the socket and the database that the supervisor already has."""
    server = replace(config.server, host=former.server.host, port=former.server.port)
    if not former.storage.is_postgres:
        server = replace(server, workers=former.server.workers)
    return replace(config, server=server, storage=former.storage)


def say(stream: TextIO, text: str) -> None:
    """A closed output is not a reason to stop serving."""
    with suppress(OSError):
        stream.write(f"{text}\n")
        stream.flush()
