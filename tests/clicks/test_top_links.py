import pytest

from shorty.clicks import top_links
from shorty.clicks.folding import fold_some
from shorty.clicks.model import BOT
from shorty.clicks.rollups import QUARTER_MS
from shorty.clicks.stats_store import Scope
from shorty.clicks.top_links import LinkCount, count_candidates, list_top_links
from shorty.durations import DAY_MS
from shorty.storage.database import Database
from tests.clicks.making import insert_links, make_person, make_visit, run_recorder, store_all

START = 1_790_000_000_000 // DAY_MS * DAY_MS + 2 * QUARTER_MS  # as in a half-hour zone
END = START + 3 * DAY_MS


async def find(
    db: Database, limit: int = 8, *, workspace_id: int = 1, has_bots: bool = False
) -> list[LinkCount]:
    return await list_top_links(
        db, Scope(workspace_id=workspace_id), START, END, limit, has_bots=has_bots
    )


async def test_clicks_within_the_period_count_to_the_quarter_hour(db: Database) -> None:
    await db.write(insert_links(1, 2, 3))
    await db.write(insert_links(4, workspace_id=2))
    async with run_recorder(db, rest_s=0.001) as recorder:
        for link_id, moments in {
            1: (START - 1, START, START + DAY_MS),
            2: (START, START + DAY_MS, END - 1, END),
            3: (START - 1, END),
            4: (START, START + 1, START + 2, START + 3),
        }.items():
            for number, at in enumerate(moments):
                recorder.record(make_person(link_id=link_id, at=at, visitor=number + 1))
        recorder.record(make_visit(link_id=1, at=START + 1, kind=BOT))
        recorder.record(make_visit(link_id=1, at=START + 2 * DAY_MS, kind=BOT))
        await store_all(recorder)
    for _ in range(2):
        assert await find(db) == [LinkCount(2, 3, 3), LinkCount(1, 2, 2)]
        assert await find(db, 1) == [LinkCount(2, 3, 3)]
        assert [each.clicks for each in await find(db, has_bots=True)] == [4, 3]
        assert await find(db, workspace_id=2) == [LinkCount(4, 4, 4)]
        while await fold_some(db, END + 2 * DAY_MS):
            pass


async def test_a_workspace_without_links_has_none(db: Database) -> None:
    assert await find(db) == []


@pytest.mark.parametrize("link_id", [1, 20])
async def test_of_many_links_those_of_all_time_and_the_newest_are_looked_at(
    db: Database, monkeypatch: pytest.MonkeyPatch, link_id: int
) -> None:
    monkeypatch.setattr(top_links, "MOST", 4)
    monkeypatch.setattr(top_links, "FEWEST", 2)
    await db.write(insert_links(*range(1, 21)))
    async with run_recorder(db, rest_s=0.001) as recorder:
        for each in (1, 20):
            recorder.record(make_person(link_id=each, at=START))
        await store_all(recorder)
    assert LinkCount(link_id, 1, 1) in await find(db, 20)


def test_the_longer_the_period_the_fewer_links_are_looked_at() -> None:
    days = {days: count_candidates(START, START + days * DAY_MS) for days in (0, 1, 30, 90, 365)}
    assert days == {0: 400, 1: 400, 30: 400, 90: 133, 365: 40}
