"""The key that visitors are numbered with, which all processes share and no backup has."""

from pathlib import Path

import pytest

from shorty.clicks.visitor import find_shared_key
from shorty.postgres.database import PostgresDatabase
from tests.engines import Databases

pytestmark = pytest.mark.postgres_only

TODAY = 20_000


async def list_days(db: PostgresDatabase) -> list[int]:
    rows = await db.find_all("select day from visitor_keys order by day")
    return [row["day"] for row in rows]


async def test_all_processes_share_a_days_key_and_past_days_are_deleted(
    databases: Databases, tmp_path: Path
) -> None:
    url = databases.create()
    one, other = (PostgresDatabase(url, name, tmp_path) for name in ("one", "other"))
    try:
        key = await find_shared_key(one, TODAY, TODAY)
        assert key is not None
        assert len(key) == 16
        assert await find_shared_key(other, TODAY, TODAY) == key
        coming = await find_shared_key(other, TODAY + 1, TODAY)
        assert coming != key
        assert await list_days(one) == [TODAY, TODAY + 1]
        assert await find_shared_key(one, TODAY + 1, TODAY + 1) == coming
        assert await list_days(one) == [TODAY + 1]
    finally:
        await one.close()
        await other.close()
