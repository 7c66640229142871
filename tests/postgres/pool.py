"""A pgbouncer before the tests' server, in transaction mode: each transaction gets any session."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.cluster import OWNER, SUPERUSER
from tests.output import Output

PROGRAM: Final = "pgbouncer"
SBIN: Final = "/usr/sbin"  # not in everybody's PATH
MISSING: Final = "pgbouncer was not found: install it (on Debian `apt-get install pgbouncer`)."
PORT: Final = 6432  # of a Unix socket
READY: Final = "process up"
SETTINGS: Final = f"""
[databases]
* = host={{place}}
[pgbouncer]
pool_mode = transaction
default_pool_size = 8
listen_addr =
unix_socket_dir = {{folder}}
listen_port = {PORT}
auth_type = trust
auth_file = {{folder}}/users
"""


@contextmanager
def open_pool(place: str) -> Generator[Path]:
    """Before the server whose socket is in that folder. Yields the folder of its own."""
    program = shutil.which(PROGRAM) or shutil.which(PROGRAM, path=SBIN)
    if program is None:
        pytest.skip(MISSING)
    with tempfile.TemporaryDirectory(prefix="shorty-pool-") as name:
        folder = Path(name)
        (folder / "users").write_text(f'"{OWNER}" ""\n')
        settings = folder / "pgbouncer.ini"
        settings.write_text(SETTINGS.format(place=place, folder=folder))
        as_user: tuple[str, ...] = ()
        if os.geteuid() == 0:  # as which it does not run
            shutil.chown(folder, SUPERUSER)
            as_user = ("--reuid", SUPERUSER, "--regid", SUPERUSER, "--init-groups")
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *as_user, program, str(settings)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr
        output = Output(process.stderr)
        try:
            output.wait_for(READY)
            yield folder
        finally:
            process.kill()
            process.wait()
            output.read_all()


def write_pooled(url: str, place: str, folder: Path) -> str:
    """The URL of the same database through the pool."""
    assert f"host={place}" in url
    return url.replace(f"host={place}", f"host={folder}&port={PORT}")
