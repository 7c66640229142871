"""How often a link's password may be tried, who shares a limit, and what gives a try back."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from shorty.limits import RateLimits
from shorty.passwords import SIGN_INS, VISITORS
from shorty.redirect import sent_password
from shorty.redirect.password_tries import (
    Guesser,
    forgive_tries,
    give_back_try,
    look_at_tries,
    read_guesser,
    take_try,
)
from tests.redirect.house import House
from tests.rsgi_client import Exchange, Scope
from tests.support import MINUTE, NOW, flood

JSON = {"accept": "application/json"}
WRONG = "wrong"


async def guess(limits: RateLimits, *guessers: Guesser, now: int = NOW) -> list[bool]:
    return [(await take_try(limits, guesser, now)).is_allowed for guesser in guessers]


def spread(number: int, link_id: int = 7) -> list[Guesser]:
    """Each from a network of its own."""
    return [read_guesser(link_id, f"2001:db8:{n:x}::1") for n in range(number)]


async def test_an_address_has_ten_tries_in_ten_minutes() -> None:
    limits, guesser = RateLimits(), read_guesser(7, "192.0.2.1")
    assert await guess(limits, *[guesser] * 11) == [True] * 10 + [False]
    refused = await look_at_tries(limits, guesser, NOW + MINUTE)
    assert refused.retry_after_s(NOW + MINUTE) == 9 * 60
    assert await guess(limits, guesser, now=NOW + 10 * MINUTE) == [True]


async def test_addresses_of_a_64_share_their_ten_tries_and_others_do_not() -> None:
    limits = RateLimits()
    same = [read_guesser(7, f"2001:db8::{n:x}:1") for n in range(10)]
    assert await guess(limits, *same) == [True] * 10
    assert await guess(limits, read_guesser(7, "2001:db8::ffff")) == [False]
    assert await guess(limits, read_guesser(7, "2001:db8:0:1::1")) == [True]


@pytest.mark.parametrize(
    ("inside", "beside"), [("2001:db8:1:{:x}::1", "2001:db8:2::1"), ("192.0.2.{}", "192.0.3.1")]
)
async def test_a_network_has_fifty_tries_in_ten_minutes(inside: str, beside: str) -> None:
    limits = RateLimits()
    guessers = [read_guesser(7, inside.format(n + 1)) for n in range(51)]
    assert await guess(limits, *guessers) == [True] * 50 + [False]
    assert await guess(limits, read_guesser(7, beside)) == [True]
    assert await guess(limits, guessers[50], now=NOW + 10 * MINUTE) == [True]


async def test_a_link_has_a_hundred_tries_and_then_one_every_three_seconds() -> None:
    limits = RateLimits()
    assert await guess(limits, *spread(101)) == [True] * 100 + [False]
    late = read_guesser(7, "192.0.2.1")
    assert (await look_at_tries(limits, late, NOW)).retry_after_s(NOW) == 3
    assert await guess(limits, late, now=NOW + 2999) == [False]
    assert await guess(limits, late, late, now=NOW + 3000) == [True, False]


async def test_links_share_nothing() -> None:
    limits = RateLimits()
    await guess(limits, *spread(101), *[read_guesser(7, "192.0.2.1")] * 10)
    await guess(limits, *[read_guesser(7, "192.0.2.1")] * 10, now=NOW + MINUTE)
    assert await guess(limits, *[read_guesser(8, "192.0.2.1")] * 10) == [True] * 10


async def test_a_refused_try_counts_for_nobody() -> None:
    limits, greedy = RateLimits(), read_guesser(7, "192.0.2.1")
    await guess(limits, *[greedy] * 500)
    neighbours = [read_guesser(7, f"192.0.2.{n + 2}") for n in range(41)]
    assert await guess(limits, *neighbours) == [True] * 40 + [False]
    await guess(limits, *neighbours * 20)
    assert await guess(limits, *spread(51)) == [True] * 50 + [False]
    later = NOW + 3000
    assert await guess(limits, neighbours[40], spread(60)[59], now=later) == [False, True]


async def test_of_several_limits_the_longest_wait_is_told() -> None:
    limits, guesser = RateLimits(), read_guesser(7, "192.0.2.1")
    await guess(limits, *[guesser] * 10, *spread(90))
    assert (await look_at_tries(limits, guesser, NOW)).retry_after_s(NOW) == 600
    assert (await look_at_tries(limits, read_guesser(7, "192.0.2.2"), NOW)).retry_after_s(NOW) == 3
    late = NOW + 10 * MINUTE - 1000
    await guess(limits, *spread(100), now=late)
    assert (await look_at_tries(limits, guesser, late)).retry_after_s(late) == 3


async def test_the_right_password_clears_its_address_and_takes_back_its_own_try_elsewhere() -> None:
    limits, guesser = RateLimits(), read_guesser(7, "192.0.2.1")
    await guess(limits, *[guesser] * 10)
    await forgive_tries(limits, guesser, NOW)
    neighbours = [read_guesser(7, f"192.0.2.{n + 2}") for n in range(42)]
    assert await guess(limits, *neighbours) == [True] * 41 + [False]
    assert await guess(limits, *spread(51)) == [True] * 50 + [False]
    assert (await limits.link_passwords.look(guesser.address_key, 10, NOW)).remaining == 10


async def test_a_try_that_was_never_tried_is_given_back_everywhere() -> None:
    limits, guesser = RateLimits(), read_guesser(7, "192.0.2.1")
    for _ in range(500):
        assert await guess(limits, guesser) == [True]
        await give_back_try(limits, guesser, NOW)
    assert (await look_at_tries(limits, guesser, NOW)).remaining == 10


async def try_password(
    client: httpx.AsyncClient, address: str, password: str = WRONG, slug: str = "sale"
) -> int:
    answer = await client.post(
        f"/{slug}", data={"password": password}, headers={"x-forwarded-for": address}
    )
    return answer.status_code


async def use_up(client: httpx.AsyncClient) -> None:
    statuses = [await try_password(client, f"2001:db8:{n:x}::1") for n in range(101)]
    assert statuses == [401] * 100 + [429]


async def test_who_knows_the_password_waits_seconds_while_a_link_is_guessed_at(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_link(password="one")
    await use_up(client)
    page = await client.post("/sale", data={"password": "one"})
    assert (page.status_code, page.headers["retry-after"]) == (429, "3")
    assert "Please try again in a few seconds." in page.text
    problem = await client.post("/sale", data={"password": "one"}, headers=JSON)
    assert (problem.status_code, problem.headers["retry-after"]) == (429, "3")
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json()["code"] == "rate-limited"
    house.clock[0] += 3000
    assert await try_password(client, "192.0.2.1", "one") == 303


async def test_who_has_the_cookie_is_not_asked_while_a_link_is_guessed_at(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_link(password="one")
    assert await try_password(client, "192.0.2.1", "one") == 303
    cookies = dict(client.cookies)
    client.cookies.clear()
    await use_up(client)
    client.cookies.update(cookies)
    assert (await client.get("/sale")).headers["location"] == "https://example.com/there"
    for _ in range(20):
        again = await client.post("/sale?a=1", data={"password": "whatever"})
        assert (again.status_code, again.headers["location"]) == (303, "/sale?a=1")
    house.clock[0] += 3000
    client.cookies.clear()
    assert [await try_password(client, f"192.0.2.{n}") for n in (1, 2)] == [401, 429]


async def test_tries_at_the_same_moment_cannot_slip_past_the_limit(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_link(password="one")
    tries = (try_password(client, "192.0.2.1") for _ in range(30))
    statuses = await asyncio.gather(*tries)
    assert sorted(statuses) == [401] * 10 + [429] * 20


async def test_two_links_are_limited_apart(house: House, client: httpx.AsyncClient) -> None:
    await house.make_link(password="one")
    await house.make_link(password="one", slug="other")
    assert [await try_password(client, "192.0.2.1") for _ in range(11)][-1] == 429
    assert await try_password(client, "192.0.2.1", slug="other") == 401


@pytest.mark.parametrize(
    ("first", "second", "beside"),
    [
        ("8.8.8.{}", "192.0.2.1", ("8.8.8.1", "192.0.2.2")),
        ("192.0.2.1, 8.8.8.{}", "192.0.2.1, 10.1.2.3", ("192.0.2.1", "192.0.2.2, 10.1.2.3")),
        ("8.8.8.8", "2001:db8::{}", ("8.8.8.8", "2001:db8:0:1::1")),
    ],
)
async def test_tries_count_for_the_address_that_the_last_header_ends_with(
    house: House, client: httpx.AsyncClient, first: str, second: str, beside: tuple[str, str]
) -> None:
    await house.make_link(password="one")

    async def try_from(*addresses: str) -> int:
        headers = [("x-forwarded-for", address) for address in addresses]
        answer = await client.post("/sale", data={"password": WRONG}, headers=headers)
        return answer.status_code

    pairs = [(first.format(n + 1), second.format(n + 1)) for n in range(11)]
    assert [await try_from(*pair) for pair in pairs] == [401] * 10 + [429]
    assert await try_from(*beside) == 401


async def test_the_right_password_clears_the_count_of_its_address(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_link(password="one")
    for _ in range(3):
        assert [await try_password(client, "192.0.2.1") for _ in range(9)] == [401] * 9
        assert await try_password(client, "192.0.2.1", "one") == 303
        client.cookies.clear()
    assert [await try_password(client, "192.0.2.1") for _ in range(11)][8:] == [401, 401, 429]
    house.clock[0] += 10 * MINUTE - 1
    assert await try_password(client, "192.0.2.1", "one") == 429
    house.clock[0] += 1
    assert await try_password(client, "192.0.2.1", "one") == 303


async def test_a_busy_server_counts_no_try_and_says_when_to_come_back(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_link(password="one")
    async with flood(VISITORS):
        for _ in range(11):
            problem = await client.post("/sale", data={"password": "one"}, headers=JSON)
            assert (problem.status_code, problem.headers["retry-after"]) == (503, "2")
            assert problem.json()["code"] == "busy"
        page = await client.post("/sale", data={"password": "one"})
        assert "The server is busy checking passwords." in page.text
    async with flood(SIGN_INS):
        assert await try_password(client, "127.0.0.1", "one") == 303


class SlowForm(Exchange):
    """A form of pieces without end, or one that stops coming."""

    def __init__(self, piece: bytes, pieces: int) -> None:
        super().__init__(b"")
        self.piece = piece
        self.pieces = pieces
        self.read = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self.read < self.pieces:
            self.read += 1
            yield self.piece
        await asyncio.get_running_loop().create_future()


async def send_form(house: House, form: SlowForm) -> int:
    scope = Scope(httpx.Request("POST", "http://localhost:8000/sale"), "192.0.2.1:50000")
    await house.app.__rsgi__(scope, form)
    return form.status


async def test_a_form_without_end_is_read_no_further_than_its_bound(house: House) -> None:
    await house.make_link(password="one")
    form = SlowForm(b"password=one&" * 40, 1_000_000)
    assert await send_form(house, form) == 401
    assert form.read == 4096 // 520 + 1


async def test_a_form_that_stops_coming_ends_after_its_time(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.make_link(password="one")
    monkeypatch.setattr(sent_password, "FORM_TIMEOUT_S", 0.01)
    assert await send_form(house, SlowForm(b"password=one", 1)) == 401


async def test_forms_that_are_on_their_way_use_up_no_tries(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_link(password="one")
    forms = [asyncio.create_task(send_form(house, SlowForm(b"p", 1))) for _ in range(20)]
    await asyncio.sleep(0)
    assert [await try_password(client, "192.0.2.1") for _ in range(10)] == [401] * 10
    for form in forms:
        form.cancel()
    await asyncio.gather(*forms, return_exceptions=True)
