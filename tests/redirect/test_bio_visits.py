"""Visits of bio pages: what is counted when a page is opened and its buttons are followed."""

from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest

from shorty.app import App
from shorty.bio.blocks import add_block
from shorty.bio.model import NewBlock, PageChange
from shorty.bio.service import change_page
from shorty.clicks.model import BIO, LINK, QR
from shorty.config import Config, DomainConfig, PublicLinksConfig
from shorty.links.model import Link
from shorty.redirect.pages import Page
from tests.clicks.making import store_all
from tests.redirect.house import House
from tests.redirect.test_pages import Reading
from tests.rsgi_client import make_client
from tests.support import NOW, make_actor, make_home, make_storage

CRAWLER = {"user-agent": "facebookexternalhit/1.1"}
THERE = "https://example.com/there"


def read_answer(answer: httpx.Response) -> Reading:
    return Reading(Page(answer.status_code, [], answer.text))


async def make_button(house: House, page: Link, link: Link) -> None:
    new = NewBlock(kind="link", link_id=link.id)
    context = house.app.services.links
    await house.app.db.write(
        lambda tx: add_block(tx, context, house.actor, page.id, new, house.now)
    )


async def count(house: House, link: Link) -> tuple[int, int, int]:
    read = await house.read_link(link)
    return read.clicks, read.scans, read.bio_clicks


async def list_sources(house: House) -> list[tuple[int, int]]:
    await store_all(house.app.services.recorder)
    rows = await house.app.db.find_all("select link_id, source from clicks order by id")
    return [(row["link_id"], row["source"]) for row in rows]


async def test_a_visit_of_the_page_is_one_click_and_its_button_one_more_of_its_own(
    house: House, client: httpx.AsyncClient
) -> None:
    page = await house.make_link(is_link_in_bio=True)
    shown = await client.get("/sale")
    assert await count(house, page) == (1, 0, 0)
    (first,) = [link["href"] for link in read_answer(shown).find("a")]
    followed = await client.get(first)
    assert (followed.status_code, followed.headers["location"]) == (302, THERE)
    assert await count(house, page) == (1, 0, 1)
    await client.get("/sale?qr=1")
    await client.head("/sale")
    await client.head("/sale?bio=go")
    await client.get("/sale?bio=go", headers={"sec-purpose": "prefetch"})
    assert await count(house, page) == (1, 1, 1)


async def test_a_button_is_counted_with_its_link_as_from_a_page(
    house: House, client: httpx.AsyncClient
) -> None:
    page = await house.make_link(is_link_in_bio=True)
    shop = await house.make_link(slug="shop", forward_parameters=True)
    await make_button(house, page, shop)
    shown = await client.get("/sale")
    address = read_answer(shown).find("a")[1]["href"]
    assert address == "http://localhost:8000/shop?bio=1"
    followed = await client.get(address)
    assert followed.headers["location"] == THERE
    assert await count(house, shop) == (0, 0, 1)
    assert await count(house, page) == (1, 0, 0)
    assert await list_sources(house) == [(page.id, LINK), (shop.id, BIO)]
    plain = await house.make_link(slug="plain")
    for query in ("?bio=1", "?bio=12", "?a=bio=1", "?x&bio=go"):
        await client.get(f"/plain{query}")
    assert await count(house, plain) == (2, 0, 2)


async def test_markers_are_never_forwarded_and_the_visitors_parameters_are(
    house: House, client: httpx.AsyncClient
) -> None:
    link = await house.make_link(is_link_in_bio=True, forward_parameters=True)
    shown = await client.get("/sale?qr=1&utm_source=a%20b&x=1")
    (first,) = [link["href"] for link in read_answer(shown).find("a")]
    assert first == "/sale?bio=go&utm_source=a%20b&x=1"
    followed = await client.get(first)
    assert followed.headers["location"] == f"{THERE}?utm_source=a%20b&x=1"
    assert await list_sources(house) == [(link.id, QR), (link.id, BIO)]


async def test_a_limited_page_leads_on_by_itself_and_counts_once(
    house: House, client: httpx.AsyncClient
) -> None:
    page = await house.make_link(is_link_in_bio=True, max_clicks=2)
    for address in ("/sale", "/sale?bio=go"):
        shown = await client.get(address)
        assert shown.status_code == 200
        assert read_answer(shown).find("a")[0]["href"] == THERE
    assert (await client.get("/sale?bio=go")).status_code == 410
    assert (await house.read_link(page)).click_count == 2


async def test_a_page_on_a_page_is_shown_and_not_passed(
    house: House, client: httpx.AsyncClient
) -> None:
    page = await house.make_link(is_link_in_bio=True, title="Outer")
    inner = await house.make_link(slug="inner", is_link_in_bio=True, title="Inner")
    await make_button(house, page, inner)
    shown = await client.get(read_answer(await client.get("/sale")).find("a")[1]["href"])
    assert (shown.status_code, read_answer(shown).read("h1")) == (200, "Inner")
    assert await count(house, inner) == (0, 0, 1)


async def test_a_cloaked_page_keeps_its_destination_to_its_frame(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_link(is_link_in_bio=True, cloaked=True, meta_pixel_id="1234567890")
    shown = await client.get("/sale")
    assert THERE not in shown.text
    assert "1234567890" in shown.text
    framed = await client.get("/sale?bio=go")
    assert f'<iframe src="{THERE}"' in framed.text
    assert "1234567890" not in framed.text


async def test_a_pixel_fires_on_the_page_and_not_again_at_its_button(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_link(is_link_in_bio=True, meta_pixel_id="1234567890")
    assert "1234567890" in (await client.get("/sale")).text
    assert (await client.get("/sale?bio=go")).status_code == 302
    assert "1234567890" not in (await client.get("/sale", headers={"dnt": "1"})).text


async def test_a_visitor_who_opted_out_gets_a_link_in_place_of_a_player(
    house: House, client: httpx.AsyncClient
) -> None:
    page = await house.make_link(is_link_in_bio=True)
    context, film = house.app.services.links, "https://youtu.be/dQw4w9WgXcQ"
    new = NewBlock(kind="embed", text="A film", url=film)
    await house.app.db.write(
        lambda tx: add_block(tx, context, house.actor, page.id, new, house.now)
    )
    assert read_answer(await client.get("/sale")).find("iframe")
    shown = await client.get("/sale", headers={"dnt": "1"})
    assert not read_answer(shown).find("iframe")
    assert "youtube" not in shown.headers["content-security-policy"]


async def test_a_change_of_the_page_shows_at_once(house: House, client: httpx.AsyncClient) -> None:
    page = await house.make_link(is_link_in_bio=True, title="Me")
    assert read_answer(await client.get("/sale")).read("h1") == "Me"
    change = PageChange(title="Myself", theme="dusk")
    await change_page(house.app.services.links, house.actor, page.id, change, house.now)
    shown = read_answer(await client.get("/sale"))
    assert shown.read("h1") == "Myself"
    assert shown.find("body") == [{"class": "dusk"}]


async def test_a_crawlers_card_says_what_the_page_says(
    house: House, client: httpx.AsyncClient
) -> None:
    page = await house.make_link(is_link_in_bio=True, title="Me", description="Of the link")
    change = PageChange(title="Myself")
    await change_page(house.app.services.links, house.actor, page.id, change, house.now)
    meta = read_answer(await client.get("/sale", headers=CRAWLER)).read_meta()
    assert (meta["og:title"], meta["og:description"]) == ("Myself", "Of the link")
    assert await count(house, page) == (0, 0, 0)


async def test_a_page_has_a_code_though_its_link_has_none(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_link(is_link_in_bio=True)
    await house.make_link(slug="plain")
    path = next(
        image["src"]
        for image in read_answer(await client.get("/sale")).find("img")
        if image["src"].startswith("/qr/")
    )
    assert (await client.get(path)).headers["content-type"] == "image/svg+xml"
    assert (await client.get("/qr/plain.svg")).status_code == 404


async def test_without_a_place_for_reports_there_is_no_way_to_one(
    client: httpx.AsyncClient,
) -> None:
    assert (await client.get("/report")).status_code == 404
    assert "/report" not in (await client.get("/nothing")).text


@pytest.fixture
async def reporting(tmp_path: Path) -> AsyncGenerator[House]:
    config = Config(
        storage=make_storage(tmp_path),
        domains=(DomainConfig(host="localhost:8000"),),
        public_links=PublicLinksConfig(report_url="https://example.com/report"),
    )
    app = App(config, lambda: NOW * 1_000_000)
    await app.start()
    actor = await make_actor(app.db, await make_home(app.db, config), config=config)
    yield House(app=app, actor=actor, clock=[NOW], draws=[0.0])
    await app.stop()


async def test_a_bad_link_is_reported_where_the_operator_says(reporting: House) -> None:
    link = await reporting.make_link()
    await reporting.make_link(slug="bio", is_link_in_bio=True)
    await reporting.make_link(slug="over", expires_at=NOW + 1)
    async with make_client(reporting.app) as client:
        for path in ("/sale+", "/bio"):
            assert 'href="/report"' in (await client.get(path)).text
        assert 'href="/report"' not in (await client.get("/nothing")).text
        await reporting.delete_link(link)
        assert 'href="/report"' not in (await client.get("/sale")).text
        answer = await client.get("/report")
        assert answer.status_code == 302
        assert answer.headers["location"] == "https://example.com/report"
        assert (await client.head("/report/")).status_code == 302
        assert (await client.post("/report")).status_code == 405
        assert (await client.get("/report/other")).status_code == 404
