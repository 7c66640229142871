"""Authentication: a request's Bearer token, its rate limit and its scope."""

from contextlib import suppress
from typing import Final

from shorty.accounts.roles import require_scope
from shorty.accounts.tokens import find_actor
from shorty.api.requests import ApiRequest
from shorty.errors import UnauthenticatedError
from shorty.limits import divide_limit
from shorty.webcore.addresses import API
from shorty.webcore.answers import RATE_HEADERS
from shorty.webcore.requests import tell_of_proxy

BEARER: Final = "bearer"


async def authenticate(request: ApiRequest) -> None:
    """Runs before each handler of a router that needs a token. A hook, as a middleware costs more.

    The rate limit counts every request with a valid token, including those that fail later.
    """
    if request.scope["method"] != "OPTIONS":
        await identify(request, read_token(request))


async def authenticate_strictly(request: ApiRequest) -> None:
    """As authenticate; a parameter of the query that the operation does not know is a fault.

    Ignored, a misspelt filter would return everything.
    """
    await authenticate(request)
    if request.scope["method"] != "OPTIONS":
        request.check_query()


def read_token(request: ApiRequest) -> str:
    header = request.find_header(b"authorization")
    if header is None:
        raise UnauthenticatedError("Send your token in the header 'Authorization: Bearer TOKEN'.")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != BEARER or not token.strip():
        raise UnauthenticatedError("The header must be 'Authorization: Bearer TOKEN'.")
    return token.strip()


async def identify(request: ApiRequest, token_text: str) -> None:
    """Sets the request's `actor` and `now`, counts it, and checks its operation's scope.

    Raises UnauthenticatedError, RateLimitedError and ForbiddenError.
    """
    tell_of_proxy(request)
    await count_request(request, token_text)
    if (needed := request.operation.scope) is not None:
        require_scope(request.actor, needed)


async def count_stray_request(request: ApiRequest) -> None:
    """Counts a request that reached no handler (404, 405) if it has a valid token.

    Raises RateLimitedError.
    """
    if not request.scope["path"].startswith(f"{API}/") or request.scope["method"] == "OPTIONS":
        return
    with suppress(UnauthenticatedError):
        await count_request(request, read_token(request))


async def count_request(request: ApiRequest, token_text: str) -> None:
    """Raises UnauthenticatedError and RateLimitedError."""
    services = request.services
    config = services.config
    now = request.now = services.read_clock()
    actor = await services.db.read_by_key(
        lambda rows: find_actor(rows, token_text, config.plans, now)
    )
    request.actor = actor
    token_id = actor.token_id or 0
    services.token_uses.note(token_id, now)
    limit = actor.plan.requests_per_minute or config.server.requests_per_minute
    own = divide_limit(limit, services.db.live_nodes)
    allowance = services.limits.api_requests.take(token_id, own, now)
    request.scope["state"][RATE_HEADERS] = (
        (b"x-ratelimit-limit", b"%d" % allowance.limit),
        (b"x-ratelimit-remaining", b"%d" % allowance.remaining),
        (b"x-ratelimit-reset", b"%d" % allowance.reset_unix_s),
    )
    allowance.require(now)
