"""Describes a handler: its scope, its input and its response, with examples.

One description serves the scope check, the OpenAPI document and the reference page.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, TypeAlias, TypedDict, Unpack, cast

import msgspec
from litestar import route
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse
from litestar.types import Method

from shorty.accounts.model import Scope
from shorty.errors import ShortyError
from shorty.webcore.answers import Answer

KEY: Final = "operation"
STATUSES: Final[dict[Method, int]] = {"POST": 201, "DELETE": 204}

Register: TypeAlias = Callable[[Callable[..., Awaitable[ASGIResponse]]], HTTPRouteHandler]


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """`query` and `body` are structs; `fields.convert_fields` checks their fields.

    With `scope` None, no token is needed. `errors` come on top of those that every operation of
    its kind may return (401, 403 and 429 for a token, 400, 413, 415 and 422 for a body …).
    """

    summary: str
    tag: str
    scope: Scope | None = "read"
    description: str = ""
    query: type[msgspec.Struct] | None = None
    body: type[msgspec.Struct] | None = None
    body_example: object = None
    takes_forms: bool = False
    takes_pictures: bool = False  # the file itself as the body
    is_repeatable: bool = False  # accepts an Idempotency-Key
    status: int = 200
    answer: Any = None  # a type; None: no body
    answer_example: object = None
    media_type: str = "application/json"
    other_examples: tuple[tuple[str, object], ...] = ()  # other media types with their examples
    headers: tuple[str, ...] = ()
    errors: tuple[type[ShortyError], ...] = ()
    other_statuses: tuple[int, ...] = ()  # with the same body, such as 200 beside 201
    other_names: tuple[str, ...] = ()  # of the operation at its other paths, in their order

    def __deepcopy__(self, memo: dict[int, object]) -> "Operation":
        """Litestar copies handlers deeply when it registers them; this is immutable."""
        return self


class Details(TypedDict, total=False):
    """The optional fields of Operation, which documents them."""

    scope: Scope | None
    description: str
    query: type[msgspec.Struct]
    body: type[msgspec.Struct]
    body_example: object
    takes_forms: bool
    takes_pictures: bool
    is_repeatable: bool
    status: int
    answer_example: object
    media_type: str
    other_examples: tuple[tuple[str, object], ...]
    headers: tuple[str, ...]
    errors: tuple[type[ShortyError], ...]
    other_statuses: tuple[int, ...]
    other_names: tuple[str, ...]


class Resource:
    """Operations under one heading of the document, each with only what differs from its kind.

    GET needs the scope `reads`, all others `writes`. POST creates something and accepts an
    Idempotency-Key; DELETE returns no body. `errors` apply to each operation.
    """

    def __init__(
        self,
        tag: str,
        *,
        reads: Scope = "read",
        writes: Scope = "write",
        errors: tuple[type[ShortyError], ...] = (),
    ) -> None:
        self.handlers: list[HTTPRouteHandler] = []
        self._tag = tag
        self._reads: Scope = reads
        self._writes: Scope = writes
        self._errors = errors

    def handle(
        self, place: str, summary: str, answer: Any = None, **details: Unpack[Details]
    ) -> Register:
        """Registers a function for a method and path: `@resource.handle("GET /tags", …)`.

        Several paths may follow the method.

        HEAD is offered wherever GET is (RFC 9110); its response has no body.
        """
        method, *paths = cast("list[Method]", place.replace("}", ":str}").split())
        given: Details = {
            "scope": self._reads if method == "GET" else self._writes,
            "status": STATUSES.get(method, 200),
            **details,
        }
        given.setdefault("is_repeatable", given["status"] == STATUSES["POST"])
        given["errors"] = (*self._errors, *given.get("errors", ()))
        operation = Operation(summary=summary, tag=self._tag, answer=answer, **given)
        methods: list[Method] = ["GET", "HEAD"] if method == "GET" else [method]
        # The response has its own status; Litestar checks this one, and wants one that allows a
        # body.
        register = route(paths, http_method=methods, status_code=200, opt={KEY: operation})

        def add(function: Callable[..., Awaitable[ASGIResponse]]) -> HTTPRouteHandler:
            handler = register(function)
            self.handlers.append(handler)
            return handler

        return add


def handle_options(handlers: Iterable[HTTPRouteHandler]) -> list[HTTPRouteHandler]:
    """An OPTIONS handler for each path; they must come before the others.

    Litestar's own lists only the methods of a path's first handler.
    """
    methods: dict[str, set[str]] = {}
    for handler in handlers:
        for path in handler.paths:
            methods.setdefault(path, {"OPTIONS"}).update(handler.http_methods)
    return [_tell_methods(path, ", ".join(sorted(told))) for path, told in methods.items()]


def _tell_methods(path: str, allowed: str) -> HTTPRouteHandler:
    async def tell_methods() -> Answer:
        return Answer(204, headers=[(b"allow", allowed.encode())])

    return route(path, http_method=["OPTIONS"], status_code=200)(tell_methods)
