"""Starts the servers under test, each pinned to a core, and reads their cost from /proc."""

import os
import signal
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self

SERVER_CORE = 0
LOAD_CORE = 1
STOP_TIMEOUT_S = 20
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_CPU_FIELDS = slice(11, 15)  # utime, stime, cutime, cstime, counted after the command's name


@contextmanager
def pin_to(core: int) -> Generator[None]:
    """Processes started inside stay on `core`; on a machine with one core nothing is pinned."""
    before = os.sched_getaffinity(0)
    if core in before:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Server:
    """A process that prints a line when it is ready; its log is kept for errors."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: dict[str, str],
        ready: str,
        core: int | None = SERVER_CORE,
    ) -> None:
        with pin_to(-1 if core is None else core):
            self.process = subprocess.Popen(
                [sys.executable, *command],
                env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        self.log: list[str] = []
        self.ready_line = self._read_until(ready)
        self._drain = Thread(target=self._read_rest, daemon=True)
        self._drain.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self._drain.join()
        if self.process.returncode:
            raise RuntimeError("The server did not stop cleanly:\n" + "".join(self.log[-20:]))

    def read_cpu_s(self) -> float:
        """Seconds of CPU time that the process and its descendants have used so far."""
        return read_cpu_s(self.process.pid)

    def read_memory_mb(self) -> float:
        """Proportional set size of the process and its descendants: shared pages count once."""
        kilobytes = sum(_read_pss_kb(pid) for pid in self.list_pids())
        return kilobytes / 1024

    def list_pids(self) -> list[int]:
        return list_family(self.process.pid)

    def _read_until(self, ready: str) -> str:
        for line in self._read_lines():
            if ready in line:
                return line.strip()
        self.process.wait()
        raise RuntimeError("The server did not start:\n" + "".join(self.log))

    def _read_rest(self) -> None:
        for _ in self._read_lines():
            """Keeps each line in the log."""

    def _read_lines(self) -> Generator[str]:
        for line in self.process.stdout or ():
            self.log.append(line)
            yield line


def read_cpu_s(pid: int) -> float:
    """Seconds of CPU time that the process and its descendants have used so far."""
    return sum(sum(_read_cpu_ticks(each)) for each in list_family(pid)) / _TICKS_PER_S


def list_family(pid: int) -> list[int]:
    """The process and its descendants."""
    parents = _read_parents()
    found = [pid]
    for each in found:
        found.extend(child for child, parent in parents.items() if parent == each)
    return found


def _read_parents() -> dict[int, int]:
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            fields = _read_stat(int(folder.name))
            if fields:
                parents[int(folder.name)] = int(fields[1])
    return parents


def _read_cpu_ticks(pid: int) -> list[int]:
    return [int(field) for field in _read_stat(pid)[_CPU_FIELDS]]


def _read_stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the command's name; none if the process has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()


def _read_pss_kb(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
