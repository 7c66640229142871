"""Hostile and valid requests generated from the OpenAPI document: no 5xx, nothing undocumented.

The application runs in its own loop, because schemathesis calls from outside any loop. Each test
generates its own requests: schemathesis's plugin of pytest would generate those of all tests while
each worker collects them, which takes as long as sending them.
"""

# schemathesis has incomplete types:
# pyright: reportUnknownVariableType=false, reportUntypedFunctionDecorator=false

from collections.abc import Generator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast
from zlib import crc32

import httpx
import pytest
import schemathesis
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.generation.hypothesis import builder
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from shorty.accounts.model import Actor, NewToken
from shorty.accounts.service import Home
from shorty.accounts.tokens import create_token
from shorty.api.app import DOORS
from shorty.api.openapi import build_document
from shorty.app import App
from shorty.config import Config, ServerConfig
from shorty.domains import NewDomain
from shorty.domains.service import add_domain
from shorty.links.model import LinkChange
from shorty.links.service import create_link
from shorty.links.tags import NewTag, create_tag
from shorty.storage.database import Transaction
from tests.api.conftest import DOMAINS
from tests.examples import count_examples
from tests.rsgi_client import make_client
from tests.support import (
    NOW,
    join_workspace,
    make_actor,
    make_home,
    make_storage,
    make_token,
)

SCHEMA = schemathesis.openapi.from_dict(build_document(DOORS))
OPERATIONS: dict[str, Any] = {
    operation.label: operation
    for operation in (cast("Any", result).ok() for result in SCHEMA.get_all_operations())
}
# What schemathesis notes at a test whose requests it could not all generate.
GAPS = (
    builder.InvalidHeadersExampleMark,
    builder.InvalidRegexMark,
    builder.MissingPathParameters,
    builder.NonSerializableMark,
    builder.UnsatisfiableExampleMark,
    builder.UnserializablePayloadMark,
)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = settings(
    # Beside about seventy corner cases of each operation, chosen by its schema.
    max_examples=count_examples(1),
    derandomize=True,  # the same requests each time, to check for regressions
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
DOMAIN_FIELDS = {"domain", "brandedDomain"}
MANY = 30
OUT_OF_REACH = 777_777_777  # an id of our own token that no generated request revokes


class Server:
    """The application in its loop, called from this thread."""

    def __init__(self, portal: BlockingPortal, folder: Path) -> None:
        self._portal = portal
        config = Config(
            domains=DOMAINS,
            server=ServerConfig(requests_per_minute=10_000_000),
            storage=make_storage(folder),
        )
        self._app = App(config, lambda: NOW * 1_000_000)
        self._client = make_client(self._app)

    async def start(self) -> None:
        await self._app.start()
        home = await make_home(self._app.db)
        await self._fill(home)
        token = await make_token(self._app.db, home, name="ours")
        await self._app.db.write(
            lambda tx: tx.execute("update tokens set id = $1 where name = 'ours'", OUT_OF_REACH)
        )
        self._client.headers["authorization"] = f"Bearer {token}"

    async def _fill(self, home: Home) -> None:
        """So many objects that requests find what they name, although some delete it."""
        app = self._app
        actor = await make_actor(app.db, home)
        for number in range(MANY):
            new = LinkChange(url="https://example.com/", domain="go.example", slug=f"n{number}")
            await create_link(app.services.links, actor, new, NOW)
            await app.db.write(partial(self._add, actor=actor, number=number))

    @staticmethod
    def _add(tx: Transaction, *, actor: Actor, number: int) -> None:
        create_tag(tx, actor, NewTag(name=f"Tag {number}"), NOW)
        add_domain(tx, actor, NewDomain(host=f"n{number}.a.invalid"), NOW)
        join_workspace(tx, actor, "editor", f"n{number}@a.example")
        create_token(tx, actor, NewToken(), NOW)

    async def stop(self) -> None:
        await self._client.aclose()
        await self._app.stop()

    def call(self, case: schemathesis.Case[Any]) -> httpx.Response:
        request = case.as_transport_kwargs(base_url="http://localhost:8000")
        request.pop("cookies", None)
        request["headers"] = {
            name: value
            for name, value in request.pop("headers").items()
            if name.lower() != "authorization"
        }
        if "data" in request and isinstance(request["data"], bytes | str):
            request["content"] = request.pop("data")
        response = self._portal.call(partial(self._client.request, **request))
        response.elapsed = timedelta(0)  # schemathesis reads it, and a complete answer has none
        return response


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    with start_blocking_portal() as portal:
        server = Server(portal, tmp_path_factory.mktemp("schemathesis"))
        portal.call(server.start)
        yield server
        portal.call(server.stop)


@pytest.mark.parametrize("label", OPERATIONS)
def test_no_request_breaks_the_server_or_surprises_its_caller(label: str, server: Server) -> None:
    @EXAMPLES
    def send(case: schemathesis.Case[Any]) -> None:
        aim(case)
        case.validate_response(server.call(case), checks=CHECKS)

    test = build_operation_test(
        config=SCHEMA.config,
        operation=OPERATIONS[label],
        test_func=send,
        given_kwargs={},
        feedback=FeedbackSources(),
    )
    test()
    assert [mark for mark in GAPS if mark.is_set(test)] == []


def aim(case: schemathesis.Case[Any]) -> None:
    """With existing ids and domains, which generated ones rarely match; 1 is the owner."""
    for name, value in case.path_parameters.items():
        case.path_parameters[name] = str(crc32(str(value).encode()) % MANY + 2)
    if isinstance(case.body, dict):
        body = cast("dict[str, object]", case.body)
        for name in DOMAIN_FIELDS & body.keys():
            body[name] = "go.example"
