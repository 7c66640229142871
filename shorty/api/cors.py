"""Lets pages of other origins call the API with a token; cookies are never allowed.

Litestar's own CORS costs every request 5 µs for a mapping of its headers; this one scans them.
"""

from collections.abc import Sequence
from typing import Final

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from shorty.webcore.answers import Header

ANY: Final = "*"
METHODS: Final = b"GET, POST, PUT, PATCH, DELETE"
READABLE: Final = (
    b"Idempotency-Replayed, Location, Retry-After, X-Next-Cursor, X-QR-Warning, "
    b"X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset"
)
PREFIX: Final = "/api/"
SENDABLE: Final = b"Authorization, Content-Type, Idempotency-Key"
REMEMBERED_S: Final = b"86400"
VARY: Final[Header] = (b"vary", b"Origin")


def allow_origins(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """Wraps the whole application, so that pages can also read the API's errors."""
    allowed = {origin.rstrip("/").encode() for origin in origins}
    is_for_all = ANY.encode() in allowed

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith(PREFIX):
            await app(scope, receive, send)
            return
        origin = _find_origin(scope)
        if origin is None:
            # A cache must not serve this response to another page, which needs different headers.
            await app(scope, receive, send if is_for_all else _add_headers(send, [VARY]))
        elif scope["type"] == "http" and scope["method"] == "OPTIONS":
            await _answer_question(send, _list_permissions(origin, allowed))
        else:
            told = [
                *_list_permissions(origin, allowed),
                (b"access-control-expose-headers", READABLE),
            ]
            await app(scope, receive, _add_headers(send, told))

    return answer


def _find_origin(scope: Scope) -> bytes | None:
    for name, value in scope["headers"]:
        if name == b"origin":
            return value
    return None


def _list_permissions(origin: bytes, allowed: set[bytes]) -> list[Header]:
    if ANY.encode() in allowed:
        return [(b"access-control-allow-origin", b"*")]
    if origin in allowed:
        return [(b"access-control-allow-origin", origin), VARY]
    return [VARY]


def _add_headers(send: Send, headers: list[Header]) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *headers]
        await send(message)

    return send_with_headers


async def _answer_question(send: Send, permissions: list[Header]) -> None:
    """A preflight request: a browser asks what it may send before it does."""
    headers = [
        *permissions,
        (b"access-control-allow-methods", METHODS),
        (b"access-control-allow-headers", SENDABLE),
        (b"access-control-max-age", REMEMBERED_S),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
