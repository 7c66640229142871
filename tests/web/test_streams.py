"""Live clicks through the real server: sent while someone watches, ended when it stops."""

import asyncio
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from litestar.types import Message

from shorty.web.cookies import SESSION
from shorty.web.streams import EventStream, encode_event
from tests.browser.site import Site
from tests.service import PATIENCE_S
from tests.support import prepare_copy


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    prepare_copy(tmp_path)
    with Site(tmp_path) as site:
        yield site


@contextmanager
def watch(site: Site, session: str, path: str) -> Generator[HTTPResponse]:
    client = HTTPConnection(*site.service.address, timeout=PATIENCE_S)
    try:
        client.request("GET", path, headers={"cookie": f"{SESSION}={session}"})
        yield client.getresponse()
    finally:
        client.close()


def read_until(stream: HTTPResponse, text: str) -> str:
    found = ""
    while text not in found:
        line = stream.readline().decode()
        assert line, found
        found += line
    return found


def test_a_click_arrives_while_it_is_watched_and_the_stream_ends_with_the_server(
    site: Site,
) -> None:
    home = site.add_person()
    site.make_link(home, customSlug="sale")
    site.make_link(home, customSlug="other")
    with watch(site, site.start_session(home), "/app/links/1/live") as stream:
        assert stream.status == 200
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["x-accel-buffering"] == "no"
        read_until(stream, "retry: 3000")
        assert site.visit("other") == 302
        assert site.visit("sale", Referer="https://t.co/x") == 302
        told = read_until(stream, "</li>")
        assert "event: clicks" in told
        assert "<bdi>X</bdi> · Safari on iOS · mobile" in told
        stopping = Thread(target=site.service.stop)
        stopping.start()
        assert stream.read().decode().count("<li") == 0
        stopping.join(PATIENCE_S)
    assert site.service.wait_for_end() == 0
    assert site.service.stderr.read_all() == []


def test_clicks_between_the_page_and_its_stream_are_told(site: Site) -> None:
    home = site.add_person()
    site.make_link(home, customSlug="sale")
    session = site.start_session(home)
    with watch(site, session, "/app/links/1/live?seen=0") as stream:
        read_until(stream, "retry: 3000")
        assert site.visit("sale") == 302
        assert "event: missed" not in read_until(stream, "</li>")
    with watch(site, session, "/app/links/1/live?seen=0") as stream:
        assert "event: missed\n" in read_until(stream, "data: 1\n")


def test_nobody_else_may_watch(site: Site) -> None:
    home = site.add_person()
    site.make_link(home)
    with watch(site, site.start_session(site.add_person()), "/app/links/1/live") as stream:
        assert stream.status == 404
    with watch(site, "", "/app/links/1/live") as stream:
        assert stream.status == 303


async def count(events: list[bytes], *, ends: asyncio.Event | None = None) -> AsyncGenerator[bytes]:
    try:
        for event in events:
            yield event
        if ends is not None:
            await asyncio.Event().wait()
    finally:
        if ends is not None:
            ends.set()


async def test_a_stream_stops_what_makes_it_once_its_reader_has_gone() -> None:
    ended, sent = asyncio.Event(), asyncio.Queue[Message]()

    async def receive() -> dict[str, str]:
        while (await sent.get()).get("body") != b"two":
            continue
        return {"type": "http.disconnect"}

    await stream(count([b"one", b"two"], ends=ended), receive, sent.put)
    assert ended.is_set()


async def test_a_stream_that_is_over_is_ended_properly() -> None:
    sent = asyncio.Queue[Message]()
    await stream(count([b"one"]), asyncio.Event().wait, sent.put)
    messages = [sent.get_nowait() for _ in range(sent.qsize())]
    assert [message.get("body") for message in messages] == [None, b"one", b""]
    assert messages[-1].get("more_body") is False


async def test_a_fault_in_what_makes_a_stream_is_not_hidden() -> None:
    async def fail() -> AsyncGenerator[bytes]:
        yield b"one"
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await stream(fail(), asyncio.Event().wait, asyncio.Queue[Message]().put)


async def stream(events: AsyncGenerator[bytes], receive: Any, send: Any) -> None:
    scope: Any = {"type": "http", "method": "GET"}
    await EventStream(events)(scope, receive, send)


def test_each_line_of_an_event_is_a_field() -> None:
    assert encode_event("clicks", "<li>\n</li>") == b"event: clicks\ndata: <li>\ndata: </li>\n\n"
    assert encode_event("clicks", "a\r\nid: 7") == b"event: clicks\ndata: a\ndata: id: 7\n\n"
