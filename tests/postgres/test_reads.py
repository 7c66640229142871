"""Tests reads against a real server: alone, together, in threads, and of one moment."""

# pyright: reportPrivateUsage=false

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import pytest

from shorty.errors import StorageUnavailableError
from shorty.postgres.connections import SETTINGS, connect_async
from shorty.postgres.database import PostgresDatabase
from shorty.postgres.pipeline import PREPARED
from shorty.postgres.readers import READERS, AsyncPipeline
from shorty.storage.database import Reader
from tests.postgres.support import ADD, add, ask_aside, wait_until

pytestmark = pytest.mark.postgres_only
FIND = "select id, name from things where name = $1"
COUNT_SESSIONS = """
select count(*) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
"""
COUNT_SLEEPERS = f"{COUNT_SESSIONS} and query like '%pg_sleep%' and state = 'active'"

Way = Callable[..., Awaitable[Any]]


def choose(db: PostgresDatabase, way: str) -> Way:
    """One of the ways to read rows."""

    async def read(sql: str, *parameters: Any) -> list[Any]:
        return await db.read(lambda reader: reader.find_all(sql, *parameters))

    async def read_by_key(sql: str, *parameters: Any) -> list[Any]:
        return await db.read_by_key(lambda reader: reader.find_all(sql, *parameters))

    async def read_snapshot(sql: str, *parameters: Any) -> list[Any]:
        async with db.open_snapshot() as snapshot:
            return await snapshot.find_all(sql, *parameters)

    async def read_pieces(sql: str, *parameters: Any) -> list[Any]:
        async with db.open_snapshot() as snapshot:
            pieces = snapshot.read_pieces(sql, *parameters, size=2)
            return [row async for piece in pieces for row in piece]

    ways: dict[str, Way] = {
        "find": db.find_all,
        "look up": db.look_up_all,
        "read": read,
        "read by key": read_by_key,
        "snapshot": read_snapshot,
        "pieces": read_pieces,
    }
    return ways[way]


WAYS = pytest.mark.parametrize(
    "way", ["find", "look up", "read", "read by key", "snapshot", "pieces"]
)


@WAYS
async def test_rows_are_found_by_their_parameters(db: PostgresDatabase, way: str) -> None:
    await db.write(lambda tx: tx.execute_many(ADD, [(f"{place}",) for place in range(5)]))
    read = choose(db, way)
    for _ in range(3):
        assert [dict(row) for row in await read(FIND, "3")] == [{"id": 4, "name": "3"}]
        assert await read(FIND, "none") == []
        sql = "select id from things where id > $1 order by id"
        assert [row["id"] for row in await read(sql, 1)] == [2, 3, 4, 5]


@WAYS
async def test_a_text_with_nul_is_found_nowhere(db: PostgresDatabase, way: str) -> None:
    await db.write(add("a"))
    read = choose(db, way)
    assert await read(FIND, "a\0") == []
    assert [row[0] for row in await read("select count(*) from things where name <> $1", "\0")] == [
        1
    ]


@WAYS
async def test_a_fault_in_a_statement_is_its_own(db: PostgresDatabase, way: str) -> None:
    read = choose(db, way)
    for _ in range(2):
        with pytest.raises(psycopg.errors.UndefinedTable):
            await read("select 1 from no_table")
        with pytest.raises(psycopg.DataError):
            await read("select id from things where id = $1", 2**63)
        assert [tuple(row) for row in await read("select 1")] == [(1,)]


async def test_reads_that_leave_together_fail_alone(db: PostgresDatabase) -> None:
    await db.write(add("a"))
    good = [db.look_up(FIND, "a") for _ in range(20)]
    bad = [db.look_up("select 1 / cast($1 as bigint)", 0) for _ in range(3)]
    asked = [*good[:7], bad[0], *good[7:9], bad[1], bad[2], *good[9:]]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    kinds = [
        type(each) if isinstance(each, BaseException) else dict(each or {}) for each in answers
    ]
    found, fault = {"id": 1, "name": "a"}, psycopg.errors.DivisionByZero
    assert kinds == [*[found] * 7, fault, *[found] * 2, fault, fault, *[found] * 11]


async def test_what_was_skipped_behind_a_fault_ends_no_connection(url: str) -> None:
    """It may arrive later than the fault, and by then nobody knows of that."""
    pipeline = AsyncPipeline(await connect_async(url, SETTINGS))
    failing = asyncio.ensure_future(pipeline.ask("select 1 / 0"))
    await asyncio.sleep(0)  # it is sent, and its turn not ended
    skipped = pipeline.send("select 1")
    with pytest.raises(psycopg.errors.DivisionByZero):
        await failing
    assert await pipeline.ask("select 2")
    assert skipped.is_skipped
    pipeline.fault = skipped
    assert pipeline.find_loss() is None
    pipeline.close()


async def test_look_ups_share_one_connection(db: PostgresDatabase, url: str) -> None:
    await asyncio.gather(*[db.look_up("select $1", str(number)) for number in range(100)])
    assert ask_aside(url, COUNT_SESSIONS) == [(1,)]


async def test_many_reads_wait_for_their_connection(db: PostgresDatabase, url: str) -> None:
    sql = "select cast($1 as bigint) as number, pg_sleep(0.01)"
    rows = await asyncio.gather(*[db.find_one(sql, number) for number in range(4 * READERS)])
    assert [row["number"] for row in rows if row] == [*range(4 * READERS)]
    assert ask_aside(url, COUNT_SESSIONS) == [(READERS,)]


async def test_a_read_whose_caller_left_is_ended_by_the_server(
    db: PostgresDatabase, url: str
) -> None:
    tasks = [asyncio.create_task(db.find_all("select pg_sleep(60)")) for _ in range(READERS)]
    await wait_for_sleepers(url, READERS)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    found = await asyncio.gather(*[db.find_one("select 1 as one") for _ in range(2 * READERS)])
    assert [row["one"] for row in found if row] == [1] * 2 * READERS
    await wait_for_sleepers(url, 0)


async def wait_for_sleepers(url: str, wanted: int) -> None:
    async def is_so() -> bool:
        return await asyncio.to_thread(ask_aside, url, COUNT_SLEEPERS) == [(wanted,)]

    await wait_until(is_so)


async def test_a_look_up_whose_caller_left_disturbs_no_other(db: PostgresDatabase) -> None:
    await db.look_up("select 1")
    left = asyncio.create_task(db.look_up("select pg_sleep(0.05)"))
    other = asyncio.create_task(db.look_up("select 2 as two"))
    await asyncio.sleep(0)
    left.cancel()
    row = await other
    assert row is not None
    assert (row["two"], left.cancelled()) == (2, True)


async def test_a_read_that_takes_too_long_is_a_database_that_is_not_available(
    db: PostgresDatabase,
) -> None:
    async with db._readers.borrow() as reader:
        await reader.ask("set statement_timeout = '20ms'")
    with pytest.raises(StorageUnavailableError):
        await db.find_all("select pg_sleep(60)")


async def test_a_snapshot_is_of_one_moment(db: PostgresDatabase) -> None:
    sql = "select count(*) from things"
    async with db.open_snapshot() as snapshot:
        before = await snapshot.find_all(sql)
        await db.write(add("a"))
        pieces = [piece async for piece in snapshot.read_pieces(sql, size=9)]
        assert await snapshot.find_all(sql) == before == pieces[0]
    assert [tuple(row) for row in await db.find_all(sql)] == [(1,)]


async def test_a_long_result_comes_in_pieces_beside_another(db: PostgresDatabase) -> None:
    await db.write(lambda tx: tx.insert_rows(ADD, [(f"{place:03}",) for place in range(10)]))
    sizes: list[int] = []
    async with db.open_snapshot() as snapshot:
        async for piece in snapshot.read_pieces("select name from things order by 1", size=4):
            inner = snapshot.read_pieces("select id, name from things order by 1", size=20)
            rows = [dict(row) async for one in inner for row in one]
            assert (len(rows), rows[0]) == (10, {"id": 1, "name": "000"})
            sizes.append(len(piece))
            assert dict(piece[0]) == {"name": f"{4 * (len(sizes) - 1):03}"}
    assert sizes == [4, 4, 2]


async def test_a_snapshot_changes_nothing(db: PostgresDatabase) -> None:
    async with db.open_snapshot() as snapshot:
        with pytest.raises(StorageUnavailableError):
            await snapshot.find_all("delete from things returning id")


async def test_a_snapshot_that_fails_gives_its_connection_back(
    db: PostgresDatabase, url: str
) -> None:
    read = choose(db, "snapshot")
    for _ in range(2 * READERS):
        with pytest.raises(psycopg.DataError):
            await read("select 1 / cast($1 as bigint)", 0)
    # The server may not have ended all of those that were closed.
    assert ask_aside(url, COUNT_SESSIONS)[0][0] <= READERS
    assert ask_aside(url, f"{COUNT_SESSIONS} and state like 'idle in%'") == [(0,)]


async def test_a_snapshot_whose_reader_left_makes_room_for_others(
    db: PostgresDatabase, url: str
) -> None:
    async def leave() -> None:
        async with db.open_snapshot() as snapshot:
            await snapshot.find_all("select pg_sleep(60)")

    tasks = [asyncio.create_task(leave()) for _ in range(READERS)]
    await wait_for_sleepers(url, READERS)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    async with db.open_snapshot() as snapshot:
        assert [tuple(row) for row in await snapshot.find_all("select 1")] == [(1,)]
    await wait_for_sleepers(url, 0)


@WAYS
async def test_a_read_goes_on_working_when_the_schema_changes(
    db: PostgresDatabase, url: str, way: str
) -> None:
    await db.write(add("a"))
    read = choose(db, way)
    assert [len((await read("select * from things"))[0]) for _ in range(3)] == [5] * 3
    ask_aside(url, "alter table things add column colour text")
    assert [len((await read("select * from things"))[0]) for _ in range(3)] == [6] * 3


async def test_functions_that_read_run_in_threads_of_their_own(db: PostgresDatabase) -> None:
    def work(reader: Reader) -> tuple[int, bool]:
        row = reader.find_one("select count(*) from things where name = $1", "a")
        assert reader.find_one(FIND, "none") is None
        return (row[0] if row else -1), threading.current_thread() is main

    main = threading.current_thread()
    await db.write(add("a"))
    assert set(await asyncio.gather(*[db.read(work) for _ in range(50)])) == {(1, False)}
    with pytest.raises(LookupError):
        await db.read(lambda _: raise_lookup_error())
    assert db.here is None


def raise_lookup_error() -> None:
    raise LookupError


async def test_a_function_that_reads_by_key_needs_no_thread_and_keeps_its_errors(
    db: PostgresDatabase, url: str
) -> None:
    await db.write(lambda tx: tx.execute_many(ADD, [("a",), ("b",)]))
    threads: set[int] = set()

    def read(reader: Reader) -> list[str]:
        threads.add(threading.get_ident())
        [found] = reader.find_all(FIND, "a")
        try:
            others = reader.find_all("select name from things where id > $1", found["id"])
        except Exception:  # noqa: BLE001 - as a careless function may do
            return []
        return [row["name"] for row in others]

    answers = await asyncio.gather(*(db.read_by_key(read) for _ in range(5)))
    assert answers == [["b"]] * 5
    assert threads == {threading.get_ident()}
    assert ask_aside(url, COUNT_SESSIONS) == [(2,)]  # the writer's and the shared one
    with pytest.raises(LookupError):
        await db.read_by_key(lambda reader: reader.find_all(FIND, "a") and raise_lookup_error())


async def test_old_statements_make_room_for_new_ones(db: PostgresDatabase) -> None:
    for _ in range(2):
        for number in range(PREPARED + 20):
            row = await db.look_up(f"select {number} as number, cast($1 as bigint) as given", 7)
            assert row is not None
            assert tuple(row) == (number, 7)
            row = await db.look_up(f"select {number} as number, cast($1 as bigint) as given", 8)
    kept = await db.look_up("select count(*) from pg_prepared_statements")
    assert kept is not None
    assert kept[0] <= PREPARED + 1
