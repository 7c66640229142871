"""Tests that a full disk of the PostgreSQL server costs no answered write and no redirect."""

import asyncio
import json
import shutil
from collections.abc import Generator
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

import httpx
import psycopg
import pytest

from tests.cluster import MISSING, SUPERUSER, Cluster, find_programs, open_cluster, write_url
from tests.disks import Disk, mount_disk
from tests.postgres.support import PATIENCE_S, ask_aside
from tests.postgres.test_served import CREATED, FOUND, HOST, UNAVAILABLE, Site

pytestmark = pytest.mark.postgres_only
TABLES_BYTES: Final = 24 << 20
CLUSTER_BYTES: Final = 160 << 20
# Of the server's log. A piece of 16 MB is created before it is needed.
WRITE_LOG: Final = "select pg_logical_emit_message(false, 'test', repeat('x', 1000000))"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path.joinpath("shorty.toml").write_text(f'[[domains]]\nhost = "{HOST}"\n')
    return tmp_path


@pytest.fixture
def tables_disk(folder: Path) -> Generator[tuple[Site, Disk]]:
    """A server whose tables are on a small disk, and its log is not."""
    programs = find_programs()
    if programs is None:
        pytest.skip(MISSING)
    with open_cluster(programs) as cluster:
        place = create_folder(cluster, "tables")
        with mount_disk(place, TABLES_BYTES) as disk:
            ask = write_url(cluster.folder, SUPERUSER, SUPERUSER)
            # A tablespace is given an empty folder.
            inner = create_folder(cluster, "tables/inner")
            ask_aside(ask, f"create tablespace small location '{inner}'")
            ask_aside(ask, "create database links tablespace small")
            yield Site(cluster, write_url(cluster.folder, "links", SUPERUSER), folder), disk
            cluster.stop()


@pytest.fixture
def cluster_disk(folder: Path) -> Generator[tuple[Site, Disk]]:
    """A server with everything on one small disk."""
    programs = find_programs()
    if programs is None:
        pytest.skip(MISSING)
    cluster = Cluster(programs)
    try:
        with mount_disk(create_folder(cluster, "data"), CLUSTER_BYTES) as disk:
            cluster.create()
            cluster.start()
            yield Site(cluster, write_url(cluster.folder, SUPERUSER, SUPERUSER), folder), disk
            cluster.stop()
    finally:
        cluster.remove()


def create_folder(cluster: Cluster, name: str) -> Path:
    """For the server's user."""
    folder = cluster.folder / name
    folder.mkdir(mode=0o700)
    owner = cluster.folder.stat()
    shutil.chown(folder, owner.st_uid, owner.st_gid)
    return folder


async def require_words(site: Site, client: httpx.AsyncClient) -> None:
    """Of those that are refused: what a caller reads, and when to come again."""
    body = {"url": "https://example.com", "domain": HOST, "title": "x" * 200}
    headers = {"Authorization": f"Bearer {site.token}"}
    for number in range(200):
        body["customSlug"] = f"word-{number}"
        answer = await client.post("/api/v1/links", json=body, headers=headers)
        (site.created if answer.status_code == CREATED else site.refused).add(body["customSlug"])
        if answer.status_code == UNAVAILABLE:
            assert "database" in json.loads(answer.content)["detail"]
            assert int(answer.headers["retry-after"]) > 0
            return
    raise AssertionError("Nothing was refused.")


async def test_while_the_tables_disk_is_full_nothing_is_lost_or_doubled(
    tables_disk: tuple[Site, Disk],
) -> None:
    site, disk = tables_disk
    with site.serve() as service:
        async with httpx.AsyncClient(base_url=service.url, timeout=PATIENCE_S) as client:
            assert await site.create(client, "hot") == CREATED
            async with site.keep_busy(service):
                await site.wait_for_more(20)
                disk.fill()
                await site.wait_for_refusals(20)
                await require_words(site, client)
                await site.wait_for_visits(50)
                disk.free()
                await site.wait_for_more(50)
        assert service.stop() == 0, service.stderr.read_all()
    assert set(site.visits) == {FOUND}
    assert not site.unknown
    site.require_exactness()


async def test_a_server_that_fell_because_its_disk_was_full_comes_back_with_everything(
    cluster_disk: tuple[Site, Disk],
) -> None:
    """Where not even its log can be written, PostgreSQL ends itself."""
    site, disk = cluster_disk
    with site.serve() as service:
        async with httpx.AsyncClient(base_url=service.url, timeout=PATIENCE_S) as client:
            assert await site.create(client, "hot") == CREATED
            async with site.keep_busy(service):
                await site.wait_for_more(20)
                disk.fill()
                await asyncio.to_thread(fill_log, site.url)
                await site.wait_for_refusals(4)
                await site.wait_for_visits(50)
                disk.free()
                await asyncio.to_thread(site.cluster.stop)
                await asyncio.to_thread(site.cluster.start)
                await site.wait_for_more(50)
        assert service.stop() == 0, service.stderr.read_all()
    # A server that comes back has others' changes to be asked for, and may fall again meanwhile.
    assert set(site.visits) <= {FOUND, UNAVAILABLE}
    assert site.visits[-1] == FOUND
    assert not site.unknown
    site.require_exactness()


def fill_log(url: str) -> None:
    """Until the server falls."""
    with (
        suppress(psycopg.OperationalError),
        closing(psycopg.connect(url, autocommit=True)) as aside,
    ):
        for _ in range(CLUSTER_BYTES // 1_000_000):
            aside.execute(WRITE_LOG)
        raise AssertionError("The disk is not full.")
