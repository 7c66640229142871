"""The tests' own PostgreSQL: each test has a database, and nothing is left behind."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from select import select

import psycopg
import pytest

from tests.cluster import SUPERUSER, find_programs, open_cluster, write_url
from tests.copies import Databases, connect
from tests.service import PATIENCE_S

pytestmark = pytest.mark.postgres_only
STARTS = """
import time
from tests.cluster import find_programs, open_cluster
with open_cluster(find_programs()) as cluster:
    print(cluster.process.pid, cluster.folder, flush=True)
    time.sleep(600)
"""


def test_each_database_is_empty_whatever_the_former_one_had(databases: Databases) -> None:
    for _ in range(2):
        with psycopg.connect(databases.create()) as connection:
            connection.execute("create table left_behind ()")


def test_databases_of_former_tests_are_dropped_though_somebody_is_connected(
    databases: Databases,
) -> None:
    names: list[str] = []
    for _ in range(2):
        with closing(psycopg.connect(databases.create(), autocommit=True)) as connection:
            connection.execute("create table left_behind ()")  # only rows would be removed
            databases.drop_left()
            names.append(connection.info.dbname)
    with closing(connect(databases.place)) as connection:
        rows = connection.execute("select datname from pg_database").fetchall()
    assert {"postgres"} <= {row[0] for row in rows}
    assert not {row[0] for row in rows} & set(names)


def test_the_role_of_tests_may_no_more_than_an_operators(database_url: str) -> None:
    with closing(psycopg.connect(database_url)) as connection:
        row = connection.execute(
            "select rolsuper, rolcreatedb, rolcreaterole, rolbypassrls from pg_roles "
            "where rolname = current_user"
        ).fetchone()
    assert row == (False, False, False, False)


def test_what_was_committed_outlives_a_server_that_is_stopped_at_once() -> None:
    programs = find_programs()
    assert programs
    with open_cluster(programs) as cluster:
        url = write_url(cluster.folder, "postgres", SUPERUSER)
        with psycopg.connect(url) as connection:
            connection.execute("create table kept as select 7 as number")
        cluster.stop("immediate")
        cluster.start()
        with closing(psycopg.connect(url)) as connection:
            assert connection.execute("select number from kept").fetchone() == (7,)
    assert not cluster.folder.exists()


def test_a_cluster_ends_with_tests_that_are_killed_and_the_next_one_removes_its_folder() -> None:
    programs = find_programs()
    assert programs
    command = [sys.executable, "-c", STARTS]
    root = Path(__file__).parents[1]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as started:
        assert started.stdout
        pid, folder = started.stdout.readline().split()
        ended = os.pidfd_open(int(pid))
        started.kill()
    try:
        assert select([ended], [], [], PATIENCE_S)[0]
    finally:
        os.close(ended)
    assert Path(folder).exists()
    with open_cluster(programs):
        assert not Path(folder).exists()
