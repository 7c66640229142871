"""Signing in and out, with a second factor and without."""

from collections.abc import AsyncGenerator

import httpx
import pytest

from shorty.accounts.second_factor import begin_second_factor, confirm_second_factor
from shorty.accounts.service import set_password
from shorty.accounts.sessions import list_sessions
from shorty.accounts.totp import STEP_MS, compute_code
from shorty.passwords import SIGN_INS, hash_password
from shorty.web.cookies import SESSION
from shorty.web.sign_in import CODE
from tests.api.house import House
from tests.rsgi_client import make_client
from tests.support import flood
from tests.web.browser import Browser, read_text

PASSWORD = "correct horse"
MINUTE = 60_000


@pytest.fixture
async def visitor(house: House) -> AsyncGenerator[Browser]:
    """Ann, who has an account and is not signed in."""
    kept = await hash_password(PASSWORD)
    await house.app.db.write(lambda tx: set_password(tx, "ann@a.example", kept, house.now))
    async with make_client(house.app) as client:
        yield Browser(client)


async def send_password(visitor: Browser, **fields: str) -> httpx.Response:
    right = {"email": "ann@a.example", "password": PASSWORD}
    return await visitor.send("/app/sign-in", right | fields)


async def set_up(house: House) -> tuple[str, list[str]]:
    """The secret of Ann's second factor and her recovery codes."""
    user_id, db = house.home.user.id, house.app.db
    secret = await db.write(lambda tx: begin_second_factor(tx, user_id, house.now))
    code = compute_code(secret, house.now // STEP_MS)
    codes = await db.write(lambda tx: confirm_second_factor(tx, user_id, code, house.now))
    house.clock[0] += 2 * STEP_MS
    return secret, codes


async def test_one_signs_in_and_comes_back_to_where_one_was(visitor: Browser) -> None:
    sent_away = (await visitor.open("/app/tags?page=2")).headers["location"]
    page = await visitor.open(sent_away)
    assert 'name="next" value="/app/tags?page=2"' in page.text
    answer = await send_password(visitor, next="/app/tags?page=2")
    assert answer.headers["location"] == "/app/tags?page=2"
    assert (await visitor.open("/app/tags")).status_code == 200
    assert (await visitor.open("/app/sign-in?next=/app/tags")).headers["location"] == "/app/tags"


async def test_the_cookie_is_kept_from_scripts_and_from_visits(visitor: Browser) -> None:
    answer = await send_password(visitor)
    cookie = next(each for each in answer.headers.get_list("set-cookie") if SESSION in each)
    assert "Path=/app; Max-Age=15552000; HttpOnly; SameSite=Lax" in cookie


@pytest.mark.parametrize(
    "place",
    ["https://evil.example/", "//evil.example", "/app\\..\\evil", "/apple", "/app/../sale", ""],
)
async def test_the_way_back_leads_to_no_other_site(visitor: Browser, place: str) -> None:
    assert (await send_password(visitor, next=place)).headers["location"] == "/app"


async def test_a_wrong_password_and_an_unknown_address_look_alike(visitor: Browser) -> None:
    wrong = await send_password(visitor, password="wrong")
    unknown = await send_password(visitor, email="eve@b.example")
    for answer in (wrong, unknown):
        assert answer.status_code == 401
        assert "The email or the password is wrong." in read_text(answer.text)
    assert 'value="ann@a.example"' in wrong.text
    assert PASSWORD not in unknown.text


async def test_guessing_is_stopped_even_for_the_right_password(
    house: House, visitor: Browser
) -> None:
    for _ in range(10):
        assert (await send_password(visitor, password="wrong")).status_code == 401
    answer = await send_password(visitor)
    assert answer.status_code == 429
    assert "try again in 10 minutes" in answer.text
    assert answer.headers["retry-after"] == "600"
    house.clock[0] += 10 * MINUTE
    assert (await send_password(visitor)).status_code == 303


async def test_signing_in_often_is_no_guessing(visitor: Browser) -> None:
    for _ in range(12):
        assert (await send_password(visitor)).status_code == 303
        visitor.token = ""
        del visitor.client.cookies[SESSION]


async def test_one_signs_out_and_the_cookie_is_worth_nothing(
    house: House, visitor: Browser
) -> None:
    await send_password(visitor)
    cookie = visitor.client.cookies[SESSION]
    await visitor.open("/app/tags")
    answer = await visitor.send("/app/sign-out")
    assert answer.headers["location"] == "/app/sign-in"
    assert "You are signed out." in await visitor.follow(answer)
    async with make_client(house.app) as client:
        client.cookies.set(SESSION, cookie)
        assert (await client.get("/app/tags")).status_code == 303


async def test_the_second_factor_is_asked_for_after_the_password(
    house: House, visitor: Browser
) -> None:
    secret, _ = await set_up(house)
    answer = await send_password(visitor, next="/app/tags?a=1&b=2")
    assert SESSION not in visitor.client.cookies
    assert (await visitor.open("/app/tags")).status_code == 303
    page = await visitor.follow(answer)
    assert 'value="/app/tags?a=1&amp;b=2"' in page
    wrong = await visitor.send("/app/sign-in/code", code="12345", next="/app/tags")
    assert wrong.status_code == 422
    assert "Is wrong or was already used" in read_text(wrong.text)
    code = compute_code(secret, house.now // STEP_MS)
    right = await visitor.send("/app/sign-in/code", code=code, next="/app/tags")
    assert right.headers["location"] == "/app/tags"
    assert (await visitor.open("/app/tags")).status_code == 200
    assert CODE not in visitor.client.cookies


async def test_a_recovery_code_serves_once_in_place_of_the_app(
    house: House, visitor: Browser
) -> None:
    _, codes = await set_up(house)
    await visitor.follow(await send_password(visitor))
    assert (await visitor.send("/app/sign-in/code", code=codes[0])).status_code == 303
    await visitor.open("/app/tags")
    await visitor.follow(await visitor.send("/app/sign-out"))
    await visitor.follow(await send_password(visitor))
    assert (await visitor.send("/app/sign-in/code", code=codes[0])).status_code == 422


async def test_a_try_that_finds_the_server_busy_is_not_counted_and_may_come_again(
    visitor: Browser,
) -> None:
    async with flood(SIGN_INS):
        for _ in range(11):
            busy = await send_password(visitor)
            assert (busy.status_code, busy.headers["retry-after"]) == (503, "2")
            assert "The server is busy; try again in 2 seconds." in read_text(busy.text)
            assert 'value="ann@a.example"' in busy.text
    assert (await send_password(visitor)).headers["location"] == "/app"


async def test_who_is_signed_in_proves_a_password_while_strangers_flood(visitor: Browser) -> None:
    await send_password(visitor)
    await visitor.open("/app/account")
    fields = {"current": PASSWORD, "password": "battery staple"}
    async with flood(SIGN_INS):
        changed = await visitor.send("/app/account/password", fields)
    assert changed.status_code == 303


async def test_the_code_is_awaited_for_ten_minutes(house: House, visitor: Browser) -> None:
    secret, _ = await set_up(house)
    await visitor.follow(await send_password(visitor))
    house.clock[0] += 10 * MINUTE
    code = compute_code(secret, house.now // STEP_MS)
    answer = await visitor.send("/app/sign-in/code", code=code)
    assert "That took too long" in await visitor.follow(answer)
    assert (await visitor.open("/app/sign-in/code")).headers["location"] == "/app/sign-in"


async def test_the_code_page_is_nothing_without_the_password(visitor: Browser) -> None:
    answer = await visitor.open("/app/sign-in/code")
    assert answer.headers["location"] == "/app/sign-in"


async def test_the_browser_is_kept_with_the_session(house: House, visitor: Browser) -> None:
    visitor.client.headers["user-agent"] = "Firefox " + "x" * 999
    await send_password(visitor)
    (session,) = await list_sessions(house.app.db, house.home.user.id, house.now)
    assert session.user_agent == ("Firefox " + "x" * 999)[:200]


async def test_signing_in_again_ends_the_session_before(house: House, visitor: Browser) -> None:
    await send_password(visitor)
    await visitor.open("/app/tags")
    await send_password(visitor)
    found = await list_sessions(house.app.db, house.home.user.id, house.now)
    assert len(found) == 1
    assert (await visitor.open("/app/tags")).status_code == 200
