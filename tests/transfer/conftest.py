"""What tests of transfers share: a house to move out of, and an empty one to move into."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from shorty.storage.database import Database
from tests.support import open_new
from tests.transfer.making import House, build_house


@pytest.fixture
async def house(db: Database) -> House:
    return await build_house(db)


@pytest.fixture
async def empty_house(tmp_path: Path) -> AsyncGenerator[House]:
    folder = tmp_path / "empty"
    folder.mkdir()
    db = await open_new(folder)
    yield await build_house(db)
    await db.close()
