# pyright: reportPrivateUsage=false

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shorty.clicks import rebuild
from shorty.clicks.days import Quarter
from shorty.clicks.folding import fold_some
from shorty.clicks.model import BOT, LINK, PERSON, PREFETCH, QR, Click
from shorty.clicks.owners import number_domain
from shorty.clicks.rebuild import list_days, note_days, rebuild_day, rebuild_noted_day
from shorty.clicks.recounts import Recount, TakenOverError, begin_recount
from shorty.clicks.retention import CLICKS_AT_ONCE, forget_sums, remove_old_clicks
from shorty.clicks.rollups import MOST_VALUES, QUARTER_MS, Place
from shorty.config import Plan
from shorty.durations import DAY_MS
from shorty.errors import StorageUnavailableError
from shorty.storage.database import Database, Lane
from tests.clicks.making import AT, insert_links, load_clicks
from tests.clicks.recount import assert_sums_are_right, read_rollups
from tests.examples import count_examples
from tests.support import break_table, mend_table, open_new

DAY = AT // DAY_MS * DAY_MS
TABLES = ("click_quarters", "click_days", "click_weeks", "click_seasons", "clicks", "link_counters")


def make_click(**only_what_matters: object) -> Click:
    plain = Click(1, DAY, 7, PERSON, LINK, "DE", "t.co", "Chrome", None, "desktop", None)
    return plain._replace(**only_what_matters)  # pyright: ignore[reportArgumentType]


async def rebuild_all(db: Database) -> int:
    return sum([await rebuild_day(db, day) for day in await list_days(db)])


async def fold(db: Database, now: int) -> None:
    while await fold_some(db, now):
        pass


async def dump(db: Database) -> list[list[tuple[object, ...]]]:
    return [
        [tuple(row) for row in await db.find_all(f"select * from {table} order by 1, 2")]  # noqa: S608 - names of our own
        for table in TABLES
    ]


@pytest.fixture(autouse=True)
async def begun(db: Database) -> None:
    await db.write(insert_links(1, 2))


async def test_clicks_of_the_past_are_counted_as_if_they_had_come_here(db: Database) -> None:
    assert (
        await load_clicks(db, [make_click(), make_click(link_id=404), make_click(at=DAY + 9)]) == 2
    )
    counted = "select clicks, total, last_click_at from link_counters where link_id = 1"
    row = await db.find_one(counted)
    assert row is not None
    assert tuple(row) == (2, 2, DAY + 9)
    await assert_sums_are_right(db)
    await load_clicks(db, [make_click(at=DAY - 5 * DAY_MS)])
    row = await db.find_one("select total, last_click_at from link_counters where link_id = 1")
    assert row is not None
    assert tuple(row) == (3, DAY + 9)


async def test_folding_keeps_the_sums_and_takes_late_clicks(db: Database) -> None:
    await load_clicks(db, [make_click(), make_click(at=DAY + QUARTER_MS), make_click(link_id=2)])
    await fold(db, DAY + DAY_MS - 1)
    assert await db.find_all("select * from click_days") == []
    await fold(db, DAY + DAY_MS)
    assert await db.find_all("select * from click_quarters") == []
    await assert_sums_are_right(db)
    await load_clicks(db, [make_click(visitor=9), make_click(at=DAY + 5 * QUARTER_MS)])
    await assert_sums_are_right(db)
    await fold(db, DAY + DAY_MS)
    await assert_sums_are_right(db)
    assert await db.find_all("select * from click_quarters") == []


async def test_correct_sums_are_not_written(db: Database) -> None:
    many = [
        make_click(referrer=f"{i}.example", city=f"C{i}", visitor=1000 - i)
        for i in range(MOST_VALUES * 2)
    ]
    await load_clicks(db, [*many, make_click(at=DAY + DAY_MS)])
    await fold(db, DAY + DAY_MS)
    before = await dump(db)
    assert await rebuild_all(db) == 0
    assert await dump(db) == before


@pytest.mark.parametrize("is_folded", [False, True])
async def test_what_is_wrong_is_corrected(db: Database, *, is_folded: bool) -> None:
    await load_clicks(db, [make_click(), make_click(at=DAY + QUARTER_MS), make_click(link_id=2)])
    if is_folded:
        await fold(db, DAY + DAY_MS)
    right = await read_rollups(db)
    await db.write(lambda tx: tx.execute("delete from clicks where link_id = 2"))
    assert await rebuild_all(db) == 3  # the quarter hour of the link, its domain and its workspace
    assert (2, DAY) not in await read_rollups(db)
    await assert_sums_are_right(db)
    await db.write(lambda tx: tx.execute("delete from click_quarters"))
    await db.write(lambda tx: tx.execute("delete from click_days"))
    await load_clicks(db, [make_click(link_id=2)])
    assert await rebuild_all(db) > 0
    assert await rebuild_all(db) == 0
    assert await read_rollups(db) == right


PLANS = {
    "unlimited": Plan(name="unlimited"),
    "week": Plan(name="week", click_retention_days=7),
    "short": Plan(name="short", click_retention_days=3),
}


async def remove(db: Database, now: int) -> None:
    for _ in range(20):
        if not await remove_old_clicks(db, PLANS, now):
            return
    raise AssertionError("There is always more to remove")


async def test_old_clicks_go_a_little_at_a_time_the_oldest_first(db: Database) -> None:
    await db.write(lambda tx: tx.execute("update workspaces set plan = 'short' where id = 1"))
    await load_clicks(db, [make_click(at=DAY + at) for at in range(CLICKS_AT_ONCE + 2)])
    assert await remove_old_clicks(db, PLANS, DAY + 10 * DAY_MS)
    left = await db.find_all("select at from clicks order by at")
    assert [row["at"] - DAY for row in left] == [CLICKS_AT_ONCE, CLICKS_AT_ONCE + 1]
    await remove(db, DAY + 10 * DAY_MS)
    assert await db.find_all("select at from clicks") == []


async def test_each_workspaces_clicks_are_kept_for_its_own_plans_days(db: Database) -> None:
    await db.write(insert_links(3, 4, workspace_id=2))
    await db.write(lambda tx: tx.execute("update workspaces set plan = 'week' where id = 1"))
    await db.write(lambda tx: tx.execute("update workspaces set plan = 'short' where id = 2"))
    moments = [(link, day) for link in (1, 3, 4) for day in range(10)]
    await load_clicks(
        db, [make_click(link_id=link, at=DAY + day * DAY_MS) for link, day in moments]
    )
    for now, weeks, shorts in ((10, 3, 7), (10, 3, 7), (12, 5, 9)):
        await remove(db, DAY + now * DAY_MS)
        rows = await db.find_all("select link_id, at from clicks order by link_id, at")
        assert [(row["link_id"], (row["at"] - DAY) // DAY_MS) for row in rows] == [
            (link, day) for link, day in moments if day >= (weeks if link == 1 else shorts)
        ]
        rows = await db.find_all("select * from click_removals order by workspace_id")
        ends = [(1, DAY + weeks * DAY_MS), (2, DAY + shorts * DAY_MS)]
        assert [tuple(row) for row in rows] == [(each, end, end) for each, end in ends]


@pytest.mark.parametrize("is_folded", [False, True])
async def test_the_sums_of_one_link_are_forgotten_alone(db: Database, *, is_folded: bool) -> None:
    await load_clicks(
        db, [make_click(), make_click(at=DAY + QUARTER_MS, kind=BOT), make_click(link_id=2)]
    )
    if is_folded:
        await fold(db, DAY + DAY_MS)
    await db.write(lambda tx: forget_sums(tx, 1, DAY, DAY + QUARTER_MS))
    assert set(await read_rollups(db)) == {
        (2, DAY),
        *((owner, DAY + at) for owner in (-1, number_domain(1, 1)) for at in (0, QUARTER_MS)),
    }
    rows = await db.find_all(
        "select clicks, scans, bio_clicks, bots, total from link_counters order by link_id"
    )
    assert [tuple(row) for row in rows] == [(0, 0, 0, 0, 0), (1, 0, 0, 0, 1)]


async def test_clicks_past_the_plans_days_go_and_their_sums_stay(db: Database) -> None:
    await db.write(lambda tx: tx.execute("insert into workspaces values (2, 'V', 'short', 0)"))
    await db.write(
        lambda tx: tx.execute("update link_counters set workspace_id = 2 where link_id = 2")
    )
    await load_clicks(
        db, [make_click(link_id=link, at=DAY + day * DAY_MS) for link in (1, 2) for day in range(3)]
    )
    before = await read_rollups(db)
    await remove(db, DAY + 5 * DAY_MS - 1)
    rows = await db.find_all("select link_id, at from clicks order by id")
    assert [(row["link_id"], (row["at"] - DAY) // DAY_MS) for row in rows] == [
        *((1, 0), (1, 1), (1, 2)),
        *((2, 1), (2, 2)),
    ]
    assert await read_rollups(db) == before
    assert await rebuild_all(db) == 0
    row = await db.find_one("select total from link_counters where link_id = 2")
    assert row is not None
    assert row["total"] == 3
    await load_clicks(db, [make_click(link_id=2)])
    assert (await db.find_all("select * from clicks where link_id = 2 and at = $1", DAY)) == []
    assert (await read_rollups(db))[2, DAY].totals["clicks"] == 2


async def test_a_day_that_is_being_removed_is_not_recounted(db: Database) -> None:
    await load_clicks(db, [make_click(), make_click(at=DAY + 5)])
    await db.write(lambda tx: tx.execute("insert into click_removals values (1, $1, 0)", DAY + 1))
    await db.write(lambda tx: tx.execute("delete from clicks where at = $1", DAY))
    before = await read_rollups(db)
    assert await rebuild_all(db) == 0
    assert await read_rollups(db) == before


async def test_a_recount_that_fails_is_left_noted_and_keeps_no_turn(db: Database) -> None:
    await load_clicks(db, [make_click(), make_click(at=DAY + DAY_MS)])
    await db.write(lambda tx: tx.execute("delete from click_quarters"))
    await db.write(lambda tx: note_days(tx, [DAY + DAY_MS, DAY, DAY]))
    await break_table(db, "click_days")
    for _ in range(3):
        with pytest.raises(StorageUnavailableError):
            await rebuild_noted_day(db)
    await mend_table(db, "click_days")
    cancelled = asyncio.create_task(rebuild_noted_day(db))
    await asyncio.sleep(0)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    async with asyncio.timeout(10):
        assert [await rebuild_noted_day(db) for _ in range(3)] == [1, 1, 0]
    await assert_sums_are_right(db)
    assert await db.find_all("select * from days_to_recount") == []


async def test_a_day_noted_while_it_is_recounted_is_recounted_again(db: Database) -> None:
    await db.write(lambda tx: note_days(tx, [DAY, DAY + DAY_MS]))
    first = asyncio.create_task(rebuild_noted_day(db))
    # The writer runs one write after another, so the day has been taken by then.
    await asyncio.sleep(0)
    await db.write(lambda tx: note_days(tx, [DAY]), Lane.CLICKS)
    assert await first == 1
    assert [await rebuild_noted_day(db) for _ in range(3)] == [1, 1, 0]


async def test_a_day_that_another_process_recounts_is_corrected_once(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the one that began last, even if the other has read the same sums."""
    await load_clicks(db, [make_click(), make_click(visitor=8)])
    await db.write(lambda tx: tx.execute("delete from click_quarters"))
    await db.write(lambda tx: note_days(tx, [DAY]))
    others: list[Recount] = []

    async def read_while_another_begins(*arguments: Any) -> dict[Place, Quarter]:
        others.append(await begin_recount(db, DAY))
        return await read_stored(*arguments)

    read_stored = rebuild._read_stored
    with monkeypatch.context() as patched:
        patched.setattr(rebuild, "_read_stored", read_while_another_begins)
        assert await rebuild_noted_day(db) == 0
    assert await db.find_all("select * from click_quarters") == []
    assert await rebuild_noted_day(db) == 1
    with pytest.raises(TakenOverError):
        await db.write(others[0].require_turn, Lane.CLICKS)
    await assert_sums_are_right(db)
    assert await db.find_all("select * from days_to_recount") == []
    assert await db.find_all("select * from recounts") == []


CLICKS = st.builds(
    make_click,
    at=st.integers(DAY - 2 * QUARTER_MS, DAY + 2 * QUARTER_MS),
    link_id=st.integers(1, 2),
    visitor=st.integers(0, 2),
    kind=st.sampled_from([PERSON, BOT, PREFETCH]),
    source=st.sampled_from([LINK, QR]),
    country=st.sampled_from([None, "DE", "US"]),
    city=st.sampled_from([None, "Bonn"]),
    rule_id=st.sampled_from([None, "4f2a"]),
    variant=st.sampled_from([None, "a"]),
)
STEPS = st.one_of(
    st.lists(CLICKS, max_size=5),
    st.sampled_from(["fold", "rebuild", "spoil"]),
)


@settings(max_examples=count_examples(25), deadline=None)
@given(steps=st.lists(STEPS, max_size=8))
async def test_sums_are_right_after_any_history(steps: list[list[Click] | str]) -> None:
    with TemporaryDirectory() as folder:
        db = await open_new(Path(folder))
        try:
            await db.write(insert_links(1, 2))
            for step in steps:
                if step == "fold":
                    await fold(db, DAY)
                elif step == "rebuild":
                    assert await rebuild_all(db) == 0
                elif step == "spoil":
                    await db.write(
                        lambda tx: tx.execute("delete from click_quarters where owner = 1")
                    )
                    await rebuild_all(db)
                elif isinstance(step, list):
                    await load_clicks(db, step)
                await assert_sums_are_right(db)
        finally:
            await db.close()
