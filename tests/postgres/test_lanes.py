"""Tests the lanes of writes: which a write is in, who waits for whom, and who is in one."""

import asyncio
from functools import partial
from pathlib import Path

import pytest

from shorty.postgres.connections import name_command
from shorty.postgres.database import PostgresDatabase
from shorty.postgres.lanes import NAMESPACE
from shorty.postgres.numbers import STEP
from shorty.postgres.writer import GROUP
from shorty.storage.database import Lane, Transaction
from tests.postgres.support import add, ask_aside, hold_writer, wait_until

pytestmark = pytest.mark.postgres_only
FIND_LANES = f"""
select objid from pg_locks where locktype = 'advisory' and classid = {NAMESPACE} and granted
  and database = (select oid from pg_database where datname = current_database())
order by objid
"""  # noqa: S608 - a constant


def list_lanes(url: str, tx: Transaction) -> list[int]:
    """The lanes that a transaction is in by then."""
    tx.find_one("select 1")
    return [row[0] for row in ask_aside(url, FIND_LANES)]


async def has_waiting(db: PostgresDatabase) -> bool:
    return any(each.waiting for each in await db.list_lane_holders())


@pytest.mark.parametrize(
    ("named", "lanes"),
    [
        ([], [Lane.MAIN]),
        ([Lane.CLICKS], [Lane.CLICKS]),
        ([Lane.MAIN, Lane.CLICKS], [Lane.CLICKS, Lane.MAIN]),
        ([Lane.MAIN, Lane.WEBHOOKS, Lane.CLICKS, Lane.MAIN], [*Lane]),
    ],
)
@pytest.mark.parametrize("writer", [None, name_command()], ids=["server", "command"])
async def test_a_write_is_in_the_lanes_that_it_names(
    url: str, tmp_path: Path, named: list[Lane], lanes: list[Lane], writer: str | None
) -> None:
    db = PostgresDatabase(url, "here", tmp_path, writer=writer)
    assert await db.write(partial(list_lanes, url), *named) == lanes
    assert ask_aside(url, FIND_LANES) == []
    await db.close()


async def test_a_lane_that_a_write_seldom_needs_is_free_again_after_it(
    db: PostgresDatabase, url: str
) -> None:
    def take(tx: Transaction) -> list[int]:
        tx.take_lane(Lane.WEBHOOKS)
        return list_lanes(url, tx)

    def take_and_fail(tx: Transaction) -> None:
        tx.take_lane(Lane.WEBHOOKS)
        raise LookupError

    assert await db.write(take, Lane.CLICKS) == [Lane.CLICKS, Lane.WEBHOOKS]
    async with hold_writer(db, Lane.CLICKS):
        works = take_and_fail, partial(list_lanes, url)
        tasks = [asyncio.create_task(db.write(work, Lane.CLICKS)) for work in works]
        await asyncio.sleep(0)
    assert (await asyncio.gather(*tasks, return_exceptions=True))[1] == [Lane.CLICKS]


async def test_writes_in_other_lanes_wait_for_nobody(db: PostgresDatabase, url: str) -> None:
    async with hold_writer(db, Lane.CLICKS, Lane.WEBHOOKS):
        assert await db.write(partial(list_lanes, url)) == [*Lane]
        clicks, counted = (
            asyncio.create_task(db.write(add(name), *lanes))
            for name, lanes in (("click", [Lane.CLICKS]), ("both", [Lane.MAIN, Lane.CLICKS]))
        )
        for number in range(GROUP):
            await db.write(add(f"{number:03}"))
        assert not clicks.done()
        assert not counted.done()
    assert await asyncio.gather(clicks, counted) == ["click", "both"]


async def test_only_writes_of_the_same_lanes_are_one_group(db: PostgresDatabase, url: str) -> None:
    """So that those who need one lane wait for one."""
    wanted = [[Lane.CLICKS], [Lane.CLICKS, Lane.MAIN], [Lane.CLICKS], [Lane.MAIN, Lane.CLICKS]]
    async with hold_writer(db, Lane.CLICKS):
        tasks = [
            asyncio.create_task(db.write(partial(list_lanes, url), *lanes)) for lanes in wanted
        ]
        await asyncio.sleep(0)
    assert await asyncio.gather(*tasks) == [sorted(lanes) for lanes in wanted]
    assert ask_aside(url, "select node, groups from writers") == [("here/clicks", STEP + 3)]


async def test_whoever_is_in_a_lane_can_be_found(
    db: PostgresDatabase, url: str, tmp_path: Path
) -> None:
    other = PostgresDatabase(url, "there", tmp_path)
    assert await db.list_lane_holders() == []
    async with hold_writer(other, Lane.MAIN, Lane.WEBHOOKS), hold_writer(db, Lane.CLICKS):
        waiting = asyncio.create_task(db.write(add("a")))
        await wait_until(lambda: has_waiting(other))
        found = await other.list_lane_holders()
        assert [(each.lane, each.program, each.waiting) for each in found] == [
            (Lane.WEBHOOKS, "shorty there", 0),
            (Lane.MAIN, "shorty there", 1),
            (Lane.CLICKS, "shorty here", 0),
        ]
        assert {each.role for each in found} == {"shorty"}
        assert found[0].held_ms >= found[2].held_ms > 0
        pids = {each.pid for each in found}
        assert ask_aside(url, "select pid from pg_stat_activity where pid = $1", found[2].pid)
        assert len(pids) == 2
    await waiting
    await other.close()


async def test_two_writers_of_one_lane_follow_each_other(
    db: PostgresDatabase, url: str, tmp_path: Path
) -> None:
    def count_on(tx: Transaction) -> None:
        found = tx.find_one("select coalesce(max(size), 0) + 1 as size from things")
        assert found is not None
        tx.execute("insert into things (name, size) values ($1, $2)", f"{found[0]}", found[0])

    other = PostgresDatabase(url, "there", tmp_path)
    await asyncio.gather(*[each.write(count_on) for each in (db, other) for _ in range(200)])
    await other.close()
    found = await db.find_one("select count(*) as count, max(size) as most from things")
    assert found is not None
    assert (found["count"], found["most"]) == (400, 400)
