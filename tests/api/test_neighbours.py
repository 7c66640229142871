"""The log warns about a proxy in front that the configuration does not trust."""

from collections.abc import Mapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from shorty.config import Config, PublicLinksConfig
from tests.api.conftest import DOMAINS
from tests.api.house import House
from tests.rsgi_client import make_client
from tests.support import DAY

PROXY = "172.17.0.1"
VISITOR = "203.0.113.9"
PAGE = "/app/sign-in"


@pytest.fixture
def config() -> Config:
    return Config(domains=DOMAINS, public_links=PublicLinksConfig(enabled=True))


async def call(
    house: House,
    path: str = PAGE,
    method: str = "GET",
    *,
    peer: str = PROXY,
    forwarded: str = VISITOR,
    **headers: str,
) -> list[Mapping[str, Any]]:
    """The log of the block."""
    if forwarded:
        headers["x-forwarded-for"] = forwarded
    with capture_logs() as logs:
        async with make_client(house.app, peer=f"{peer}:4000") as client:
            await client.request(method, path, headers=headers)
    return [each for each in logs if each["event"] == "proxy_not_trusted"]


async def test_it_is_a_warning_that_says_what_to_set(house: House) -> None:
    (told,) = await call(house)
    assert (told["log_level"], told["peer"]) == ("warning", PROXY)
    assert "[server] trusted_proxies" in told["advice"]
    assert VISITOR not in str(told)


async def test_each_is_told_of_once_a_day(house: House) -> None:
    assert len(await call(house)) == 1
    assert await call(house) == []
    assert len(await call(house, peer="10.0.0.3")) == 1
    house.clock[0] += DAY
    assert len(await call(house)) == 1


@pytest.mark.parametrize(
    ("peer", "forwarded"), [(PROXY, ""), ("127.0.0.1", VISITOR), ("8.8.8.8", VISITOR)]
)
async def test_nobody_else_is_told_of(house: House, peer: str, forwarded: str) -> None:
    assert await call(house, peer=peer, forwarded=forwarded) == []


async def test_calls_of_the_api_are_looked_at(house: House) -> None:
    assert await call(house, "/api/v1/links", authorization="Bearer shorty_x")
    assert await call(house, "/api/v1/short-link", "POST", peer="10.0.0.3")


async def test_visits_are_not(house: House) -> None:
    await house.make_link(slug="sale")
    for path in ("/sale", "/sale+", "/nowhere"):
        assert await call(house, path) == []
    assert len(await call(house)) == 1
