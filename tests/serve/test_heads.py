"""Request heads of browsers, proxies and attackers, sent to the real server.

Every head gets an ordinary answer, however strange, and a head that is too large stops at granian.
"""

import asyncio
import http.client
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shorty.accounts.sessions import start_session
from shorty.databases import open_database
from shorty.web.cookies import SESSION
from tests.examples import count_examples
from tests.forks import ForkedService
from tests.serve.test_product import BROWSER, SERVE, Visitor, make_token
from tests.service import PATIENCE_S, Service
from tests.support import find_storage

KB: Final = 1024
PASSWORD: Final = "open sesame"
FORTY_COOKIES: Final = "; ".join(f"tracker_{number}={'v' * 490}" for number in range(40))

PRINTABLE: Final = st.characters(codec="ascii", min_codepoint=33, max_codepoint=126)
# What a URL may contain unchanged; browsers percent-encode the rest.
IN_QUERY: Final = st.characters(
    codec="ascii", min_codepoint=33, max_codepoint=126, exclude_characters='"#<>`{}|\\^'
)
MEANT: Final = (
    *("&", "=", ";", "%", "+", "?", "%00", "%0d%0a", "%ff", "%c3", "%ed%a0%80", "%u0041"),
    *("utm_source=", "utm_campaign=", "qr=1", "bio=1", "bio=go", "page=", "limit=", "url=", "key="),
    *("linkId=", "from=", "zone=", "after=", "next=", "format=", "clicks=1", "tag=", "search="),
)
QUERIES: Final = st.lists(st.sampled_from(MEANT) | st.text(IN_QUERY, max_size=8), max_size=30).map(
    "".join
)
COOKIES: Final = st.lists(
    st.sampled_from(["shorty-1=", "shorty-2=", "shorty_notice=", "shorty_zone=", "=", "é", '"'])
    | st.text(PRINTABLE, max_size=20),
    max_size=12,
).map("; ".join)
LONG_QUERIES: Final = (
    "a=1&" * 7000,
    "&" * 30_000,
    ";" * 30_000,
    "%" * 30_000,
    "%41" * 10_000,
    "%ff" * 10_000,
    "=" * 30_000,
    "+" * 30_000,
    "utm_source=" + "s" * 29_000,
    "utm_source=a&" * 2000,
    "bio=go&" * 4000,
    "url=" + "x" * 29_000,
)


LINKS: Final[dict[str, dict[str, Any]]] = {
    "plain": {},
    "forwarding": {"forwardParameters": True},
    "limited": {"maxClicks": 1_000_000},
    "people": {"blockBots": True},
    "secret": {"password": PASSWORD},
    "cloaked": {"cloaked": True, "forwardParameters": True},
}
ORDINARY: Final = dict.fromkeys(("plain", "forwarding", "limited", "people"), 302) | dict.fromkeys(
    ("secret", "cloaked", "bio"), 200
)


class Site:
    """A running shorty with a link of each kind, and a person who is signed in to its dashboard."""

    def __init__(self, service: Service, token: str, session: str) -> None:
        self.service = service
        self.token = token
        self.session = session
        self.host = f"localhost:{service.address[1]}"
        visitor = Visitor(service, token)
        for slug, fields in LINKS.items():
            visitor.make_link(customSlug=slug, **fields)
        bio = visitor.make_link(customSlug="bio", forwardParameters=True)
        assert visitor.call("POST", "/bio-pages", {"linkId": bio["id"]})[0] == 201
        self.client = http.client.HTTPConnection(*service.address, timeout=PATIENCE_S)

    def ask(self, path: str, *, cookie: str = "", method: str = "GET", **headers: str) -> int:
        """On one connection for all requests, which each answer must leave open."""
        client = self.client
        client.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in {"host": self.host, "user-agent": BROWSER, **headers}.items():
            client.putheader(name, value)
        if cookie:
            client.putheader("cookie", cookie)
        client.endheaders()
        answer = client.getresponse()
        answer.read()
        return answer.status

    def send(self, head: bytes) -> bytes:
        """The first line of the answer."""
        with closing(self.service.connect()) as client:
            with suppress(ConnectionError):  # it may be answered, and closed, before its end
                client.sendall(head)
            return read_line(client)


def read_line(client: socket.socket) -> bytes:
    seen = b""
    while b"\r\n" not in seen:
        piece = client.recv(1000)
        if not piece:
            break
        seen += piece
    return seen.partition(b"\r\n")[0]


async def sign_in(folder: Path) -> str:
    db = await open_database(find_storage(folder), is_command=True)
    now = time.time_ns() // 1_000_000
    made = await db.write(lambda tx: start_session(tx, 1, 1, "Tests", now))
    await db.close()
    return made.text


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with ForkedService(SERVE, folder).wait_until_ready() as service:
            token = make_token(folder)
            site = Site(service, token, asyncio.run(sign_in(folder)))
            with closing(site.client):
                yield site
            assert service.stop() == 0
            assert service.stderr.read_all() == []


def build_head(site: Site, path: str, *headers: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", f"Host: {site.host}", *headers, "", ""]
    return "\r\n".join(lines).encode()


def test_a_companys_forty_cookies_stop_neither_its_visitors_nor_its_staff(site: Site) -> None:
    assert len(FORTY_COOKIES) > 19 * KB
    for slug, status in ORDINARY.items():
        assert site.ask(f"/{slug}", cookie=FORTY_COOKIES) == status
    cookie = f"{FORTY_COOKIES}; {SESSION}={site.session}"
    assert site.ask("/app/links", cookie=cookie) == 200
    assert site.ask("/app/links", cookie=f"{SESSION}={site.session}; {FORTY_COOKIES}") == 200


def test_a_password_is_remembered_among_forty_cookies(site: Site) -> None:
    client = http.client.HTTPConnection(*site.service.address, timeout=PATIENCE_S)
    with closing(client):
        headers = {"Host": site.host, "Content-Type": "application/x-www-form-urlencoded"}
        client.request("POST", "/secret", f"password={PASSWORD.replace(' ', '+')}", headers)
        answer = client.getresponse()
        answer.read()
        assert answer.status == 303
        cookie = (answer.getheader("set-cookie") or "").partition(";")[0]
    among = f"{FORTY_COOKIES}; {cookie}; {FORTY_COOKIES[:9000]}"
    assert site.ask("/secret", cookie=among) == 302


def test_a_head_has_its_limits(site: Site) -> None:
    """32 kB are always accepted. Of a head read in one piece more may be, but never 64 kB."""
    many = [f"X-Header-{number}: a" for number in range(99)]
    heads = {
        (f"Cookie: {'c' * 31 * KB}",): b"302",
        (f"Cookie: {'c' * 64 * KB}",): b"431",
        (f"Cookie: {'c' * 500 * KB}",): b"431",
        (*many,): b"302",
        (*many, "X: a"): b"431",
        (*many, *many): b"431",
    }
    for headers, status in heads.items():
        assert site.send(build_head(site, "/plain", *headers)).split()[1] == status


def test_a_head_that_comes_piece_by_piece_has_the_same_limit(site: Site) -> None:
    with closing(site.service.connect(b"GET /plain HTTP/1.1\r\nCookie: ")) as client:
        with suppress(ConnectionError):  # answered, and the connection closed
            for _ in range(128):
                client.sendall(b"c" * 512)
        assert read_line(client).startswith(b"HTTP/1.1 431")


def test_no_query_is_too_long_for_a_visit(site: Site) -> None:
    for query in LONG_QUERIES:
        for slug, status in ORDINARY.items():
            is_followed = slug == "bio" and query.startswith("bio=go")
            assert site.ask(f"/{slug}?{query}") == (302 if is_followed else status)


def test_what_is_too_long_for_the_api_and_the_dashboard_is_refused(site: Site) -> None:
    for query in LONG_QUERIES:
        bearer = f"Bearer {site.token}"
        assert site.ask(f"/api/v1/links?{query}", authorization=bearer) == 400
        assert site.ask(f"/app/links?{query}", cookie=f"{SESSION}={site.session}") == 400
        assert site.ask(f"/app/links?{query}") == 303


@settings(max_examples=count_examples(60))
@given(QUERIES, COOKIES)
def test_a_visit_gets_its_ordinary_answer_whatever_it_brings(
    site: Site, query: str, cookie: str
) -> None:
    for slug, status in ORDINARY.items():
        is_followed = slug == "bio" and "bio=go" in query.split("&")
        answered = site.ask(f"/{slug}?{query}", cookie=cookie)
        assert answered == (302 if is_followed else status)


@settings(max_examples=count_examples(60))
@given(QUERIES, COOKIES, st.sampled_from(["links", "tags", "analytics/summary", "bio-pages"]))
def test_the_api_has_a_clear_answer_to_any_query(
    site: Site, query: str, cookie: str, path: str
) -> None:
    bearer = f"Bearer {site.token}"
    status = site.ask(f"/api/v1/{path}?{query}", cookie=cookie, authorization=bearer)
    assert status in {200, 400, 404, 422}


@settings(max_examples=count_examples(60))
@given(QUERIES, COOKIES, st.sampled_from(["links", "sign-in", "tags", "links/1", "members", "utm"]))
def test_the_dashboard_has_a_clear_answer_to_any_query(
    site: Site, query: str, cookie: str, path: str
) -> None:
    for cookies in (cookie, f"{SESSION}={site.session}; {cookie}"):
        assert site.ask(f"/app/{path}?{query}", cookie=cookies) in {200, 303, 400, 404}


def test_two_hosts_are_refused(site: Site) -> None:
    for path in (
        "/plain",
        "/nothing",
        "/secret",
        "/api/v1/links",
        "/app",
        "/healthz",
        "/report",
        "/",
    ):
        for other in (site.host, "other.example"):
            sent = build_head(site, path, f"Host: {other}")
            assert site.send(sent).startswith(b"HTTP/1.1 400")
