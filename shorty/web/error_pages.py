"""Renders errors as pages of the dashboard."""

from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from litestar.exceptions import HTTPException

from shorty.errors import (
    BusyError,
    ForbiddenError,
    NotFoundError,
    QuotaExceededError,
    RateLimitedError,
    ShortyError,
    StorageUnavailableError,
    UnauthenticatedError,
)
from shorty.web.guard import identify, keep_sent_form, send_to_sign_in
from shorty.web.rendering import render, see_other
from shorty.web.requests import WebRequest
from shorty.webcore.addresses import read_way_back
from shorty.webcore.answers import Answer, LateAnswer
from shorty.webcore.errors import (
    Handlers,
    MethodNotAllowedError,
    explain,
    find_status,
    list_error_headers,
)

TITLES: Final[dict[type[ShortyError], str]] = {
    NotFoundError: "Page not found",
    ForbiddenError: "You don't have permission",
    QuotaExceededError: "Plan limit reached",
    RateLimitedError: "Too many attempts",
    BusyError: "The server is busy",
    StorageUnavailableError: "The database is busy",
}


def handle_error(request: Any, error: Exception) -> Answer:
    """`request` is of Litestar's own class if no handler was reached."""
    own = WebRequest(request.scope, request.receive, request.send)
    return LateAnswer(lambda: _identify_and_render(own, explain(own, error)))


async def _identify_and_render(request: WebRequest, error: ShortyError) -> Answer:
    try:
        await identify(request)
    except StorageUnavailableError as unavailable:
        error = unavailable
    return await render_error(request, error)


async def render_error(request: WebRequest, error: ShortyError) -> Answer:
    if isinstance(error, UnauthenticatedError) and request.signed_in is None:
        sent = request.sent_form
        return send_to_sign_in(request) if sent is None else await keep_sent_form(request, sent)
    if isinstance(error, MethodNotAllowedError) and request.scope["method"] == "GET":
        # A form's URL, reloaded: the page with the form is one level up.
        return see_other(request, read_way_back(quote(request.scope["path"].rpartition("/")[0])))
    status = find_status(error)
    kind = next((each for each in type(error).__mro__ if each in TITLES), None)
    title = TITLES[kind] if kind else HTTPStatus(status).phrase
    answer = render(request, "error.html", status=status, title=title, message=error.message)
    answer.extra_headers = (*answer.extra_headers, *list_error_headers(error))
    return answer


ERROR_HANDLERS: Final[Handlers] = {
    HTTPException: handle_error,
    ShortyError: handle_error,
    Exception: handle_error,
}
