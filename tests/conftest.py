"""What every test may use."""

import gc
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from shorty import passwords
from shorty.storage.database import Database
from tests.examples import register_profiles
from tests.outside import LEFT, keep_here
from tests.support import prepare_copy, write_one_authority

# Whoever keeps Python from writing bytecode wants it out of the tree: without any, each of the
# hundred processes that tests start would compile all of shorty anew.
if sys.dont_write_bytecode:
    sys.dont_write_bytecode = False
    sys.pycache_prefix = str(Path(__file__).parents[1] / ".pytest_cache" / "bytecode")
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Each test has a database of its own, and each commit waits for the disk: half of all the time.
# That what is committed is on the disk matters where the power is cut, which no test does.
MEMORY = Path("/dev/shm")  # noqa: S108 - folders in it are made as in any other place for them
ENOUGH_MEMORY = 2 << 30
if "TMPDIR" not in os.environ and os.access(MEMORY, os.W_OK):
    has_room = shutil.disk_usage(MEMORY).free >= ENOUGH_MEMORY
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY) if has_room else tempfile.gettempdir()

# No test leaves this machine, so one authority is as good as all: reading their certificates is a
# tenth of what each process takes to start.
os.environ["SSL_CERT_FILE"] = str(write_one_authority())
os.environ.pop("SSL_CERT_DIR", None)

# In UTC nobody notices a time that was read or written without its zone. Whole hours, and a name
# that the machine must know, would hide more of them.
os.environ["TZ"] = "IST-5:30"
time.tzset()

register_profiles()
keep_here()


@pytest.fixture(autouse=True)
def nobody_outside() -> Generator[None]:
    """No test talks to anybody past loopback."""
    yield
    left = LEFT.copy()
    LEFT.clear()
    assert not left, f"The test would have left this machine: {left}"


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Modules and thousands of tests come to stay: garbage is not looked for among them."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_unconfigure() -> None:
    gc.unfreeze()  # libraries complain of what is left at the end of the process


def pytest_xdist_auto_num_workers() -> int:
    """One more than cores: what tests wait for meanwhile, such as disks and locks, costs none."""
    told = hasattr(os, "sched_getaffinity")
    return (len(os.sched_getaffinity(0)) if told else os.cpu_count() or 1) + 1


CHEAP = PasswordHasher(memory_cost=8, time_cost=1, parallelism=1)


@pytest.fixture(autouse=True)
def hasher(monkeypatch: pytest.MonkeyPatch) -> PasswordHasher:
    """Hundreds of tests make a password; what one costs to guess, test_passwords.py proves."""
    monkeypatch.setattr(passwords, "HASHER", CHEAP)
    return CHEAP


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def db(tmp_path: Path) -> AsyncGenerator[Database]:
    """An empty database of this test's own."""
    database = await Database.open(prepare_copy(tmp_path))
    yield database
    await database.close()
