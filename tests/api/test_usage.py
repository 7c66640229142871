from typing import Any

import httpx
import pytest

from shorty.config import Config, DefaultsConfig
from tests.api.conftest import DOMAINS
from tests.api.house import House


async def test_without_limits_everything_is_counted(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_link()
    usage = (await client.get("/api/v1/usage")).json()
    assert usage["plan"] == "unlimited"
    assert usage["links"] == {"limit": None, "used": 1, "resetsAt": None}
    assert usage["linksPerMonth"]["used"] == 1
    assert usage["linksPerMonth"]["resetsAt"] == "2026-12-01T00:00:00.000Z"
    assert usage["requestsPerMinute"] == 6000


async def test_another_workspaces_use_is_not_counted(
    house: House, stranger: httpx.AsyncClient
) -> None:
    await house.make_link()
    assert (await stranger.get("/api/v1/usage")).json()["links"]["used"] == 0


class TestOnTheFreePlan:
    @pytest.fixture
    def config(self) -> Config:
        return Config(domains=DOMAINS, defaults=DefaultsConfig(plan="free"))

    async def test_every_limit_of_the_plan_is_told(self, client: httpx.AsyncClient) -> None:
        usage: dict[str, Any] = (await client.get("/api/v1/usage")).json()
        quotas = ("links", "linksPerMonth", "editsPerMonth", "qrCodes", "bioPages")
        limits = {name: usage[name]["limit"] for name in (*quotas, "domains", "members")}
        assert limits == {
            "links": 1000,
            "linksPerMonth": 500,
            "editsPerMonth": 1000,
            "qrCodes": 100,
            "bioPages": 3,
            "domains": 2,
            "members": 3,
        }
        assert (usage["requestsPerMinute"], usage["clickRetentionDays"]) == (100, 365)
        assert usage["webhooks"] is True
