import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

import pytest

from shorty.clicks.live import MOST_KEPT, MOST_OF_WORKSPACE, LiveClick, LiveClicks, News, Watcher
from shorty.clicks.model import BOT, PERSON, PREFETCH, QR
from shorty.clicks.recorder import Recorder
from shorty.storage.database import Database
from tests.clicks.making import AT, insert_links, make_visit, run_recorder

pytestmark = pytest.mark.sqlite_only("its only node passes its own clicks on")


@pytest.fixture
async def recorder(db: Database) -> AsyncGenerator[Recorder]:
    await db.write(insert_links(1, 2))
    async with run_recorder(db, rest_s=0.001) as recorder:
        yield recorder


async def store(recorder: Recorder, *visits: dict[str, Any]) -> None:
    """Returns once all watchers are notified, which happens in one step."""
    with recorder.live.watch(1) as own:
        for each in visits:
            recorder.record(make_visit(**each))
        await read_news(own)


async def read_news(watcher: Watcher) -> News:
    async with asyncio.timeout(10):
        return await anext(watcher)


async def read_links(watcher: Watcher) -> list[int]:
    return [click.link_id for click in (await read_news(watcher)).clicks]


async def test_watchers_see_a_click_as_it_is_stored(recorder: Recorder) -> None:
    with recorder.live.watch(1, 1) as watcher:
        await store(
            recorder,
            {"country": "NO", "city": "Oslo", "referrer": "t.co", "source": QR, "visitor": 99},
        )
        news = await read_news(watcher)
    told = LiveClick(
        at=AT,
        link_id=1,
        slug="slug1",
        kind=PERSON,
        source=QR,
        country="NO",
        city="Oslo",
        referrer="t.co",
        browser="Chrome",
        os="Windows",
        device="desktop",
    )
    assert news == News((told,), 0)


async def test_a_links_watcher_sees_its_clicks_and_a_workspaces_all(
    recorder: Recorder,
) -> None:
    with recorder.live.watch(1, 2) as of_link, recorder.live.watch(1) as of_workspace:
        await store(recorder, {"link_id": 1}, {"link_id": 2})
        assert await read_links(of_link) == [2]
        assert await read_links(of_workspace) == [1, 2]


async def test_another_workspaces_watcher_sees_nothing(recorder: Recorder) -> None:
    with recorder.live.watch(2, 1) as of_link, recorder.live.watch(2) as of_workspace:
        await store(recorder, {})
        recorder.live.end()
        assert [news async for news in of_link] == []
        assert [news async for news in of_workspace] == []


async def test_bots_are_marked_and_prefetches_not_shown(recorder: Recorder) -> None:
    with recorder.live.watch(1) as watcher:
        await store(recorder, {"kind": PREFETCH}, {"kind": BOT}, {})
        assert [click.kind for click in (await read_news(watcher)).clicks] == [BOT, PERSON]


async def test_a_visit_to_a_deleted_link_is_not_shown(recorder: Recorder) -> None:
    with recorder.live.watch(1) as watcher:
        await store(recorder, {"link_id": 77}, {"link_id": 2})
        assert await read_links(watcher) == [2]


async def test_what_is_not_asked_for_soon_enough_is_missed_and_counted(recorder: Recorder) -> None:
    with recorder.live.watch(1, 1) as watcher:
        await store(recorder, *({"at": AT + each} for each in range(MOST_KEPT + 30)))
        await store(recorder, {"at": AT + 500})
        news = await read_news(watcher)
        await store(recorder, {})
        assert (await read_news(watcher)).missed == 0
    assert len(news.clicks) == MOST_KEPT
    assert news.clicks[-1].at == AT + 500
    assert news.missed == 31
    with recorder.live.watch(1, 1) as watcher:
        await store(recorder, {})
        assert (await read_news(watcher)).missed == 0


async def test_many_links_of_a_batch_are_shown_separately(db: Database, recorder: Recorder) -> None:
    ids = range(10, 460)
    await db.write(insert_links(*ids))
    with recorder.live.watch(1) as watcher, recorder.live.watch(1, 12) as of_one:
        await store(recorder, *({"link_id": each} for each in ids))
        news = await read_news(watcher)
        assert [click.slug for click in news.clicks] == [f"slug{each}" for each in ids[-MOST_KEPT:]]
        assert news.missed == len(ids) - MOST_KEPT
        assert await read_links(of_one) == [12]


async def test_nothing_is_watched_once_all_have_left(recorder: Recorder) -> None:
    assert not recorder.live.is_watched
    with recorder.live.watch(1):
        assert recorder.live.is_watched
    assert not recorder.live.is_watched


async def test_the_oldest_of_many_watchers_of_a_workspace_is_ended(db: Database) -> None:
    live = LiveClicks(db)
    with live.watch(2) as neighbour, live.watch(1) as oldest, live.watch(1) as second:
        others = [live.watch(1) for _ in range(MOST_OF_WORKSPACE - 1)]
        for each in others:
            each.__enter__()
        assert [news async for news in oldest] == []
        for still_there in (neighbour, second):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(still_there), 0.001)


async def watch_and_leave(live: LiveClicks, error: type[BaseException] | None) -> None:
    with live.watch(1):
        if error is not None:
            raise error


@pytest.mark.parametrize("error", [None, ValueError, asyncio.CancelledError])
async def test_a_watcher_that_leaves_in_any_way_makes_room_for_others(
    db: Database, error: type[BaseException] | None
) -> None:
    live = LiveClicks(db)
    with live.watch(1) as staying:
        for _ in range(2 * MOST_OF_WORKSPACE):
            with suppress(ValueError, asyncio.CancelledError):
                await watch_and_leave(live, error)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(staying), 0.001)
        assert live.is_watched
    assert not live.is_watched


async def test_the_end_of_the_recorder_ends_every_watch(db: Database) -> None:
    await db.write(insert_links(1))
    async with run_recorder(db) as recorder:
        watch = recorder.live.watch(1)
        watcher = watch.__enter__()
    assert [news async for news in watcher] == []
