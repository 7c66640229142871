"""How many forms are kept, for how long and for whom: in memory, and for all nodes in a table."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final

import pytest

from shorty.durations import HOUR_MS
from shorty.errors import StorageUnavailableError
from shorty.postgres.database import PostgresDatabase
from shorty.webcore import drafts as rules
from shorty.webcore.drafts import (
    AHEAD_MS,
    KEPT_MS,
    LARGEST,
    PER_PERSON,
    ROOM,
    Draft,
    Drafts,
    OwnDrafts,
)
from tests.api.house import House
from tests.support import NOW

SECRET: Final = bytes(32)
SIZE: Final = LARGEST - 1000
FEW: Final = 4


def make_draft(user_id: int, size: int = 10, kept_at: int = NOW, browser: str = "mine") -> Draft:
    return Draft(
        user_id=user_id,
        workspace_id=1,
        browser=browser,
        page="/app",
        action="/app",
        fields={"text": ("x" * size,)},
        kept_at=kept_at,
    )


async def count_drafts(house: House) -> int:
    if house.app.db.dialect.is_shared:
        return len(await house.app.db.find_all("select id from drafts"))
    return len(house.app.services.drafts)


async def keep(drafts: Drafts, draft: Draft) -> str:
    key = await drafts.keep(draft)
    assert key
    return key


async def list_found(drafts: Drafts, keys: list[str], now: int = NOW) -> list[int]:
    """The places of the keys that lead to a draft."""
    return [place for place, key in enumerate(keys) if await drafts.find(key, "mine", now)]


def test_thousands_in_memory_take_no_more_than_their_room() -> None:
    drafts = OwnDrafts()
    for user_id in range(2000):
        drafts.keep(f"{user_id}", make_draft(user_id, 10), SIZE)
    assert drafts.size <= ROOM
    assert len(drafts) == ROOM // SIZE
    assert drafts.find("1999", "mine", NOW) is not None
    assert drafts.find("0", "mine", NOW) is None
    for user_id in range(2000):
        drafts.drop(f"{user_id}")
    assert (len(drafts), drafts.size) == (0, 0)


def test_old_ones_in_memory_make_room_and_a_clock_that_is_set_back_ends_them() -> None:
    drafts = OwnDrafts()
    drafts.keep("one", make_draft(1), 1)
    assert drafts.find("one", "mine", NOW + HOUR_MS - 1) is not None
    assert drafts.find("one", "mine", NOW - 1) is None
    assert len(drafts) == 0
    drafts.keep("two", make_draft(1), 1)
    drafts.keep("three", make_draft(2, kept_at=NOW + HOUR_MS), 1)
    assert len(drafts) == 1


async def test_the_sweep_deletes_those_whose_hour_is_over(house: House) -> None:
    drafts = house.app.services.drafts
    await keep(drafts, make_draft(1, kept_at=house.now - KEPT_MS + 1))
    await keep(drafts, make_draft(2, kept_at=house.now))
    await house.app.jobs.sweep()
    assert await count_drafts(house) == 2
    house.clock[0] += 1
    await house.app.jobs.sweep()
    assert await count_drafts(house) == 1


class TestOfNodes:
    """Of two nodes that share a database."""

    pytestmark = pytest.mark.postgres_only

    @pytest.fixture
    async def nodes(
        self, database_url: str, tmp_path: Path
    ) -> AsyncGenerator[list[PostgresDatabase]]:
        opened = [PostgresDatabase(database_url, name, tmp_path) for name in ("one", "other")]
        yield opened
        for db in opened:
            await db.close()

    @pytest.fixture
    def stores(self, nodes: list[PostgresDatabase]) -> list[Drafts]:
        return [Drafts(db, SECRET) for db in nodes]

    async def test_what_one_node_kept_is_found_and_dropped_at_the_other(
        self, stores: list[Drafts]
    ) -> None:
        here, there = stores
        draft = make_draft(1)
        key = await keep(here, draft)
        assert await there.find(key, "mine", NOW) == draft
        await there.drop(key, "mine")
        assert await here.find(key, "mine", NOW) is None

    async def test_another_browser_finds_and_drops_none(self, stores: list[Drafts]) -> None:
        here, there = stores
        keys = [await keep(here, make_draft(1)), await keep(here, make_draft(1, browser="other"))]
        for browser in ("other", "", "min", "mine\0", "\ud800"):
            assert await there.find(keys[0], browser, NOW) is None
            await there.drop(keys[0], browser)
        assert await there.find("\ud800\0", "mine", NOW) is None
        assert await list_found(there, keys) == [0]
        assert await there.find(keys[1], "other", NOW) is not None

    async def test_a_person_loses_their_own_oldest_and_nobody_elses(
        self, stores: list[Drafts]
    ) -> None:
        others = [await keep(each, make_draft(2)) for each in stores]
        keys = [await keep(stores[n % 2], make_draft(1)) for n in range(PER_PERSON + 3)]
        assert await list_found(stores[1], keys) == list(range(3, PER_PERSON + 3))
        assert await list_found(stores[1], others) == [0, 1]

    async def test_sent_at_the_same_moment_no_more_stay_than_in_turn(
        self, stores: list[Drafts]
    ) -> None:
        sent = (keep(each, make_draft(user)) for each in stores * 10 for user in (1, 2))
        keys = await asyncio.gather(*sent)
        found = [await stores[0].find(key, "mine", NOW) for key in keys]
        assert sorted(each.user_id for each in found if each) == [1] * PER_PERSON + [2] * PER_PERSON

    async def test_all_together_take_no_more_than_their_room(
        self, stores: list[Drafts], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rules, "ROOM", FEW * LARGEST)
        keys = [await keep(stores[n % 2], make_draft(n, SIZE)) for n in range(FEW + 3)]
        assert await list_found(stores[0], keys) == list(range(3, FEW + 3))
        assert await stores[0].keep(make_draft(1, LARGEST)) is None
        assert await list_found(stores[0], keys) == list(range(3, FEW + 3))

    async def test_one_is_over_after_an_hour_and_deleted_by_any_node(
        self, stores: list[Drafts], nodes: list[PostgresDatabase]
    ) -> None:
        here, there = stores
        keys = [await keep(here, make_draft(1)), await keep(here, make_draft(2, kept_at=NOW + 1))]
        assert await list_found(there, keys, NOW + KEPT_MS - 1) == [0, 1]
        assert await there.delete_old(NOW + KEPT_MS - 1) == 0
        assert await list_found(there, keys, NOW + KEPT_MS) == [1]
        assert await there.delete_old(NOW + KEPT_MS) == 1
        assert len(await nodes[0].find_all("select id from drafts")) == 1

    async def test_clocks_may_differ_and_one_that_is_set_back_ends_it(
        self, stores: list[Drafts]
    ) -> None:
        here, there = stores
        keys = [await keep(here, make_draft(1))]
        assert await list_found(there, keys, NOW - AHEAD_MS) == [0]
        assert await there.delete_old(NOW - AHEAD_MS) == 0
        assert await list_found(there, keys, NOW - AHEAD_MS - 1) == []
        assert await there.delete_old(NOW - AHEAD_MS - 1) == 1

    async def test_neither_its_address_nor_its_browser_is_stored(
        self, stores: list[Drafts], nodes: list[PostgresDatabase]
    ) -> None:
        key = await keep(stores[0], make_draft(1, browser="a browser's key"))
        [row] = await nodes[1].find_all("select key, content from drafts")
        stored = row["key"] + row["content"]
        assert key.encode() not in stored
        assert b"a browser's key" not in stored
        elsewhere = Drafts(nodes[0], b"another secret")
        assert await elsewhere.find(key, "a browser's key", NOW) is None

    async def test_without_the_database_none_is_kept_or_found(self, tmp_path: Path) -> None:
        away = PostgresDatabase("postgresql://127.0.0.1:1/gone", "gone", tmp_path)
        drafts = Drafts(away, SECRET)
        with pytest.raises(StorageUnavailableError):
            await drafts.keep(make_draft(1))
        with pytest.raises(StorageUnavailableError):
            await drafts.find("key", "mine", NOW)
        await away.close()
