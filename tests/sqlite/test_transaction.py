"""Parts of a write: what is rolled back alone, and what waits for the commit."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from threading import Event

import pytest

from shorty.sqlite.database import SqliteDatabase
from shorty.storage.database import Transaction
from tests.reading import reader

ADD = "insert into server_state (name, value) values ($1, $2) on conflict do nothing"


async def list_names(db: SqliteDatabase) -> list[str]:
    return [row["name"] for row in await db.find_all("select name from server_state order by name")]


async def test_an_insert_returns_the_new_id_or_none_on_a_conflict(db: SqliteDatabase) -> None:
    sql = "insert into users (email, name, created_at) values ($1, 'x', 0) on conflict do nothing"
    assert await db.write(lambda tx: tx.insert(sql, "a@a.example")) == 1
    assert await db.write(lambda tx: tx.insert(sql, "a@a.example")) is None
    assert await db.write(lambda tx: tx.insert(sql, "b@a.example")) == 2


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 203])
async def test_many_rows_are_inserted_and_the_new_ones_returned(
    db: SqliteDatabase, count: int
) -> None:
    names = [f"{number:03}" for number in range(count)]
    rows = [(name, "") for name in names]
    assert await db.write(lambda tx: tx.insert_rows(ADD, rows[::3])) == len(rows[::3])
    made = await db.write(lambda tx: tx.insert_rows_returning(f"{ADD} returning name", rows))
    assert {row["name"] for row in made} == set(names) - set(names[::3])
    assert await list_names(db) == names


async def test_a_part_that_fails_is_undone_alone(db: SqliteDatabase) -> None:
    def fail(tx: Transaction) -> None:
        tx.execute(ADD, "inner", "")
        tx.execute_late(ADD, "late inner", "")
        raise ValueError("no")

    def work(tx: Transaction) -> str:
        tx.execute(ADD, "before", "")
        with pytest.raises(ValueError, match="no"):
            tx.attempt(lambda: fail(tx))
        tx.execute(ADD, "after", "")
        return tx.attempt(lambda: "kept")

    assert await db.write(work) == "kept"
    assert await list_names(db) == ["after", "before"]


@asynccontextmanager
async def held_up(db: SqliteDatabase) -> AsyncGenerator[None]:
    """Keeps the writer from taking what is asked for inside, until the end."""
    has_begun, may_end = Event(), Event()

    def wait(_tx: Transaction) -> None:
        has_begun.set()
        may_end.wait()

    waiting = asyncio.ensure_future(db.write(wait))
    await asyncio.to_thread(has_begun.wait)
    try:
        yield
    finally:
        may_end.set()
        await waiting


async def test_late_statements_run_in_order_after_every_write_of_the_group(
    db: SqliteDatabase,
) -> None:
    seen: list[int] = []

    def work(tx: Transaction) -> None:
        tx.execute_late(ADD, "x", str(len(seen)))
        tx.execute_late("update server_state set value = value || '+' where name = $1", "x")
        rows = tx.find_all("select 1 from server_state where name = 'x'")
        seen.append(len(rows))

    async with held_up(db):  # so that they are one group
        writes = asyncio.gather(*(db.write(work) for _ in range(3)))
        await asyncio.sleep(0)
    await writes
    assert seen == [0, 0, 0]
    row = reader(db).find_one("select value from server_state where name = 'x'")
    assert row is not None
    assert row["value"] == "0+++"


async def test_late_statements_of_a_write_that_fails_are_dropped(db: SqliteDatabase) -> None:
    def fail(tx: Transaction) -> None:
        tx.execute_late(ADD, "dropped", "")
        raise ValueError("no")

    answers = await asyncio.gather(
        db.write(lambda tx: tx.execute_late(ADD, "a", "")),
        db.write(fail),
        db.write(lambda tx: tx.execute_late(ADD, "b", "")),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers] == [type(None), ValueError, type(None)]
    assert await list_names(db) == ["a", "b"]


class TestWhatFollowsTheCommit:
    async def test_it_runs_on_the_loop_before_the_caller_continues(
        self, db: SqliteDatabase
    ) -> None:
        seen: list[object] = []

        def follow() -> None:
            row = reader(db).find_one("select count(*) as names from server_state where name = 'x'")
            seen.append((asyncio.get_running_loop(), row and row["names"]))

        def work(tx: Transaction) -> None:
            tx.after_commit(follow)
            tx.execute(ADD, "x", "")

        await db.write(work)
        assert seen == [(asyncio.get_running_loop(), 1)]
        await db.write(lambda tx: tx.execute(ADD, "y", ""))
        assert len(seen) == 1

    async def test_it_does_not_run_after_a_rollback(self, db: SqliteDatabase) -> None:
        seen: list[str] = []

        def fail(tx: Transaction) -> None:
            tx.after_commit(lambda: seen.append("undone"))
            raise ValueError("no")

        def work(tx: Transaction) -> None:
            tx.after_commit(lambda: seen.append("kept"))
            with pytest.raises(ValueError, match="no"):
                tx.attempt(lambda: fail(tx))

        with pytest.raises(ValueError, match="no"):
            await db.write(fail)
        await db.write(work)
        assert seen == ["kept"]

    async def test_runs_for_a_caller_that_is_gone(self, db: SqliteDatabase) -> None:
        done = asyncio.Event()
        caller = asyncio.ensure_future(db.write(lambda tx: tx.after_commit(done.set)))
        await asyncio.sleep(0)
        caller.cancel()
        await asyncio.wait_for(done.wait(), 10)
        assert caller.cancelled()

    async def test_tells_its_own_caller_alone_where_it_fails(self, db: SqliteDatabase) -> None:
        def fail() -> None:
            raise ValueError("no")

        answers = await asyncio.gather(
            db.write(lambda tx: tx.after_commit(fail)),
            db.write(lambda tx: tx.execute(ADD, "x", "")),
            return_exceptions=True,
        )
        assert (str(answers[0]), answers[1]) == ("no", 1)
