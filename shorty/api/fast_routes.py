"""Routes requests for the API's fixed paths to their handlers, past the framework's router.

The router, its two layers of error handling and its resolution of a handler's parameters cost as
much as many a handler does. Our handlers take only the request and return a response that is sent
as it is. Paths with ids, other methods and unknown paths go through the framework. See
manual/decisions/2026-11-23-lean-api.md.
"""

from collections.abc import Iterable
from typing import NamedTuple

from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send

from shorty.api.openapi import RouteGroup
from shorty.api.requests import ApiRequest
from shorty.webcore.errors import ErrorHandler, build_exception_handlers


class _Way(NamedTuple):
    door: RouteGroup
    handler: HTTPRouteHandler
    tell_error: ErrorHandler


def add_short_ways(app: ASGIApp, doors: Iterable[RouteGroup]) -> ASGIApp:
    """The application, with a lookup in a table before its router."""
    ways = {
        (method, door.prefix + path): _Way(door, handler, tell_error)
        for door in doors
        for tell_error in [build_exception_handlers(door.shape)[Exception]]
        for handler in door.handlers
        for path in handler.paths
        if "{" not in path
        for method in handler.http_methods
    }

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        way = ways.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if way is None:
            await app(scope, receive, send)
            return
        scope["route_handler"] = way.handler
        request = ApiRequest(scope, receive, send)
        try:
            await way.door.before(request)
            answer = await way.handler.fn(request)
        except Exception as error:  # noqa: BLE001 - told as the door tells errors, and logged there
            answer = way.tell_error(request, error)
        await answer(scope, receive, send)

    return answer
