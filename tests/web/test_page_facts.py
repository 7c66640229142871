"""Links created or changed in the dashboard request their destination's title and icon."""

from typing import Final

import pytest

from shorty.config import Config, WebhooksConfig
from tests.api.conftest import DOMAINS
from tests.api.house import House
from tests.reading import reader
from tests.test_fetch import answer_with, run_server
from tests.web.browser import Browser

CONFIG: Final = Config(domains=DOMAINS, webhooks=WebhooksConfig(allow_private=True))
NEW: Final = {"domain": "go.example", "slug": "new"}


@pytest.mark.parametrize("config", [CONFIG])
@pytest.mark.parametrize("form", ["/app/links", "/app/bio-pages"])
async def test_a_new_links_destination_is_asked(house: House, owner: Browser, form: str) -> None:
    async with run_server(answer_with(b"<title>JS dev</title>")) as server:
        await owner.send(form, {**NEW, "url": f"http://127.0.0.1:{server.port}/page"})
        await house.app.services.page_fetcher.finish()
    assert [request.split()[1] for request in server.requests] == ["/page", "/favicon.ico"]
    row = reader(house.app.db).find_one("select title from links")
    assert row is not None
    assert row["title"] == "JS dev"


@pytest.mark.parametrize("config", [CONFIG])
async def test_an_edited_links_destination_is_asked_for_its_icon(
    house: House, owner: Browser
) -> None:
    link = await house.make_link(title="Mine")
    async with run_server(answer_with(b"<title>JS dev</title>")) as server:
        url = f"http://127.0.0.1:{server.port}/page"
        await owner.send(f"/app/links/{link.id}/edit", {"url": url})
        await house.app.services.page_fetcher.finish()
    assert [request.split()[1] for request in server.requests] == ["/page", "/favicon.ico"]
    row = reader(house.app.db).find_one("select title from links")
    assert row is not None
    assert row["title"] == "Mine"
