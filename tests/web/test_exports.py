"""The page Export, and its files."""

import asyncio
import csv
import io
from collections.abc import AsyncGenerator
from itertools import chain, repeat
from typing import Any

import pytest

from shorty.accounts.roles import may_still
from shorty.redirect.context import NS_IN_MS
from shorty.web import exports
from shorty.webcore import answers
from shorty.webcore.answers import StreamedAnswer
from tests.api.house import House
from tests.reading import reader
from tests.support import DAY
from tests.web.browser import Browser, read_text
from tests.web.test_imports import TAKEN, TakeRight, find_actor, take_role

PLACE = "/app/export"


async def test_the_page_says_how_much_there_is(house: House, owner: Browser) -> None:
    await house.make_link()
    page = read_text((await owner.open(PLACE)).text)
    assert "1 link in this workspace" in page
    assert "Include individual clicks" in page


async def test_a_table_holds_every_link(house: House, owner: Browser) -> None:
    for number in range(3):
        await house.make_link(slug=f"s{number}", title="=1+1")
    answer = await owner.open(f"{PLACE}/links.csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="links-2026-11-22.csv"'
    assert answer.headers["cache-control"] == "no-store"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["slug"], row["title"]) for row in rows] == [
        (f"s{number}", "'=1+1") for number in range(3)
    ]


async def test_only_those_who_change_links_get_the_hashes_of_passwords(
    house: House, owner: Browser, viewer: Browser
) -> None:
    await house.make_link(slug="closed", password="open sesame")
    assert "$argon2id$" in (await owner.open(f"{PLACE}/links.ndjson")).text
    assert "Everything" not in (await viewer.open(PLACE)).text
    assert (await viewer.open(f"{PLACE}/links.ndjson")).status_code == 403
    table = (await viewer.open(f"{PLACE}/links.csv")).text
    assert "closed" in table
    assert "argon2" not in table


async def test_a_viewers_table_tells_only_the_hosts_of_webhooks(
    house: House, owner: Browser, viewer: Browser
) -> None:
    await house.make_link(webhook_urls=("https://a.example/key", "https://b.example/"))
    for browser, told in (
        (owner, "https://a.example/key https://b.example/"),
        (viewer, "https://a.example/… https://b.example/"),
    ):
        table = (await browser.open(f"{PLACE}/links.csv")).text
        (row,) = csv.DictReader(io.StringIO(table))
        assert row["webhookUrls"] == told


async def test_an_export_holds_no_other_workspaces_links(
    house: House, owner: Browser, stranger: Browser
) -> None:
    await house.make_link(slug="mine")
    for name in ("links.csv", "links.ndjson?clicks=1"):
        assert "mine" in (await owner.open(f"{PLACE}/{name}")).text
        assert "mine" not in (await stranger.open(f"{PLACE}/{name}")).text


async def test_nobody_exports_without_signing_in(house: House, owner: Browser) -> None:
    owner.client.cookies.clear()
    for way in ("", "/links.csv", "/links.ndjson"):
        answer = await owner.open(f"{PLACE}{way}")
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/app/sign-in")


@pytest.mark.parametrize("name", ["links.csv", "links.ndjson"])
async def test_a_download_ends_with_its_readers_session(
    house: House, owner: Browser, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A session that expires between the request and the first part."""
    await house.make_link(slug="mine")
    assert "mine" in (await owner.open(f"{PLACE}/{name}")).text
    times = chain([house.now], repeat(house.now + 40 * DAY))
    monkeypatch.setattr(house.app, "_read_ns", lambda: next(times) * NS_IN_MS)
    answer = await owner.open(f"{PLACE}/{name}")
    assert answer.status_code == 500
    assert "mine" not in answer.text


@pytest.mark.parametrize("name", ["links.csv", "links.ndjson"])
@pytest.mark.parametrize("is_taken", [False, True])
async def test_a_download_ends_with_the_role_that_it_was_made_for(
    *,
    house: House,
    editor: Browser,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    is_taken: bool,
) -> None:
    """A viewer's file has less in it: a table without the paths of webhooks."""
    await house.make_link(slug="mine")
    actor = find_actor(house, editor)
    function = "export_table" if name == "links.csv" else "export_lines"
    export = getattr(exports, function)

    async def take_and_export(*args: Any, **options: Any) -> AsyncGenerator[bytes]:
        if is_taken:
            await house.app.db.write(lambda tx: take_role(tx, house, actor))
        async for part in export(*args, **options):
            yield part

    monkeypatch.setattr(exports, function, take_and_export)
    answer = await editor.open(f"{PLACE}/{name}")
    assert ("mine" in answer.text, answer.status_code == 500) == (not is_taken, is_taken)


class Client:
    """What is sent to a client that becomes slow and stops reading."""

    def __init__(self, *, takes: int) -> None:
        self.sent: list[dict[str, Any]] = []
        self._takes = takes

    async def send(self, message: Any) -> None:
        if len(self.sent) > self._takes:
            await asyncio.Event().wait()
        self.sent.append(message)


async def give_parts() -> AsyncGenerator[bytes]:
    for number in range(10):
        yield b"%d" % number


async def receive() -> Any:
    raise AssertionError("nothing is asked of the client")


@pytest.mark.parametrize("take", TAKEN)
async def test_no_part_is_sent_once_the_right_is_gone_and_the_file_stays_unfinished(
    house: House,
    editor: Browser,
    take: TakeRight,
) -> None:
    db, actor = house.app.db, find_actor(house, editor)
    client = Client(takes=100)
    asked = 0

    async def give() -> AsyncGenerator[bytes]:
        async for part in give_parts():
            if part == b"2":
                await db.write(lambda tx: take(tx, house, actor))
            yield part

    async def may_go_on() -> bool:
        nonlocal asked
        asked += 1
        return may_still(reader(db), actor, "write", house.now)

    answer = StreamedAnswer(give(), may_go_on=may_go_on, media_type=b"text/csv", file_name="x.csv")
    scope: Any = {"type": "http", "method": "GET", "state": {}, "headers": []}
    async with asyncio.timeout(10):
        await answer(scope, receive, client.send)
    assert [message.get("body") for message in client.sent] == [None, b"0", b"1"]
    assert all(message["more_body"] for message in client.sent[1:])
    assert asked >= 3


async def test_a_client_that_takes_no_part_is_left_once_the_right_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(answers, "ASK_AGAIN_S", 0.01)
    rights = chain([True, True, True, True, True], repeat(False))
    client = Client(takes=1)

    async def may_go_on() -> bool:
        return next(rights)

    answer = StreamedAnswer(
        give_parts(), may_go_on=may_go_on, media_type=b"text/csv", file_name="x.csv"
    )
    scope: Any = {"type": "http", "method": "GET", "state": {}, "headers": []}
    async with asyncio.timeout(10):
        await answer(scope, receive, client.send)
    assert [message.get("body") for message in client.sent] == [None, b"0"]
