"""A database with a few tables of the tests' own, opened by the PostgreSQL engine."""

from collections.abc import AsyncGenerator, Generator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from shorty.postgres.database import PostgresDatabase
from tests.cli.conftest import shell
from tests.cluster import MISSING, SUPERUSER, Cluster, find_programs, open_cluster
from tests.cluster import write_url as write_cluster_url
from tests.engines import Databases
from tests.postgres.proxy import Proxy, open_proxy
from tests.postgres.support import TABLES

__all__ = ["shell"]


@pytest.fixture
def url(databases: Databases) -> str:
    url = databases.create(options="")
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        connection.execute(TABLES.encode())
    return url


@pytest.fixture
async def db(url: str, tmp_path: Path) -> AsyncGenerator[PostgresDatabase]:
    database = PostgresDatabase(url, "here", tmp_path)
    yield database
    await database.close()


@pytest.fixture
async def proxy(databases: Databases) -> AsyncGenerator[Proxy]:
    """Before the server's socket, for who adds its `way` to a URL."""
    async with open_proxy(Path(databases.place)) as opened:
        yield opened


@pytest.fixture
def own_cluster() -> Generator[tuple[Cluster, str]]:
    """A server that the test may stop, and the URL of a database."""
    programs = find_programs()
    if programs is None:
        pytest.skip(MISSING)
    with open_cluster(programs) as cluster:
        url = write_cluster_url(cluster.folder, SUPERUSER, SUPERUSER)
        with closing(psycopg.connect(url, autocommit=True)) as connection:
            connection.execute(TABLES.encode())
        yield cluster, url
