import asyncio
import shutil
from functools import partial
from pathlib import Path

import pytest

from shorty.clicks.adopting import store_left_journal
from shorty.clicks.journal import Journal, Owner
from shorty.clicks.model import encode_visit
from shorty.clicks.recorder import Recorder
from shorty.clicks.store import store_batch, take_journal
from shorty.clicks.waiting import Batch
from shorty.errors import ConflictError, NotFoundError, StorageUnavailableError
from shorty.storage.database import Database, Lane
from tests.clicks.making import (
    NEVER,
    count_clicks,
    insert_links,
    limit_file_size,
    make_visit,
    run_recorder,
    store_all,
)
from tests.reading import path_of


@pytest.fixture(autouse=True)
async def links(db: Database) -> None:
    await db.write(insert_links(1, 2))


async def leave_journal(db: Database, folder: Path, *link_ids: int) -> Path:
    """What a killed process leaves that had its files in `folder`."""
    journal = folder / "journal"
    recorder = Recorder(db, journal=Journal(journal), rest_s=NEVER)
    await recorder.start()
    for link_id in link_ids:
        assert recorder.record(make_visit(link_id=link_id))
    return journal


async def find_owner(folder: Path) -> Owner:
    owner = await asyncio.to_thread(Journal(folder).find_owner)
    assert owner is not None
    return owner


async def list_journals(db: Database) -> set[str]:
    return {row["journal_id"] for row in await db.find_all("select journal_id from journals")}


async def test_what_another_process_left_is_stored_once_beside_the_own_journal(
    db: Database, tmp_path: Path
) -> None:
    left = await leave_journal(db, tmp_path, 1, 1, 2)
    await db.write(lambda tx: tx.execute("update journals set node = 'another'"))
    async with run_recorder(db, rest_s=0.001) as recorder:
        recorder.record(make_visit())
        await store_all(recorder)
        assert await store_left_journal(db, left) == ("another", 3)
        assert not left.exists()
        with pytest.raises(NotFoundError):
            await store_left_journal(db, left)
        recorder.record(make_visit())
        await store_all(recorder)
        assert await list_journals(db) == {recorder.journal_id}
    assert (await count_clicks(db, 1), await count_clicks(db, 2)) == (4, 1)


async def test_what_was_stored_already_is_not_stored_again(db: Database, tmp_path: Path) -> None:
    recorder = Recorder(db, journal=Journal(tmp_path / "journal"), rest_s=0.001)
    await recorder.start()
    recorder.record(make_visit())
    await store_all(recorder)
    recorder.record(make_visit(link_id=2))
    shutil.copytree(tmp_path / "journal", tmp_path / "copy")
    await recorder.stop()
    with pytest.raises(ConflictError, match="later state"):
        await db.write(lambda tx: take_journal(tx, Owner(recorder.journal_id, 3)))
    assert (await store_left_journal(db, tmp_path / "copy")).visits == 0
    assert (await count_clicks(db, 1), await count_clicks(db, 2)) == (1, 1)


async def test_a_batch_under_way_is_not_stored_after_its_journal_was_taken(
    db: Database, tmp_path: Path
) -> None:
    left = await leave_journal(db, tmp_path, 1, 1)
    owner = await find_owner(left)
    batch = Batch(1, [encode_visit(make_visit())] * 2, 10)
    batch.number = 1  # as its own process counts it
    await db.write(lambda tx: take_journal(tx, owner))
    await db.write(partial(store_batch, journal_id=owner.journal_id, batch=batch), Lane.CLICKS)
    assert await count_clicks(db) == 0
    assert (await store_left_journal(db, left)).visits == 2
    assert await count_clicks(db) == 2


async def test_the_journal_of_another_database_stays_as_it_is(db: Database, tmp_path: Path) -> None:
    left = await leave_journal(db, tmp_path, 1)
    await db.write(lambda tx: tx.execute("update journals set journal_id = 'other'"))
    with pytest.raises(ConflictError, match="another database"):
        await store_left_journal(db, left)
    assert len(list(left.glob("*.log"))) == 1
    assert await count_clicks(db) == 0


@pytest.mark.sqlite_only("limits the size of its files")
async def test_what_a_full_database_refuses_is_stored_by_another_try(
    db: Database, tmp_path: Path
) -> None:
    left = await leave_journal(db, tmp_path, 1, 2)
    with (
        limit_file_size(path_of(db).with_name("shorty.db-wal").stat().st_size),
        pytest.raises(StorageUnavailableError),
    ):
        await store_left_journal(db, left)
    assert (await store_left_journal(db, left)).visits == 2
