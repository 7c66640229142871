from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import httpx
import msgspec
import pytest
import structlog

from shorty.api.error_examples import SAMPLES
from shorty.api.errors import Problem, describe_problem
from shorty.config import Config, ServerConfig
from shorty.errors import (
    InvalidFieldsError,
    NotFoundError,
    QuotaExceededError,
    ShortyError,
    StartError,
)
from shorty.webcore.errors import STATUSES, find_status, list_error_headers
from tests.api.conftest import DOMAINS
from tests.api.house import House

MANUAL = (Path(str(resources.files("shorty"))) / "manual" / "api.md").read_text("utf-8")


def list_kinds(kind: type[ShortyError] = ShortyError) -> Iterator[type[ShortyError]]:
    for each in kind.__subclasses__():
        yield each
        yield from list_kinds(each)


KINDS = sorted(set(list_kinds()), key=lambda kind: kind.__name__)
# Only for the operator: they prevent the start, so no request meets them.
AT_THE_START = {StartError, *StartError.__subclasses__()}


def test_a_problem_repeats_its_detail_as_the_source_products_error() -> None:
    error = InvalidFieldsError({"url": "is required"})
    problem = describe_problem(error, 422)
    assert msgspec.to_builtins(problem) == {
        "type": "/api/v1/docs#error-invalid-fields",
        "title": "Invalid fields",
        "status": 422,
        "detail": "url: is required",
        "code": "invalid-fields",
        "error": "url: is required",
        "fields": {"url": "is required"},
    }
    assert "fields" not in msgspec.to_builtins(describe_problem(NotFoundError("link", 1), 404))


def test_a_quota_tells_how_long_to_wait_only_where_waiting_helps() -> None:
    monthly = QuotaExceededError("links_per_month", 5, 777)
    assert list_error_headers(monthly) == [(b"retry-after", b"777")]
    assert list_error_headers(QuotaExceededError("links", 5)) == []


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in AT_THE_START])
def test_every_code_stands_in_the_manual_with_its_status(kind: type[ShortyError]) -> None:
    row = f"| {find_status(kind)} | `{kind.code}` | "
    assert any(line.startswith(row) for line in MANUAL.splitlines()), row


def test_every_error_of_the_api_is_shown_in_the_reference() -> None:
    unshown = {kind.code for kind in STATUSES} - {kind.code for kind in SAMPLES}
    assert unshown == set()


@pytest.mark.parametrize("path", ["/api", "/api/v1", "/api/v1/nothing", "/api/v2/links"])
async def test_what_is_not_there_is_a_problem(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert msgspec.json.decode(answer.content, type=Problem).code == "not-found"


async def test_a_method_that_is_not_offered_is_told_with_those_that_are(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.put("/api/v1/tokens", json={})
    assert (answer.status_code, answer.json()["code"]) == (405, "method-not-allowed")
    assert answer.headers["allow"] == "GET, HEAD, POST, OPTIONS"
    assert answer.json()["detail"] == "Method not allowed. Use GET, HEAD, POST or OPTIONS."


async def test_head_answers_as_get_does_without_the_body(client: httpx.AsyncClient) -> None:
    for path in ("/api/v1/domains", "/api/v1/links/99"):
        told, head = await client.get(path), await client.head(path)
        assert (head.status_code, head.content) == (told.status_code, b"")
        for name in ("content-type", "content-length"):
            assert head.headers.get(name) == told.headers.get(name)
        assert "x-ratelimit-remaining" in head.headers
    export = await client.head("/api/v1/analytics/export")
    assert (export.status_code, export.content) == (200, b"")
    assert export.headers["content-type"].startswith("text/csv")


async def test_the_methods_of_a_path_can_be_asked_for_without_a_token(house: House) -> None:
    client = await house.make_client(token="")
    answer = await client.options("/api/v1/tokens/7")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH"


async def test_a_mistake_of_ours_is_logged_and_told_without_details(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.app.db.write(lambda tx: tx.execute("update members set role = 'king'"))
    with structlog.testing.capture_logs() as logs:
        answer = await client.get("/api/v1/usage")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal-error")
    assert "king" not in answer.text
    assert answer.headers["x-ratelimit-limit"] == "6000"
    (entry,) = [entry for entry in logs if entry["event"] == "request_failed"]
    assert "king" in repr(entry["exc_info"])


async def test_a_broken_database_is_told_as_unavailable(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.ruin_database("tokens")
    answer = await client.get("/api/v1/tokens")
    assert (answer.status_code, answer.json()["code"]) == (503, "storage-unavailable")
    assert answer.headers["retry-after"] == "5"


class TestCallsFromPages:
    async def test_any_page_may_call_and_read_what_it_needs(
        self, client: httpx.AsyncClient
    ) -> None:
        origin = {"origin": "https://page.example"}
        for path in ("/api/v1/usage", "/api/v1/tokens/99", "/api/v1/nothing"):
            answer = await client.get(path, headers=origin)
            assert answer.headers["access-control-allow-origin"] == "*"
            assert "X-RateLimit-Remaining" in answer.headers["access-control-expose-headers"]
            assert "access-control-allow-credentials" not in answer.headers

    async def test_the_browsers_question_is_answered_without_a_token(self, house: House) -> None:
        client = await house.make_client(token="")
        answer = await client.options(
            "/api/v1/tokens",
            headers={
                "origin": "https://page.example",
                "access-control-request-method": "PATCH",
                "access-control-request-headers": "authorization, idempotency-key",
            },
        )
        assert answer.status_code == 204
        assert "PATCH" in answer.headers["access-control-allow-methods"]
        allowed = answer.headers["access-control-allow-headers"].lower()
        assert "authorization" in allowed
        assert "idempotency-key" in allowed


class TestCallsFromOnePage:
    @pytest.fixture
    def config(self) -> Config:
        return Config(domains=DOMAINS, server=ServerConfig(cors_origins=("https://my.example",)))

    async def test_only_that_page_may_read(self, client: httpx.AsyncClient) -> None:
        for origin, allowed in (
            ("https://my.example", "https://my.example"),
            ("https://other.example", None),
        ):
            answer = await client.get("/api/v1/usage", headers={"origin": origin})
            assert answer.headers.get("access-control-allow-origin") == allowed
            assert answer.headers["vary"] == "Origin"

    async def test_caches_are_told_that_answers_differ_by_page(
        self, client: httpx.AsyncClient
    ) -> None:
        answer = await client.get("/api/v1/usage")
        assert answer.headers["vary"] == "Origin"
        assert "access-control-expose-headers" not in answer.headers
