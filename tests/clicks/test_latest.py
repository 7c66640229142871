import pytest

from shorty.clicks import latest
from shorty.clicks.folding import fold_some
from shorty.clicks.latest import LatestClicks, Place, list_latest_clicks
from shorty.clicks.model import BOT, PREFETCH
from shorty.clicks.rollups import QUARTER_MS
from shorty.durations import DAY_MS
from shorty.storage.database import Database
from tests.clicks.making import AT, insert_links, make_person, make_visit, run_recorder, store_all


@pytest.fixture(autouse=True)
async def links(db: Database) -> None:
    await db.write(insert_links(1, 2))


async def store(db: Database, *times: int, link_id: int = 1, kind: int | None = None) -> None:
    async with run_recorder(db, rest_s=0.001) as recorder:
        for at in times:
            visit = make_person(at=at, link_id=link_id)
            recorder.record(visit if kind is None else make_visit(at=at, kind=kind))
        await store_all(recorder)


async def find(
    db: Database, before: Place | None = None, limit: int = 3, *, has_bots: bool = False
) -> LatestClicks:
    return await list_latest_clicks(db, 1, 1, before or Place(), limit, has_bots=has_bots)


async def read_all(db: Database, limit: int = 3) -> list[int]:
    """The moments of all pages, in order."""
    moments: list[int] = []
    place: Place | None = Place()
    while place is not None:
        found = await find(db, place, limit)
        moments += [click.at for click in found.clicks]
        place = found.next
    return moments


async def test_a_link_without_clicks_has_none(db: Database) -> None:
    assert await find(db) == LatestClicks([], None)


async def test_pages_contain_every_click_once_latest_first(db: Database) -> None:
    times = [AT, AT, AT, AT + 1, AT + QUARTER_MS, AT + 3 * QUARTER_MS, AT + DAY_MS, AT + 3 * DAY_MS]
    await store(db, *times)
    await store(db, *times[:4], link_id=2)
    for _ in range(2):
        for limit in (1, 2, 3, 8, 50):
            assert await read_all(db, limit) == sorted(times, reverse=True)
        while await fold_some(db, AT + 2 * DAY_MS):
            pass


async def test_bots_are_left_out_unless_asked_for_and_prefetches_always(db: Database) -> None:
    await store(db, AT)
    await store(db, AT + 1, AT + DAY_MS, kind=BOT)
    await store(db, AT + 2, kind=PREFETCH)
    assert [click.at for click in (await find(db)).clicks] == [AT]
    found = await find(db, has_bots=True)
    assert [(click.at, click.is_bot) for click in found.clicks] == [
        (AT + DAY_MS, True),
        (AT + 1, True),
        (AT, False),
    ]


async def test_a_page_ends_early_where_too_much_would_be_looked_at(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = [AT + each * QUARTER_MS for each in range(6)]
    await store(db, *times)
    await store(db, *times * 3, link_id=2)
    monkeypatch.setattr(latest, "MOST_LOOKED_AT", 9)
    found = await find(db, limit=50)
    assert [click.at for click in found.clicks] == [times[5], times[4]]
    assert await read_all(db, 50) == times[::-1]


@pytest.mark.parametrize(("workspace_id", "expected"), [(1, [2]), (2, [2, 0])])
async def test_days_of_which_the_workspaces_clicks_were_removed_are_not_looked_at(
    db: Database, workspace_id: int, expected: list[int]
) -> None:
    await store(db, AT, AT + 2 * DAY_MS)
    await db.write(
        lambda tx: tx.execute(
            "insert into click_removals values ($1, $2, $2)",
            *(workspace_id, (AT // DAY_MS + 1) * DAY_MS),
        )
    )
    assert await read_all(db) == [AT + days * DAY_MS for days in expected]
