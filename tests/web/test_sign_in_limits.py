"""Sign-in limits: who uses them up, who is affected, and for how long.

Strangers have their own IP addresses, which the trusted proxy in front names.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from shorty.accounts.known_browsers import KnownBrowser
from shorty.accounts.login import Attempt, take_sign_in
from shorty.accounts.second_factor import begin_second_factor, confirm_second_factor
from shorty.accounts.service import set_password
from shorty.accounts.totp import STEP_MS, compute_code
from shorty.config import Config
from shorty.passwords import hash_password
from shorty.web.cookies import KNOWN, SESSION, open_browser, seal_browser
from shorty.web.sign_in import CODE
from tests.api.conftest import DOMAINS
from tests.api.house import House
from tests.beside import open_beside
from tests.mail_server import MailServer, run_mail_server
from tests.reading import reader
from tests.rsgi_client import make_client
from tests.support import make_home
from tests.web.browser import Browser, read_text

PASSWORD = "correct horse"
MINUTE = 60_000
DAY = 86_400_000
ANN, EVE = "ann@a.example", "eve@b.example"

OpenBrowser = Callable[[str], Awaitable[Browser]]


@pytest.fixture
async def mail_server() -> AsyncGenerator[MailServer]:
    async with run_mail_server() as server:
        yield server


@pytest.fixture
def config(mail_server: MailServer) -> Config:
    return Config(domains=DOMAINS, smtp=mail_server.config)


@pytest.fixture
async def open_at(house: House) -> AsyncGenerator[OpenBrowser]:
    """Opens a browser at an IP address. Ann and Eve have accounts with the same password."""
    await make_home(house.app.db, house.app.config, email=EVE)
    kept = await hash_password(PASSWORD)
    for email in (ANN, EVE):
        await house.app.db.write(lambda tx, to=email: set_password(tx, to, kept, house.now))
    async with AsyncExitStack() as stack:

        async def open_at(address: str) -> Browser:
            client = await stack.enter_async_context(make_client(house.app))
            client.headers["x-forwarded-for"] = address
            return Browser(client)

        yield open_at


async def sign_in(browser: Browser, email: str = ANN, password: str = PASSWORD) -> httpx.Response:
    await browser.open("/app/sign-in")
    return await browser.send(
        "/app/sign-in", email=email, password=password, next="/app/tags?page=2"
    )


async def sign_out(browser: Browser) -> None:
    await browser.open("/app/tags")
    assert (await browser.send("/app/sign-out")).status_code == 303


async def guess(house: House, email: str = ANN, times: int = 100) -> None:
    """Strangers' wrong passwords, each from another IP address."""
    for number in range(times):
        attempt = Attempt(address=f"198.51.100.{number}", email=email)
        await take_sign_in(house.app.services.limits, attempt, house.now)


async def set_up(house: House) -> str:
    """The secret of Ann's second factor."""
    user_id, db = house.home.user.id, house.app.db
    secret = await db.write(lambda tx: begin_second_factor(tx, user_id, house.now))
    code = compute_code(secret, house.now // STEP_MS)
    await db.write(lambda tx: confirm_second_factor(tx, user_id, code, house.now))
    house.clock[0] += 2 * STEP_MS
    return secret


async def send_code(house: House, browser: Browser, secret: str) -> httpx.Response:
    house.clock[0] += STEP_MS
    return await browser.send(
        "/app/sign-in/code", code=compute_code(secret, house.now // STEP_MS), next="/app/tags"
    )


async def guess_codes(browser: Browser, times: int) -> list[httpx.Response]:
    """Wrong codes, nine after each password."""
    answers: list[httpx.Response] = []
    for number in range(times):
        if number % 9 == 0:
            assert (await sign_in(browser)).status_code == 303
        answers.append(await browser.send("/app/sign-in/code", code="1", next="/app/tags"))
    return answers


async def find_recipients(house: House, mail_server: MailServer) -> list[str]:
    await house.app.services.mailer.finish()
    return mail_server.recipients


async def set_password_by_mail(house: House, browser: Browser, mail_server: MailServer) -> None:
    await find_recipients(house, mail_server)  # a late notice would be the newest mail
    await browser.send("/app/forgotten", email=ANN)
    await find_recipients(house, mail_server)
    key = mail_server.read_text().partition("?key=")[2].split()[0]
    await browser.open(f"/app/new-password?key={key}")
    answer = await browser.send("/app/new-password", key=key, password="battery staple")
    assert answer.headers["location"] == "/app/sign-in"


# Passwords


async def test_strangers_make_a_new_browser_wait_for_seconds_alone(
    house: House, open_at: OpenBrowser
) -> None:
    await guess(house)
    ann = await open_at("192.0.2.1")
    refused = await sign_in(ann)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "6")
    text = read_text(refused.text)
    assert "Too many attempts to sign in to this account; try again in 6 seconds." in text
    assert f'value="{ANN}"' in refused.text
    assert 'value="/app/tags?page=2"' in refused.text
    assert PASSWORD not in refused.text
    house.clock[0] += 6000
    assert (await sign_in(ann)).headers["location"] == "/app/tags?page=2"


async def test_strangers_make_the_account_they_guess_at_wait_and_no_other(
    house: House, open_at: OpenBrowser
) -> None:
    await guess(house, ANN)
    browser = await open_at("192.0.2.1")
    assert (await sign_in(browser, ANN)).status_code == 429
    assert (await sign_in(browser, EVE)).status_code == 303


async def test_strangers_never_make_a_browser_wait_that_the_account_knows(
    house: House, open_at: OpenBrowser
) -> None:
    ann = await open_at("192.0.2.1")
    assert (await sign_in(ann)).status_code == 303
    await sign_out(ann)
    for _ in range(3):
        await guess(house)
        house.clock[0] += 10 * MINUTE
    await guess(house)
    for number in range(100):  # including everyone behind Ann's own IP address
        attempt = Attempt(address="192.0.2.1", email=f"{number}@a.example")
        await take_sign_in(house.app.services.limits, attempt, house.now)
    assert (await sign_in(ann, EVE)).status_code == 429
    assert (await sign_in(ann)).status_code == 303


async def test_a_known_browser_may_be_wrong_ten_times_wherever_its_cookie_is_taken(
    house: House, open_at: OpenBrowser
) -> None:
    ann, thief = await open_at("192.0.2.1"), await open_at("203.0.113.9")
    await sign_in(ann)
    await sign_out(ann)
    thief.client.cookies.set(KNOWN, ann.client.cookies[KNOWN])
    statuses = [(await sign_in(thief, password="wrong")).status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]
    refused = await sign_in(ann)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "600")
    del ann.client.cookies[KNOWN]
    assert (await sign_in(ann)).status_code == 303
    house.clock[0] += 10 * MINUTE
    assert (await sign_in(thief, password="wrong")).status_code == 401


async def test_right_passwords_use_up_nothing_of_a_known_browser(
    house: House, open_at: OpenBrowser
) -> None:
    ann = await open_at("192.0.2.1")
    for _ in range(12):
        assert (await sign_in(ann)).status_code == 303
        await sign_out(ann)


async def test_the_cookie_that_makes_a_browser_known_is_kept_from_scripts_and_visits(
    open_at: OpenBrowser,
) -> None:
    ann = await open_at("192.0.2.1")
    answer = await sign_in(ann)
    cookie = next(each for each in answer.headers.get_list("set-cookie") if KNOWN in each)
    assert cookie.endswith("; Path=/app; Max-Age=31536000; HttpOnly; SameSite=Lax")
    safe = await open_at("192.0.2.1")
    safe.client.base_url = httpx.URL("https://localhost:8000")
    safe.client.headers["x-forwarded-proto"] = "https"
    answer = await sign_in(safe)
    cookie = next(each for each in answer.headers.get_list("set-cookie") if KNOWN in each)
    assert cookie.endswith("; Secure")


async def test_the_cookie_signs_nobody_in(open_at: OpenBrowser) -> None:
    ann = await open_at("192.0.2.1")
    await sign_in(ann)
    del ann.client.cookies[SESSION]
    assert (await ann.open("/app/tags")).headers["location"].startswith("/app/sign-in")


@pytest.mark.parametrize("kind", ["", "x", "a.b", "another key", "another form"])
async def test_a_cookie_that_is_not_ours_makes_no_browser_known(
    house: House, open_at: OpenBrowser, kind: str
) -> None:
    ann = await open_at("192.0.2.1")
    await sign_in(ann)
    secret = house.app.services.secret
    known = open_browser(secret, ann.client.cookies[KNOWN])
    assert known.accounts
    forged = {
        "another key": seal_browser(b"x" * 32, known),
        "another form": seal_browser(secret, KnownBrowser("x", known.accounts))[::-1],
    }
    stranger = await open_at("203.0.113.9")
    stranger.client.cookies.set(KNOWN, forged.get(kind, kind))
    await guess(house)
    assert (await sign_in(stranger)).status_code == 429


async def test_a_new_password_makes_other_browsers_strangers_and_this_one_not(
    house: House, open_at: OpenBrowser
) -> None:
    ann, thief = await open_at("192.0.2.1"), await open_at("203.0.113.9")
    await sign_in(ann)
    await sign_in(thief)
    await ann.open("/app/account")
    changed = await ann.send("/app/account/password", current=PASSWORD, password="battery staple")
    assert changed.status_code == 303
    await sign_out(ann)
    await guess(house)
    assert (await sign_in(thief, password="wrong")).status_code == 429
    assert (await sign_in(ann, password="battery staple")).status_code == 303


@pytest.mark.parametrize("place", ["end-others", "{session_id}/end"])
async def test_signing_other_browsers_out_makes_them_strangers(
    house: House, open_at: OpenBrowser, place: str
) -> None:
    ann, thief = await open_at("192.0.2.1"), await open_at("203.0.113.9")
    await sign_in(ann)
    await sign_in(thief)
    row = reader(house.app.db).find_one("select max(id) as session_id from sessions")
    assert row is not None
    await ann.open("/app/account")
    path = f"/app/account/sessions/{place.format(session_id=row['session_id'])}"
    assert (await ann.send(path)).status_code == 303
    assert (await thief.open("/app/tags")).status_code == 303
    await sign_out(ann)
    await guess(house)
    assert (await sign_in(thief)).status_code == 429
    assert (await sign_in(ann)).status_code == 303


async def test_strangers_never_make_somebody_wait_who_is_signed_in(
    house: House, open_at: OpenBrowser
) -> None:
    ann = await open_at("192.0.2.1")
    await sign_in(ann)
    del ann.client.cookies[KNOWN]
    await guess(house)
    await ann.open("/app/account")
    answer = await ann.send("/app/account/second-factor/begin", password=PASSWORD)
    assert answer.status_code == 200


async def test_each_session_may_be_wrong_ten_times_about_its_password(
    house: House, open_at: OpenBrowser
) -> None:
    ann, elsewhere = await open_at("192.0.2.1"), await open_at("192.0.2.1")
    await sign_in(ann)
    elsewhere.client.cookies.set(KNOWN, ann.client.cookies[KNOWN])
    await sign_in(elsewhere)
    fields = {"email": "new@a.example", "password": "wrong"}
    await ann.open("/app/account")
    statuses = [(await ann.send("/app/account/email", fields)).status_code for _ in range(11)]
    assert statuses == [422] * 10 + [429]
    refused = await ann.send("/app/account/email", fields)
    assert refused.headers["retry-after"] == "600"
    assert "Too many requests; try again in 10 minutes." in read_text(refused.text)
    assert 'value="new@a.example"' in refused.text
    await elsewhere.open("/app/account")
    assert (await elsewhere.send("/app/account/email", fields)).status_code == 422
    assert (await sign_in(await open_at("192.0.2.1"))).status_code == 303
    house.clock[0] += 10 * MINUTE
    assert (await ann.send("/app/account/email", fields)).status_code == 422


def list_events(logs: list[MutableMapping[str, Any]]) -> list[tuple[Any, ...]]:
    """What is logged of attempts to sign in; never anything else than these values."""
    found = [each for each in logs if each["event"].startswith("sign_in")]
    assert all(each.keys() <= {"event", "log_level", "ip", "account", "wrong"} for each in found)
    assert all(each["log_level"] == "warning" for each in found)
    return [(each["event"], each["ip"], each["account"], each.get("wrong")) for each in found]


async def test_wrong_passwords_are_logged_with_their_ip_address_and_account(
    open_at: OpenBrowser,
) -> None:
    browser = await open_at("192.0.2.1")
    with capture_logs() as logs:
        for email in (ANN.upper(), "nobody@a.example", "my secret password"):
            assert (await sign_in(browser, email, "wrong")).status_code == 401
        assert (await sign_in(browser)).status_code == 303
    refused = ("sign_in_refused", "192.0.2.1")
    assert list_events(logs) == [
        (*refused, ANN, "password"),
        (*refused, "nobody@a.example", "password"),
        (*refused, "", "password"),
    ]


async def test_an_address_that_tries_too_often_is_logged_once_an_hour(
    house: House, open_at: OpenBrowser
) -> None:
    browser, other = await open_at("192.0.2.1"), await open_at("192.0.2.2")
    with capture_logs() as logs:
        for _ in range(13):
            await sign_in(browser, ANN, "wrong")
        for _ in range(11):
            await sign_in(other, ANN, "wrong")
        house.clock[0] += 60 * MINUTE
        for _ in range(11):
            await sign_in(browser, ANN, "wrong")
    limited = [each[:3] for each in list_events(logs) if each[0] == "sign_in_limited"]
    assert limited == [
        ("sign_in_limited", "192.0.2.1", ANN),
        ("sign_in_limited", "192.0.2.2", ANN),
        ("sign_in_limited", "192.0.2.1", ANN),
    ]


async def test_an_account_that_strangers_guess_at_is_logged_once_an_hour(
    house: House, open_at: OpenBrowser
) -> None:
    await guess(house)
    await guess(house, "bob@a.example")
    browser = await open_at("192.0.2.1")
    with capture_logs() as logs:
        for email in (ANN, ANN, "bob@a.example"):
            assert (await sign_in(browser, email)).status_code == 429
    assert list_events(logs) == [
        ("sign_in_limited", "192.0.2.1", ANN, None),
        ("sign_in_limited", "192.0.2.1", "bob@a.example", None),
    ]


# Codes


async def test_ten_wrong_codes_ask_for_the_password_again_and_are_mailed(
    house: House, open_at: OpenBrowser, mail_server: MailServer
) -> None:
    secret = await set_up(house)
    ann = await open_at("192.0.2.1")
    await sign_in(ann)
    with capture_logs() as logs:
        answers = [
            await ann.send("/app/sign-in/code", code="1", next="/app/tags?page=2")
            for _ in range(10)
        ]
    assert [answer.status_code for answer in answers] == [422] * 9 + [303]
    assert answers[-1].headers["location"] == "/app/sign-in?next=/app/tags%3Fpage%3D2"
    assert CODE not in ann.client.cookies
    page = read_text(await ann.follow(answers[-1]))
    assert "Too many wrong codes. Sign in with your password again." in page
    assert (await send_code(house, ann, secret)).headers["location"] == "/app/sign-in"
    assert await find_recipients(house, mail_server) == [ANN]
    assert "Someone entered your password for ann@a.example" in mail_server.read_text()
    assert "change your password now" in mail_server.read_text()
    assert list_events(logs) == [("sign_in_refused", "192.0.2.1", ANN, "code")] * 10
    (logged,) = [entry for entry in logs if entry["event"] == "wrong_codes"]
    assert (logged["user_id"], logged["is_day_over"]) == (house.home.user.id, False)
    await sign_in(ann)
    assert (await send_code(house, ann, secret)).headers["location"] == "/app/tags"
    account = read_text((await ann.open("/app/account")).text)
    assert "10 wrong codes today, entered after the correct password" in account


async def test_thirty_wrong_codes_of_strangers_end_the_day_except_for_known_browsers(
    house: House, open_at: OpenBrowser, mail_server: MailServer
) -> None:
    secret = await set_up(house)
    ann, thief = await open_at("192.0.2.1"), await open_at("203.0.113.9")
    await sign_in(ann)
    await send_code(house, ann, secret)
    await sign_out(ann)
    answers = await guess_codes(thief, 31)
    assert [answer.status_code for answer in answers] == [422] * 29 + [429] * 2
    left_s = (DAY - house.now % DAY) // 1000
    assert int(answers[-1].headers["retry-after"]) - left_s in (0, 1)
    assert "Too many wrong codes; try again in" in read_text(answers[-1].text)
    assert await find_recipients(house, mail_server) == [ANN]
    assert "No more codes are accepted today (UTC)" in mail_server.read_text()
    new = await open_at("192.0.2.1")
    await sign_in(new)
    assert (await send_code(house, new, secret)).status_code == 429
    await sign_in(ann)
    assert (await send_code(house, ann, secret)).headers["location"] == "/app/tags"
    house.clock[0] += DAY - house.now % DAY
    await sign_in(new)
    assert (await send_code(house, new, secret)).headers["location"] == "/app/tags"


async def test_a_browser_that_gave_the_password_alone_is_a_stranger_to_the_second_factor(
    house: House, open_at: OpenBrowser
) -> None:
    """For example of a thief who signed in while the password was enough."""
    before = await open_at("203.0.113.9")
    await sign_in(before)
    del before.client.cookies[SESSION]
    secret = await set_up(house)
    await guess_codes(before, 30)
    await sign_in(before)
    assert (await send_code(house, before, secret)).status_code == 429


async def test_a_new_password_by_mail_makes_no_browser_known_to_the_second_factor(
    house: House, open_at: OpenBrowser, mail_server: MailServer
) -> None:
    secret = await set_up(house)
    ann, thief = await open_at("192.0.2.1"), await open_at("203.0.113.9")
    await guess_codes(thief, 30)
    await set_password_by_mail(house, ann, mail_server)
    await guess(house)
    assert (await sign_in(ann, password="battery staple")).status_code == 303
    assert (await send_code(house, ann, secret)).status_code == 429


async def test_the_browser_that_sets_a_second_factor_up_is_known_to_it(
    house: House, open_at: OpenBrowser
) -> None:
    ann, thief = await open_at("192.0.2.1"), await open_at("203.0.113.9")
    await sign_in(ann)
    await ann.open("/app/account")
    page = await ann.send("/app/account/second-factor/begin", password=PASSWORD)
    secret = page.text.partition('name="secret" value="')[2].partition('"')[0]
    code = compute_code(secret, house.now // STEP_MS)
    assert (await ann.send("/app/account/second-factor", code=code)).status_code == 200
    await sign_out(ann)
    await guess_codes(thief, 30)
    await sign_in(ann)
    assert (await send_code(house, ann, secret)).headers["location"] == "/app/tags"


async def test_a_known_browser_may_give_thirty_wrong_codes_a_day(
    house: House, open_at: OpenBrowser
) -> None:
    secret = await set_up(house)
    ann, thief = await open_at("192.0.2.1"), await open_at("203.0.113.9")
    await sign_in(ann)
    await send_code(house, ann, secret)
    thief.client.cookies.set(KNOWN, ann.client.cookies[KNOWN])
    answers = await guess_codes(thief, 29)
    assert {answer.status_code for answer in answers} == {422}
    await sign_out(ann)
    await sign_in(ann)
    assert (await send_code(house, ann, secret)).headers["location"] == "/app/tags"
    answers = await guess_codes(thief, 2)
    assert [answer.status_code for answer in answers] == [422, 429]
    new = await open_at("192.0.2.1")
    await sign_in(new)
    assert (await send_code(house, new, secret)).headers["location"] == "/app/tags"


# Mails


async def test_a_new_password_by_mail_makes_its_browser_known(
    house: House, open_at: OpenBrowser, mail_server: MailServer
) -> None:
    await guess(house)
    ann = await open_at("192.0.2.1")
    await set_password_by_mail(house, ann, mail_server)
    assert (await sign_in(ann, password="battery staple")).status_code == 303


async def test_strangers_who_ask_for_links_use_up_no_tries_and_no_other_mails(
    house: House, open_at: OpenBrowser, mail_server: MailServer
) -> None:
    ann = await open_at("192.0.2.1")
    await sign_in(ann)
    for number in range(20):
        stranger = await open_at(f"203.0.113.{number}")
        await stranger.send("/app/forgotten", email=ANN)
        await stranger.send("/app/forgotten", email="new@a.example")
    assert await find_recipients(house, mail_server) == [ANN] * 5
    assert len(house.app.services.limits.sign_in_accounts) == 0
    await ann.open("/app/account")
    answer = await ann.send("/app/account/email", email="new@a.example", password=PASSWORD)
    assert answer.status_code == 303
    assert mail_server.recipients[-1] == "new@a.example"


async def test_the_first_link_to_a_new_password_works_after_four_more(
    house: House, open_at: OpenBrowser, mail_server: MailServer
) -> None:
    ann, stranger = await open_at("192.0.2.1"), await open_at("203.0.113.9")
    await ann.send("/app/forgotten", email=ANN)
    await find_recipients(house, mail_server)
    key = mail_server.read_text().partition("?key=")[2].split()[0]
    for _ in range(4):
        await stranger.send("/app/forgotten", email=ANN)
    assert await find_recipients(house, mail_server) == [ANN] * 5
    answer = await ann.send("/app/new-password", key=key, password="battery staple")
    assert answer.headers["location"] == "/app/sign-in"


async def test_an_address_asks_for_a_hundred_links_and_a_known_browser_behind_it_for_one_more(
    house: House, open_at: OpenBrowser, mail_server: MailServer
) -> None:
    ann, stranger = await open_at("192.0.2.1"), await open_at("192.0.2.1")
    await sign_in(ann)
    await sign_out(ann)
    statuses = [
        (await stranger.send("/app/forgotten", email=f"{number}@a.example")).status_code
        for number in range(101)
    ]
    assert statuses == [200] * 100 + [429]
    await ann.open("/app/forgotten")
    assert (await ann.send("/app/forgotten", email=ANN)).status_code == 200


async def test_an_address_is_the_one_that_the_last_proxy_saw_and_its_64_bits(
    open_at: OpenBrowser,
) -> None:
    """Whatever the client itself puts before it, also in another header."""

    async def guess_from(*addresses: str) -> int:
        sent = [("x-forwarded-for", address) for address in addresses]
        fields = {"email": ANN, "password": "wrong", "form_token": browser.token}
        return (await browser.client.post("/app/sign-in", data=fields, headers=sent)).status_code

    browser = await open_at("192.0.2.9")
    await browser.open("/app/sign-in")
    del browser.client.headers["x-forwarded-for"]
    spoofed = [await guess_from(f"198.51.100.{each}", "192.0.2.1") for each in range(11)]
    assert spoofed == [401] * 10 + [429]
    assert await guess_from("192.0.2.1", "192.0.2.2") == 401
    moving = [await guess_from(f"2001:db8::{each}:1") for each in range(11)]
    assert moving == [401] * 10 + [429]
    assert await guess_from("2001:db8:0:1::1") == 401


@pytest.mark.postgres_only
async def test_guesses_at_a_password_are_counted_over_all_nodes(
    house: House, open_at: OpenBrowser, tmp_path: Path
) -> None:
    async with open_beside(house.app, tmp_path / "beside") as app, make_client(app) as client:
        client.headers["x-forwarded-for"] = "192.0.2.1"
        here, beside = await open_at("192.0.2.1"), Browser(client)
        browsers = [here, beside] * 5
        guesses = [await sign_in(browser, password="wrong") for browser in browsers]
        assert [answer.status_code for answer in guesses] == [401] * 10
        assert [(await sign_in(browser)).status_code for browser in (here, beside)] == [429] * 2
        assert [(await sign_in(browser, EVE)).status_code for browser in (here, beside)] == [
            303,
            303,
        ]
