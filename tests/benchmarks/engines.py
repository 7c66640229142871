"""Which database engine the servers use that are measured: `--engine postgres` starts a cluster.

The cluster writes through to the disk, as an operator's does. Its own CPU is not in the figures of
the server's process.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Final

import psycopg

from shorty.config import StorageConfig
from shorty.databases import open_database
from shorty.links.search_entries import catch_up
from tests.benchmarks.processes import read_cpu_s
from tests.cluster import SUPERUSER, Cluster, find_programs, open_cluster, write_url

SETTING: Final = "SHORTY_STORAGE__DATABASE"
DURABLE: Final = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
# The server gathers statistics as an operator's does, though not only after a minute.
GATHERING: Final = {"autovacuum": "on", "autovacuum_naptime": "1s"}

_clusters: list[Cluster] = []
_numbers = count()


@contextmanager
def use_postgres() -> Generator[bool]:
    """Gives each server inside the block a new database; False where no PostgreSQL is installed."""
    programs = find_programs()
    if programs is None:
        yield False
        return
    with open_cluster(programs, **DURABLE, **GATHERING) as cluster:
        _clusters.append(cluster)
        try:
            yield True
        finally:
            _clusters.pop()


def read_database_cpu_s() -> float:
    """Seconds of CPU time that the cluster has used so far; 0 with SQLite."""
    processes = [cluster.process for cluster in _clusters]
    return sum(read_cpu_s(process.pid) for process in processes if process)


@contextmanager
def use_sqlite() -> Generator[None]:
    """For what is created once and kept in an SQLite file."""
    kept = _clusters.copy()
    _clusters.clear()
    try:
        yield
    finally:
        _clusters.extend(kept)


def prepare_database(environment: Mapping[str, str], file: Path) -> dict[str, str]:
    """The setting of a server that starts, with what the SQLite file contains if it exists.

    Its search index is complete.
    """
    setting = name_database()
    if setting and file.exists():
        run_shorty(environment, "move", "--to", setting[SETTING])
        asyncio.run(
            complete_index(StorageConfig(database=setting[SETTING], folder=str(file.parent)))
        )
    return setting


async def complete_index(storage: StorageConfig) -> None:
    """A server does so in the background, after minutes."""
    db = await open_database(storage, is_command=True)
    try:
        await catch_up(db)
    finally:
        await db.close()


def run_shorty(environment: Mapping[str, str], *words: str) -> None:
    command = [sys.executable, "-m", "shorty", *words]
    settings = {**os.environ, **environment}
    subprocess.run(command, env=settings, stdout=subprocess.DEVNULL, check=True)


def name_database() -> dict[str, str]:
    """The setting of an empty database; none with SQLite."""
    if not _clusters:
        return {}
    place, name = str(_clusters[-1].folder), f"measured_{next(_numbers)}"
    with closing(
        psycopg.connect(write_url(place, SUPERUSER, SUPERUSER), autocommit=True)
    ) as connection:
        connection.execute(f"create database {name}".encode())
    return {SETTING: write_url(place, name, SUPERUSER)}
