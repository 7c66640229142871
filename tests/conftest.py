"""Fixtures and settings of every test."""

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
from tests.support import open_new, write_one_authority

pytest_plugins = ["tests.engines", "tests.lanes", "tests.statements"]

# If bytecode is not to be written to the tree, it goes elsewhere: without any, each of the hundred
# processes that tests start would compile all of shorty again.
if sys.dont_write_bytecode:
    sys.dont_write_bytecode = False
    sys.pycache_prefix = str(Path(__file__).parents[1] / ".pytest_cache" / "bytecode")
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Each test has its own database, and waiting for the disk at each commit takes half of all the
# time. Durability only matters at a power cut, which no test simulates.
MEMORY = Path("/dev/shm")  # noqa: S108 - folders in it are made as in any other place for them
ENOUGH_MEMORY = 2 << 30
GARBAGE_THRESHOLD = 20_000  # new objects before a young collection, as in the product's worker
if "TMPDIR" not in os.environ and os.access(MEMORY, os.W_OK):
    has_room = shutil.disk_usage(MEMORY).free >= ENOUGH_MEMORY
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY) if has_room else tempfile.gettempdir()

# No test leaves this machine, so one certificate authority is enough: reading all of them is a
# tenth of a process's startup.
os.environ["SSL_CERT_FILE"] = str(write_one_authority())
os.environ.pop("SSL_CERT_DIR", None)

# In UTC, a time that was read or written without its zone would go unnoticed. Whole hours, or a
# name that the machine must know, would hide more such errors.
os.environ["TZ"] = "IST-5:30"
time.tzset()

register_profiles()
keep_here()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None, object, object]:
    """No test connects to anything past loopback. A hook costs less than a fixture of each test."""
    try:
        return (yield)
    finally:
        left = LEFT.copy()
        LEFT.clear()
        assert not left, f"The test would have left this machine: {left}"


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keeps the modules and thousands of tests out of garbage collection, as they stay anyway."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(GARBAGE_THRESHOLD)
        gc.enable()


def pytest_unconfigure() -> None:
    gc.unfreeze()  # libraries warn about what is left at the end of the process


def pytest_xdist_auto_num_workers() -> int:
    """Two more than cores, because tests also wait for disks, locks and processes."""
    told = hasattr(os, "sched_getaffinity")
    return (len(os.sched_getaffinity(0)) if told else os.cpu_count() or 1) + 2


# A cheap hasher, for hundreds of tests with passwords; test_passwords.py uses the real one.
REAL_HASHER = passwords.HASHER
passwords.HASHER = PasswordHasher(memory_cost=8, time_cost=1, parallelism=1)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def db(tmp_path: Path) -> AsyncGenerator[Database]:
    """An empty database for this test."""
    database = await open_new(tmp_path)
    yield database
    await database.close()
