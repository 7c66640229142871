"""`/app/sign-in`: the password, then the code where there is a second factor; signing out."""

from typing import Final
from urllib.parse import quote

from shorty.accounts.second_factor import give_back_code, take_code
from shorty.accounts.service import can_anyone_sign_in
from shorty.accounts.sessions import end_session
from shorty.accounts.signing_in import (
    CODE_AWAITED_MS,
    find_half_signed_in,
    finish_sign_in,
    start_sign_in,
)
from shorty.errors import (
    BusyError,
    InvalidFieldsError,
    RateLimitedError,
    ShortyError,
    UnauthenticatedError,
)
from shorty.http.answers import Answer
from shorty.web.addresses import read_way_back
from shorty.web.doors import SIGN_IN, page
from shorty.web.entry import (
    forget_session_cookie,
    forgive_try,
    read_agent,
    set_session_cookie,
    show_trouble,
    try_password,
)
from shorty.web.rendering import see_other
from shorty.web.requests import WebRequest

CODE: Final = "shorty_code"
"""The cookie of somebody whose password was right and whose code is awaited."""
CODE_PLACE: Final = f"{SIGN_IN}/code"
CODE_S: Final = CODE_AWAITED_MS // 1000


@page("GET", "/sign-in", needs=None)
async def ask_password(request: WebRequest) -> Answer:
    way_back = read_way_back(request.read_query().get("next", ""))
    if request.signed_in is not None:
        return see_other(request, way_back)
    return show_sign_in(request, way_back)


@page("POST", "/sign-in", needs=None)
async def sign_in(request: WebRequest) -> Answer:
    services, email = request.services, request.typed.read("email")
    way_back = read_way_back(request.typed.read("next"))
    try:
        user = await try_password(request, email, request.typed.read_raw("password"))
    except (BusyError, RateLimitedError, UnauthenticatedError) as error:
        return show_sign_in(request, way_back, error)
    forgive_try(request, email)
    started = await services.db.write(
        lambda tx: start_sign_in(tx, services.config, user, read_agent(request), request.now)
    )
    if started.awaits_code:
        request.set_cookie(CODE, started.text, CODE_S)
        return see_other(request, f"{CODE_PLACE}?next={quote(way_back, safe='/')}")
    await end_former_session(request)
    set_session_cookie(request, started.text)
    return see_other(request, way_back)


async def end_former_session(request: WebRequest) -> None:
    """Of this browser, whose cookie is about to be another."""
    if (signed_in := request.signed_in) is not None:
        former = signed_in.session
        await request.services.db.write(
            lambda tx: end_session(tx, former.user_id, former.id, request.now)
        )


@page("GET", "/sign-in/code", needs=None)
async def ask_code(request: WebRequest) -> Answer:
    way_back = read_way_back(request.read_query().get("next", ""))
    half = find_half_signed_in(request.services.db, request.cookies_read.get(CODE, ""), request.now)
    if half is None:
        return see_other(request, SIGN_IN)
    return show_code(request, way_back)


@page("POST", "/sign-in/code", needs=None)
async def send_code(request: WebRequest) -> Answer:
    services, text = request.services, request.cookies_read.get(CODE, "")
    way_back = read_way_back(request.typed.read("next"))
    half = find_half_signed_in(services.db, text, request.now)
    if half is None:
        return see_other(request, SIGN_IN, "That took too long; sign in again.")
    try:
        take_code(services.limits, half.user_id, request.now)
        made = await services.db.write(
            lambda tx: finish_sign_in(tx, text, request.typed.read("code"), request.now)
        )
    except (RateLimitedError, InvalidFieldsError) as error:
        return show_code(request, way_back, error)
    give_back_code(services.limits, half.user_id, request.now)
    request.set_cookie(CODE, "", 0)
    await end_former_session(request)
    set_session_cookie(request, made.text)
    return see_other(request, way_back)


@page("POST", "/sign-out")
async def sign_out(request: WebRequest) -> Answer:
    await request.services.db.write(
        lambda tx: end_session(tx, request.actor.user_id, request.session_id, request.now)
    )
    forget_session_cookie(request)
    return see_other(request, SIGN_IN, "You are signed out.")


def show_sign_in(request: WebRequest, way_back: str, error: ShortyError | None = None) -> Answer:
    services = request.services
    return show_trouble(
        request,
        "sign_in.html",
        error,
        way_back=way_back,
        email=request.typed.read("email"),
        is_new=not can_anyone_sign_in(services.db),
        sends_mail=services.mailer.is_on,
    )


def show_code(request: WebRequest, way_back: str, error: ShortyError | None = None) -> Answer:
    return show_trouble(request, "sign_in_code.html", error, way_back=way_back)


HANDLERS: Final = (ask_password, sign_in, ask_code, send_code, sign_out)
