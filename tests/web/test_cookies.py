"""Cookies: their content, and their prefix over https, so that no sibling domain plants one."""

from collections.abc import AsyncGenerator, Mapping
from typing import Final

import httpx
import pytest

from shorty.accounts.known_browsers import KnownAccount, KnownBrowser
from shorty.accounts.service import set_password
from shorty.accounts.sessions import start_session
from shorty.passwords import hash_password
from shorty.web.cookies import (
    FORMS,
    KNOWN,
    SESSION,
    ZONE,
    Notice,
    choose_cookies,
    open_browser,
    open_notice,
    seal_browser,
    seal_notice,
    write_cookie,
)
from tests.api.house import House
from tests.rsgi_client import make_client
from tests.support import MINUTE
from tests.web.browser import Browser

HTTPS: Final = {"x-forwarded-proto": "https"}
PASSWORD: Final = "correct horse"
HOME: Final = "/app/tags"


@pytest.fixture
async def client(house: House) -> AsyncGenerator[httpx.AsyncClient]:
    """Over https, according to the proxy."""
    async with make_client(house.app) as client:
        client.headers.update(HTTPS)
        client.base_url = httpx.URL("https://localhost:8000")
        yield client


async def start(house: House, now: int) -> str:
    """The cookie of a session that was started then."""
    made = await house.app.db.write(
        lambda tx: start_session(tx, house.home.user.id, None, "Firefox", now)
    )
    return made.text


async def ask(client: httpx.AsyncClient, cookies: Mapping[str, str]) -> httpx.Response:
    sent = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return await client.get(HOME, headers={"cookie": sent})


def list_cookies(answer: httpx.Response) -> dict[str, str]:
    """The attributes of the cookies that the answer sets."""
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
    assert set(cookies) == {f"__Host-{name}" for name in (FORMS, SESSION, KNOWN)}
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


# Fixed texts: browsers keep cookies for a year, through any number of releases.
SECRET: Final = bytes(range(32))
SAVED: Final = "eyJ0ZXh0IjoiU2F2ZWQuIn0.Xrc792lGbJv3kMm5Z1QVy4LfLMnlAXe3aok8_-Ij7j0"
# Long enough to be compressed, which each zlib does in its own way.
DELETED: Final = (
    ".eJwljcsKgCAQRX8l7npIWgX-iogITiCZik4QRP_ea3UW91zOCeFDoDENKeZ1CJxYOIwgxO588m2DlrYzYc-hPKLytarX7"
    "apxl9IY_-aWyCl0aGMQHxJmWDLIb4C-H6y9bopDJYU.MY-d69lmojF79gmq3PYolSUzSxvjqZPjtd3snKZ_awE"
)
BROWSER: Final = (
    "WyJicm93c2VyLWlkIixbWzcsMywxODI2ODg0ODAwMDAwLHRydWVdLFs4LDAsNSxmYWxzZV1dXQ"
    ".fhHh6pcovvlTwxviPxFu6S0Ep79YQhW1KzhmuBNW7Sk"
)


def test_a_notice_is_this_text() -> None:
    assert seal_notice(SECRET, Notice(text="Saved.")) == SAVED
    assert open_notice(SECRET, SAVED) == Notice(text="Saved.")
    assert open_notice(SECRET, DELETED) == Notice(
        text="1 link deleted.",
        is_alarm=True,
        undo="/app/links/restore",
        undo_fields=(("ids", "7"), ("next", "/app")),
    )
    assert open_notice(SECRET, BROWSER) is None
    assert open_notice(SECRET[::-1], SAVED) is None


def test_a_known_browser_is_this_text() -> None:
    first = KnownAccount(user_id=7, generation=3, expires_at=1_826_884_800_000, passed_code=True)
    other = KnownAccount(user_id=8, generation=0, expires_at=5, passed_code=False)
    browser = KnownBrowser(id="browser-id", accounts=(first, other))
    assert seal_browser(SECRET, browser) == BROWSER
    assert open_browser(SECRET, BROWSER) == browser
    assert open_browser(SECRET, SAVED).accounts == ()


@pytest.mark.parametrize(
    ("is_secure", "header"),
    [
        (False, "shorty_session=x; Path=/app; Max-Age=60; HttpOnly; SameSite=Lax"),
        (True, "__Host-shorty_session=x; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure"),
    ],
)
def test_a_cookies_header_is_this_text(*, is_secure: bool, header: str) -> None:
    assert write_cookie(SESSION, "x", max_age_s=60, is_secure=is_secure) == header


async def test_sessions_of_before_are_known_by_these_texts(house: House) -> None:
    """Their digests are fixed texts too, as an earlier release wrote them."""
    for digest, awaits_code in (
        (
            "006a7ce0e1e1e6903ebe8a0893b2e8f160127587dd11f26f37ab1ec379f64348",
            0,
        ),
        ("912bec0aade1bad101719dbe2e82fff4a76748c6480ba8b409ff43a384ca778f", 1),
    ):
        await house.app.db.write(
            lambda tx, digest=digest, awaits_code=awaits_code: tx.execute(
                "insert into sessions (digest, user_id, workspace_id, user_agent, created_at,"
                " last_used_at, expires_at, awaits_code) values ($1, 1, 1, '', $2, $2, $3, $4)",
                *(digest, house.now, house.now + MINUTE, awaits_code),
            )
        )
    async with make_client(house.app) as client:
        for cookie, page, status in (
            ("shorty_session=a-session", HOME, 200),
            ("shorty_session=a-code", HOME, 303),
            ("shorty_code=a-code", "/app/sign-in/code", 200),
            ("shorty_code=a-session", "/app/sign-in/code", 303),
        ):
            answer = await client.get(page, headers={"cookie": cookie})
            assert answer.status_code == status, cookie
