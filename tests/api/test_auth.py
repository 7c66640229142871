import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest

from shorty.accounts.members import change_role, remove_member
from shorty.accounts.model import Role, Scope
from shorty.accounts.token_store import mark_tokens_of_user_revoked
from shorty.accounts.tokens import list_all_tokens
from shorty.config import Config, DefaultsConfig, Plan
from tests.api.conftest import DOMAINS
from tests.api.house import House
from tests.rsgi_client import make_client
from tests.support import MINUTE, make_colleague, make_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from shorty.storage.database import Transaction

USAGE = "/api/v1/usage"


@pytest.mark.parametrize(
    ("header", "hint"),
    [
        (None, "Send your token"),
        ("", "must be"),
        ("Bearer", "must be"),
        ("Bearer ", "must be"),
        ("Basic YTpi", "must be"),
        ("Bearer shorty_unknown", "unknown, expired or revoked"),
        ("Bearer 'or 1=1--", "unknown, expired or revoked"),
    ],
)
async def test_a_request_without_a_good_token_is_refused(
    house: House, header: str | None, hint: str
) -> None:
    client = await house.make_client(token="")
    headers = {} if header is None else {"authorization": header}
    answer = await client.get(USAGE, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["code"], hint in answer.json()["detail"]) == ("unauthenticated", True)
    assert not [name for name in answer.headers if name.startswith("x-ratelimit")]


async def test_the_scheme_is_read_in_any_case(house: House, client: httpx.AsyncClient) -> None:
    token = client.headers["authorization"].removeprefix("Bearer ")
    answer = await client.get(USAGE, headers={"authorization": f"bEARER   {token}"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("role", "scope", "reads", "writes", "manages"),
    [
        ("viewer", "admin", 200, 403, 403),
        ("editor", "admin", 200, 201, 403),
        ("admin", "admin", 200, 201, 200),
        ("admin", "write", 200, 201, 403),
        ("owner", "read", 200, 403, 403),
    ],
)
async def test_role_and_scope_bound_what_a_token_may_do(
    house: House, role: Role, scope: Scope, reads: int, writes: int, manages: int
) -> None:
    colleague = await make_colleague(house.app.db, await house.make_actor(), role)
    client = await house.make_client(home=colleague, scope=scope)
    new = {"url": "https://example.com/", "domain": "localhost:8000"}
    assert (await client.get("/api/v1/links")).status_code == reads
    assert (await client.post("/api/v1/links", json=new)).status_code == writes
    assert (await client.get("/api/v1/tokens")).status_code == manages


@pytest.mark.parametrize("end", ["revoke", "remove", "demote"])
async def test_a_body_that_arrives_after_its_senders_right_has_ended_does_nothing(
    house: House, end: str
) -> None:
    """A body may take a minute, and a new token would outlast that."""
    owner = await house.make_actor()
    bob = await make_colleague(house.app.db, owner, "admin")
    text = await make_token(house.app.db, bob)
    ends: dict[str, Callable[[Transaction], object]] = {
        "revoke": lambda tx: mark_tokens_of_user_revoked(tx, bob.user.id, house.now),
        "remove": lambda tx: remove_member(tx, owner, bob.user.id, house.now),
        "demote": lambda tx: change_role(tx, owner, bob.user.id, "editor"),
    }
    client = make_client(house.app, meanwhile=lambda: house.app.db.write(ends[end]))
    known = len(await list_all_tokens(house.app.db))
    async with client:
        headers = {"authorization": f"Bearer {text}"}
        answer = await client.post("/api/v1/tokens", json={"name": "x"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert len(await list_all_tokens(house.app.db)) == known - (end != "demote")


class TestRateLimits:
    @pytest.fixture
    def config(self) -> Config:
        plans = {"slow": Plan(requests_per_minute=3)}
        return Config(domains=DOMAINS, plans=plans, defaults=DefaultsConfig(plan="slow"))

    async def test_what_is_left_is_told_on_every_answer(self, client: httpx.AsyncClient) -> None:
        answers = [
            await client.get(USAGE),
            await client.get("/api/v1/tokens/99"),
            await client.post("/api/v1/tokens", content=b"{"),
            await client.get(USAGE),
        ]
        assert [answer.status_code for answer in answers] == [200, 404, 400, 429]
        told = [
            [answer.headers[f"x-ratelimit-{name}"] for name in ("limit", "remaining", "reset")]
            for answer in answers
        ]
        assert told == [["3", left, "1795348860"] for left in ("2", "1", "0", "0")]
        assert answers[3].json()["code"] == "rate-limited"
        assert answers[3].headers["retry-after"] == "60"

    async def test_what_reaches_no_handler_counts_too(self, client: httpx.AsyncClient) -> None:
        told: list[tuple[int, str | None]] = []
        for method, path in (
            ("GET", "/api/v1/nothing"),
            ("PUT", "/api/v1/usage"),
            ("PUT", "/api/v1/usage"),
            ("GET", "/api/v1/nothing"),
        ):
            answer = await client.request(method, path)
            told.append((answer.status_code, answer.headers.get("x-ratelimit-remaining")))
        assert told == [(404, "2"), (405, "1"), (405, "0"), (429, "0")]

    async def test_without_a_good_token_what_is_not_there_is_simply_not_there(
        self, client: httpx.AsyncClient
    ) -> None:
        for header in ("Bearer shorty_wrong", "Basic eDp5", ""):
            answer = await client.get("/api/v1/nothing", headers={"authorization": header})
            assert answer.status_code == 404
            assert "x-ratelimit-limit" not in answer.headers

    async def test_a_minute_later_it_starts_anew(
        self, house: House, client: httpx.AsyncClient
    ) -> None:
        answers = [await client.get(USAGE) for _ in range(4)]
        assert answers[-1].status_code == 429
        house.clock[0] += MINUTE
        assert (await client.get(USAGE)).status_code == 200

    async def test_each_token_has_its_own(self, house: House, client: httpx.AsyncClient) -> None:
        other = await house.make_client()
        answers = await asyncio.gather(*(client.get(USAGE) for _ in range(5)))
        assert [answer.status_code for answer in answers].count(429) == 2
        assert (await other.get(USAGE)).status_code == 200


async def test_without_a_limit_in_the_plan_the_servers_holds(client: httpx.AsyncClient) -> None:
    assert (await client.get(USAGE)).headers["x-ratelimit-limit"] == "6000"
