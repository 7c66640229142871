"""Puts the API together: which handlers there are, whose token they need, how their errors look."""

import time
from collections.abc import Callable
from typing import Any, cast

from litestar import Litestar, Router
from litestar.config.cors import CORSConfig

from shorty.accounts.tokens import TokenUses
from shorty.api import members, tokens, usage
from shorty.api.auth import authenticate
from shorty.api.errors import answer_problem, build_exception_handlers
from shorty.api.requests import BODY_LIMIT, ApiRequest, Desk
from shorty.api.services import Services

NATIVE_HANDLERS = (
    *tokens.HANDLERS,
    *members.HANDLERS,
    *usage.HANDLERS,
)


def read_clock() -> int:
    """UTC milliseconds."""
    return time.time_ns() // 1_000_000


def create_api(services: Services, read_clock: Callable[[], int] = read_clock) -> Litestar:
    """Everything under /api/v1, the health paths, and problem details for what is not there."""
    desk = Desk(services=services, uses=TokenUses(services.db), read_clock=read_clock)
    return Litestar(
        route_handlers=[build_native_router()],
        request_class=type("DeskRequest", (ApiRequest,), {"desk": desk}),
        exception_handlers=build_exception_handlers(answer_problem),
        cors_config=build_cors(services.config.server.cors_origins),
        on_shutdown=[desk.uses.finish],
        request_max_body_size=BODY_LIMIT,
        openapi_config=None,  # ours is built from the operations
        logging_config=None,
    )


def build_native_router() -> Router:
    """The links API and everything native: a token for each, problem details for errors."""
    return Router(
        "/api/v1",
        route_handlers=NATIVE_HANDLERS,
        before_request=cast("Any", authenticate),  # takes our class of request
        exception_handlers=build_exception_handlers(answer_problem),
    )


def build_cors(origins: tuple[str, ...]) -> CORSConfig:
    """Any page may call with a token; cookies are never let through."""
    return CORSConfig(
        allow_origins=list(origins),
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key"],
        expose_headers=[
            "Location",
            "Retry-After",
            "X-RateLimit-Limit",
            "X-RateLimit-Remaining",
            "X-RateLimit-Reset",
        ],
        allow_credentials=False,
    )
