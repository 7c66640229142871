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
from shorty.errors import ForbiddenError, StorageUnavailableError
from shorty.web.cookies import SESSION, Notice
from shorty.web.form_tokens import TOKEN, FormOwner, read_form_token
from shorty.web.forms import Form, Upload, build_form, decode_form
from shorty.web.lost_forms import bring_draft, find_page, is_own_origin, keep_form
from shorty.web.rendering import see_other
from shorty.web.requests import TOKEN_HEADER, SentForm, WebRequest
from shorty.webcore.answers import Answer
from shorty.webcore.errors import (
    BodyTooLargeError,
    MalformedRequestError,
    UnsupportedMediaTypeError,
)
from shorty.webcore.requests import BODY_LIMIT, FORM, read_bytes, tell_of_proxy

KEY: Final = "rule"
METHODS: Final[dict[str, list[Method]]] = {"GET": ["GET", "HEAD"], "POST": ["POST"]}
MULTIPART: Final = "multipart/form-data"
PARTS_TIMEOUT_S: Final = 600.0  # a large file over a slow line
EVENT_STREAM: Final = "text/event-stream"
SIGN_IN: Final = "/app/sign-in"
LONGEST_TARGET: Final = 2048
LARGEST_LOST: Final = BODY_LIMIT + 131_072  # with a picture, which is not kept
NOT_OURS: Final = (
    "This form is too old, or cookies are off. Go back, load the page again and repeat it."
)
OF_OTHERS: Final = (
    "This form was opened in another workspace or by somebody else. Nothing was changed. Go back, "
    "load the page again and repeat it."
)
TOO_LARGE: Final = "Your form was too large to keep. Nothing was saved; fill it in again."
NOT_KEPT: Final = (
    "Your form could not be kept, because the database did not answer. Nothing was saved; fill it "
    "in again."
)

Handler = Callable[..., Awaitable[Answer]]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """`needs` is None for pages that anyone may open. `limit` is the form's size in bytes.

    `page` is where a form that is sent here can be filled in, with the names of its path in braces;
    if empty, at the same path, or the nearest above it that is a page.
    """

    needs: Scope | None
    limit: int
    page: str = ""

    def __deepcopy__(self, memo: dict[int, object]) -> "Rule":
        """Litestar copies handlers deeply as it registers them; this cannot change."""
        return self


class Pages:
    """Collects the handlers of one module, in its order."""

    def __init__(self) -> None:
        self.handlers: list[HTTPRouteHandler] = []

    def handle(
        self,
        place: str,
        *,
        needs: Scope | None = "read",
        limit: int = BODY_LIMIT,
        page: str = "",
    ) -> Callable[[Handler], HTTPRouteHandler]:
        """Makes a function the handler of a method and a path below /app.

        HEAD is answered wherever GET is.
        """
        method, path = place.replace("}", ":str}").split()
        register = route(
            path,
            http_method=METHODS[method],
            status_code=200,
            opt={KEY: Rule(needs=needs, limit=limit, page=page)},
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
    await identify(request)
    if request.scope["method"] == "POST":
        answer = await let_form_in(request, rule)
        if answer is not None:
            return answer
    elif rule.needs is not None and request.signed_in is None:
        return send_to_sign_in(request)
    if rule.needs is not None:
        require_scope(request.actor, rule.needs)
    return None


async def let_form_in(request: WebRequest, rule: Rule) -> Answer | None:
    """Reads the form, and checks that it came from a page of ours in this browser.

    Answers a form whose session has ended: it is kept until its person is back.
    """
    needs_person = rule.needs is not None
    page = find_page(request, name_usual_page(request, rule))
    if needs_person and request.signed_in is None and not may_read_lost(request):
        return send_to_sign_in(request, page)
    request.typed = await read_form(request, rule.limit)
    await identify(request)  # again: the form may have taken minutes to arrive
    owner = find_form_owner(request)
    sent = request.sent_form = SentForm(form=request.typed, owner=owner, page=page)
    if needs_person and request.signed_in is None:
        return await keep_sent_form(request, sent)
    if owner is None:
        raise ForbiddenError(NOT_OURS)
    if owner == request.form_owner or (not needs_person and request.signed_in is None):
        return None
    if is_same_person(request, owner):
        return await keep_sent_form(request, sent)
    raise ForbiddenError(OF_OTHERS)


def name_usual_page(request: WebRequest, rule: Rule) -> str:
    if not rule.page:
        return quote(request.scope["path"])
    return rule.page.format_map(
        {name: quote(text, "") for name, text in request.path_params.items()}
    )


def may_read_lost(request: WebRequest) -> bool:
    """Whether a form of nobody is read at all: as much of it as anyone may send to sign in.

    The next page says if it was too large.
    """
    if request.is_scripted or not request.forms_key or not is_own_origin(request):
        return False
    length = request.find_header(b"content-length") or ""
    is_small = length.isdigit() and int(length) <= LARGEST_LOST
    if not is_small:
        request.leave_notice(Notice(text=TOO_LARGE, is_alarm=True))
    return is_small


def find_form_owner(request: WebRequest) -> FormOwner | None:
    """Whom the form was shown to; None unless it was on a page of ours in this browser."""
    if not is_own_origin(request):
        return None
    token = request.typed.read(TOKEN) or request.find_header(TOKEN_HEADER) or ""
    return read_form_token(request.secret, request.forms_key, token)


def is_same_person(request: WebRequest, owner: FormOwner) -> bool:
    """Whether the form was shown in an earlier session of the same person and workspace."""
    mine = request.form_owner
    same = (mine.user_id, mine.workspace_id) == (owner.user_id, owner.workspace_id)
    return same and mine.user_id != 0 and not request.is_scripted


async def keep_sent_form(request: WebRequest, sent: SentForm) -> Answer:
    """Sends the person to their form, by way of signing in if they have to."""
    if sent.owner is None or sent.owner.user_id == 0:
        return send_to_sign_in(request, sent.page)
    place, fault = None, TOO_LARGE
    try:
        place = await keep_form(request, sent.owner, sent.form, sent.page)
    except StorageUnavailableError:
        fault = NOT_KEPT
    if place is None:
        request.leave_notice(Notice(text=fault, is_alarm=True))
    elif request.signed_in is not None:
        return see_other(request, place)
    return send_to_sign_in(request, place or sent.page)


async def identify(request: WebRequest) -> None:
    """Looks the session up anew, so that ending it works at once. Sets the request's `now`.

    Finds the draft that is to be shown, too.
    """
    services = request.services
    request.now = services.read_clock()
    found = await find_session(request, request.cookies_read.get(SESSION)) or await find_former(
        request
    )
    request.signed_in = found
    if found is not None:
        request.actor = found.actor
        services.session_uses.note(found.session.id, request.now)
        await bring_draft(request)


async def find_session(request: WebRequest, text: str | None) -> SignedIn | None:
    services = request.services
    return (
        await services.db.read_by_key(
            lambda rows: find_signed_in(rows, text, services.config.plans, request.now)
        )
        if text
        else None
    )


async def find_former(request: WebRequest) -> SignedIn | None:
    """A session from before cookies had a prefix over https; sets its cookie again with the prefix.

    A later session without it can only have been planted by a sibling domain.
    """
    text = request.cookies_sent.get(SESSION) if request.is_secure else None
    found = await find_session(request, text)
    if text is None or found is None:
        return None
    session = found.session
    if session.created_at >= request.services.host_cookies_since:
        return None
    left_s = (session.created_at + WHOLE_MS - request.now) // 1000
    request.set_cookie(SESSION, text, left_s)
    request.end_former_cookie(SESSION)
    return found


def send_to_sign_in(request: WebRequest, page: str = "") -> Answer:
    """Returns to `page` afterwards, by default the one asked for, if a GET opens it.

    A browser that reconnects to a stream gets 204, which makes it stop (HTML, 9.2.3).
    """
    if request.find_header(b"accept") == EVENT_STREAM:
        return Answer(204)
    if not page and request.scope["method"] in METHODS["GET"]:
        page = read_target(request)
    if not page or request.is_fragment:
        return see_other(request, SIGN_IN)
    return see_other(request, f"{SIGN_IN}?next={quote(page, safe='/')}")


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


def find_rule(handler: BaseRouteHandler) -> Rule:
    return handler.opt[KEY]
