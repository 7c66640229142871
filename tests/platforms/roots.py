"""Folders that hold a whole small Debian, and commands inside them.

Everything runs in namespaces of its own for mounts and processes: however it ends, the kernel takes
away what was mounted and ends what was started.
"""

import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tests.platforms.machine import Passed

ALONE: Final = (
    *("setpriv", "--pdeathsig", "KILL"),  # ends when we do
    *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"),
)
# Python, the address in the README's commands, and whom to trust: "nothing else prepared".
PACKAGES: Final = ("ca-certificates", "curl", "python3", "python3-venv")
# Each release of Debian has the same script, and an older debootstrap knows no newer names.
SCRIPT: Final = "sid"
COPY: Final = "/root/shorty"
_SHOW: Final = "import platform, sqlite3; print(platform.python_version(), sqlite3.sqlite_version)"
_BASE: Final = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "TERM": "dumb",
}


class Versions(NamedTuple):
    release: str
    python: str
    sqlite: str


class Root(NamedTuple):
    """`copy` is the project's; it is at /root/shorty inside."""

    path: Path
    copy: Path
    passed: Passed

    def build_environment(self) -> dict[str, str]:
        return _BASE | self.passed.environment

    def build_entry(self, command: str, variables: Mapping[str, str]) -> list[str]:
        """What runs `command` in the copy, with mounts that nobody else sees."""
        mounts = [
            ("-t", "proc", "proc", self._place("/proc")),
            ("--rbind", "/dev", self._place("/dev")),
            ("-t", "tmpfs", "tmpfs", self._place("/dev/shm")),  # noqa: S108 - each run's own
            ("--bind", str(self.copy), self._place(COPY)),
            *(("--bind", "-o", "ro", str(path), self._place(path)) for path in self.passed.paths),
        ]
        environment = self.build_environment() | dict(variables)
        words = [
            *("chroot", str(self.path), "env", "-i"),
            *(f"{name}={value}" for name, value in environment.items()),
            *("bash", "-c", f"cd {COPY} && {command}"),
        ]
        # The shell stays, to be the one that looks after orphans.
        steps = ["set -e", *(shlex.join(["mount", *each]) for each in mounts), shlex.join(words)]
        return [*ALONE, "sh", "-c", "\n".join([*steps, "exit $?"])]

    def prepare(self) -> None:
        """Names and places that the machine's own may have been given since."""
        for name in ("hosts", "resolv.conf"):
            file = self.path / "etc" / name
            file.unlink(missing_ok=True)
            shutil.copyfile(Path("/etc") / name, file)
        (self.path / COPY.lstrip("/")).mkdir(parents=True, exist_ok=True)
        for path in self.passed.paths:
            place = Path(self._place(path))
            if path.is_dir():
                place.mkdir(parents=True, exist_ok=True)
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.touch()

    def read_versions(self) -> Versions:
        command = ["chroot", str(self.path), "python3", "-c", _SHOW]
        shown = subprocess.run(command, check=True, capture_output=True, text=True, env=_BASE)
        lines = (self.path / "etc/os-release").read_text().splitlines()
        settings = dict(line.split("=", 1) for line in lines if "=" in line)
        return Versions(settings["PRETTY_NAME"].strip('"'), *shown.stdout.split())

    def _place(self, path: Path | str) -> str:
        return f"{self.path}{path}"


def make_root(suite: str, place: Path, mirror: str, proxies: Mapping[str, str], log: Path) -> bool:
    """Whether there is a root at `place` now; debootstrap says in the log why not."""
    unfinished = place.with_name(f"{place.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    command = [
        *(*ALONE, "debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}"),
        *(suite, str(unfinished), mirror, SCRIPT),
    ]
    if run_logged(command, log, _BASE | dict(proxies)) == 0:
        unfinished.rename(place)
    return place.exists()


def run_logged(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> int:
    with log.open("wb") as file:
        return subprocess.run(
            command,
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        ).returncode
