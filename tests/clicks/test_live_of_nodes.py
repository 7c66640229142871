"""Watchers at one node see the clicks that another has stored."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from shorty.clicks.live import MOST_KEPT, LiveClicks, News, Watcher
from shorty.clicks.model import PREFETCH, QR
from shorty.clicks.recorder import Recorder
from shorty.storage.database import Database
from tests.clicks.making import insert_links, make_visit, run_recorder, store_all

pytestmark = pytest.mark.postgres_only


@pytest.fixture
async def recorder(db: Database) -> AsyncGenerator[Recorder]:
    await db.write(insert_links(1, 2, 12))
    async with run_recorder(db, rest_s=0.001) as recorder:
        yield recorder


async def read_news(watcher: Watcher) -> News:
    async with asyncio.timeout(20):
        return await anext(watcher)


async def test_new_clicks_of_the_watched_are_seen_in_their_order(
    db: Database, recorder: Recorder
) -> None:
    recorder.record(make_visit(link_id=1, country="SE"))  # before anybody watched
    await store_all(recorder)
    elsewhere = LiveClicks(db)
    await elsewhere.begin()
    with elsewhere.watch(1, 1) as of_link, elsewhere.watch(1) as of_workspace:
        for each in (
            {"link_id": 1, "country": "NO", "city": "Oslo", "source": QR},
            {"link_id": 2, "country": "FI"},
            {"link_id": 1, "kind": PREFETCH},
            {"link_id": 1, "country": "DK"},
        ):
            recorder.record(make_visit(**each))
        await store_all(recorder)
        seen = (await read_news(of_link)).clicks
        assert [(click.country, click.city, click.slug) for click in seen] == [
            ("NO", "Oslo", "slug1"),
            ("DK", None, "slug1"),
        ]
        assert seen[0].source == QR
        clicks = (await read_news(of_workspace)).clicks
        assert [click.country for click in clicks] == ["NO", "FI", "DK"]


async def test_another_workspace_sees_nothing_of_it(db: Database, recorder: Recorder) -> None:
    await db.write(insert_links(3, workspace_id=2))
    elsewhere = LiveClicks(db)
    await elsewhere.begin()
    with elsewhere.watch(2, 1) as stranger, elsewhere.watch(2) as owner:
        recorder.record(make_visit(link_id=1))
        recorder.record(make_visit(link_id=3))
        await store_all(recorder)
        assert [click.link_id for click in (await read_news(owner)).clicks] == [3]
        stranger.end()
        with pytest.raises(StopAsyncIteration):
            await anext(stranger)


async def test_only_the_latest_of_many_are_shown(db: Database, recorder: Recorder) -> None:
    elsewhere = LiveClicks(db)
    await elsewhere.begin()
    with elsewhere.watch(1) as watcher:
        for number in range(MOST_KEPT + 7):
            recorder.record(make_visit(link_id=1, at=number))
        await store_all(recorder)
        news, seen, missed = await read_news(watcher), 0, 0
        while news.clicks[-1].at < MOST_KEPT + 6:  # where it looked before all were stored
            seen, missed = seen + len(news.clicks), missed + news.missed
            news = await read_news(watcher)
        assert len(news.clicks) <= MOST_KEPT
        assert seen + missed + len(news.clicks) + news.missed == MOST_KEPT + 7
