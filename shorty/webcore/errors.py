"""The errors of requests themselves, the status of each error, and the exception handlers."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

import structlog
from litestar import Request
from litestar.exceptions import HTTPException

from shorty.errors import (
    AlreadyExistsError,
    BusyError,
    ConflictError,
    FetchError,
    ForbiddenError,
    InvalidFieldsError,
    NotFoundError,
    QuotaExceededError,
    RateLimitedError,
    ShortyError,
    SlugTakenError,
    StorageUnavailableError,
    UnauthenticatedError,
    join_choices,
)
from shorty.webcore.answers import Answer, Header, LateAnswer

log = structlog.get_logger(__name__)


class MalformedRequestError(ShortyError):
    """A request that cannot be read at all, such as broken JSON."""

    code = "malformed-request"


METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class MethodNotAllowedError(ShortyError):
    code = "method-not-allowed"

    def __init__(self, allowed: str) -> None:
        """`allowed` as in the header Allow, in any order."""
        names = allowed.split(", ")
        methods = [each for each in METHODS if each in names] or names
        self.allowed = ", ".join(methods)
        super().__init__(f"Method not allowed. Use {join_choices(methods)}.")


class BodyTooLargeError(ShortyError):
    code = "body-too-large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body may be at most {limit:,} bytes long.")


class UnsupportedMediaTypeError(ShortyError):
    code = "unsupported-media-type"

    def __init__(self, media_type: str, accepted: str) -> None:
        super().__init__(f"The media type {media_type!r} is not supported; send {accepted}.")


class KeyReusedError(ShortyError):
    """An Idempotency-Key that was already sent with another request."""

    code = "idempotency-key-reused"

    def __init__(self) -> None:
        super().__init__(
            "This Idempotency-Key was used with a different request; choose a new key."
        )


class InternalError(ShortyError):
    """A bug in shorty; only the log has the details."""

    code = "internal-error"

    def __init__(self) -> None:
        super().__init__("Something went wrong on the server; it has been logged.")


STATUSES: Final[dict[type[ShortyError], int]] = {
    MalformedRequestError: 400,
    UnauthenticatedError: 401,
    ForbiddenError: 403,
    NotFoundError: 404,
    MethodNotAllowedError: 405,
    SlugTakenError: 409,
    AlreadyExistsError: 409,
    ConflictError: 409,
    BodyTooLargeError: 413,
    UnsupportedMediaTypeError: 415,
    InvalidFieldsError: 422,
    KeyReusedError: 422,
    QuotaExceededError: 429,
    RateLimitedError: 429,
    InternalError: 500,
    FetchError: 502,
    BusyError: 503,
    StorageUnavailableError: 503,
}

ErrorHandler = Callable[[Request[Any, Any, Any], Exception], Any]
Handlers = dict[int | type[Exception], ErrorHandler]
Shape = Callable[[ShortyError, int], Answer]


def find_status(error: ShortyError | type[ShortyError]) -> int:
    kind = error if isinstance(error, type) else type(error)
    return next((STATUSES[each] for each in kind.__mro__ if each in STATUSES), 500)


def list_error_headers(error: ShortyError) -> list[Header]:
    """The headers that HTTP asks for beside a status, whatever the body's shape."""
    if isinstance(error, UnauthenticatedError):
        return [(b"www-authenticate", b"Bearer")]
    if isinstance(error, MethodNotAllowedError):
        return [(b"allow", error.allowed.encode())]
    if isinstance(error, StorageUnavailableError):
        return [(b"retry-after", b"5")]
    seconds = getattr(error, "retry_after_s", None)
    return [] if seconds is None else [(b"retry-after", b"%d" % seconds)]


def build_exception_handlers(
    shape: Shape, count_stray: Callable[[Any], Awaitable[None]] | None = None
) -> Handlers:
    """Handlers for a router whose answers report every error in the same form.

    `count_stray` counts requests that the framework rejects before authentication.
    """

    def handle(request: Request[Any, Any, Any], error: Exception) -> Any:
        expected = explain(request, error)
        return shape(expected, find_status(expected))

    def handle_stray(request: Request[Any, Any, Any], error: Exception) -> Any:
        if count_stray is None:
            return handle(request, error)
        count = count_stray

        async def count_and_handle() -> Any:
            try:
                await count(request)
            except ShortyError as limited:
                return handle(request, limited)
            return handle(request, error)

        return LateAnswer(count_and_handle)

    return {HTTPException: handle_stray, ShortyError: handle, Exception: handle}


def explain(request: Request[Any, Any, Any], error: Exception) -> ShortyError:
    """The error as a ShortyError; unexpected ones are logged and answered without details."""
    if isinstance(error, ShortyError):
        if find_status(error) != HTTPStatus.INTERNAL_SERVER_ERROR:
            return error
    elif isinstance(error, HTTPException) and error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
        return _read_http_error(request, error)
    log.error(
        "request_failed",
        method=request.scope["method"],
        path=request.scope["path"],
        exc_info=error,
    )
    return InternalError()


def _read_http_error(request: Request[Any, Any, Any], error: HTTPException) -> ShortyError:
    """An error that the framework raises before any of our handlers."""
    path = request.scope["path"]
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            return NotFoundError("page", path)
        case HTTPStatus.METHOD_NOT_ALLOWED:
            return MethodNotAllowedError(_find_allow(error.headers))
        case _:
            return MalformedRequestError(error.detail)


def _find_allow(headers: Mapping[str, str] | None) -> str:
    return (headers or {}).get("allow", "another method")
