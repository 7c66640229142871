"""A furnished workspace, created once per test process and copied for each test."""

import asyncio
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from dns.resolver import BaseResolver

from shorty.accounts.service import Home
from shorty.app import App
from shorty.config import Config, StorageConfig, WebhooksConfig
from tests.api.conftest import DOMAINS
from tests.api.house import House
from tests.copies import find_databases
from tests.security.furnished import Ids, furnish
from tests.support import NOW, make_home, make_storage

SETTINGS = Config(domains=DOMAINS, webhooks=WebhooksConfig(allow_private=True))


class Furnished(NamedTuple):
    storage: StorageConfig
    folder: Path
    home: Home
    ids: Ids


def build_app(storage: StorageConfig, clock: list[int]) -> App:
    settings = msgspec.structs.replace(SETTINGS, storage=storage)
    return App(settings, lambda: clock[0] * 1_000_000)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One loop for a module's tests, so that they can share a house."""
    return "asyncio"


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Furnished:
    folder = tmp_path_factory.mktemp("furnished")

    async def build() -> Furnished:
        storage = make_storage(folder)
        app = build_app(storage, [NOW])
        await app.start()
        house = House(app=app, home=await make_home(app.db), clock=[NOW])
        ids = await furnish(house)
        await house.close()
        await app.stop()
        return Furnished(storage=storage, folder=folder, home=house.home, ids=ids)

    return asyncio.run(build())


@pytest.fixture(autouse=True)
def nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Domain checks ask a name server on loopback that does not exist."""

    def read_resolv_conf(resolver: BaseResolver, _file: object) -> None:
        resolver.nameservers = ["127.0.0.1"]
        resolver.port = 9

    monkeypatch.setattr(BaseResolver, "read_resolv_conf", read_resolv_conf)


def copy_storage(furnished: Furnished, folder: Path) -> StorageConfig:
    if (databases := find_databases()) is None:
        return StorageConfig(database=str(folder / furnished.storage.path.name))
    return StorageConfig(database=databases.copy(furnished.storage.database), folder=str(folder))


@asynccontextmanager
async def open_house(furnished: Furnished, folder: Path) -> AsyncGenerator[House]:
    clock = [NOW]
    shutil.copytree(furnished.folder, folder)
    app = build_app(copy_storage(furnished, folder), clock)
    await app.start()
    house = House(app=app, home=furnished.home, clock=clock)
    yield house
    await house.close()
    await app.stop()


@pytest.fixture
async def house(tmp_path: Path, furnished: Furnished) -> AsyncGenerator[House]:
    """Replaces the other tests' house, whose workspace is empty."""
    async with open_house(furnished, tmp_path / "data") as house:
        yield house


@pytest.fixture(scope="module")
async def shared_house(
    tmp_path_factory: pytest.TempPathFactory, furnished: Furnished
) -> AsyncGenerator[House]:
    """For tests that leave it unchanged, which each of them checks.

    It outlives the pause between two sweeps, which would delete ended sessions during a test.
    """
    async with open_house(furnished, tmp_path_factory.mktemp("shared") / "data") as house:
        await house.app.jobs.stop()
        yield house


@pytest.fixture(scope="session")
def ids(furnished: Furnished) -> Ids:
    return furnished.ids
