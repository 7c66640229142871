"""Strict-Transport-Security: only if enabled, over https, on the operator's domains."""

from collections.abc import AsyncIterator
from typing import Final

import httpx
import pytest
from msgspec.structs import replace

from shorty.config import Config
from shorty.redirect.strict import StrictProtocol
from tests.redirect.conftest import CONFIG
from tests.redirect.house import House
from tests.rsgi_client import make_client

HEADER: Final = "strict-transport-security"
HTTPS: Final = {"x-forwarded-proto": "https"}
OURS: Final = {"host": "go.example"}
PATHS: Final = (
    *("/sale", "/sale+", "/nothing", "/", "/report", "/robots.txt", "/healthz"),
    *("/app", "/app/sign-in", "/api/v1/links", "/api/v1/docs", "/static/x/y.css"),
)


@pytest.fixture
def config() -> Config:
    return replace(CONFIG, server=replace(CONFIG.server, hsts=True))


@pytest.fixture(autouse=True)
async def links(house: House) -> None:
    """The workspace's own domain is verified."""
    for host in ("go.example", "localhost:8000"):
        await house.make_link(domain=host)
    db, workspace_id = house.app.db, house.actor.workspace_id
    await db.write(
        lambda tx: tx.execute(
            """
            insert into domains (host, scheme, workspace_id, source, position,
              verification_token, verified_at, created_at)
            values ('theirs.example', 'https', $1, 'api', 0, 'x', 1, 1)
            """,
            workspace_id,
        )
    )
    await house.app.services.domains.reload()
    await house.make_link(domain="theirs.example")


async def test_every_answer_over_https_asks_for_it(client: httpx.AsyncClient) -> None:
    for path in PATHS:
        answer = await client.get(path, headers=OURS | HTTPS)
        assert answer.headers.get_list(HEADER) == ["max-age=31536000"], path


@pytest.mark.parametrize(
    "headers",
    [
        OURS,
        OURS | {"x-forwarded-proto": "http"},
        HTTPS | {"host": "theirs.example"},
        HTTPS | {"host": "localhost:8000"},
        HTTPS | {"host": "unknown.example"},
    ],
    ids=["http", "http, says the proxy", "a workspace's", "http by configuration", "nobody's"],
)
async def test_no_other_answer_does(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    for path in PATHS:
        assert HEADER not in (await client.get(path, headers=headers)).headers, path


async def test_a_proxy_that_is_not_trusted_cannot_ask_for_it(house: House) -> None:
    async with make_client(house.app, peer="203.0.113.9:50000") as client:
        answer = await client.get("/sale", headers=OURS | HTTPS)
    assert answer.status_code == 302
    assert HEADER not in answer.headers


class Answers:
    """The answer that a protocol received."""

    body = b"sent"

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def __call__(self) -> bytes:
        return self.body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.body

    def response_empty(self, *told: object) -> None:
        self.told.append(("empty", *told))

    def response_str(self, *told: object) -> None:
        self.told.append(("str", *told))

    def response_bytes(self, *told: object) -> None:
        self.told.append(("bytes", *told))

    def response_file(self, *told: object) -> None:
        self.told.append(("file", *told))

    def response_stream(self, *told: object) -> str:
        self.told.append(("stream", *told))
        return "transport"


async def test_the_header_is_added_to_an_answer_of_any_kind_and_nothing_is_changed() -> None:
    answers = Answers()
    strict = StrictProtocol(answers)
    given = [("location", "/")]
    strict.response_empty(302, given)
    strict.response_str(200, given, "text")
    strict.response_bytes(201, given, b"bytes")
    strict.response_file(206, given, "/a/file")
    assert strict.response_stream(200, given) == "transport"
    added = [("location", "/"), (HEADER, "max-age=31536000")]
    assert given == added[:1]
    assert answers.told == [
        ("empty", 302, added),
        ("str", 200, added, "text"),
        ("bytes", 201, added, b"bytes"),
        ("file", 206, added, "/a/file"),
        ("stream", 200, added),
    ]
    assert (strict(), strict.body) == (b"sent", b"sent")
    assert [piece async for piece in strict] == [b"sent"]


class TestUnset:
    @pytest.fixture
    def config(self) -> Config:
        return CONFIG

    @pytest.mark.parametrize("path", ["/sale", "/nothing", "/app/sign-in"])
    async def test_unset_it_is_never_sent(self, client: httpx.AsyncClient, path: str) -> None:
        assert HEADER not in (await client.get(path, headers=OURS | HTTPS)).headers
