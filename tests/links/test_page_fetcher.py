"""Titles that are fetched after the request."""

import asyncio

import pytest

from shorty.accounts.model import Actor
from shorty.fetch import Fetcher
from shorty.links.context import LinkContext
from shorty.links.listing import list_links
from shorty.links.model import LinkChange, LinkFilter
from shorty.links.page_fetcher import PageFetcher
from shorty.links.service import change_link, delete_link, get_link
from tests.links.making import make_link
from tests.support import NOW
from tests.test_fetch import PRIVATE, Respond, answer_with, run_server

PAGE = b"<html><head><title>A page &amp; more</title></head></html>"


def fill_titles(context: LinkContext, fetcher: Fetcher) -> PageFetcher:
    return PageFetcher(context.db, context.icons, fetcher, lambda: NOW)


@pytest.fixture
def respond() -> Respond:
    return answer_with(PAGE)


async def test_a_link_gets_its_pages_title(
    context: LinkContext, actor: Actor, respond: Respond
) -> None:
    async with run_server(respond) as server, Fetcher(allow_private=True) as fetcher:
        page_fetcher = fill_titles(context, fetcher)
        page_fetcher.start()
        url = f"http://{PRIVATE}:{server.port}/page"
        links = [await make_link(context, actor, url=f"{url}{number}") for number in range(5)]
        own = await make_link(context, actor, url=url, title="Own")
        phone = await make_link(context, actor, url="tel:+12015550123", link_type="TEL")
        for link in (*links, own, phone):
            page_fetcher.ask(link, wants_title=link.title is None)
        await page_fetcher.finish()
        await page_fetcher.stop()
    assert server.connections >= 1
    assert len(server.requests) == 5
    shown = [await get_link(context, actor, link.id) for link in links]
    assert {link.title for link in shown} == {"A page & more"}
    assert {link.edit_count for link in shown} == {0}
    assert (await get_link(context, actor, own.id)).title == "Own"
    cached = await context.lookup.find(links[0].domain_id, links[0].slug)
    assert cached is not None
    assert cached.title == "A page & more"
    found = await list_links(context, actor, LinkFilter(search="page & m"))
    assert found.total == 5


async def test_a_title_set_meanwhile_stays_and_a_deleted_link_stays_deleted(
    context: LinkContext, actor: Actor
) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()
    answer = answer_with(PAGE)

    async def respond(path: str, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await go_on.wait()
        await answer(path, writer)

    async with run_server(respond) as server, Fetcher(allow_private=True) as fetcher:
        page_fetcher = fill_titles(context, fetcher)
        page_fetcher.start()
        url = f"http://{PRIVATE}:{server.port}/"
        link, gone = (
            await make_link(context, actor, url=url),
            await make_link(context, actor, url=url),
        )
        page_fetcher.ask(link, wants_title=True)
        page_fetcher.ask(gone, wants_title=True)
        await asked.wait()
        await change_link(context, actor, link.id, LinkChange(title="Mine"), NOW)
        await delete_link(context, actor, gone.id, NOW)
        go_on.set()
        await page_fetcher.finish()
        await page_fetcher.stop()
    assert (await get_link(context, actor, link.id)).title == "Mine"
    assert (await list_links(context, actor, LinkFilter())).total == 1


async def test_a_change_at_the_same_time_as_a_title_is_not_lost(
    context: LinkContext, actor: Actor, respond: Respond
) -> None:
    async with run_server(respond) as server, Fetcher(allow_private=True) as fetcher:
        page_fetcher = fill_titles(context, fetcher)
        page_fetcher.start()
        link = await make_link(context, actor, url=f"http://{PRIVATE}:{server.port}/")
        page_fetcher.ask(link, wants_title=True)
        changes = [
            change_link(context, actor, link.id, LinkChange(max_clicks=number), NOW)
            for number in range(1, 6)
        ]
        await asyncio.gather(page_fetcher.finish(), *changes)
        await page_fetcher.stop()
    after = await get_link(context, actor, link.id)
    assert after.title == "A page & more"
    assert after.max_clicks is not None


async def test_a_link_that_moved_meanwhile_shows_its_title_where_it_is(
    context: LinkContext, actor: Actor
) -> None:
    answer = answer_with(PAGE)

    async def respond(path: str, writer: asyncio.StreamWriter) -> None:
        moved = await change_link(context, actor, link.id, LinkChange(slug="moved"), NOW)
        assert await context.lookup.find(moved.domain_id, moved.slug) is not None
        await answer(path, writer)

    async with run_server(respond) as server, Fetcher(allow_private=True) as fetcher:
        link = await make_link(context, actor, url=f"http://{PRIVATE}:{server.port}/")
        page_fetcher = fill_titles(context, fetcher)
        page_fetcher.start()
        page_fetcher.ask(link, wants_title=True)
        await page_fetcher.finish()
        await page_fetcher.stop()
    cached = await context.lookup.find(link.domain_id, "moved")
    assert cached is not None
    assert cached.title == "A page & more"


async def test_pages_without_a_title_leave_the_link_as_it_is(
    context: LinkContext, actor: Actor
) -> None:
    nothing = answer_with(b"<p>nothing</p>")
    async with run_server(nothing) as server, Fetcher(allow_private=True) as fetcher:
        page_fetcher = fill_titles(context, fetcher)
        page_fetcher.start()
        link = await make_link(context, actor, url=f"http://{PRIVATE}:{server.port}/")
        page_fetcher.ask(link, wants_title=True)
        await page_fetcher.finish()
        await page_fetcher.stop()
    assert await get_link(context, actor, link.id) == link
