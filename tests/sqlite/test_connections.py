"""Every connection has the pragmas and functions that it needs."""

import resource
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from itertools import count, islice
from pathlib import Path

import pytest

from shorty.sqlite.connections import (
    connect,
    connect_memory,
    connect_outside,
    connect_target,
)
from shorty.sqlite.database import READERS, SqliteDatabase
from tests.reading import reader
from tests.support import prepare_copy


def is_trusted(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("pragma trusted_schema").fetchone()[0])


def test_no_connection_trusts_the_schema(tmp_path: Path) -> None:
    path = prepare_copy(tmp_path)
    with (
        closing(connect(path)) as writer,
        closing(connect(path, read_only=True)) as reader,
        closing(connect_outside(path)) as outside,
        closing(connect_target(tmp_path / "copy.db")) as target,
        closing(connect_memory()) as memory,
    ):
        opened = (writer, reader, outside, target, memory)
        assert [is_trusted(connection) for connection in opened] == [False] * 5


def ask(connection: sqlite3.Connection, name: str) -> object:
    return connection.execute(f"pragma {name}").fetchone()[0]


FULL = 2


def test_what_is_committed_is_on_the_disk(tmp_path: Path) -> None:
    """SQLite calls fsync itself; by default it would not at a commit in WAL mode."""
    path = prepare_copy(tmp_path)
    with closing(connect(path)) as writer, closing(connect_target(tmp_path / "copy.db")) as target:
        assert [ask(each, "synchronous") for each in (writer, target)] == [FULL, FULL]


@pytest.mark.parametrize(
    ("name", "writer", "reader"),
    [
        ("journal_mode", "wal", "wal"),
        ("foreign_keys", 1, 1),
        ("busy_timeout", 5000, 5000),
        ("temp_store", 2, 2),
        ("cache_size", -8000, -8000),
        ("wal_autocheckpoint", 4000, 1000),
        ("journal_size_limit", 67108864, -1),
    ],
)
def test_each_connection_has_its_settings(
    tmp_path: Path, name: str, writer: object, reader: object
) -> None:
    path = prepare_copy(tmp_path)
    with closing(connect(path)) as first, closing(connect(path, read_only=True)) as second:
        assert (ask(first, name), ask(second, name)) == (writer, reader)
        assert first.execute("insert into server_state values ('a', '')").rowcount == 1
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            second.execute("delete from server_state")


def test_a_foreign_file_is_read_whatever_its_bytes(tmp_path: Path) -> None:
    path = prepare_copy(tmp_path)
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("insert into server_state values (cast(x'61ff' as text), '')")
        writer.commit()
        writer.execute("pragma journal_mode = delete")
    with closing(connect_outside(path)) as connection:
        assert connection.execute("select name from server_state").fetchone()["name"] == "a\ufffd"
        assert ask(connection, "cell_size_check") == 1


@pytest.mark.anyio
async def test_the_open_database_trusts_no_schema(db: SqliteDatabase) -> None:
    assert [row[0] for row in reader(db).find_all("pragma trusted_schema")] == [0]
    written = await db.write(lambda tx: tx.find_one("pragma trusted_schema"))
    assert written is not None
    assert written[0] == 0
    found = await db.find_all("pragma trusted_schema")
    assert [row[0] for row in found] == [0]


def test_a_view_of_the_file_cannot_call_our_functions(tmp_path: Path) -> None:
    path = prepare_copy(tmp_path)
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("create view calls as select contains_folded('a', 'a')")
    with closing(connect(path, read_only=True)) as connection:
        assert connection.execute("select contains_folded('a', 'a')").fetchone()[0] == 1
        with pytest.raises(sqlite3.OperationalError, match="unsafe use of contains_folded"):
            connection.execute("select * from calls")


def test_reading_a_foreign_file_creates_no_other_files(tmp_path: Path) -> None:
    path = prepare_copy(tmp_path)
    assert path.read_bytes()[18] == 2  # the format with a log
    with closing(connect_outside(path)) as connection:
        assert connection.execute("select count(*) from links").fetchone()[0] == 0
        assert [file.name for file in tmp_path.iterdir()] == ["shorty.db"]
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            connection.execute("delete from links")


def list_open(folder: Path) -> list[str]:
    """The files in it that this process has open."""
    held: list[str] = []
    for each in Path("/proc/self/fd").iterdir():
        try:
            file = each.readlink()
        except FileNotFoundError:  # what the folder itself was read through
            continue
        if file.parent == folder:
            held.append(file.name)
    return held


def test_a_file_that_is_no_database_is_not_left_open(tmp_path: Path) -> None:
    path = tmp_path / "shorty.db"
    path.write_bytes(b"not a database at all" * 100)
    # What was raised keeps everything that the functions on its way had, until it is forgotten.
    with pytest.raises(sqlite3.DatabaseError) as raised:
        closing(connect(path))
    assert (str(raised.value), list_open(tmp_path)) == ("file is not a database", [])


@contextmanager
def limit_open_files(more: int) -> Generator[None]:
    """This process may open so many more files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = {int(each.name) for each in Path("/proc/self/fd").iterdir()}
    free = (number for number in count() if number not in used)
    resource.setrlimit(resource.RLIMIT_NOFILE, (next(islice(free, more, None)), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.anyio
async def test_if_one_connection_cannot_be_opened_none_stays_open(tmp_path: Path) -> None:
    path = prepare_copy(tmp_path)
    refused = 0
    for more in range(40):
        try:
            with limit_open_files(more):
                database = await SqliteDatabase.open(path)
        except sqlite3.OperationalError:
            refused += 1
            assert list_open(tmp_path) == []
            continue
        await database.close()
        break
    assert refused > READERS
    assert list_open(tmp_path) == []
