"""A database that lacks what it confirmed, as after the failover to a standby that was behind."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from shorty.clicks.journal import Journal
from shorty.errors import StorageUnavailableError
from shorty.storage.database import Database, Lane, Transaction
from tests.clicks.making import (
    NEVER,
    Events,
    count_clicks,
    find_folder,
    insert_links,
    list_names,
    make_visit,
    run_recorder,
    store_all,
)
from tests.clicks.recount import assert_sums_are_right
from tests.lanes import TABLES

MADE_ANEW = {"recounts"}  # nothing of it is about a batch


@pytest.fixture(autouse=True)
async def links(db: Database) -> None:
    await db.write(insert_links(1, 2))


@asynccontextmanager
async def forget(db: Database) -> AsyncGenerator[None]:
    """All that is stored about clicks meanwhile is lost at the end."""
    names = [name for name in TABLES[Lane.CLICKS].split() if name not in MADE_ANEW]
    kept = {name: await db.find_all(f"select * from {name}") for name in names}  # noqa: S608
    yield

    def bring_back(tx: Transaction) -> None:
        for name, rows in kept.items():
            tx.execute(f"delete from {name}")  # noqa: S608
            for row in rows:
                insert(tx, name, {column: row[column] for column in row.keys()})  # noqa: SIM118

    await db.write(bring_back, Lane.CLICKS)


def insert(tx: Transaction, name: str, row: dict[str, Any]) -> None:
    places = ", ".join(f"${number}" for number, _ in enumerate(row, 1))
    tx.execute(
        f"insert into {name} ({', '.join(row)}) values ({places})",  # noqa: S608
        *row.values(),
    )


async def test_what_the_database_lost_is_stored_once_more(db: Database, events: Events) -> None:
    async with run_recorder(db, rest_s=0.001) as recorder:
        recorder.record(make_visit(visitor=1))
        await store_all(recorder)
        async with forget(db):
            for visitor in (1, 2):
                recorder.record(make_visit(visitor=visitor))
                await store_all(recorder)
            recorder.record(make_visit(link_id=2, visitor=2))
            await store_all(recorder)
        assert await count_clicks(db) == 1
        recorder.record(make_visit(visitor=3))
        await store_all(recorder)
        assert await count_clicks(db) == 4
        assert await count_clicks(db, 2) == 1
        recorder.record(make_visit(visitor=3))
    assert await count_clicks(db) == 5
    await assert_sums_are_right(db)
    (said,) = (each for each in events if each["event"] == "clicks_went_back")
    assert said == {
        "event": "clicks_went_back",
        "log_level": "warning",
        "batches": 3,
        "count": 3,
    }
    assert "clicks_wait" not in list_names(events)


async def test_it_goes_back_as_often_as_it_happens_also_over_segments(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shorty.clicks.journal.SEGMENT_BYTES", 300)
    monkeypatch.setattr("shorty.clicks.stored_journal.SHARED_KEEP_S", NEVER)
    monkeypatch.setattr("shorty.clicks.stored_journal.LOCAL_KEEP_S", NEVER)
    async with run_recorder(db, rest_s=0.001) as recorder:
        for _ in range(3):
            async with forget(db):
                for _ in range(10):
                    recorder.record(make_visit())
                    await store_all(recorder)
            recorder.record(make_visit())
            await store_all(recorder)
        assert len(list(find_folder(db).glob("*.log"))) > 5
    assert await count_clicks(db) == 33
    assert not find_folder(db).exists()


async def test_visits_that_only_waited_in_memory_are_lost_and_the_rest_goes_on(
    db: Database, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with run_recorder(db, rest_s=0.001) as recorder:
        recorder.record(make_visit())
        await store_all(recorder)
        async with forget(db):
            with monkeypatch.context() as patch:
                patch.setattr(Journal, "append", refuse)
                recorder.record(make_visit())
                await store_all(recorder)
        recorder.record(make_visit())
        await store_all(recorder)
    assert await count_clicks(db) == 2
    said = [each for each in events if each["event"] == "clicks_went_back"]
    assert [(each["batches"], each["count"]) for each in said] == [(1, 0)]


async def test_while_the_journal_cannot_be_read_they_wait(
    db: Database, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with run_recorder(db, rest_s=0.001) as recorder:
        async with forget(db):
            recorder.record(make_visit())
            await store_all(recorder)
        with monkeypatch.context() as patch:
            patch.setattr(Journal, "read_after", refuse)
            recorder.record(make_visit())
            with pytest.raises(StorageUnavailableError):
                await recorder.store_now()
            assert "journal_not_read" in list_names(events)
            assert await count_clicks(db) == 0
        await store_all(recorder)
    assert await count_clicks(db) == 2


def refuse(*_: object) -> int:
    raise OSError
