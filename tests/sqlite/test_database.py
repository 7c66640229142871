import asyncio
import sqlite3
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import Final

import pytest
from structlog.testing import capture_logs

from shorty.errors import StorageUnavailableError
from shorty.sqlite.connections import connect
from shorty.sqlite.database import SqliteDatabase
from shorty.sqlite.migrations import prepare_database
from shorty.sqlite.writer import BATCH
from shorty.storage.database import Transaction
from tests.clicks.making import limit_file_size
from tests.reading import reader

PATIENCE_S: Final = 1.0
ADD = "insert into server_state (name, value) values ($1, $2)"


@pytest.fixture
async def db(tmp_path: Path) -> AsyncGenerator[SqliteDatabase]:
    prepare_database(tmp_path / "shorty.db", now=0)
    database = await SqliteDatabase.open(tmp_path / "shorty.db")
    yield database
    await database.close()


def add(name: str, value: str = "") -> "Add":
    return Add(name, value)


class Add:
    def __init__(self, name: str, value: str) -> None:
        self.name, self.value = name, value

    def __call__(self, tx: Transaction) -> int:
        return tx.execute(ADD, self.name, self.value)


async def list_names(db: SqliteDatabase) -> list[str]:
    return [row["name"] for row in await db.find_all("select name from server_state order by name")]


async def test_a_write_is_seen_by_every_kind_of_reader(db: SqliteDatabase) -> None:
    assert await db.write(add("a", "1")) == 1
    one = await db.find_one("select value from server_state where name = $1", "a")
    at_once = reader(db).find_one("select value from server_state where name = $1", "a")
    assert one is not None
    assert at_once is not None
    assert (one["value"], at_once["value"]) == ("1", "1")


async def test_a_parameter_may_be_used_twice_and_in_any_order(db: SqliteDatabase) -> None:
    row = reader(db).find_one("select $2 as second, $1 as first, $2 as again", "x", "y")
    assert row is not None
    assert tuple(row) == ("y", "x", "y")


async def test_a_failed_write_does_not_affect_others(db: SqliteDatabase) -> None:
    def fail_halfway(tx: Transaction) -> None:
        tx.execute(ADD, "half", "")
        raise ValueError("no")

    answers = await asyncio.gather(
        db.write(add("a")), db.write(fail_halfway), db.write(add("b")), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [int, ValueError, int]
    assert await list_names(db) == ["a", "b"]


async def test_a_constraint_error_is_raised_only_for_its_write(db: SqliteDatabase) -> None:
    await db.write(add("a"))
    answers = await asyncio.gather(db.write(add("a")), db.write(add("b")), return_exceptions=True)
    assert isinstance(answers[0], sqlite3.IntegrityError)
    assert await list_names(db) == ["a", "b"]


@pytest.fixture
async def hasty(tmp_path: Path, db: SqliteDatabase) -> AsyncGenerator[SqliteDatabase]:
    """The same database, opened by a process that waits a second for a lock."""
    database = await SqliteDatabase.open(db.path, patience_s=PATIENCE_S)
    yield database
    await database.close()


@pytest.fixture
def other(db: SqliteDatabase) -> Iterator[sqlite3.Connection]:
    """Another process's connection, which has locked the database."""
    with closing(connect(db.path)) as connection:
        connection.execute("begin immediate")
        yield connection


async def test_writes_wait_for_another_process_and_then_say_so(
    hasty: SqliteDatabase, other: sqlite3.Connection
) -> None:
    with pytest.raises(StorageUnavailableError):
        await hasty.write(add("a"))
    other.execute("rollback")
    assert await hasty.write(add("a")) == 1


async def test_writes_that_have_waited_for_as_long_give_up_together(
    hasty: SqliteDatabase, other: sqlite3.Connection
) -> None:
    """Including queued writes, and more than are committed at once: none starts a new wait."""
    asked_at = monotonic()
    first = asyncio.ensure_future(hasty.write(add("first"), asked_at=asked_at))
    await asyncio.sleep(PATIENCE_S / 10)  # not in one group with the others
    others = [
        asyncio.ensure_future(hasty.write(add(f"{i:04}"), asked_at=asked_at))
        for i in range(3 * BATCH)
    ]
    with pytest.raises(StorageUnavailableError):
        await first
    assert {type(each.exception()) for each in others} == {StorageUnavailableError}
    assert other.in_transaction


async def test_a_write_that_comes_while_others_give_up_is_stored_once_it_can_be(
    hasty: SqliteDatabase, other: sqlite3.Connection
) -> None:
    early = asyncio.ensure_future(hasty.write(add("early")))
    await asyncio.sleep(PATIENCE_S / 2)
    late = asyncio.ensure_future(hasty.write(add("late")))
    with pytest.raises(StorageUnavailableError):
        await early
    assert not late.done()
    other.execute("rollback")
    assert await late == 1
    assert await list_names(hasty) == ["late"]


async def test_a_full_disk_fails_the_writes_it_meets_and_no_later_one(db: SqliteDatabase) -> None:
    pages = await db.write(lambda tx: tx.find_one("pragma page_count"))
    assert pages is not None
    await db.write(lambda tx: tx.find_one(f"pragma max_page_count = {pages[0]}"))
    with pytest.raises(StorageUnavailableError):
        await asyncio.gather(*(db.write(add(f"big{i}", "x" * 100_000)) for i in range(3)))
    await db.write(lambda tx: tx.find_one("pragma max_page_count = 100000"))
    await db.write(add("after"))
    assert await list_names(db) == ["after"]


async def test_only_commits_of_others_move_the_data_version(
    tmp_path: Path, db: SqliteDatabase
) -> None:
    before = await db.find_data_version()
    await db.write(add("mine"))
    assert await db.find_data_version() == before
    with closing(connect(tmp_path / "shorty.db")) as other:
        other.execute("insert into server_state values ('theirs', '')")
    assert await db.find_data_version() != before


async def test_closing_lets_the_waiting_writes_finish(tmp_path: Path) -> None:
    path = tmp_path / "shorty.db"
    prepare_database(path, now=0)
    db = await SqliteDatabase.open(path)
    writes = [asyncio.ensure_future(db.write(add(f"{i:03}"))) for i in range(300)]
    await asyncio.sleep(0)
    await db.close()
    assert await asyncio.gather(*writes) == [1] * 300
    with closing(connect(path)) as connection:
        assert connection.execute("select count(*) from server_state").fetchone()[0] == 300


def put_backup_in_place(path: Path) -> None:
    """What an operator does who does not stop the server."""
    backup = path.with_name("backup.db")
    with closing(connect(path)) as source, closing(sqlite3.connect(backup)) as target:
        source.backup(target)
        target.execute("pragma journal_mode = delete")
    backup.replace(path)


def measure_log(path: Path) -> int:
    return Path(f"{path}-wal").stat().st_size


def move_away(path: Path) -> None:
    path.rename(path.with_name("moved.db"))


@pytest.mark.parametrize("change", [Path.unlink, move_away, put_backup_in_place])
async def test_nothing_is_written_to_a_file_that_is_no_longer_at_its_path(
    db: SqliteDatabase, change: Callable[[Path], None]
) -> None:
    await db.write(add("before"))
    assert db.is_in_place()
    change(db.path)
    assert not db.is_in_place()
    for name in ("a", "b"):
        with capture_logs() as logs, pytest.raises(StorageUnavailableError) as raised:
            await db.write(add(name))
        assert "Another file is in its place" in str(raised.value.__cause__)
        told = [(each["event"], each["log_level"]) for each in logs]
        assert told == [("database_replaced", "error")] * (name == "a")
    assert await list_names(db) == ["before"]


async def test_a_log_that_a_replaced_file_has_no_room_for_is_reported(db: SqliteDatabase) -> None:
    for number in range(100):
        await db.write(add(f"{number}", "x" * 1000))
    move_away(db.path)
    room = db.path.with_name("moved.db").stat().st_size
    with limit_file_size(room), capture_logs() as logs, pytest.raises(StorageUnavailableError):
        await db.write(add("lost"))
    (logged,) = [each for each in logs if each["event"] == "database_log_kept"]
    assert logged["file"] == str(db.path)
    assert logged["reason"] == "disk I/O error"


async def test_only_the_writer_can_write(db: SqliteDatabase) -> None:
    statement = "insert into server_state values ('a', '') returning name"
    with pytest.raises(StorageUnavailableError) as looked_up:
        reader(db).find_all(statement)
    with pytest.raises(StorageUnavailableError) as found:
        await db.find_all(statement)
    for raised in (looked_up, found):
        assert str(raised.value.__cause__) == "attempt to write a readonly database"
    assert await db.write(lambda tx: tx.find_one(statement))


async def test_an_unclosed_database_does_not_block_the_exit(db: SqliteDatabase) -> None:
    assert db.is_in_place()
    writers = [each for each in threading.enumerate() if each.name == "shorty-writer"]
    assert [each.daemon for each in writers] == [True]


async def test_a_file_that_comes_back_is_written_again(db: SqliteDatabase) -> None:
    move_away(db.path)
    with pytest.raises(StorageUnavailableError):
        await db.write(add("lost"))
    db.path.with_name("moved.db").rename(db.path)
    with capture_logs() as logs:
        await db.write(add("kept"))
    assert [(each["event"], each["log_level"]) for each in logs] == [("database_back", "info")]
    assert await list_names(db) == ["kept"]


async def test_the_log_of_a_replaced_file_is_not_played_into_the_one_in_its_place(
    tmp_path: Path,
) -> None:
    path, moved, backup = (tmp_path / name for name in ("shorty.db", "moved.db", "backup.db"))
    prepare_database(path, now=0)
    db = await SqliteDatabase.open(path)
    await db.write(add("before"))
    with closing(connect(path)) as source, closing(sqlite3.connect(backup)) as target:
        source.backup(target)
    for number in range(400):
        await db.write(add(f"after {number}", "x" * 1000))
    move_away(path)
    backup.rename(path)
    await db.close()
    assert measure_log(path) == 0
    with closing(connect(path)) as now, closing(connect(moved)) as then:
        assert now.execute("pragma integrity_check").fetchone()[0] == "ok"
        assert now.execute("select count(*) from server_state").fetchone()[0] == 1
        assert then.execute("select count(*) from server_state").fetchone()[0] == 401
