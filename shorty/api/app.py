"""Assembles the API: its route groups, whose token they need, and the shape of their errors."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, cast

from litestar import Litestar, Router

from shorty.api import (
    analytics,
    analytics_export,
    bio_blocks,
    bio_pages,
    bio_pictures,
    domains,
    link_bulk,
    links,
    members,
    qr_codes,
    qr_drawings,
    qr_logos,
    rule_trials,
    short_link_bulk,
    short_link_crud,
    short_links,
    system,
    tags,
    tokens,
    usage,
    utm_templates,
    webhooks,
)
from shorty.api.auth import authenticate, authenticate_strictly, count_stray_request
from shorty.api.errors import answer_problem
from shorty.api.openapi import RouteGroup
from shorty.api.operations import handle_options
from shorty.api.reference import build_reference_handlers
from shorty.api.requests import ApiRequest
from shorty.api.short_link_answers import answer_error
from shorty.webcore.addresses import API
from shorty.webcore.errors import Handlers, build_exception_handlers

# The links API and everything native: a token for each request, problem details for errors.
NATIVE: Final = RouteGroup(
    prefix=API,
    before=authenticate_strictly,
    checks_query=True,
    shape=answer_problem,
    handlers=(
        *links.resource.handlers,
        *link_bulk.resource.handlers,
        *rule_trials.resource.handlers,
        *qr_drawings.resource.handlers,
        *qr_logos.resource.handlers,
        *bio_pages.resource.handlers,
        *bio_blocks.resource.handlers,
        *bio_pictures.resource.handlers,
        *tags.resource.handlers,
        *utm_templates.resource.handlers,
        *webhooks.resource.handlers,
        *domains.resource.handlers,
        *tokens.resource.handlers,
        *members.resource.handlers,
        *usage.resource.handlers,
        *analytics.resource.handlers,
        *analytics_export.resource.handlers,
    ),
)
# Compatible with another product: its own error shape, and public links without a token.
SHORT_LINKS: Final = RouteGroup(
    prefix=API,
    before=short_links.authenticate_unless_public,
    shape=answer_error,
    handlers=(
        *short_links.resource.handlers,
        *short_link_crud.resource.handlers,
        *short_link_bulk.resource.handlers,
    ),
)
# The same shape, but always with a token.
QR_CODES: Final = RouteGroup(
    prefix=API, before=authenticate, shape=answer_error, handlers=qr_codes.resource.handlers
)
DOORS: Final = (NATIVE, SHORT_LINKS, QR_CODES)
_SHORT_LINK_FAMILIES: Final = frozenset(
    path.strip("/").partition("/")[0]
    for door in DOORS
    if door.shape is answer_error
    for handler in door.handlers
    for path in handler.paths
)


def create_api(
    others: Sequence[Router] = (), strays: Mapping[str, Handlers] = MappingProxyType({})
) -> Litestar:
    """Everything under /api/v1, the health paths, and problem details for unknown paths.

    Each request carries the services that answer it in the state of its scope.

    `others` are served beside it, each with its own request class and error shape; `strays`
    answer unknown paths below their first part.
    """
    return Litestar(
        route_handlers=[
            *(build_router(door) for door in DOORS),
            Router(API, route_handlers=build_reference_handlers(DOORS)),
            *system.HANDLERS,
            *qr_drawings.PUBLIC_HANDLERS,
            *bio_pictures.PUBLIC_HANDLERS,
            *others,
        ],
        request_class=ApiRequest,
        exception_handlers=build_stray_handlers(strays),
        openapi_config=None,  # ours is built from the operations
        logging_config=None,
    )


def build_stray_handlers(strays: Mapping[str, Handlers]) -> Handlers:
    """For requests that reach no router (404, 405): the path's first part decides the shape."""
    problems = build_exception_handlers(answer_problem, count_stray_request)
    short_link_errors = build_exception_handlers(answer_error, count_stray_request)

    def choose(kind: int | type[Exception]) -> Callable[[Any, Exception], Any]:
        def handle(request: Any, error: Exception) -> Any:
            path = request.scope["path"]
            is_short_link = name_family(path) in _SHORT_LINK_FAMILIES
            ours = short_link_errors if is_short_link else problems
            return strays.get(path.split("/")[1], ours)[kind](request, error)

        return handle

    return {kind: choose(kind) for kind in problems}


def name_family(path: str) -> str:
    """The first part of the path below the prefix: "links" for /api/v1/links/17."""
    return path.removeprefix(API).strip("/").partition("/")[0]


def build_router(door: RouteGroup) -> Router:
    return Router(
        door.prefix,
        route_handlers=[*handle_options(door.handlers), *door.handlers],
        before_request=cast("Any", door.before),  # expects our request class
        exception_handlers=build_exception_handlers(door.shape),
    )
