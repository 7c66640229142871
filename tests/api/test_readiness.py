"""Whether the server reports that it is ready, and why not when it is not."""

import asyncio
import sqlite3
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from structlog.testing import capture_logs

from shorty.config import Config, MetricsConfig
from shorty.errors import StorageUnavailableError
from shorty.sqlite.database import SqliteDatabase
from shorty.storage.database import Database
from shorty.storage.state import FIND
from shorty.webcore.readiness import LONGEST_WAIT_S, Readiness
from tests.api.conftest import DOMAINS
from tests.api.house import House
from tests.clicks.making import limit_file_size, make_visit, run_recorder
from tests.disks import Disk, mount_disk
from tests.reading import path_of, reader
from tests.rsgi_client import make_client
from tests.sqlite.test_database import add
from tests.support import break_table, prepare_copy

if TYPE_CHECKING:
    from shorty.storage.changes import Change

FAR = "192.0.2.7:4000"


async def list_codes(readiness: Readiness) -> list[str]:
    return [reason.code for reason in await readiness.find_reasons()]


def find_probe(db: Database) -> str:
    row = reader(db).find_one(FIND, "write_probe")
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
        await db.notice_changes()
        heard: list[Change] = []
        db.subscribe(heard.append)
        assert await Readiness(db, recorder).find_reasons() == ()
        await db.notice_changes()
        assert heard == []


async def test_a_database_that_others_lock_is_not_ready_and_gets_one_write_at_a_time(
    db: Database,
) -> None:
    async with run_recorder(db) as recorder:
        clocked = Clocked(db, recorder, [10.0], patience_s=0.02)
        with closing(sqlite3.connect(path_of(db))) as other:
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
        with limit_file_size(path_of(db).with_name("shorty.db-wal").stat().st_size), capture_logs():
            (reason,) = await clocked.readiness.find_reasons()
            assert reason.code == "database-not-writable"
            assert reason.detail == "The database says: disk I/O error."
        assert await clocked.list_codes() == []


async def test_another_file_in_the_databases_place_is_the_reason(db: Database) -> None:
    async with run_recorder(db) as recorder:
        clocked = Clocked(db, recorder, [10.0])
        path_of(db).rename(path_of(db).with_name("moved.db"))
        with capture_logs() as logs:
            assert await clocked.list_codes() == ["database-replaced"]
            assert await clocked.list_codes() == ["database-replaced"]
            path_of(db).with_name("moved.db").rename(path_of(db))
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
def small_disk(tmp_path: Path) -> Generator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    with mount_disk(folder, 4 << 20) as disk:
        yield disk


async def test_on_a_full_disk_neither_a_write_nor_the_probe_gets_through(small_disk: Disk) -> None:
    db = await SqliteDatabase.open(prepare_copy(small_disk.folder))
    async with run_recorder(db, rest_s=3600) as recorder:
        clocked = Clocked(db, recorder, [10.0])
        assert await clocked.list_codes() == []
        small_disk.fill()
        # Some writes fit the last page that the file system gave.
        assert not all(recorder.record(make_visit()) for _ in range(40))
        with pytest.raises(StorageUnavailableError):
            await db.write(add("a link", "x" * 30_000))
        codes = await clocked.list_codes()
        assert {"disk-full", "journal-refuses"} <= set(codes)
        small_disk.free()
        assert await clocked.list_codes() == []
        await db.write(add("a link", "x" * 30_000))
    await db.close()


class TestWhoLearnsWhy:
    @pytest.fixture
    def config(self) -> Config:
        return Config(domains=DOMAINS, metrics=MetricsConfig(token="s3cret-ü"))

    @pytest.fixture(autouse=True)
    async def refuse_writes(self, house: House) -> None:
        await break_table(house.app.db, "server_state")

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
        assert reason["code"] == "database-not-writable"
        assert reason["detail"].startswith("The database says: ")

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
        assert "writable" not in str(problem)


@pytest.mark.sqlite_only("whose file can be replaced while it is open")
async def test_while_the_file_is_gone_creates_are_refused_and_visits_answered(
    house: House, client: httpx.AsyncClient
) -> None:
    link = await house.make_link(slug="kept")
    house.app.config.storage.path.unlink()
    new = {"url": "https://example.com/lost", "domain": "localhost:8000"}
    refused = await client.post("/api/v1/links", json=new)
    assert (refused.status_code, refused.json()["code"]) == (503, "storage-unavailable")
    assert (await client.get("/healthz")).status_code == 200
    visit = await client.get(f"/{link.slug}", headers={"host": "localhost:8000"})
    assert visit.status_code in {301, 302, 307, 308}
