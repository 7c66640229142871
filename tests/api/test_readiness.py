"""Whether the server reports that it is ready, and why not when it is not."""

import asyncio
import shutil
import sqlite3
import subprocess
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from shorty.config import Config, MetricsConfig
from shorty.errors import StorageUnavailableError
from shorty.storage.database import Database
from shorty.storage.state import FIND
from shorty.webcore.readiness import LONGEST_WAIT_S, Readiness
from tests.api.conftest import DOMAINS
from tests.api.house import House
from tests.clicks.making import limit_file_size, make_visit, run_recorder
from tests.rsgi_client import make_client
from tests.storage.test_database import add
from tests.support import prepare_copy

FAR = "192.0.2.7:4000"


async def list_codes(readiness: Readiness) -> list[str]:
    return [reason.code for reason in await readiness.find_reasons()]


def find_probe(db: Database) -> str:
    row = db.look_up(FIND, "write_probe")
    return row["value"] if row else ""


class Clocked:
    """A readiness check with a stopped clock, beside a recorder with the same clock."""

    def __init__(self, db: Database, recorder: Any, clock: list[float], **settings: Any) -> None:
        self.clock = clock
        self.readiness = Readiness(db, recorder, read_monotonic=lambda: clock[0], **settings)

    async def list_codes(self) -> list[str]:
        """After the shared answer has expired."""
        self.clock[0] += 1
        return await list_codes(self.readiness)


async def test_all_who_ask_within_a_second_share_one_row_that_is_written(db: Database) -> None:
    clock = [10.0]
    async with run_recorder(db) as recorder:
        readiness = Readiness(db, recorder, read_monotonic=lambda: clock[0])
        answers = await asyncio.gather(*[readiness.find_reasons() for _ in range(50)])
        assert answers == [()] * 50
        clock[0] += 0.9
        assert await readiness.find_reasons() == ()
        assert find_probe(db) == "1"
        clock[0] += 0.1
        assert await readiness.find_reasons() == ()
        assert find_probe(db) == "2"
        rows = await db.find_all("select name from server_state where name = 'write_probe'")
        assert len(rows) == 1


async def test_a_caller_who_hangs_up_takes_nobody_elses_answer_along(db: Database) -> None:
    async with run_recorder(db) as recorder:
        readiness = Readiness(db, recorder)
        first, second = (asyncio.create_task(readiness.find_reasons()) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        assert await second == ()


async def test_the_probe_is_no_change_that_empties_caches(db: Database) -> None:
    async with run_recorder(db) as recorder:
        before = await db.find_data_version()
        assert await Readiness(db, recorder).find_reasons() == ()
        assert await db.find_data_version() == before


async def test_a_database_that_others_lock_is_not_ready_and_gets_one_write_at_a_time(
    db: Database,
) -> None:
    async with run_recorder(db) as recorder:
        clocked = Clocked(db, recorder, [10.0], patience_s=0.02)
        with closing(sqlite3.connect(db.path)) as other:
            other.execute("begin immediate")
            for _ in range(3):
                assert await clocked.list_codes() == ["database-not-writable"]
        await clocked.readiness.finish()
        assert await clocked.list_codes() == []
        assert find_probe(db) == "2"


async def test_a_database_that_cannot_grow_is_not_ready(db: Database) -> None:
    async with run_recorder(db) as recorder:
        clocked = Clocked(db, recorder, [10.0])
        await db.write(add("a"))
        # The log would also go to a file.
        with limit_file_size(db.path.with_name("shorty.db-wal").stat().st_size), capture_logs():
            (reason,) = await clocked.readiness.find_reasons()
            assert reason.code == "database-not-writable"
            assert reason.detail == "SQLite says: disk I/O error."
        assert await clocked.list_codes() == []


async def test_another_file_in_the_databases_place_is_the_reason(db: Database) -> None:
    async with run_recorder(db) as recorder:
        clocked = Clocked(db, recorder, [10.0])
        db.path.rename(db.path.with_name("moved.db"))
        with capture_logs() as logs:
            assert await clocked.list_codes() == ["database-replaced"]
            assert await clocked.list_codes() == ["database-replaced"]
            db.path.with_name("moved.db").rename(db.path)
            assert await clocked.list_codes() == []
        assert [each["event"] for each in logs] == [
            "database_replaced",
            "not_ready",
            "database_back",
            "ready_again",
        ]


async def test_a_journal_that_refuses_is_the_reason_until_it_takes_visits(db: Database) -> None:
    clock = [10.0]
    async with run_recorder(db, rest_s=3600, read_monotonic=lambda: clock[0]) as recorder:
        clocked = Clocked(db, recorder, clock)
        with limit_file_size(9), capture_logs():
            assert not recorder.record(make_visit())
            assert "journal-refuses" in await clocked.list_codes()
        assert await clocked.list_codes() == []


async def test_visits_that_wait_for_more_than_a_minute_are_the_reason(db: Database) -> None:
    clock = [10.0]
    async with run_recorder(db, rest_s=3600, read_monotonic=lambda: clock[0]) as recorder:
        clocked = Clocked(db, recorder, clock)
        recorder.record(make_visit())
        clock[0] += LONGEST_WAIT_S - 1
        assert await clocked.list_codes() == []
        assert await clocked.list_codes() == ["visits-wait"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Generator[Path]:
    """A file system of four megabytes, which only root may mount."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if (
        shutil.which("mount") is None
        or subprocess.run(mount, check=False, capture_output=True).returncode
    ):
        pytest.skip("only root may mount the small file system that this test fills")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> None:
    with (folder / "filling").open("wb", buffering=0) as filling:
        for _ in range(shutil.disk_usage(folder).free // 4096):
            filling.write(bytes(4096))
    assert shutil.disk_usage(folder).free == 0


async def test_on_a_full_disk_neither_a_write_nor_the_probe_gets_through(small_disk: Path) -> None:
    db = await Database.open(prepare_copy(small_disk))
    async with run_recorder(db, rest_s=3600) as recorder:
        clocked = Clocked(db, recorder, [10.0])
        assert await clocked.list_codes() == []
        fill(small_disk)
        # Some writes fit the last page that the file system gave.
        assert not all(recorder.record(make_visit()) for _ in range(40))
        with pytest.raises(StorageUnavailableError):
            await db.write(add("a link", "x" * 30_000))
        codes = await clocked.list_codes()
        assert {"disk-full", "journal-refuses"} <= set(codes)
        (small_disk / "filling").unlink()
        assert await clocked.list_codes() == []
        await db.write(add("a link", "x" * 30_000))
    await db.close()


class TestWhoLearnsWhy:
    @pytest.fixture
    def config(self) -> Config:
        return Config(domains=DOMAINS, metrics=MetricsConfig(token="s3cret-ü"))

    @pytest.fixture(autouse=True)
    def replace(self, house: House) -> None:
        house.app.config.storage.database.unlink()

    async def ask(self, house: House, peer: str, **headers: str) -> dict[str, Any]:
        async with make_client(house.app, peer=peer) as client:
            raw = {name.encode(): value.encode() for name, value in headers.items()}
            answer = await client.get("/readyz", headers=raw)
            assert answer.status_code == 503
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["retry-after"] == "5"
            return answer.json()

    @pytest.mark.parametrize(
        ("peer", "headers"),
        [
            ("127.0.0.1:4000", {}),
            ("[::1]:4000", {}),
            (FAR, {"authorization": "Bearer s3cret-ü"}),
            ("127.0.0.1:4000", {"via": "1.1 proxy", "authorization": "Bearer s3cret-ü"}),
        ],
    )
    async def test_the_operator_does(
        self, house: House, peer: str, headers: dict[str, str]
    ) -> None:
        problem = await self.ask(house, peer, **headers)
        assert problem["code"] == "storage-unavailable"
        (reason,) = problem["reasons"]
        assert reason["code"] == "database-replaced"
        assert "restart the server" in reason["detail"]

    @pytest.mark.parametrize(
        ("peer", "headers"),
        [
            (FAR, {}),
            (FAR, {"authorization": "Bearer wrong"}),
            (FAR, {"authorization": "Basic s3cret-ü"}),
            ("127.0.0.1:4000", {"x-forwarded-for": "127.0.0.1"}),
        ],
    )
    async def test_a_stranger_learns_the_status_alone(
        self, house: House, peer: str, headers: dict[str, str]
    ) -> None:
        problem = await self.ask(house, peer, **headers)
        assert "reasons" not in problem
        assert "replaced" not in str(problem)


async def test_while_the_file_is_gone_creates_are_refused_and_visits_answered(
    house: House, client: httpx.AsyncClient
) -> None:
    link = await house.make_link(slug="kept")
    house.app.config.storage.database.unlink()
    new = {"url": "https://example.com/lost", "domain": "localhost:8000"}
    refused = await client.post("/api/v1/links", json=new)
    assert (refused.status_code, refused.json()["code"]) == (503, "storage-unavailable")
    assert (await client.get("/healthz")).status_code == 200
    visit = await client.get(f"/{link.slug}", headers={"host": "localhost:8000"})
    assert visit.status_code in {301, 302, 307, 308}
