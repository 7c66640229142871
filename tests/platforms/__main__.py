"""`python -m tests.platforms`: runs the README's two commands on each supported Debian.

Each is a folder that debootstrap fills, with nothing in it but Python and curl, and gets the last
commit's files. One line says what came of it. Needs root, debootstrap and some six gigabytes.
"""

import argparse
import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from types import FrameType
from typing import Final, NamedTuple

from rich.console import Console

from tests.platforms.machine import (
    MachineError,
    Passed,
    collect_passed,
    find_apt_proxy,
    find_mirror,
    read_proxies,
)
from tests.platforms.readme import README, Commands, read_commands
from tests.platforms.roots import ALONE, Root, make_root
from tests.platforms.trials import PROJECT, Trial, copy_project, try_start, try_tests

REPORT: Final = Console(highlight=False, soft_wrap=True)
NOTES: Final = Console(stderr=True, highlight=False, soft_wrap=True)
CACHE: Final = Path("~/.cache/shorty-platforms")
PYTHONS: Final = {"bookworm": "3.11", "trixie": "3.13", "testing": "3.14"}
"""Which Python each suite of Debian proves."""
TAIL: Final = 60  # lines of a log


class Arguments(argparse.Namespace):
    suites: list[str]
    cache: Path
    mirror: str | None
    fresh: bool
    pytest: str


class Bench(NamedTuple):
    """Where everything is kept, and what each root gets."""

    cache: Path
    mirror: str | None
    passed: Passed
    commands: Commands
    options: str


class TimedTrial(NamedTuple):
    name: str
    trial: Trial
    seconds: float


def read_arguments(words: list[str]) -> Arguments:
    parser = argparse.ArgumentParser(prog="python -m tests.platforms", description=__doc__)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"default: {' '.join(PYTHONS)}")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where roots and logs are kept")
    parser.add_argument("--mirror", help="where Debian comes from; default: where apt gets it")
    parser.add_argument("--fresh", action="store_true", help="make the roots again")
    parser.add_argument("--pytest", default="", metavar="OPTIONS", help="such as '-n 2'")
    arguments = parser.parse_args(words, Arguments())
    if unknown := [suite for suite in arguments.suites if suite not in PYTHONS]:
        parser.error(f"{unknown[0]} is none of {', '.join(PYTHONS)}")
    return arguments


def main(words: list[str]) -> int:
    """0 where everything works, 1 where something does not, 2 where nothing could be tried."""
    arguments = read_arguments(words)
    signal.signal(signal.SIGTERM, end_in_order)
    try:
        require_tools()
        with lock(arguments.cache.expanduser()) as cache:
            if arguments.fresh:
                remove_roots(cache)
            bench = Bench(
                cache,
                arguments.mirror,
                collect_passed(),
                read_commands(README.read_text()),
                arguments.pytest,
            )
            report_uncommitted()
            works = [try_suite(bench, suite) for suite in arguments.suites or PYTHONS]
    except MachineError as error:
        NOTES.print(f"Nothing was tried: {error}", markup=False)
        return 2
    return 0 if all(works) else 1


def end_in_order(number: int, _frame: FrameType | None) -> None:
    """As Ctrl-C does: what was started is ended, and the copy goes."""
    sys.exit(128 + number)


def require_tools() -> None:
    if os.geteuid() != 0:
        raise MachineError("only root can mount and change its root folder; run it as root.")
    needed = (ALONE[0], ALONE[3], "nsenter", "chroot", "debootstrap", "git", "tar")
    if missing := [tool for tool in needed if shutil.which(tool) is None]:
        raise MachineError(f"install {', '.join(missing)} first (apt-get install debootstrap …).")


@contextmanager
def lock(cache: Path) -> Generator[Path]:
    """Two at once would take each other's copies away."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise MachineError(f"another run uses {cache}; wait, or use --cache.") from error
        yield cache.resolve()


def remove_roots(cache: Path) -> None:
    """Those of earlier runs, which may be older than what the mirror has now."""
    for suite in PYTHONS:
        shutil.rmtree(cache / suite, ignore_errors=True)


def report_uncommitted() -> None:
    command = ["git", "status", "--porcelain"]
    changed = subprocess.run(command, check=True, capture_output=True, text=True, cwd=PROJECT)
    if changed.stdout:
        NOTES.print("What is not committed is left out.")


def try_suite(bench: Bench, suite: str) -> bool:
    """Prints the platform's line, and the end of the log of what did not work."""
    path, log = bench.cache / suite, bench.cache / f"{suite}-root.log"
    if not path.exists():
        NOTES.print(f"{suite}: making the root")
        mirror = bench.mirror or find_mirror()
        proxies = find_apt_proxy() | read_proxies(os.environ)
        if not make_root(suite, path, mirror, proxies, log):
            REPORT.print(f"{suite:9} no root could be made")
            print_tail(log)
            return False
    root = Root(path, bench.cache / "copy", bench.passed)
    root.prepare()
    versions = root.read_versions()
    trials = list(time_trials(bench, suite, root))
    is_expected = versions.python.startswith(f"{PYTHONS[suite]}.")
    python = versions.python if is_expected else f"{versions.python} (not {PYTHONS[suite]})"
    told = [f"{versions.release}, Python {python}, SQLite {versions.sqlite}"]
    told += [f"{each.name}: {each.trial.describe()} ({each.seconds:.0f} s)" for each in trials]
    REPORT.print(f"{suite:9} {'; '.join(told)}", markup=False)
    bad = [each.trial for each in trials if not each.trial.is_good]
    for trial in bad:
        print_tail(trial.log)
    return is_expected and not bad


def time_trials(bench: Bench, suite: str, root: Root) -> Iterator[TimedTrial]:
    try:
        for name, try_one in (("start", try_start), ("tests", try_tests)):
            log = bench.cache / f"{suite}-{name}.log"
            NOTES.print(f"{suite}: {name}, see {log}", markup=False)
            began_at = monotonic()
            copy_project(root.copy)
            trial = try_one(root, bench.commands, log, bench.options)
            yield TimedTrial(name, trial, monotonic() - began_at)
    finally:
        shutil.rmtree(root.copy, ignore_errors=True)


def print_tail(log: Path) -> None:
    lines = log.read_text(errors="replace").splitlines()
    REPORT.print(f"The end of {log}:", markup=False)
    for line in lines[-TAIL:]:
        REPORT.print(f"  {line}", markup=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
