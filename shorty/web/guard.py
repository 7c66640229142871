"""Declares pages, and checks each request before its handler runs.

`@pages.handle("GET /links")` makes a function the handler of /app/links. A form is read and its
token checked before the handler sees it, so that no handler can forget it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import BinaryIO, Final, cast
from urllib.parse import quote

import msgspec
from litestar import route
from litestar.datastructures import FormMultiDict, UploadFile
from litestar.exceptions import ClientException
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.types import Method

from shorty.accounts.model import Scope
from shorty.accounts.roles import require_scope
from shorty.accounts.sessions import WHOLE_MS, SignedIn, find_signed_in
from shorty.errors import ForbiddenError
from shorty.web.cookies import FORMS, SESSION, TOKEN, is_form_signed
from shorty.web.forms import Form, Upload, build_form, decode_form
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer
from shorty.webcore.errors import (
    BodyTooLargeError,
    MalformedRequestError,
    UnsupportedMediaTypeError,
)
from shorty.webcore.requests import BODY_LIMIT, FORM, read_bytes, tell_of_proxy

KEY: Final = "rule"
METHODS: Final[dict[str, list[Method]]] = {"GET": ["GET", "HEAD"], "POST": ["POST"]}
TOKEN_HEADER: Final = b"x-form-token"
MULTIPART: Final = "multipart/form-data"
PARTS_TIMEOUT_S: Final = 600.0  # a large file over a slow line
EVENT_STREAM: Final = "text/event-stream"
SIGN_IN: Final = "/app/sign-in"
LONGEST_TARGET: Final = 2048

Handler = Callable[..., Awaitable[Answer]]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """`needs` is None for pages that anyone may open. `limit` is the form's size in bytes."""

    needs: Scope | None
    limit: int

    def __deepcopy__(self, memo: dict[int, object]) -> "Rule":
        """Litestar copies handlers deeply as it registers them; this cannot change."""
        return self


class Pages:
    """Collects the handlers of one module, in its order."""

    def __init__(self) -> None:
        self.handlers: list[HTTPRouteHandler] = []

    def handle(
        self, place: str, *, needs: Scope | None = "read", limit: int = BODY_LIMIT
    ) -> Callable[[Handler], HTTPRouteHandler]:
        """Makes a function the handler of a method and a path below /app.

        HEAD is answered wherever GET is.
        """
        method, path = place.replace("}", ":str}").split()
        register = route(
            path,
            http_method=METHODS[method],
            status_code=200,
            opt={KEY: Rule(needs=needs, limit=limit)},
            request_max_body_size=limit,
        )

        def add(function: Handler) -> HTTPRouteHandler:
            handler = register(function)
            self.handlers.append(handler)
            return handler

        return add


async def let_in(request: WebRequest) -> Answer | None:
    """Runs before each page: checks the session, the scope and the form's token.

    Redirects to the sign-in page if needed. Raises ForbiddenError and what reading a form raises.
    """
    rule = find_rule(request.route_handler)
    tell_of_proxy(request)
    identify(request)
    if rule.needs is not None and request.signed_in is None:
        return send_to_sign_in(request)
    if request.scope["method"] == "POST":
        request.typed = await read_form(request, rule.limit)
        identify(request)  # again: the form may have taken minutes to arrive
        if rule.needs is not None and request.signed_in is None:
            return send_to_sign_in(request)
        require_own_form(request)
    if rule.needs is not None:
        require_scope(request.actor, rule.needs)
    return None


def identify(request: WebRequest) -> None:
    """Looks the session up anew, so that ending it works at once. Sets the request's `now`."""
    services = request.services
    request.now = services.read_clock()
    found = find_session(request, request.cookies_read.get(SESSION)) or find_former(request)
    request.signed_in = found
    if found is not None:
        request.actor = found.actor
        services.session_uses.note(found.session.id, request.now)


def find_session(request: WebRequest, text: str | None) -> SignedIn | None:
    services = request.services
    return find_signed_in(services.db, text, services.config.plans, request.now) if text else None


def find_former(request: WebRequest) -> SignedIn | None:
    """A session from before cookies had a prefix over https; sets its cookie again with the prefix.

    A later session without it can only have been planted by a sibling domain.
    """
    text = request.cookies_sent.get(SESSION) if request.is_secure else None
    found = find_session(request, text)
    if text is None or found is None:
        return None
    session = found.session
    if session.created_at >= request.services.host_cookies_since:
        return None
    left_s = (session.created_at + WHOLE_MS - request.now) // 1000
    request.set_cookie(SESSION, text, left_s)
    request.end_former_cookie(SESSION)
    return found


def send_to_sign_in(request: WebRequest) -> Answer:
    """Returns to the page afterwards, if it can be opened by a GET.

    A browser that reconnects to a stream gets 204, which makes it stop (HTML, 9.2.3).
    """
    if request.find_header(b"accept") == EVENT_STREAM:
        return Answer(204)
    way = SIGN_IN
    if request.scope["method"] == "GET" and not request.is_fragment:
        way += f"?next={quote(read_target(request), safe='/')}"
    return Answer(303, headers=[(b"location", way.encode())])


def read_target(request: WebRequest) -> str:
    """The path and query asked for, without a query that is too long to repeat."""
    query = request.scope["query_string"][: LONGEST_TARGET + 1].decode("latin-1")
    return quote(request.scope["path"]) + (f"?{query}" if 0 < len(query) <= LONGEST_TARGET else "")


async def read_form(request: WebRequest, limit: int) -> Form:
    content_type = (request.find_header(b"content-type") or FORM).partition(";")[0].strip().lower()
    if content_type == FORM:
        return decode_form(await read_bytes(request, limit))
    if content_type == MULTIPART:
        return await read_parts(request, limit)
    raise UnsupportedMediaTypeError(content_type, f"{FORM} or {MULTIPART}")


async def read_parts(request: WebRequest, limit: int) -> Form:
    """A form with files, of which large ones go to disk; `limit` is for the whole body."""
    length = request.find_header(b"content-length") or ""
    if not length.isdigit():
        raise MalformedRequestError("A form with files must say how long it is.")
    if int(length) > limit:
        raise BodyTooLargeError(limit)
    try:
        async with asyncio.timeout(PARTS_TIMEOUT_S):
            parts: FormMultiDict = await request.form()
    except TimeoutError as error:
        raise MalformedRequestError("The form took too long to arrive.") from error
    except ClientException as error:
        raise MalformedRequestError(f"The form cannot be read: {error.detail}.") from error
    texts: list[tuple[str, str]] = []
    files: dict[str, Upload] = {}
    for name, part in cast("list[tuple[str, object]]", parts.multi_items()):
        if not isinstance(part, UploadFile):
            texts.append((name, str(part)))
        elif part.filename:
            files[name] = Upload(name=part.filename, file=cast("BinaryIO", part.file))
    return build_form(texts, files)


def require_own_form(request: WebRequest) -> None:
    """Raises ForbiddenError unless the form came from one of our pages in this browser."""
    token = request.typed.read(TOKEN) or request.find_header(TOKEN_HEADER) or ""
    key = request.cookies_read.get(FORMS, "")
    if not is_form_signed(request.secret, key, request.session_id, request.workspace_id, token):
        raise ForbiddenError(
            "This form is too old, is of another workspace than you look at by now, or cookies are "
            "off. Go back, load the page again and repeat it."
        )


def find_rule(handler: BaseRouteHandler) -> Rule:
    return handler.opt[KEY]
