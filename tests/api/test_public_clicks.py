"""Nothing remains of an expired public link."""

import pytest

from shorty.config import Config, PublicLinksConfig
from tests.api.conftest import DOMAINS
from tests.api.house import House
from tests.clicks.making import store_all
from tests.rsgi_client import make_client
from tests.support import DAY

PERSON = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
BODY = {"destinationUrl": "https://example.com/", "brandedDomain": "localhost:8000"}


@pytest.fixture
def config() -> Config:
    return Config(domains=DOMAINS, public_links=PublicLinksConfig(enabled=True))


async def count(house: House, link_id: int) -> dict[str, int]:
    sums = {
        "clicks": "select count(*) as n from clicks where link_id = $1",
        "quarters": "select count(*) as n from click_quarters where owner = $1",
        "days": "select count(*) as n from click_days where owner = $1",
        "total": "select sum(total) as n from link_counters where link_id = $1",
    }
    rows = {name: await house.app.db.find_one(sql, link_id) for name, sql in sums.items()}
    return {name: row["n"] for name, row in rows.items() if row is not None}


async def test_a_public_links_clicks_go_with_it_and_others_stay(house: House) -> None:
    own = await house.make_link(slug="own")
    async with make_client(house.app) as client:
        answer = await client.post(
            "/api/v1/short-link", json=BODY | {"slashTag": "brief", "public": True}
        )
        assert answer.status_code == 201, answer.text
        for slug in ("brief", "own"):
            assert (await client.get(f"/{slug}", headers=PERSON)).status_code == 302
    await store_all(house.app.services.recorder)
    public_id = answer.json()["data"]["id"]
    assert await count(house, public_id) == {"clicks": 1, "quarters": 1, "days": 0, "total": 1}
    house.clock[0] += DAY
    await house.app.jobs.sweep()
    assert await count(house, public_id) == {"clicks": 1, "quarters": 0, "days": 1, "total": 1}
    house.clock[0] += DAY
    await house.app.jobs.sweep()
    assert await count(house, public_id) == {"clicks": 0, "quarters": 0, "days": 0, "total": 0}
    assert await count(house, own.id) == {"clicks": 1, "quarters": 0, "days": 1, "total": 1}
