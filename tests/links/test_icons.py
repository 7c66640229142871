"""Icons of hosts, fetched after the request and stored once per host."""

import asyncio
import io
import struct

import pytest
from PIL import Image

from shorty.accounts.model import Actor
from shorty.errors import InvalidFieldsError
from shorty.fetch import Fetcher
from shorty.links.context import LinkContext
from shorty.links.icons import find_icon_content
from shorty.links.model import Link, LinkChange
from shorty.links.page_fetcher import WAITING, PageFetcher
from shorty.links.page_metadata import guess_icon, read_page_facts
from shorty.links.service import change_link, get_link
from shorty.qr.sandbox import ICON_SIDE, draw_icon
from shorty.storage.changes import AnythingChanged
from tests.links.making import make_link
from tests.qr.reading import open_image
from tests.support import DAY, NOW
from tests.test_fetch import PRIVATE, answer_with, run_server

PAGE = b'<title>A page</title><link rel="icon" href="/i.png">'


def write_picture(kind: str = "PNG", mode: str = "RGB", side: int = 32) -> bytes:
    file = io.BytesIO()
    Image.new(mode, (side, side), "#c00").save(file, kind)
    return file.getvalue()


class Site:
    """Answers pages with PAGE and its icon with an image, and records the requests."""

    def __init__(self, picture: bytes) -> None:
        self.picture = picture
        self.paths: list[str] = []

    async def respond(self, path: str, writer: asyncio.StreamWriter) -> None:
        self.paths.append(path)
        body = self.picture if path in {"/i.png", "/favicon.ico"} else PAGE
        await answer_with(body)(path, writer)


def make_page_fetcher(context: LinkContext, fetcher: Fetcher, now: int = NOW) -> PageFetcher:
    return PageFetcher(context.db, context.icons, fetcher, lambda: now, draw_icon)


async def fill(context: LinkContext, fetcher: Fetcher, *links: Link, now: int = NOW) -> None:
    page_fetcher = make_page_fetcher(context, fetcher, now)
    page_fetcher.start()
    for link in links:
        page_fetcher.ask(link, wants_title=link.title is None)
    await page_fetcher.finish()
    await page_fetcher.stop()


async def test_a_hosts_icon_is_fetched_once_and_shown_from_here(
    context: LinkContext, actor: Actor
) -> None:
    site = Site(write_picture())
    async with run_server(site.respond) as server, Fetcher(allow_private=True) as fetcher:
        url = f"http://{PRIVATE}:{server.port}/"
        links = [await make_link(context, actor, url=f"{url}{name}", title=name) for name in "abc"]
        await fill(context, fetcher, *links)
        shown = [await get_link(context, actor, link.id) for link in links]
        later = await make_link(context, actor, url=f"{url}d", title="d")
        await fill(context, fetcher, later)
    assert sorted(site.paths) == ["/a", "/i.png"]
    (path,) = {link.favicon_url for link in shown}
    assert later.favicon_url == path
    assert later.icon_address == f"https://go.example{path}"
    assert [link.updated_at for link in shown] == [link.updated_at for link in links]
    key = path.removeprefix("/static/icons/").removesuffix(".png")
    png = await find_icon_content(context.db, key)
    assert png is not None
    assert open_image(png).getpixel((9, 9)) == (204, 0, 0)
    assert PRIVATE not in path


async def test_links_that_arrive_while_an_icon_is_looked_for_get_it_with_the_others(
    context: LinkContext, actor: Actor
) -> None:
    asked, go_on, site = asyncio.Event(), asyncio.Event(), Site(write_picture())

    async def respond(path: str, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await go_on.wait()
        await site.respond(path, writer)

    async with run_server(respond) as server, Fetcher(allow_private=True) as fetcher:
        url = f"http://{PRIVATE}:{server.port}/"
        links = [await make_link(context, actor, url=f"{url}{n}", title="A") for n in range(9)]
        page_fetcher = make_page_fetcher(context, fetcher)
        page_fetcher.start()
        page_fetcher.ask(links[0], wants_title=False)
        await asked.wait()
        for link in links[1:]:
            page_fetcher.ask(link, wants_title=False)
        go_on.set()
        await page_fetcher.finish()
        await page_fetcher.stop()
    shown = [await get_link(context, actor, link.id) for link in links]
    assert site.paths == ["/0", "/i.png"]
    assert len({link.favicon_url for link in shown}) == 1
    assert shown[0].favicon_url


async def test_links_of_one_host_do_not_fill_the_queue_of_others(
    context: LinkContext, actor: Actor
) -> None:
    site = Site(write_picture())
    async with run_server(site.respond) as server, Fetcher(allow_private=True) as fetcher:
        url = f"http://{PRIVATE}:{server.port}/"
        link = await make_link(context, actor, url=url, title="A")
        untitled = await make_link(context, actor, url=f"{url}b")
        page_fetcher = make_page_fetcher(context, fetcher)
        for _ in range(2 * WAITING):
            page_fetcher.ask(link, wants_title=False)
        page_fetcher.ask(untitled, wants_title=True)
        page_fetcher.start()
        await page_fetcher.finish()
        await page_fetcher.stop()
    assert (await get_link(context, actor, link.id)).favicon_url
    assert (await get_link(context, actor, untitled.id)).title == "A page"


async def test_a_link_that_leads_elsewhere_loses_its_icon(
    context: LinkContext, actor: Actor
) -> None:
    site = Site(write_picture())
    async with run_server(site.respond) as server, Fetcher(allow_private=True) as fetcher:
        url = f"http://{PRIVATE}:{server.port}/"
        link = await make_link(context, actor, url=url, title="A")
        await fill(context, fetcher, link)
    same = await change_link(context, actor, link.id, LinkChange(url=f"{url}other"), NOW)
    assert same.favicon_url
    moved = await change_link(context, actor, link.id, LinkChange(url="https://b.example/"), NOW)
    assert moved.favicon_url == ""


async def test_a_host_without_an_icon_is_asked_again_after_a_day(
    context: LinkContext, actor: Actor
) -> None:
    site = Site(b"no picture")
    async with run_server(site.respond) as server, Fetcher(allow_private=True) as fetcher:
        url = f"http://{PRIVATE}:{server.port}/"
        link = await make_link(context, actor, url=url, title="A")
        await fill(context, fetcher, link)
        await fill(context, fetcher, link)
        assert site.paths == ["/", "/i.png"]
        assert (await get_link(context, actor, link.id)).favicon_url == ""
        site.picture = write_picture()
        await fill(context, fetcher, link, now=NOW + DAY - 1)
        context.icons.hear(AnythingChanged())
        await fill(context, fetcher, link, now=NOW + DAY - 1)
        assert site.paths == ["/", "/i.png"]
        await fill(context, fetcher, link, now=NOW + 2 * DAY)
    assert (await get_link(context, actor, link.id)).favicon_url


@pytest.mark.parametrize("kind", ["ICO", "GIF", "WEBP", "JPEG", "PNG"])
async def test_icons_of_every_usual_kind_are_drawn(kind: str) -> None:
    png = await draw_icon(write_picture(kind))
    red, green, blue = open_image(png).resize((1, 1)).tobytes()
    assert (red > 190, green < 30, blue < 30) == (True, True, True)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA"])
async def test_icons_of_old_kinds_are_drawn(mode: str) -> None:
    file = io.BytesIO()
    picture = Image.new("RGBA", (16, 16), "#fff")
    picture.paste("#000", (0, 0, 16, 8))
    picture.convert(mode).save(file, "ICO", sizes=[(16, 16)], bitmap_format="bmp")
    image = open_image(await draw_icon(file.getvalue()))
    assert image.size == (16, 16)
    assert image.getpixel((3, 3)) == (0, 0, 0)
    assert image.getpixel((3, 12)) == (255, 255, 255)


async def test_large_icons_are_made_smaller() -> None:
    assert open_image(await draw_icon(write_picture(side=600))).size == (ICON_SIDE, ICON_SIDE)


def test_of_several_icons_the_sharpest_that_is_not_too_large_is_taken() -> None:
    page = b"""<link rel="shortcut icon" href="/old.ico"><link rel="icon" sizes="32x32" href="/32">
    <link rel="apple-touch-icon" href="/touch"><link rel=icon sizes=192x192 href=/192>
    <link rel="icon" sizes="512x512" href="/512"><link rel="mask-icon" href="/mask.svg">"""
    assert read_page_facts(page, "text/html", url="https://a.example/").icon == (
        "https://a.example/192"
    )
    assert guess_icon("https://a.example/b/c?d=1#e") == "https://a.example/favicon.ico"


@pytest.mark.parametrize(
    "content",
    [
        b"\0\0\1\0",
        b"\0\0\1\0\0\0",
        b"\0\0\1\0\1\0" + b"\0" * 16,
        b"\0\0\1\0\1\0" + struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, 40, 22) + b"\xff" * 40,
        b"\0\0\1\0\xff\xff" + b"\1" * 200,
    ],
)
async def test_broken_icons_are_refused(content: bytes) -> None:
    with pytest.raises(InvalidFieldsError):
        await draw_icon(content)
