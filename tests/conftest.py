"""What every test may use."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from hypothesis import settings

from shorty.storage.database import Database
from tests.support import prepare_copy

# How long an example takes says more of the machine than of the code.
settings.register_profile("shorty", deadline=None)
settings.load_profile("shorty")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def db(tmp_path: Path) -> AsyncGenerator[Database]:
    """An empty database of this test's own."""
    database = await Database.open(prepare_copy(tmp_path))
    yield database
    await database.close()
