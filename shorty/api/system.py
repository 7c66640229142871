"""Paths beside the API that answer on any host: health, metrics, and files for crawlers."""

import hmac
from importlib import resources
from typing import Final

from litestar import get, route

from shorty.api.auth import read_token
from shorty.api.errors import answer_not_ready
from shorty.api.metrics import write_metrics
from shorty.api.requests import ApiRequest
from shorty.domains.app_links import ANDROID_PATH, APPLE_PATH, AppLinks, find_app_links
from shorty.domains.verification import CHALLENGE_PATH
from shorty.errors import (
    ForbiddenError,
    NotFoundError,
    StorageUnavailableError,
    UnauthenticatedError,
)
from shorty.nodes import Node, digest_settings, find_faults, list_nodes
from shorty.proxies import read_address
from shorty.storage.database import LaneHolder
from shorty.storage.lane_holders import describe_longest
from shorty.webcore.answers import Answer, Header, answer_json

NOT_KEPT: Final[tuple[Header, ...]] = ((b"cache-control", b"no-store"),)
KEPT_MINUTES: Final[tuple[Header, ...]] = (
    (b"cache-control", b"public, max-age=300"),
    (b"x-content-type-options", b"nosniff"),
)
KEPT_A_DAY: Final[tuple[Header, ...]] = ((b"cache-control", b"public, max-age=86400"),)
TEXT: Final = b"text/plain; charset=utf-8"

# Previews of links are welcome; the API and the dashboard have nothing to index.
ROBOTS: Final = b"User-agent: *\nDisallow: /api/\nDisallow: /app/\n"
FAVICON: Final = (resources.files("shorty.api") / "favicon.svg").read_bytes()


@route("/healthz", http_method=["GET", "HEAD"], status_code=200)
async def report_health(request: ApiRequest) -> Answer:
    """200 while the database can be read."""
    if not await request.services.db.is_readable():
        raise StorageUnavailableError
    return answer_json({"status": "ok"}, headers=NOT_KEPT)


@route("/readyz", http_method=["GET", "HEAD"], status_code=200)
async def report_readiness(request: ApiRequest) -> Answer:
    """200 while a row can be written and clicks are journalled and stored.

    Only the operator sees the reasons: on this machine, or with the token of [metrics].
    """
    reasons = await request.services.readiness.find_reasons()
    is_operator = is_direct_from_here(request) or has_metrics_token(request)
    if reasons:
        return answer_not_ready(reasons if is_operator else None)
    notes = await list_notes(request) if is_operator else []
    found = {"notes": notes} if notes else {}
    return answer_json({"status": "ready", **found}, headers=NOT_KEPT)


async def list_notes(request: ApiRequest) -> list[str]:
    """What is wrong with the nodes, of which this one is ready, or keeps their writes waiting."""
    nodes, holders = await find_nodes(request), await find_lane_holders(request)
    faults = list(find_faults(nodes, dict(digest_settings(request.services.config))))
    longest = describe_longest(holders)
    return [*faults, longest] if longest else faults


async def find_nodes(request: ApiRequest) -> list[Node]:
    """Nothing where the database cannot be read."""
    try:
        now = request.services.read_clock()
        return await request.services.db.read(lambda rows: list_nodes(rows, now))
    except StorageUnavailableError:
        return []


async def find_lane_holders(request: ApiRequest) -> list[LaneHolder]:
    """Nothing where the database cannot be read."""
    try:
        return await request.services.db.list_lane_holders()
    except StorageUnavailableError:
        return []


@get("/metrics")
async def report_metrics(request: ApiRequest) -> Answer:
    """For Prometheus: with the configured token, or from this machine without one."""
    require_metrics_access(request)
    nodes, holders = await find_nodes(request), await find_lane_holders(request)
    body, media_type = write_metrics(request.services, nodes, holders)
    return Answer(200, body, media_type=media_type.encode(), headers=NOT_KEPT)


def require_metrics_access(request: ApiRequest) -> None:
    if not request.services.config.metrics.token:
        if not is_direct_from_here(request):
            raise ForbiddenError(
                "Metrics are only available on this machine while [metrics] token is not set."
            )
        return
    read_token(request)
    if not has_metrics_token(request):
        raise UnauthenticatedError("This is not the token of [metrics] in the configuration.")


def has_metrics_token(request: ApiRequest) -> bool:
    token = request.services.config.metrics.token
    try:
        sent = read_token(request)
    except UnauthenticatedError:
        return False
    return bool(token) and hmac.compare_digest(sent.encode(), token.encode())


def is_direct_from_here(request: ApiRequest) -> bool:
    """Not through a proxy on this machine, which would let everyone in."""
    if any(request.find_header(name) for name in (b"x-forwarded-for", b"forwarded", b"via")):
        return False
    client = request.scope["client"]
    address = read_address(client[0]) if client else None
    return address is not None and address.is_loopback


@get("/robots.txt")
async def show_robots(request: ApiRequest) -> Answer:  # noqa: ARG001 each handler takes one
    return Answer(200, ROBOTS, media_type=TEXT, headers=KEPT_A_DAY)


@get("/favicon.ico")
async def show_favicon(request: ApiRequest) -> Answer:  # noqa: ARG001 each handler takes one
    return Answer(200, FAVICON, media_type=b"image/svg+xml", headers=KEPT_A_DAY)


@get(f"{CHALLENGE_PATH}{{question:str}}")
async def answer_challenge(request: ApiRequest) -> Answer:
    """Lets this server recognise itself behind a domain that is being verified."""
    answer = request.services.challenges.answer(request.path_params["question"])
    return Answer(200, answer.encode(), media_type=TEXT, headers=NOT_KEPT)


@route(APPLE_PATH, http_method=["GET", "HEAD"], status_code=200)
async def show_apple_app_site_association(request: ApiRequest) -> Answer:
    """By which Apple's systems know which apps open the domain's links."""
    return answer_app_links((await read_app_links(request)).apple_app_site_association)


@route(ANDROID_PATH, http_method=["GET", "HEAD"], status_code=200)
async def show_asset_links(request: ApiRequest) -> Answer:
    """The same for Android."""
    return answer_app_links((await read_app_links(request)).asset_links)


async def read_app_links(request: ApiRequest) -> AppLinks:
    domain = request.services.domains.find_by_host(request.find_header(b"host") or "")
    return (
        AppLinks()
        if domain is None
        else await request.services.db.read(lambda rows: find_app_links(rows, domain.id))
    )


def answer_app_links(text: str) -> Answer:
    if not text:
        raise NotFoundError("file")
    return Answer(200, text.encode(), headers=KEPT_MINUTES)


HANDLERS: Final = (
    report_health,
    report_readiness,
    report_metrics,
    show_robots,
    show_favicon,
    answer_challenge,
    show_apple_app_site_association,
    show_asset_links,
)
