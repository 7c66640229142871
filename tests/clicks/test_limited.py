import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from shorty.clicks.limited import LimitedClicks, Passage
from shorty.clicks.model import BIO, BOT, PERSON, PREFETCH, QR
from shorty.clicks.recorder import Recorder
from shorty.storage.database import Database
from tests.clicks.making import (
    NEVER,
    count_clicks,
    find_folder,
    insert_links,
    make_person,
    make_visit,
    run_recorder,
    store_all,
)
from tests.support import break_table, mend_table

THROUGH, USED_UP, UNAVAILABLE = Passage.THROUGH, Passage.USED_UP, Passage.UNAVAILABLE


@pytest.fixture(autouse=True)
async def links(db: Database) -> None:
    await db.write(insert_links(1, 2))


async def test_exactly_as_many_as_allowed_are_let_through(db: Database) -> None:
    async with run_recorder(db, rest_s=0.001) as recorder:
        limited = LimitedClicks(db, recorder)
        passages = [await limited.let_through(make_person(), 50) for _ in range(200)]
        assert passages == [THROUGH] * 50 + [USED_UP] * 150
        await store_all(recorder)
        assert await limited.let_through(make_person(), 50) is USED_UP
    assert await count_clicks(db) == 50


async def test_every_source_counts(db: Database) -> None:
    async with run_recorder(db) as recorder:
        limited = LimitedClicks(db, recorder)
        assert await limited.let_through(make_person(source=QR), 2) is THROUGH
        assert await limited.let_through(make_person(source=BIO), 2) is THROUGH
        assert await limited.let_through(make_person(), 2) is USED_UP


async def test_visits_from_before_the_limit_count_stored_or_not(db: Database) -> None:
    async with run_recorder(db, rest_s=0.001) as recorder:
        for visit in (make_visit(), make_visit(kind=BOT), make_visit(kind=PREFETCH)):
            recorder.record(visit)
        await store_all(recorder)
    async with run_recorder(db, rest_s=NEVER) as recorder:
        for visit in (make_visit(), make_visit(user_agent="curl/8.5.0"), make_visit(link_id=2)):
            recorder.record(visit)
        limited = LimitedClicks(db, recorder)
        assert await limited.let_through(make_person(), 3) is THROUGH
        assert await limited.let_through(make_person(), 3) is USED_UP


async def test_a_forgotten_count_is_found_again(db: Database) -> None:
    async with run_recorder(db, rest_s=NEVER) as recorder:
        limited = LimitedClicks(db, recorder)
        assert await limited.let_through(make_person(), 2) is THROUGH
        limited.forget(1)
        limited.forget(404)
        assert await limited.let_through(make_person(), 2) is THROUGH
        limited.forget_all()
        assert await limited.let_through(make_person(), 2) is USED_UP


@pytest.mark.sqlite_only("nodes on PostgreSQL hear of changes, see tests/postgres/test_listener")
async def test_a_count_that_a_command_may_have_changed_is_read_again(
    db: Database, tmp_path: Path
) -> None:
    async with run_recorder(db, rest_s=NEVER) as recorder:
        limited = LimitedClicks(db, recorder)
        assert await limited.let_through(make_person(), 9) is THROUGH
        await db.notice_changes()
        with closing(sqlite3.connect(tmp_path / "shorty.db")) as command, command:
            command.execute("update link_counters set total = 8 where link_id = 1")
        await db.notice_changes()
        assert await limited.let_through(make_person(), 9) is USED_UP


async def test_what_came_while_the_limit_was_taken_away_counts_once_it_is_set_again(
    db: Database,
) -> None:
    async with run_recorder(db, rest_s=0.001) as recorder:
        limited = LimitedClicks(db, recorder)
        for link_id in (1, 2):
            assert await limited.let_through(make_person(link_id=link_id), 4) is THROUGH
        for visit in (make_person(), make_visit(kind=BOT), make_person()):
            recorder.record(visit)  # like a link without a limit
        await store_all(recorder)
        limited.forget(1)
        passages = [await limited.let_through(make_person(), 4) for _ in range(2)]
        assert passages == [THROUGH, USED_UP]
        assert not await limited.is_used_up(2, 2)
        assert await limited.is_used_up(2, 1)


async def test_a_count_pushed_out_by_others_is_found_again(db: Database) -> None:
    async with run_recorder(db, rest_s=NEVER) as recorder:
        limited = LimitedClicks(db, recorder, remembered_links=1)
        for _ in range(3):
            assert await limited.let_through(make_person(link_id=1), 3) is THROUGH
            assert await limited.let_through(make_person(link_id=2), 3) is THROUGH
        assert await limited.let_through(make_person(link_id=1), 3) is USED_UP


async def test_a_killed_process_takes_no_visit_along(db: Database) -> None:
    for _ in range(3):
        recorder = Recorder(db, rest_s=NEVER)
        await recorder.start()
        assert await LimitedClicks(db, recorder).let_through(make_person(), 3) is THROUGH
    async with run_recorder(db) as recorder:
        assert await LimitedClicks(db, recorder).let_through(make_person(), 3) is USED_UP
    assert await count_clicks(db) == 3


async def test_a_raised_limit_lets_more_through(db: Database) -> None:
    async with run_recorder(db) as recorder:
        limited = LimitedClicks(db, recorder)
        assert [await limited.let_through(make_person(), 1) for _ in range(2)] == [
            THROUGH,
            USED_UP,
        ]
        assert [await limited.let_through(make_person(), 2) for _ in range(2)] == [
            THROUGH,
            USED_UP,
        ]


async def test_without_a_journal_no_visit_is_let_through(db: Database) -> None:
    find_folder(db).write_text("a file in the journal's place")
    async with run_recorder(db, rest_s=NEVER) as recorder:
        limited = LimitedClicks(db, recorder)
        assert await limited.let_through(make_person(), 1) is UNAVAILABLE
        assert await limited.let_through(make_person(), 0) is USED_UP
    assert await count_clicks(db) == 0


async def test_while_the_count_cannot_be_read_no_visit_is_let_through(db: Database) -> None:
    async with run_recorder(db) as recorder:
        limited = LimitedClicks(db, recorder)
        await break_table(db, "link_counters")
        assert await limited.let_through(make_person(), 1) is UNAVAILABLE
        await mend_table(db, "link_counters")
        assert await limited.let_through(make_person(), 1) is THROUGH


@pytest.mark.parametrize("kind", [0, BOT, PREFETCH])
async def test_only_persons_may_ask(db: Database, kind: int) -> None:
    limited = LimitedClicks(db, Recorder(db))
    with pytest.raises(ValueError, match=r"^Only visits of persons use up a click limit$"):
        await limited.let_through(make_visit(kind=kind), 5)
    assert kind != PERSON


async def test_asking_whether_a_link_is_used_up_uses_nothing(db: Database) -> None:
    async with run_recorder(db) as recorder:
        limited = LimitedClicks(db, recorder)
        assert not any([await limited.is_used_up(1, 1) for _ in range(3)])
        assert await limited.let_through(make_person(), 1) is THROUGH
        assert await limited.is_used_up(1, 1)
        assert not await limited.is_used_up(1, 2)
    assert await count_clicks(db) == 1
