"""Password links for programs: the password as JSON, in parts, and by HTTP Basic."""

import asyncio
from base64 import b64encode
from threading import Event
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shorty.clicks.model import BOT, PERSON
from shorty.passwords import VISITORS
from shorty.redirect.password_tries import WrongPasswords
from shorty.redirect.sent_password import find_basic_password, read_sent_password
from tests.redirect.house import House
from tests.rsgi_client import Exchange, RequestHeaders
from tests.support import MINUTE, flood

THERE = "https://example.com/there"
JSON = {"accept": "application/json"}
PROGRAM = {"user-agent": "warehouse-sync/2.1", "accept": "*/*"}
CURL = {"user-agent": "curl/8.5.0", "accept": "*/*"}
BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
FETCH = {"accept": "*/*", "sec-fetch-mode": "cors", "user-agent": "some browser"}
CHALLENGE = 'Basic realm="Password required", charset="UTF-8"'


def send_basic(password: str, user: str = "anyone") -> dict[str, str]:
    return {"authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}


def find(headers: dict[str, str]) -> str | None:
    return find_basic_password(RequestHeaders(httpx.Headers(headers)))


async def read(body: bytes, content_type: str) -> str:
    headers = RequestHeaders(httpx.Headers([(b"content-type", content_type.encode("latin-1"))]))
    return await read_sent_password(headers, Exchange(body))


@pytest.mark.parametrize(
    "sent",
    [
        {"json": {"password": "öne"}},
        {"json": {"password": "öne", "other": [1]}},
        {"content": '\ufeff{"password": "öne"}', "headers": {"content-type": "application/json"}},
        {"files": {"password": (None, "öne")}},
        {"files": [("a", (None, "b")), ("password", ("x.txt", "öne")), ("password", "two")]},
        {"data": {"password": "öne"}},
    ],
)
async def test_a_right_password_is_answered_as_the_forms_however_it_is_sent(
    house: House, client: httpx.AsyncClient, sent: dict[str, Any]
) -> None:
    link = await house.make_link(password="öne")
    right = await client.post("/sale?a=1", **sent)
    assert (right.status_code, right.headers["location"]) == (303, "/sale?a=1")
    assert (await client.get("/sale")).headers["location"] == THERE
    assert (await house.read_link(link)).clicks == 1


@pytest.mark.parametrize(
    "sent",
    [
        {"json": {"password": "two"}},
        {"json": {"password": 1}},
        {"json": ["one"]},
        {"json": {"Password": "one"}},
        {"json": {"password": "one", "more": "x" * 4096}},
        {"content": b'{"password": "one', "headers": {"content-type": "application/json"}},
        {"content": b"[" * 4000, "headers": {"content-type": "application/json"}},
        {"content": b"password=one", "headers": {"content-type": "application/json"}},
        {"content": b"password=one", "headers": {"content-type": "multipart/form-data"}},
        {"content": b"--x\r\n", "headers": {"content-type": "multipart/form-data; boundary=x"}},
        {"files": {"passwort": (None, "one")}},
        {"files": {"password": (None, "one"), "more": (None, "x" * 4096)}},
    ],
)
async def test_what_is_not_the_password_is_a_wrong_one_and_counted(
    house: House, client: httpx.AsyncClient, sent: dict[str, Any]
) -> None:
    await house.make_link(password="one")
    tries = [await client.post("/sale", **sent) for _ in range(11)]
    assert [answer.status_code for answer in tries] == [401] * 10 + [429]
    assert all("www-authenticate" not in answer.headers for answer in tries)
    problem = await client.post("/sale", json={"password": "two"}, headers=JSON)
    assert problem.json()["code"] == "rate-limited"


@given(
    st.binary(max_size=300),
    st.sampled_from(["", "; boundary=", '; boundary="', "; boundary*=utf-8''", "; boundary*0*="]),
    st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=30),
)
async def test_no_bytes_in_parts_break_anything(body: bytes, name: str, value: str) -> None:
    assert isinstance(await read(body, f"multipart/form-data{name}{value}"), str)


async def test_a_program_that_wants_json_is_asked_in_a_problem(
    house: House, client: httpx.AsyncClient
) -> None:
    link = await house.make_link(password="one", description="Secret")
    asked = await client.get("/sale", headers=PROGRAM | JSON)
    assert (asked.status_code, asked.json()["code"]) == (401, "password-required")
    assert asked.headers["content-type"] == "application/problem+json"
    assert asked.headers["www-authenticate"] == CHALLENGE
    head = await client.head("/sale", headers=PROGRAM | JSON)
    assert (head.status_code, head.headers) == (401, asked.headers)
    wrong = await client.post("/sale", json={"password": "x"}, headers=PROGRAM | JSON)
    assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong-password")
    assert wrong.headers["www-authenticate"] == CHALLENGE
    assert (await house.read_link(link)).clicks == 0


@pytest.mark.parametrize(
    "headers", [BROWSER, JSON | {"sec-fetch-mode": "cors"}, JSON, BROWSER | CURL | BROWSER]
)
async def test_no_browser_is_challenged(
    house: House, client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    await house.make_link(password="one")
    for answer in (
        await client.get("/sale", headers=headers),
        await client.get("/sale", headers=headers | send_basic("wrong")),
        await client.post("/sale", data={"password": "wrong"}, headers=headers),
    ):
        assert "www-authenticate" not in answer.headers


@pytest.mark.parametrize(
    ("headers", "kind"), [(PROGRAM, PERSON), (PROGRAM | JSON, PERSON), (CURL, BOT)]
)
async def test_the_right_password_by_basic_is_answered_with_the_destination(
    house: House, client: httpx.AsyncClient, headers: dict[str, str], kind: int
) -> None:
    await house.make_link(password="öne:two", forward_parameters=True)
    for user in ("", "anyone"):
        answer = await client.get("/sale?a=1", headers=headers | send_basic("öne:two", user))
        assert (answer.status_code, answer.headers["location"]) == (302, f"{THERE}?a=1")
        assert "set-cookie" not in answer.headers
    head = await client.head("/sale", headers=headers | send_basic("öne:two"))
    assert (head.status_code, head.headers["location"]) == (302, THERE)
    assert await house.list_kinds() == [kind, kind]


async def test_a_wrong_password_by_basic_is_counted_like_the_forms(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_link(password="one")
    client.headers.update(PROGRAM | JSON)
    methods = ["GET", "HEAD"] * 5
    tries = [
        await client.request(method, "/sale", headers=send_basic(f"wrong {n}"))
        for n, method in enumerate(methods)
    ]
    assert [answer.status_code for answer in tries] == [401] * 10
    assert tries[0].json()["code"] == "wrong-password"
    assert tries[0].headers["www-authenticate"] == CHALLENGE
    limited = await client.get("/sale", headers=send_basic("one"))
    assert (limited.status_code, limited.json()["code"]) == (429, "rate-limited")
    assert int(limited.headers["retry-after"]) > 0
    assert (await client.post("/sale", json={"password": "one"})).status_code == 429
    house.clock[0] += 10 * MINUTE
    assert (await client.get("/sale", headers=send_basic("one"))).status_code == 302


@pytest.mark.parametrize("headers", [BROWSER, FETCH, {"accept": "*/*"}, JSON])
async def test_what_a_browser_sends_by_basic_is_no_guess(
    house: House, client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    """As it does to every path of a site behind a proxy that asked it for credentials."""
    await house.make_link(password="one")
    for n in range(30):
        answer = await client.get("/sale", headers=headers | send_basic(f"wrong {n}"))
        assert answer.status_code == (401 if headers == JSON else 200)
    # Nor could it have been one.
    answer = await client.get("/sale", headers=headers | send_basic("one"))
    assert answer.status_code == (401 if headers == JSON else 200)
    assert (await client.post("/sale", data={"password": "one"})).status_code == 303


async def test_a_program_behind_a_proxy_that_asks_for_credentials_guesses_once(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_link(password="one")
    staging = PROGRAM | JSON | send_basic("of the proxy")
    for _ in range(30):
        assert (await client.get("/sale", headers=staging)).status_code == 401
    tries = [await client.post("/sale", data={"password": "x"}) for _ in range(10)]
    assert [answer.status_code for answer in tries] == [401] * 9 + [429]


async def test_a_password_that_was_wrong_and_is_set_then_opens(
    house: House, client: httpx.AsyncClient
) -> None:
    link = await house.make_link(password="one")
    headers = PROGRAM | send_basic("two")
    assert (await client.get("/sale", headers=headers)).status_code == 401
    await house.change_link(link, password="two")
    assert (await client.get("/sale", headers=headers)).headers["location"] == THERE


@pytest.mark.parametrize(
    ("changes", "status"), [({"password": "two"}, 401), ({"is_active": False}, 404)]
)
async def test_a_link_that_changes_while_its_password_is_tried_is_the_one_that_is_answered(
    house: House, client: httpx.AsyncClient, changes: dict[str, Any], status: int
) -> None:
    link = await house.make_link(password="one")
    may_end = Event()
    held = asyncio.create_task(VISITORS.run("somebody", may_end.wait))
    headers = PROGRAM | JSON | send_basic("one")
    asked = asyncio.create_task(client.get("/sale", headers=headers))
    while not VISITORS.slots.waiting:  # noqa: ASYNC110 - it comes with the next turns of this loop
        await asyncio.sleep(0)
    await house.change_link(link, **changes)
    may_end.set()
    assert (await asked).status_code == status
    await held
    assert await house.list_kinds() == []


async def test_every_other_step_holds_for_who_knows_the_password(
    house: House, client: httpx.AsyncClient
) -> None:
    headers = PROGRAM | send_basic("one")
    link = await house.make_link(password="one", max_clicks=1, block_bots=True)
    assert (await client.get("/sale", headers=CURL | send_basic("one"))).status_code == 403
    assert (await client.head("/sale", headers=headers)).status_code == 204
    assert (await client.get("/sale", headers=headers)).headers["location"] == THERE
    assert (await client.get("/sale", headers=headers)).status_code == 410
    assert (await house.read_link(link)).click_count == 1
    assert (await client.get("/sale+", headers=headers)).status_code == 410


async def test_a_busy_server_counts_no_try_by_basic(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_link(password="one")
    async with flood(VISITORS):
        for _ in range(11):
            busy = await client.get("/sale", headers=PROGRAM | JSON | send_basic("one"))
            assert (busy.status_code, busy.json()["code"]) == (503, "busy")
    assert (await client.get("/sale", headers=PROGRAM | send_basic("one"))).status_code == 302


async def test_a_link_without_a_password_does_not_look_at_basic(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_link()
    assert (await client.get("/sale", headers=PROGRAM | send_basic("x"))).status_code == 302


@pytest.mark.parametrize(
    ("authorization", "password"),
    [
        ("Basic YTpi", "b"),
        ("basic  YTpi ", "b"),
        ("Basic YTo=", ""),
        ("Basic OmI6Yw==", "b:c"),
        ("Basic YTr8", "ü"),  # as old programs write it
        ("Basic YQ==", None),
        ("Basic YTpi!", None),
        ("Basic ", None),
        ("Basic", None),
        ("Bearer YTpi", None),
        ("", None),
        ("Basic " + "YTpi" * 1100, None),
    ],
)
def test_what_is_read_of_an_authorization(authorization: str, password: str | None) -> None:
    assert find(PROGRAM | {"authorization": authorization}) == password


def test_of_two_authorizations_none_is_read() -> None:
    twice = httpx.Headers([("authorization", "Basic YTpi"), ("authorization", "Basic YTpj")])
    assert find_basic_password(RequestHeaders(twice)) is None


@pytest.mark.parametrize(
    "user_agent", ["Mozilla/5.0 (Windows NT 10.0; en-US) PowerShell/7.4.1", "Wget/1.21.3", ""]
)
def test_programs_that_call_themselves_mozilla_are_programs(user_agent: str) -> None:
    assert find({"user-agent": user_agent} | send_basic("one")) == "one"


def test_wrong_passwords_are_remembered_for_their_link_and_not_without_end() -> None:
    wrong = WrongPasswords(b"s" * 32, capacity=2)
    for password in ("one", "two", "two", "three"):
        wrong.remember("hash", password)
    assert ("hash", "three") in wrong
    assert ("hash", "one") not in wrong
    assert ("other hash", "three") not in wrong
