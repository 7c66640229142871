"""A whole application in this process, with a clock that the test sets."""

from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest

from shorty.config import Config, DomainConfig, ServerConfig
from tests.redirect.house import House, open_house
from tests.rsgi_client import make_client

CONFIG = Config(
    server=ServerConfig(trusted_proxies=("127.0.0.1", "10.0.0.0/8")),
    domains=(
        DomainConfig(host="localhost:8000"),
        DomainConfig(
            host="go.example",
            root_redirect="https://example.com/home",
            not_found_redirect="https://example.com/lost",
        ),
        DomainConfig(host="xn--bcher-kva.example"),
    ),
)


@pytest.fixture
def config() -> Config:
    return CONFIG


@pytest.fixture
async def house(tmp_path: Path, config: Config) -> AsyncGenerator[House]:
    async with open_house(tmp_path, config) as house:
        yield house


@pytest.fixture
async def client(house: House) -> AsyncGenerator[httpx.AsyncClient]:
    async with make_client(house.app) as client:
        client.headers["user-agent"] = (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
        )
        yield client
