import asyncio
import os
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from errno import EIO
from pathlib import Path

import pytest

from shorty.clicks.journal import Journal
from shorty.clicks.model import BOT, encode_visit
from shorty.clicks.recorder import SHARED_BATCH_VISITS, Recorder
from shorty.errors import StorageUnavailableError
from shorty.sqlite.database import SqliteDatabase
from shorty.storage.database import Database
from tests.clicks.making import (
    AT,
    NEVER,
    Events,
    count_clicks,
    find_folder,
    insert_links,
    limit_file_size,
    list_names,
    make_visit,
    run_recorder,
    store_all,
    wait_until,
    watch_fsync,
)
from tests.reading import path_of
from tests.support import break_table, mend_table


@pytest.fixture(autouse=True)
async def links(db: Database) -> None:
    await db.write(insert_links(1, 2))


async def record_and_die(db: Database, *link_ids: int) -> None:
    """Leaves visits in the journal, as a killed process does, and stores none of them."""
    recorder = Recorder(db, rest_s=NEVER)
    await recorder.start()
    for link_id in link_ids:
        assert recorder.record(make_visit(link_id=link_id))


@asynccontextmanager
async def reopen(path: Path) -> AsyncGenerator[Database]:
    database = await SqliteDatabase.open(path)
    try:
        yield database
    finally:
        await database.close()


async def test_what_is_recorded_is_stored(db: Database) -> None:
    async with run_recorder(db, rest_s=0.001) as recorder:
        assert recorder.record(make_visit())
        assert recorder.record(make_visit(kind=BOT))
        await store_all(recorder)
        assert await count_clicks(db) == 2
        assert recorder.record(make_visit(link_id=2))
        await store_all(recorder)
    assert await count_clicks(db, 2) == 1


async def test_a_visit_is_journalled_before_anybody_hears_of_it(db: Database) -> None:
    async with run_recorder(db, rest_s=NEVER) as recorder:
        recorder.record(make_visit())
        (segment,) = find_folder(db).glob("*.log")
        assert encode_visit(make_visit()) in segment.read_bytes()
        assert await count_clicks(db) == 0


async def test_a_stop_stores_waiting_visits_and_removes_the_journal(db: Database) -> None:
    async with run_recorder(db, rest_s=NEVER) as recorder:
        for _ in range(10):
            recorder.record(make_visit())
    assert await count_clicks(db) == 10
    assert not find_folder(db).exists()


async def test_a_recorder_that_never_started_stops(db: Database) -> None:
    await Recorder(db).stop()
    assert not find_folder(db).exists()


async def test_what_a_killed_process_left_is_stored_once(db: Database) -> None:
    await record_and_die(db, 1, 1, 2)
    for _ in range(2):
        await Recorder(db).start()
        assert await count_clicks(db, 1) == 2
        assert await count_clicks(db, 2) == 1


async def test_kill_upon_kill_loses_nothing(db: Database) -> None:
    for _ in range(4):
        await record_and_die(db, 1, 2)
    async with run_recorder(db):
        assert await count_clicks(db, 1) == await count_clicks(db, 2) == 4


async def test_all_is_replayed_before_the_first_visit_in_batches(db: Database) -> None:
    await record_and_die(db, *[1] * 25)
    async with run_recorder(db, batch_visits=10) as recorder:
        assert recorder.describe().stored == 25
        assert await count_clicks(db) == 25


async def test_where_others_wait_for_the_lane_of_clicks_batches_are_smaller(db: Database) -> None:
    """Only on a server do other processes write."""
    async with run_recorder(db) as recorder:
        for _ in range(SHARED_BATCH_VISITS + 1):
            recorder.record(make_visit())
        await store_all(recorder)
        (row,) = await db.find_all("select stored_batches from journals")
        assert row["stored_batches"] == (1 if db.here else 2)
    assert await count_clicks(db) == SHARED_BATCH_VISITS + 1


async def test_a_torn_tail_is_cut_off(db: Database) -> None:
    await record_and_die(db, 1, 1)
    (segment,) = find_folder(db).glob("*.log")
    os.truncate(segment, segment.stat().st_size - 3)
    async with run_recorder(db):
        assert await count_clicks(db) == 1


async def test_a_flipped_byte_costs_one_visit_and_the_rest_is_counted_once(
    db: Database, events: Events
) -> None:
    await record_and_die(db, *[1] * 5)
    (segment,) = find_folder(db).glob("*.log")
    damaged = bytearray(segment.read_bytes())
    damaged[len(damaged) // 2] ^= 0x10
    segment.write_bytes(damaged)
    for _ in range(2):
        async with run_recorder(db, batch_visits=2):
            assert await count_clicks(db) == 4
    assert path_of(db).with_name("shorty.db.journal.damaged-1").read_bytes() == damaged
    assert "journal_damaged" in list_names(events)


async def test_after_a_power_cut_that_shortened_a_stored_segment_new_clicks_count(
    db: Database,
) -> None:
    recorder = Recorder(db, rest_s=0.001)
    await recorder.start()
    recorder.record(make_visit())
    await store_all(recorder)
    (segment,) = find_folder(db).glob("*.log")
    os.truncate(segment, 8)
    await record_and_die(db, 1)
    async with run_recorder(db):
        assert await count_clicks(db) == 2


async def test_segments_are_continued_and_removed_once_stored(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shorty.clicks.journal.SEGMENT_BYTES", 300)
    monkeypatch.setattr("shorty.clicks.stored_journal.SHARED_KEEP_S", 0.0)
    numbers: set[str] = set()
    async with run_recorder(db, rest_s=0.001) as recorder:
        for _ in range(30):
            recorder.record(make_visit())
            await store_all(recorder)
            names = {path.name for path in find_folder(db).glob("*.log")}
            assert 1 <= len(names) <= 2
            numbers |= names
    assert len(numbers) > 5
    assert await count_clicks(db) == 30


async def test_an_unread_visit_is_skipped_alone(db: Database) -> None:
    await record_and_die(db, 1)
    journal = Journal(find_folder(db))
    journal.continue_in(journal.create_segment())
    journal.append(b"no visit")
    journal.append(encode_visit(make_visit()))
    async with run_recorder(db) as recorder:
        assert await count_clicks(db) == 2
        assert recorder.describe().skipped == 1


async def test_a_visit_that_the_database_refuses_is_skipped_alone(
    db: Database, events: Events
) -> None:
    async with run_recorder(db) as recorder:
        for at in (AT, AT, 2**63, AT, 2**63 + 1, AT):
            assert recorder.record(make_visit(at=at))
        await store_all(recorder)
        assert recorder.describe().skipped == 2
    assert await count_clicks(db) == 4
    assert "clicks_refused" in list_names(events)
    async with run_recorder(db):
        assert await count_clicks(db) == 4


async def test_a_visit_that_the_database_refuses_does_not_block_the_start(db: Database) -> None:
    recorder = Recorder(db, rest_s=NEVER)
    await recorder.start()
    for at in (AT, 2**63, AT):
        assert recorder.record(make_visit(at=at))
    async with run_recorder(db) as recorder:
        assert await count_clicks(db) == 2
        assert recorder.describe().skipped == 1


async def test_a_copied_database_is_not_fed_from_the_journal_of_the_first(
    db: Database, events: Events
) -> None:
    async with run_recorder(db, rest_s=0.001) as recorder:
        recorder.record(make_visit())
        await store_all(recorder)
        await db.write(lambda tx: tx.execute("update journals set journal_id = 'other'"))
        recorder.record(make_visit())
    async with run_recorder(db) as recorder:
        assert await count_clicks(db) == 1
        recorder.record(make_visit())
    assert await count_clicks(db) == 2
    aside = find_folder(db).with_name(f"{find_folder(db).name}.set-aside-1")
    assert len(list(aside.glob("*.log"))) == 1
    said = {"event": "journal_set_aside", "log_level": "warning", "kept": str(aside)}
    assert said in events


async def copy_database(db: Database, path: Path) -> None:
    async with reopen(path_of(db)) as other:
        await other.find_all(f"vacuum into '{path}'")


async def test_a_restored_backup_does_not_replay_later_clicks(db: Database, tmp_path: Path) -> None:
    recorder = Recorder(db, rest_s=0.001)
    await recorder.start()
    for copy in ("earlier.db", "now.db"):
        recorder.record(make_visit())
        await store_all(recorder)
        await copy_database(db, tmp_path / copy)
    recorder.record(make_visit())
    for copy in ("earlier.db", "now.db"):
        shutil.copytree(find_folder(db), tmp_path / f"{copy}.journal")
    async with reopen(tmp_path / "earlier.db") as earlier, run_recorder(earlier):
        assert await count_clicks(earlier) == 1
    assert (tmp_path / "earlier.db.journal.set-aside-1").exists()
    async with reopen(tmp_path / "now.db") as now, run_recorder(now):
        assert await count_clicks(now) == 3


async def test_while_another_file_is_in_its_place_clicks_are_journalled_and_the_journal_kept(
    db: Database, tmp_path: Path, events: Events
) -> None:
    recorder = Recorder(db, rest_s=0.001)
    await recorder.start()
    recorder.record(make_visit())
    await store_all(recorder)
    await copy_database(db, tmp_path / "copy.db")
    (tmp_path / "copy.db").replace(path_of(db))
    assert recorder.record(make_visit())
    await recorder.stop()
    assert await count_clicks(db) == 1
    async with reopen(path_of(db)) as now, run_recorder(now):
        assert await count_clicks(now) == 2
    assert any("Another file is in its place" in each.get("reason", "") for each in events)


async def test_the_journal_is_kept_if_the_database_was_replaced(
    db: Database, tmp_path: Path, events: Events
) -> None:
    await copy_database(db, tmp_path / "earlier.db")
    async with run_recorder(db, rest_s=0.001) as recorder:
        recorder.record(make_visit())
        await store_all(recorder)
        (tmp_path / "earlier.db").replace(path_of(db))
    for _ in range(2):
        # As the server does twice a second; the writer answers, then checks and empties its log.
        await db.notice_changes()
    assert "journal_kept" in list_names(events)
    async with reopen(path_of(db)) as earlier, run_recorder(earlier):
        assert await count_clicks(earlier) == 0
    assert list((tmp_path / "shorty.db.journal.set-aside-1").glob("*.log"))


async def test_a_backup_of_an_earlier_run_does_not_replay_a_later_journal(
    db: Database, tmp_path: Path
) -> None:
    await record_and_die(db, 1)
    await copy_database(db, tmp_path / "earlier.db")
    await record_and_die(db, 1)
    shutil.copytree(find_folder(db), tmp_path / "earlier.db.journal")
    async with reopen(tmp_path / "earlier.db") as earlier, run_recorder(earlier):
        assert await count_clicks(earlier) == 0
    assert (tmp_path / "earlier.db.journal.set-aside-1").exists()


async def test_an_empty_foreign_journal_leaves_nothing_behind(db: Database) -> None:
    Journal(find_folder(db)).create("other")
    Journal(find_folder(db)).create_segment()
    async with run_recorder(db) as recorder:
        recorder.record(make_visit())
    assert await count_clicks(db) == 1
    assert list(path_of(db).parent.glob("*set-aside*")) == []


async def test_while_the_database_is_full_clicks_wait_in_the_journal(db: Database) -> None:
    clock = [10.0]
    async with run_recorder(db, rest_s=0.001, read_monotonic=lambda: clock[0]) as recorder:
        with limit_file_size(path_of(db).with_name("shorty.db-wal").stat().st_size):
            for _ in range(5):
                assert recorder.record(make_visit())
                clock[0] += 7
            await asyncio.sleep(0.05)
            assert await count_clicks(db) == 0
            assert recorder.describe().waiting == 5
            assert recorder.describe().wait_s == 35
            assert recorder.describe().refused_s is None
        await store_all(recorder)
        assert recorder.describe().wait_s == 0
    assert await count_clicks(db) == 5


async def test_what_the_database_refused_is_out_of_a_power_cuts_reach(db: Database) -> None:
    async with run_recorder(db, rest_s=0.001, batch_visits=1) as recorder:
        (segment,) = find_folder(db).glob("*.log")
        room = path_of(db).with_name("shorty.db-wal").stat().st_size
        with limit_file_size(room), watch_fsync() as synced:
            recorder.record(make_visit())
            assert synced == []
            await wait_until(lambda: bool(synced))
        assert set(synced) == {(segment.name, segment.stat().st_size)}
        await store_all(recorder)  # one that stops meanwhile leaves them to the next start
    assert await count_clicks(db) == 1


async def test_a_disk_that_refuses_clicks_and_journal_is_reported_and_loses_nothing(
    db: Database, events: Events
) -> None:
    def refuse(_: int) -> None:
        raise OSError(EIO, "Input/output error")

    async with run_recorder(db, batch_visits=1) as recorder:
        room = path_of(db).with_name("shorty.db-wal").stat().st_size
        with pytest.MonkeyPatch.context() as patch, limit_file_size(room):
            patch.setattr(os, "fsync", refuse)
            recorder.record(make_visit())
            await wait_until(lambda: "journal_not_synchronised" in list_names(events))
        await store_all(recorder)
        assert await count_clicks(db) == 1


async def test_clicks_that_a_full_database_refused_are_stored_at_the_next_start(
    db: Database, events: Events
) -> None:
    recorder = Recorder(db, rest_s=NEVER)
    await recorder.start()
    recorder.record(make_visit())
    with limit_file_size(path_of(db).with_name("shorty.db-wal").stat().st_size):
        await recorder.stop()
    assert {"event": "clicks_left_in_journal", "log_level": "warning", "count": 1} in events
    assert "clicks_lost" not in list_names(events)
    async with run_recorder(db):
        assert await count_clicks(db) == 1


async def test_what_neither_database_nor_journal_took_by_the_end_is_said_to_be_lost(
    db: Database, events: Events
) -> None:
    recorder = Recorder(db, rest_s=NEVER)
    await recorder.start()
    assert recorder.record(make_visit())
    await break_table(db, "clicks")
    with limit_file_size(4):
        assert [recorder.record(make_visit()) for _ in range(2)] == [False, False]
        await recorder.stop()
    await mend_table(db, "clicks")
    assert {"event": "clicks_left_in_journal", "log_level": "warning", "count": 1} in events
    assert {"event": "clicks_lost", "log_level": "error", "count": 2} in events
    async with run_recorder(db):
        assert await count_clicks(db) == 1


@pytest.mark.sqlite_only("whose file is on the same full disk as the journal")
async def test_a_start_on_a_full_disk_stores_the_old_journal_later(
    db: Database,
) -> None:
    await record_and_die(db, 1, 1)
    recorder = Recorder(db, rest_s=0.001)
    with limit_file_size(4):
        await recorder.start()
        assert recorder.describe().waiting == 2
        assert not recorder.record(make_visit())
    await store_all(recorder)
    assert await count_clicks(db) == 3
    await recorder.stop()


async def test_a_start_with_more_than_may_wait_on_a_full_disk_fails(db: Database) -> None:
    await record_and_die(db, *[1] * 8)
    with limit_file_size(4), pytest.raises(StorageUnavailableError):
        await Recorder(db, most_waiting=5).start()
    async with run_recorder(db, most_waiting=5, batch_visits=5):
        assert await count_clicks(db) == 8


async def test_what_the_journal_cannot_take_waits_in_memory(db: Database) -> None:
    find_folder(db).write_text("a file in the journal's place")
    async with run_recorder(db, rest_s=0.001) as recorder:
        assert not recorder.record(make_visit())
        assert not recorder.record_or_refuse(make_visit())
        find_folder(db).unlink()
        await store_all(recorder)
        assert recorder.record(make_visit())
        assert recorder.describe().journalled == 1
    assert await count_clicks(db) == 2


async def test_a_refusing_journal_is_retried_until_it_accepts_visits(
    db: Database, events: Events
) -> None:
    clock = [10.0]
    async with run_recorder(db, rest_s=NEVER, read_monotonic=lambda: clock[0]) as recorder:
        (segment,) = find_folder(db).glob("*.log")
        before = segment.read_bytes()
        with limit_file_size(len(before) + 8):
            for _ in range(2):
                assert not recorder.record(make_visit())
                clock[0] += 5
            recorder.try_journal()
            assert recorder.describe().refused_s == 10
            assert recorder.describe().in_memory == 2
        assert recorder.describe().refused_s == 10
        recorder.try_journal()
        assert recorder.describe().refused_s is None
        assert segment.read_bytes() == before
        assert recorder.record(make_visit())
    assert await count_clicks(db) == 3
    said = {"event": "journal_not_written", "log_level": "warning"}
    assert events == [said | {"reason": "[Errno 28] No space left on device"}]


async def test_a_visit_that_is_journalled_again_ends_a_refusal(db: Database) -> None:
    async with run_recorder(db, rest_s=NEVER) as recorder:
        with limit_file_size(8):
            assert not recorder.record_or_refuse(make_visit())
        assert recorder.describe().refused_s is not None
        assert recorder.record(make_visit())
        assert recorder.describe().refused_s is None


async def test_a_refused_visit_makes_the_journal_begin_again(db: Database) -> None:
    find_folder(db).write_text("a file in the journal's place")
    async with run_recorder(db, rest_s=0.001) as recorder:
        find_folder(db).unlink()
        await wait_until(lambda: recorder.record_or_refuse(make_visit()))
    assert await count_clicks(db) == 1


async def test_a_full_batch_does_not_wait_for_the_rest_to_end(db: Database) -> None:
    async with run_recorder(db, rest_s=NEVER, batch_visits=5) as recorder:
        for _ in range(5):
            recorder.record(make_visit())
        await wait_until(lambda: recorder.describe().waiting == 0)


async def test_a_visit_that_must_be_journalled_is_stored_without_another(db: Database) -> None:
    async with run_recorder(db, rest_s=0.001) as recorder:
        for stored in (1, 2):
            assert recorder.record_or_refuse(make_visit())
            await wait_until(lambda stored=stored: recorder.describe().stored == stored)
    assert await count_clicks(db) == 2


async def test_past_the_bound_visits_are_dropped_and_counted(db: Database, events: Events) -> None:
    async with run_recorder(db, rest_s=NEVER, most_waiting=3) as recorder:
        taken = [recorder.record(make_visit()) for _ in range(5)]
        assert taken == [True, True, True, False, False]
        assert not recorder.record_or_refuse(make_visit())
        assert recorder.describe().dropped == 2
        assert list_names(events).count("clicks_dropped") == 1
    assert await count_clicks(db) == 3


async def test_as_many_may_wait_again_once_those_before_are_stored(db: Database) -> None:
    async with run_recorder(db, rest_s=0.001, most_waiting=3) as recorder:
        for stored in (0, 3, 6):
            assert recorder.describe().stored == stored
            assert [recorder.record(make_visit()) for _ in range(4)] == [True] * 3 + [False]
            await store_all(recorder)
        assert recorder.describe().dropped == 3
        assert recorder.record_or_refuse(make_visit())
    assert await count_clicks(db) == 10


async def test_whatever_a_visitor_sends_can_be_recorded(db: Database) -> None:
    async with run_recorder(db) as recorder:
        assert recorder.record(make_visit(user_agent="\udc80", utm=("\ud800", None, "", "x", "y")))
        assert recorder.record(make_visit(referrer="é" * 99_999, user_agent="\0" * 99_999))
    assert await count_clicks(db) == 2
