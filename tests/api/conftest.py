"""A whole application in this process, and callers of its API."""

from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import msgspec
import pytest

from shorty.app import App
from shorty.config import Config, DomainConfig
from tests.api.house import House
from tests.support import NOW, make_home, make_storage

DOMAINS = (DomainConfig(host="localhost:8000"), DomainConfig(host="go.example"))


@pytest.fixture
def config() -> Config:
    """A test file that needs other settings overrides this; the database is added anyway."""
    return Config(domains=DOMAINS)


@pytest.fixture
async def house(tmp_path: Path, config: Config) -> AsyncGenerator[House]:
    clock = [NOW]
    storage = make_storage(tmp_path)
    app = App(
        msgspec.structs.replace(config, storage=storage),
        lambda: clock[0] * 1_000_000,
        lambda: clock[0] / 1000,
    )
    await app.start()
    house = House(app=app, home=await make_home(app.db, config), clock=clock)
    yield house
    await house.close()
    await app.stop()


@pytest.fixture
async def client(house: House) -> httpx.AsyncClient:
    """A caller with an admin token of the first workspace's owner."""
    return await house.make_client()


@pytest.fixture
async def stranger(house: House) -> httpx.AsyncClient:
    """A caller with an admin token of another workspace's owner."""
    other = await make_home(house.app.db, house.app.config, email="eve@b.example")
    return await house.make_client(home=other)
