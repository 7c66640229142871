"""Each way to create a link requests its destination's icon, and a missing title.

Only the links API leaves a link without a title as it was requested.
"""

from typing import Any, Final

import httpx
import pytest

from shorty.config import Config, WebhooksConfig
from shorty.links.model import LinkChange
from shorty.links.service import change_links
from tests.api.conftest import DOMAINS
from tests.api.house import House
from tests.reading import reader
from tests.test_fetch import answer_with, run_server

CONFIG: Final = Config(domains=DOMAINS, webhooks=WebhooksConfig(allow_private=True))
TITLE: Final = "JS dev"
HERE: Final = {"brandedDomain": "go.example", "slashTag": "a"}


def list_doors(url: str) -> dict[str, dict[str, Any]]:
    short = {**HERE, "destinationUrl": url}
    link = {"url": url, "domain": "go.example"}
    return {
        "/api/v1/links": link,
        "/api/v1/links?findOrCreate=true": link,
        "/api/v1/links/bulk": {"domain": "go.example", "links": [{"url": url}]},
        "/api/v1/short-link": short,
        "/api/v1/import-short-link": {"importData": [short]},
        "/api/v1/qr-code": short,
        "/api/v1/bio-pages": link,
    }


@pytest.mark.parametrize("config", [CONFIG])
@pytest.mark.parametrize("door", list_doors(""))
async def test_a_new_links_destination_is_asked(
    house: House, client: httpx.AsyncClient, door: str
) -> None:
    async with run_server(answer_with(f"<title>{TITLE}</title>".encode())) as server:
        body = list_doors(f"http://127.0.0.1:{server.port}/page")[door]
        assert (await client.post(door, json=body)).status_code == 201
        await house.app.services.page_fetcher.finish()
    paths = [request.split()[1] for request in server.requests]
    assert paths == ["/page", "/favicon.ico"]
    row = reader(house.app.db).find_one("select title from links")
    assert row is not None
    assert row["title"] == (None if door.startswith("/api/v1/links") else TITLE)


@pytest.mark.parametrize("config", [CONFIG])
async def test_a_new_destination_is_asked_for_its_icon(
    house: House, client: httpx.AsyncClient
) -> None:
    link = await house.make_link(title="Mine")
    other = await house.make_link(title="Mine too")
    services = house.app.services
    asked: list[str] = []
    async with run_server(answer_with(b"<title>Theirs</title>")) as server:
        url = f"http://127.0.0.1:{server.port}/page"
        await client.patch(f"/api/v1/links/{link.id}", json={"url": url})
        await services.page_fetcher.finish()
        asked += [request.split()[1] for request in server.requests]
    async with run_server(answer_with(b"<title>Theirs</title>")) as server:
        change = LinkChange(url=f"http://127.0.0.2:{server.port}/page")
        await change_links(services.links, await house.make_actor(), [other.id], change, house.now)
        await services.page_fetcher.finish()
    assert asked == ["/page", "/favicon.ico"]
    rows = await house.app.db.find_all("select title from links order by id")
    assert [row["title"] for row in rows] == ["Mine", "Mine too"]
