"""Cookies over https: with a prefix, so that no sibling domain can plant one."""

from collections.abc import AsyncGenerator, Mapping
from typing import Final

import httpx
import pytest

from shorty.accounts.service import set_password
from shorty.accounts.sessions import start_session
from shorty.passwords import hash_password
from shorty.web.cookies import FORMS, SESSION, ZONE, choose_cookies
from tests.api.house import House
from tests.rsgi_client import make_client
from tests.support import MINUTE
from tests.web.browser import Browser

HTTPS: Final = {"x-forwarded-proto": "https"}
PASSWORD: Final = "correct horse"
HOME: Final = "/app/tags"


@pytest.fixture
async def client(house: House) -> AsyncGenerator[httpx.AsyncClient]:
    """Over https, as its proxy says."""
    async with make_client(house.app) as client:
        client.headers.update(HTTPS)
        client.base_url = httpx.URL("https://localhost:8000")
        yield client


async def start(house: House, now: int) -> str:
    """The text of a session that was begun then."""
    made = await house.app.db.write(
        lambda tx: start_session(tx, house.home.user.id, None, "Firefox", now)
    )
    return made.text


async def ask(client: httpx.AsyncClient, cookies: Mapping[str, str]) -> httpx.Response:
    sent = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return await client.get(HOME, headers={"cookie": sent})


def list_cookies(answer: httpx.Response) -> dict[str, str]:
    """What follows the names of those that the answer sets."""
    pairs = (each.partition("=") for each in answer.headers.get_list("set-cookie"))
    return {name: rest for name, _, rest in pairs}


async def test_signing_in_over_https_leaves_nothing_without_the_prefix(
    house: House, client: httpx.AsyncClient
) -> None:
    kept = await hash_password(PASSWORD)
    await house.app.db.write(lambda tx: set_password(tx, "ann@a.example", kept, house.now))
    browser = Browser(client)
    first = await browser.open("/app/sign-in")
    answer = await browser.send("/app/sign-in", email="ann@a.example", password=PASSWORD)
    cookies = list_cookies(first) | list_cookies(answer)
    assert set(cookies) == {f"__Host-{FORMS}", f"__Host-{SESSION}"}
    for rest in cookies.values():
        assert "; Path=/; " in rest
        assert rest.endswith("; Secure")
        assert "Domain" not in rest
    assert (await browser.open(HOME)).status_code == 200
    gone = list_cookies(await browser.send("/app/sign-out"))
    assert "Max-Age=0" in gone[f"__Host-{SESSION}"]


async def test_a_session_that_a_sibling_domain_planted_is_not_believed(
    house: House, client: httpx.AsyncClient
) -> None:
    text = await start(house, house.now)
    assert (await ask(client, {SESSION: text})).status_code == 303
    assert (await ask(client, {f"__Host-{SESSION}": text})).status_code == 200
    planted = await start(house, house.now + MINUTE)
    both = await ask(client, {SESSION: planted, f"__Host-{SESSION}": text})
    assert SESSION not in list_cookies(both)


async def test_a_form_key_that_a_sibling_domain_planted_is_not_believed(
    house: House, client: httpx.AsyncClient
) -> None:
    text = await start(house, house.now)
    answer = await ask(client, {f"__Host-{SESSION}": text, FORMS: "planted"})
    assert f"__Host-{FORMS}" in list_cookies(answer)


async def test_a_session_of_before_goes_on_and_gets_the_prefix(
    house: House, client: httpx.AsyncClient
) -> None:
    text = await start(house, house.now - MINUTE)
    answer = await ask(client, {SESSION: text})
    assert answer.status_code == 200
    cookies = list_cookies(answer)
    assert cookies[f"__Host-{SESSION}"].startswith(f"{text}; Path=/; ")
    assert cookies[SESSION].startswith("; Path=/app; Max-Age=0; ")
    again = await ask(client, {f"__Host-{SESSION}": text})
    assert again.status_code == 200
    assert SESSION not in list_cookies(again)


async def test_the_prefix_is_for_https_alone(house: House) -> None:
    text = await start(house, house.now)
    async with make_client(house.app) as client:
        assert (await ask(client, {SESSION: text})).status_code == 200
        assert (await ask(client, {f"__Host-{SESSION}": text})).status_code == 303


def test_the_zone_is_read_as_the_script_writes_it() -> None:
    assert choose_cookies({ZONE: "UTC", "other": "1"}, is_secure=True) == {ZONE: "UTC"}
