"""The README's two commands, each in a fresh copy of the project's last commit."""

import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Final, NamedTuple, TypeAlias

from tests.platforms.readme import README, Commands, use_port
from tests.platforms.roots import Root
from tests.service import READY

PROJECT: Final = README.parent
START_S: Final = 1800  # with the installation of its packages, on a slow line
LINK_S: Final = 120
TESTS_S: Final = 2 * 3600
_SUMMARY: Final = re.compile(
    r"^\d+ (?:passed|failed|skipped|errors?)\b.*? in \S+s\b.*$", re.MULTILINE
)

Popen: TypeAlias = subprocess.Popen[str]


class Trial(NamedTuple):
    """What came of one command, in a few words; `log` has the rest."""

    words: str
    is_good: bool
    log: Path

    def describe(self) -> str:
        return self.words if self.is_good else f"FAILED, {self.words}"


class TrialError(Exception):
    """What the README promises did not happen; the message says which part."""


def copy_project(place: Path) -> None:
    """The last commit's files, as a clone has them, and no others."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    with subprocess.Popen(["git", "archive", "HEAD"], cwd=PROJECT, stdout=subprocess.PIPE) as git:
        subprocess.run(["tar", "-x", "-C", str(place)], check=True, stdin=git.stdout)
    if git.returncode != 0:
        raise subprocess.CalledProcessError(git.returncode, git.args)


def try_start(root: Root, commands: Commands, log: Path, _options: str) -> Trial:
    port = find_free_port()
    variables = {"SHORTY_SERVER__PORT": str(port)}
    with open_log(log) as write, run_in(root, commands.start, variables, START_S) as process:
        try:
            _use_server(root, process, commands, port, write)
        except TrialError as error:
            process.kill()
            write("".join(read_lines(process)))
            return Trial(str(error), is_good=False, log=log)
    return Trial("ready, first link followed, ended by SIGTERM", is_good=True, log=log)


def _use_server(
    root: Root, process: Popen, commands: Commands, port: int, write: Callable[[str], object]
) -> None:
    """Waits until it is ready, follows the first link and ends it. Raises TrialError."""
    for line in read_lines(process):
        write(line)
        if READY in line:
            break
    else:
        raise TrialError(f"it never became ready, exit code {process.wait()}")
    server = find_server(process.pid)
    code, shown = follow_first_link(root, server, use_port(commands.first_link, port))
    write(shown)
    if code:
        raise TrialError(f"the first link's commands ended with {code}")
    if not leads_to(shown, commands.destination):
        raise TrialError(f"the first link does not lead to {commands.destination}")
    os.kill(server, signal.SIGTERM)
    write("".join(read_lines(process)))
    if code := process.wait():
        raise TrialError(f"its exit code after SIGTERM was {code}")


def try_tests(root: Root, commands: Commands, log: Path, options: str) -> Trial:
    variables = {"PYTEST_ADDOPTS": options} if options else {}
    with open_log(log) as write, run_in(root, commands.tests, variables, TESTS_S) as process:
        for line in read_lines(process):
            write(line)
        code = process.wait()
    summary = find_summary(log.read_text())
    if code == 0 and summary:
        return Trial(summary, is_good=True, log=log)
    return Trial(f"{summary or 'the tests did not end'}, exit code {code}", is_good=False, log=log)


def find_summary(shown: str) -> str | None:
    """pytest's last line: how many tests passed, failed and were skipped."""
    found = _SUMMARY.findall(shown)
    return found[-1] if found else None


@contextmanager
def open_log(log: Path) -> Generator[Callable[[str], object]]:
    """Somebody may follow it with `tail -f`."""
    with log.open("w", buffering=1) as file:
        yield file.write


@contextmanager
def run_in(
    root: Root, command: str, variables: Mapping[str, str], patience_s: float
) -> Generator[Popen]:
    """Ends whatever it has started: at its end, or when it took too long."""
    with subprocess.Popen(
        root.build_entry(command, variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        clock = Timer(patience_s, process.kill)
        clock.start()
        try:
            yield process
        finally:
            clock.cancel()
            process.kill()


def read_lines(process: Popen) -> Iterator[str]:
    assert process.stdout is not None
    return iter(process.stdout)


def find_server(ancestor: int) -> int:
    """The process below it that runs `shorty serve`, and not one of those that this one started."""
    for pid in _list_below(ancestor):
        *_, program, word = (b"", b"", *_read_arguments(pid))
        if word == b"serve" and Path(os.fsdecode(program)).name == "shorty":
            return pid
    raise TrialError("there is no process that runs `shorty serve`")


def _list_below(ancestor: int) -> Iterator[int]:
    """The older before those that it started."""
    children = Path(f"/proc/{ancestor}/task/{ancestor}/children").read_text().split()
    for child in map(int, children):
        yield child
        yield from _list_below(child)


def _read_arguments(pid: int) -> list[bytes]:
    return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]


def follow_first_link(root: Root, server: int, commands: str) -> tuple[int, str]:
    """Exit code and output of another terminal, beside the server and in its folder."""
    beside = ("nsenter", f"--target={server}", "--mount", "--pid", "--root", "--wd")
    try:
        done = subprocess.run(
            [*beside, "bash", "-euo", "pipefail", "-c", commands],
            check=False,
            env=root.build_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LINK_S,
        )
    except subprocess.TimeoutExpired as error:
        raise TrialError(f"the first link took longer than {LINK_S} seconds") from error
    return done.returncode, done.stdout


def leads_to(shown: str, destination: str) -> bool:
    """Whether curl was redirected there."""
    status = re.search(r"^HTTP/1\.1 302 ", shown, re.MULTILINE)
    place = re.search(r"^location: (\S+)\s*$", shown, re.MULTILINE | re.IGNORECASE)
    return status is not None and place is not None and place[1] == destination


def find_free_port() -> int:
    """The roots share the machine's network."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port
