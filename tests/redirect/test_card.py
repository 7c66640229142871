"""The way past a card: who presses its button never meets it again, and nothing else opens."""

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shorty.clicks.model import BOT
from shorty.redirect.card import LIFETIME_S, MOST_MARKS, is_past_card, write_way_past
from shorty.redirect.pages import Page
from tests.redirect.factory import NOW
from tests.redirect.house import House
from tests.redirect.test_pages import Reading

SECRET = b"s" * 32
SLACK = {"user-agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"}
CARD = {"description": "Everything"}
THERE = "https://example.com/there"


def write(query: str = "", *, slug: str = "sale") -> str:
    return write_way_past(SECRET, link_id=7, slug=slug, query=query, now=NOW)


def is_past(query: str, *, secret: bytes = SECRET, link_id: int = 7, now: int = NOW) -> bool:
    return is_past_card(secret, link_id=link_id, query=query, now=now)


def read_query(address: str) -> str:
    return address.partition("?")[2]


def find_button(answer: httpx.Response) -> str:
    return Reading(Page(answer.status_code, [], answer.text)).find("a")[0]["href"]


def test_a_mark_is_good_for_its_link_for_an_hour() -> None:
    query = read_query(write())
    assert is_past(query)
    assert is_past(query, now=NOW + LIFETIME_S * 1000 - 1)
    assert not is_past(query, now=NOW + LIFETIME_S * 1000)
    assert not is_past(query, link_id=8)
    assert not is_past(query, secret=b"t" * 32)


def test_the_mark_comes_first_and_keeps_what_was_asked_for() -> None:
    again = write(f"a=b%20c&&{read_query(write())}&qr=1", slug="🎉")
    assert again.startswith("/%F0%9F%8E%89?shorty-card=")
    assert again.count("shorty-card=") == 1
    assert again.endswith("&a=b%20c&qr=1")
    assert is_past(read_query(write("x" * 20_000)))


def test_only_a_few_marks_of_one_address_are_looked_at() -> None:
    good = read_query(write())
    assert is_past("&".join(["shorty-card=1.x"] * (MOST_MARKS - 1) + [good]))
    assert not is_past("&".join(["shorty-card=1.x"] * MOST_MARKS + [good]))


@given(st.text(max_size=60))
def test_no_made_up_mark_is_good(value: str) -> None:
    assert not is_past(f"shorty-card={value}")


@pytest.mark.parametrize("query", ["", "qr=1&a=b", "utm_source=card"])
async def test_the_button_of_a_card_leads_past_it_and_its_visitor_stays_a_bot(
    house: House, client: httpx.AsyncClient, query: str
) -> None:
    await house.make_link(**CARD)
    card = await client.get(f"/sale?{query}", headers=SLACK)
    assert card.status_code == 200
    followed = await client.get(find_button(card), headers=SLACK)
    assert (followed.status_code, followed.headers["location"]) == (302, THERE)
    assert await house.list_kinds() == [BOT, BOT]
    house.clock[0] += LIFETIME_S * 1000
    assert (await client.get(find_button(card), headers=SLACK)).status_code == 200


async def test_the_mark_is_never_forwarded_and_the_visitors_parameters_are(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_link(**CARD, forward_parameters=True)
    button = find_button(await client.get("/sale?a=1&qr=1", headers=SLACK))
    followed = await client.get(button, headers=SLACK)
    assert followed.headers["location"] == f"{THERE}?a=1"
    made_up = await client.get("/sale?shorty%2dcard=x&a=2&shorty-card=")
    assert made_up.headers["location"] == f"{THERE}?a=2"


async def test_a_mark_opens_its_own_link_only(house: House, client: httpx.AsyncClient) -> None:
    await house.make_link(**CARD)
    await house.make_link(**CARD, slug="other")
    query = read_query(find_button(await client.get("/other", headers=SLACK)))
    assert (await client.get(f"/other?{query}", headers=SLACK)).status_code == 302
    assert (await client.get(f"/sale?{query}", headers=SLACK)).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"block_bots": True}, 403),
        ({"password": "open sesame"}, 200),
        ({"is_active": False}, 404),
        ({"max_clicks": 5}, 200),
    ],
)
async def test_every_other_step_holds_past_the_card(
    house: House, client: httpx.AsyncClient, changes: dict[str, Any], status: int
) -> None:
    link = await house.make_link(**CARD)
    button = find_button(await client.get("/sale", headers=SLACK))
    await house.change_link(link, **changes)
    answer = await client.get(button, headers=SLACK)
    assert answer.status_code == status
    assert THERE not in answer.text
    assert "shorty-card" not in answer.text


async def test_the_card_of_a_limited_link_has_no_button_and_says_why(
    house: House, client: httpx.AsyncClient
) -> None:
    link = await house.make_link(max_clicks=1)
    card = await client.get("/sale", headers=SLACK)
    assert card.status_code == 200
    assert not Reading(Page(200, [], card.text)).find("a")
    assert "regular browser" in card.text
    assert (await client.get("/sale")).headers["location"] == THERE
    assert (await house.read_link(link)).clicks == 1


async def test_past_its_card_a_bio_pages_own_button_leads_on(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_link(**CARD, is_link_in_bio=True)
    page = await client.get(find_button(await client.get("/sale", headers=SLACK)), headers=SLACK)
    assert page.text.count("</h1>") == 1
    button = find_button(page)
    assert "bio=go" in button
    assert (await client.get(button, headers=SLACK)).headers["location"] == THERE
