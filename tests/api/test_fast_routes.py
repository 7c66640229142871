"""Which requests bypass the framework's router, and that their answers do not differ."""

from typing import Any

import pytest

from shorty.api.app import DOORS, create_api
from shorty.api.fast_routes import add_short_ways
from shorty.webcore.requests import SERVICES
from tests.api.house import House
from tests.support import make_token

Message = dict[str, Any]

REQUESTS = [
    ("GET", "/api/v1/links", True),
    ("HEAD", "/api/v1/tags", True),
    ("POST", "/api/v1/short-link", True),
    ("GET", "/api/v1/links/17", False),
    ("GET", "/api/v1/links/", False),
    ("PUT", "/api/v1/links", False),
    ("OPTIONS", "/api/v1/links", False),
    ("GET", "/api/v1/nothing", False),
    ("GET", "/app/links", False),
]


class Recorder:
    """Replaces the router."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    async def __call__(self, scope: Any, _receive: Any, _send: Any) -> None:
        self.paths.append(scope["path"])


async def ask(app: Any, house: House, method: str, path: str, token: str = "") -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    authorization = [(b"authorization", f"Bearer {token}".encode())] if token else []
    scope: Message = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"limit=many&serach=x",
        "headers": [(b"host", b"shorty.test"), *authorization],
        "client": ("192.0.2.7", 4711),
        "server": ("192.0.2.1", 80),
        "scheme": "http",
        "state": {SERVICES: house.app.services},
    }
    await app(scope, receive, send)
    return sent


@pytest.mark.parametrize(("method", "path", "is_short"), REQUESTS)
async def test_fixed_paths_of_the_api_go_past_the_router(
    house: House, method: str, path: str, is_short: bool
) -> None:
    router = Recorder()
    await ask(add_short_ways(router, DOORS), house, method, path)
    assert router.paths == ([] if is_short else [path])


@pytest.mark.parametrize(("method", "path"), [(method, path) for method, path, _ in REQUESTS])
@pytest.mark.parametrize("has_token", [True, False])
async def test_either_way_answers_the_same(
    house: House, method: str, path: str, has_token: bool
) -> None:
    router: Any = create_api()
    token = await make_token(house.app.db, house.home, scope="admin") if has_token else ""
    answers = [
        await ask(app, house, method, path, token)
        for app in (router, add_short_ways(router, DOORS))
    ]
    for start, *_ in answers:
        kept = [each for each in start["headers"] if not each[0].startswith(b"x-ratelimit")]
        start["headers"] = sorted((bytes(name), bytes(value)) for name, value in kept)
    assert answers[0] == answers[1]
