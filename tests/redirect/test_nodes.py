"""Visits to two nodes that share a database."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest

from shorty.links.service import restore_link
from tests.beside import open_beside
from tests.redirect.house import House
from tests.redirect.visiting import BROWSER
from tests.rsgi_client import make_client
from tests.support import DAY, MINUTE, break_table, make_home, make_token

pytestmark = pytest.mark.postgres_only


@pytest.fixture
async def beside(house: House, tmp_path: Path) -> AsyncGenerator[House]:
    async with open_beside(house.app, tmp_path / "beside") as app:
        yield house._replace(app=app)


@pytest.fixture
async def clients(
    client: httpx.AsyncClient, beside: House
) -> AsyncGenerator[list[httpx.AsyncClient]]:
    """One for each node."""
    async with make_client(beside.app) as other:
        other.headers["user-agent"] = BROWSER
        yield [client, other]


async def test_a_click_limit_is_exact_over_both_nodes(
    house: House, beside: House, clients: list[httpx.AsyncClient]
) -> None:
    link = await house.make_link(max_clicks=30)
    await house.make_link(slug="other", max_clicks=5)
    paths = ["/sale"] * 40 + ["/other"]
    answers = await asyncio.gather(*(client.get(path) for client in clients for path in paths))
    counted = Counter((answer.url.path, answer.status_code) for answer in answers)
    assert counted == {("/sale", 302): 30, ("/sale", 410): 50, ("/other", 302): 2}
    await beside.app.services.recorder.store_now()
    assert (await house.read_link(link)).click_count == 30


async def test_a_raised_a_lowered_and_a_restored_limit_are_exact_over_both_nodes(
    house: House, clients: list[httpx.AsyncClient]
) -> None:
    async def visit(times: int) -> list[int]:
        """On both nodes in turn."""
        return [(await clients[n % 2].get("/sale")).status_code for n in range(times)]

    link = await house.make_link(max_clicks=2)
    assert await visit(3) == [302, 302, 410]
    await house.change_link(link, max_clicks=4)
    assert await visit(1) == [302]
    await house.change_link(link, max_clicks=3)
    # The other node may remember the limit of four, or of two.
    assert await visit(4) == [410] * 4
    await house.delete_link(link)
    await restore_link(house.app.services.links, house.actor, link.id, house.now)
    assert await visit(2) == [410, 410]


async def test_guesses_at_a_links_password_are_counted_over_both_nodes(
    house: House, clients: list[httpx.AsyncClient]
) -> None:
    async def guess(number: int, slug: str = "sale", tried: str = "wrong") -> int:
        client = clients[number % 2]
        answer = await client.post(f"/{slug}", data={"password": tried})
        client.cookies.clear()  # with the link's, nobody would be asked
        return answer.status_code

    for slug in ("sale", "other"):
        await house.make_link(slug=slug, password="one")
    assert [await guess(n) for n in range(12)] == [401] * 10 + [429] * 2
    assert [await guess(n, "other") for n in range(9)] == [401] * 9
    assert await guess(0, "other", "one") == 303
    assert [await guess(n, "other") for n in range(11)] == [401] * 10 + [429]
    house.clock[0] += 10 * MINUTE
    assert await guess(1, tried="one") == 303


async def test_requests_to_the_api_are_divided_among_the_nodes_that_run(
    house: House, clients: list[httpx.AsyncClient]
) -> None:
    token = await make_token(house.app.db, await make_home(house.app.db, email="bob@a.example"))
    headers = {"authorization": f"Bearer {token}"}
    answer = await clients[1].get("/api/v1/usage", headers=headers)
    most = house.app.config.server.requests_per_minute
    told = [int(answer.headers[f"x-ratelimit-{name}"]) for name in ("limit", "remaining")]
    assert told == [most // 2, most // 2 - 1]


async def test_the_keeper_deletes_counts_that_are_over(house: House) -> None:
    limits, db = house.app.services.limits, house.app.db
    await limits.mails.take("ann@a.example", 1, house.now - DAY)
    await limits.mails.take("bob@a.example", 1, house.now)
    await house.app.jobs.sweep()
    assert len(await db.find_all("select key from rate_limits")) == 1
    assert not (await limits.mails.take("bob@a.example", 1, house.now)).is_allowed


async def test_what_cannot_be_counted_in_the_database_is_not_let_through(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_link(max_clicks=5)
    await house.make_link(slug="secret", password="one")
    await house.make_link(slug="plain")
    for table in ("link_passes", "rate_limits"):
        await break_table(house.app.db, table)
    limited = await client.get("/sale")
    guessed = await client.post("/secret", data={"password": "one"})
    assert (limited.status_code, guessed.status_code) == (503, 503)
    assert "Links are temporarily unavailable" in limited.text
    assert (await client.get("/plain")).status_code == 302
