"""A PostgreSQL cluster for tests, in memory, started from the programs that Debian installs.

It has one role that may do everything, `postgres`, and one as an operator would create it for
shorty, `shorty`. It listens on a Unix socket alone, in a folder that nobody else may enter. Its own
collation is en-US, as that of most hosted databases: what relies on the order of bytes must say so.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Literal

from tests.output import Output

OLDEST: Final = 15
PLACES: Final = ("/usr/lib/postgresql", "/usr/local/lib/postgresql")
SUPERUSER: Final = "postgres"
OWNER: Final = "shorty"
PREFIX: Final = "shorty-cluster-"
READY: Final = "database system is ready to accept"
MISSING: Final = (
    f"PostgreSQL {OLDEST} or newer was not found: install it (on Debian `apt-get install "
    "postgresql`), or name the folder of initdb in PATH."
)
# A write reaches the system before it is answered, so that a server that is stopped at once keeps
# what it answered; no test cuts the power. Databases are dropped before a vacuum would matter.
SETTINGS: Final[Mapping[str, str]] = {
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "listen_addresses": "",
    "max_connections": "300",
    "shared_buffers": "64MB",
    "autovacuum": "off",
    "jit": "off",
    "log_min_messages": "log",
}

StopMode = Literal["fast", "immediate"]
_SIGNALS: Final[Mapping[StopMode, int]] = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}


def find_programs() -> Path | None:
    """The folder of the newest initdb that Debian installed, or the one in PATH."""
    found = [path for place in PLACES for path in Path(place).glob("*/bin/initdb")]
    if found:
        newest = max(found, key=lambda path: float(path.parts[-3]))
        return newest.parent if float(newest.parts[-3]) >= OLDEST else None
    initdb = shutil.which("initdb")
    return Path(initdb).resolve().parent if initdb else None


class Cluster:
    """One server. It ends with the process that started it, however that ends."""

    def __init__(self, programs: Path, within: Sequence[str] = (), **settings: str) -> None:
        """`within` is the start of a command that runs the rest of it somewhere else."""
        self.programs = programs
        self.within = tuple(within)
        self.settings = {**SETTINGS, **settings}
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self.lock = _hold(self.folder)
        self.process: subprocess.Popen[str] | None = None
        self._stderr: Output | None = None
        if os.geteuid() == 0:  # which neither program runs as
            shutil.chown(self.folder, SUPERUSER, SUPERUSER)

    def create(self) -> None:
        arguments = [
            *("--pgdata", str(self.folder / "data"), "--username", SUPERUSER, "--auth=trust"),
            *("--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"),
            *("--no-sync", "--no-instructions"),
        ]
        self.run_program("initdb", *arguments)

    def run_program(self, program: str, *arguments: str) -> None:
        command = self._name(program, *arguments)
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        """Returns once the server accepts connections."""
        settings = {**self.settings, "unix_socket_directories": str(self.folder)}
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.process = subprocess.Popen(
            self._name("postgres", "-D", str(self.folder / "data"), *arguments),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the tests, which then stop it
        )
        assert self.process.stderr
        self._stderr = Output(self.process.stderr)
        self._stderr.wait_for(READY)

    def stop(self, mode: StopMode = "immediate") -> None:
        """What was committed stays, in either mode."""
        if self.process is None:
            return
        self.process.send_signal(_SIGNALS[mode])
        self.process.wait()
        self.process = None
        assert self._stderr
        self._stderr.read_all()

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)
        os.close(self.lock)

    def _name(self, program: str, *arguments: str) -> list[str]:
        """The command, as the user who owns the folder; its process gets SIGINT when ours ends."""
        as_user = ("--reuid", SUPERUSER, "--regid", SUPERUSER, "--init-groups")
        user = as_user if os.geteuid() == 0 else ()
        start = (*self.within, "setpriv", "--pdeathsig", "INT", *user)
        return [*start, str(self.programs / program), *arguments]


@contextmanager
def open_cluster(programs: Path, within: Sequence[str] = (), **settings: str) -> Generator[Cluster]:
    """A server that runs, without a database of ours; for tests that stop it or fill its disk."""
    _remove_left(Path(tempfile.gettempdir()))
    cluster = Cluster(programs, within, **settings)
    try:
        cluster.create()
        cluster.start()
        yield cluster
    finally:
        cluster.remove()


def write_url(folder: Path | str, database: str, user: str = OWNER) -> str:
    """The database's URL, as `[storage] database` takes it."""
    return f"postgresql://{user}@/{database}?host={folder}"


def _hold(folder: Path) -> int:
    """Keeps the folder from being taken for a left one, as long as this process runs."""
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    fcntl.flock(lock, fcntl.LOCK_SH)
    return lock


def _remove_left(place: Path) -> None:
    """Removes the folders of clusters whose tests were killed."""
    for folder in place.glob(f"{PREFIX}*"):
        # Gone by now, another user's, or of tests that still run.
        with suppress(FileNotFoundError, PermissionError, BlockingIOError):
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
            finally:
                os.close(lock)
