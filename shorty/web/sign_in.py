"""`/app/sign-in`: the password, then the code where there is a second factor; signing out."""

from typing import Final
from urllib.parse import quote

import structlog

from shorty.accounts.known_browsers import name_allowance
from shorty.accounts.login import (
    CODE_AWAITED_MS,
    WrongCode,
    find_half_signed_in,
    finish_sign_in,
    give_back_sign_in,
    is_newly_limited,
    is_newly_limited_address,
    name_account,
    start_sign_in,
)
from shorty.accounts.model import Session
from shorty.accounts.second_factor import (
    WRONG_CODE,
    build_day_error,
    give_back_browser_code,
    take_browser_code,
)
from shorty.accounts.service import can_anyone_sign_in, find_user_by_id, get_user_by_id
from shorty.accounts.sessions import end_session
from shorty.errors import (
    BusyError,
    InvalidFieldsError,
    RateLimitedError,
    ShortyError,
    UnauthenticatedError,
)
from shorty.limits import name_address
from shorty.mail import Mail
from shorty.web.auth_forms import (
    count_try,
    forget_session_cookie,
    read_agent,
    remember_browser,
    render_form,
    set_session_cookie,
    try_password,
)
from shorty.web.cookies import Notice
from shorty.web.guard import SIGN_IN, Pages
from shorty.web.lost_forms import find_waiting_draft
from shorty.web.rendering import see_other
from shorty.web.requests import WebRequest
from shorty.webcore.addresses import read_way_back
from shorty.webcore.answers import Answer
from shorty.webcore.mails import write_codes_notice

pages = Pages()

CODE: Final = "shorty_code"
"""The cookie between the right password and the code."""
STEP_VOID: Final = "Too many wrong codes. Sign in with your password again."
CODE_PLACE: Final = f"{SIGN_IN}/code"
CODE_S: Final = CODE_AWAITED_MS // 1000

log = structlog.get_logger(__name__)


@pages.handle("GET /sign-in", needs=None)
async def ask_password(request: WebRequest) -> Answer:
    way_back = read_way_back(request.read_query().get("next", ""))
    if request.signed_in is not None:
        return see_other(request, way_back)
    return await show_sign_in(request, way_back)


@pages.handle("POST /sign-in", needs=None)
async def sign_in(request: WebRequest) -> Answer:
    services, email = request.services, request.typed.read("email")
    way_back = read_way_back(request.typed.read("next"))
    try:
        attempt = await count_try(request, email)
        user = await try_password(request, attempt, request.typed.read_raw("password"))
        await give_back_sign_in(services.limits, attempt, request.now)
        wanted = await find_wanted_workspace(request, way_back, user.id)
        started = await services.db.write(
            lambda tx: start_sign_in(
                *(tx, services.config, user, read_agent(request), request.now), workspace_id=wanted
            )
        )
    except (BusyError, RateLimitedError, UnauthenticatedError) as error:
        await log_refusal(request, email, error)
        return await show_sign_in(request, way_back, error)
    if started.awaits_code:
        request.set_cookie(CODE, started.text, CODE_S)
        return see_other(request, f"{CODE_PLACE}?next={quote(way_back, safe='/')}")
    await end_former_session(request)
    set_session_cookie(request, started.text)
    await remember_browser(request, user.id, passed_code=False)
    return see_other(request, way_back)


async def find_wanted_workspace(request: WebRequest, way_back: str, user_id: int) -> int | None:
    """That of the person's own form, if one waits for them."""
    draft = await find_waiting_draft(request, way_back)
    return draft.workspace_id if draft and draft.user_id == user_id else None


async def log_refusal(request: WebRequest, email: str, error: ShortyError) -> None:
    """For the operator and their fail2ban: who tried from where, never the password."""
    limits, ip, now = request.services.limits, request.client_address, request.now
    if isinstance(error, UnauthenticatedError):
        log.warning("sign_in_refused", ip=ip, account=name_account(email), wrong="password")
        return
    is_news = await is_newly_limited(limits, email, now)
    if isinstance(error, RateLimitedError):
        is_news |= is_newly_limited_address(limits, name_address(ip), now)
    if is_news:
        log.warning("sign_in_limited", ip=ip, account=name_account(email))


async def end_former_session(request: WebRequest) -> None:
    """Ends this browser's session, if it has not ended yet."""
    if (signed_in := request.signed_in) is not None:
        former = signed_in.session
        await request.services.db.write(
            lambda tx: end_session(tx, former.user_id, former.id, request.now)
        )


@pages.handle("GET /sign-in/code", needs=None)
async def ask_code(request: WebRequest) -> Answer:
    way_back = read_way_back(request.read_query().get("next", ""))
    half = await request.services.db.read(
        lambda rows: find_half_signed_in(rows, request.cookies_read.get(CODE, ""), request.now)
    )
    if half is None:
        return see_other(request, SIGN_IN)
    return show_code(request, way_back)


@pages.handle("POST /sign-in/code", needs=None)
async def send_code(request: WebRequest) -> Answer:
    services, text = request.services, request.cookies_read.get(CODE, "")
    way_back = read_way_back(request.typed.read("next"))
    half = await services.db.read(lambda rows: find_half_signed_in(rows, text, request.now))
    if half is None:
        return see_other(request, SIGN_IN, "That took too long; sign in again.")
    browser = await find_code_allowance(request, half.user_id)
    try:
        if browser:
            await take_browser_code(services.limits, browser, request.now)
        made = await services.db.write(
            lambda tx: finish_sign_in(
                *(tx, text, request.typed.read("code"), request.now), is_known=bool(browser)
            )
        )
    except RateLimitedError as error:
        return show_code(request, way_back, error)
    if isinstance(made, WrongCode):
        return await answer_wrong_code(request, way_back, half, made)
    await give_back_browser_code(services.limits, browser, request.now)
    request.set_cookie(CODE, "", 0)
    await end_former_session(request)
    set_session_cookie(request, made.text)
    await remember_browser(request, half.user_id, passed_code=True)
    return see_other(request, way_back)


async def find_code_allowance(request: WebRequest, user_id: int) -> str:
    """Empty if nobody entered a code of this account in this browser before."""
    known = await request.find_known_account(user_id)
    return name_allowance(request.browser, user_id) if known and known.passed_code else ""


async def answer_wrong_code(
    request: WebRequest, way_back: str, half: Session, wrong: WrongCode
) -> Answer:
    if (
        user := await request.services.db.read(lambda rows: find_user_by_id(rows, half.user_id))
    ) is not None:
        log.warning("sign_in_refused", ip=request.client_address, account=user.email, wrong="code")
    if wrong.voids_step or wrong.ends_day:
        report_wrong_codes(request, half.user_id, wrong)
    if wrong.voids_step:
        request.set_cookie(CODE, "", 0)
        place = f"{SIGN_IN}?next={quote(way_back, safe='/')}"
        return see_other(request, place, notice=Notice(text=STEP_VOID, is_alarm=True))
    if wrong.ends_day:
        return show_code(request, way_back, build_day_error(request.now))
    return show_code(request, way_back, InvalidFieldsError({"code": WRONG_CODE}))


def report_wrong_codes(request: WebRequest, user_id: int, wrong: WrongCode) -> None:
    """Reports wrong codes in the log and by email: whoever enters codes knows the password.

    One email for ten codes at most; a browser has thirty codes a day.
    """
    log.warning("wrong_codes", user_id=user_id, is_day_over=wrong.ends_day)
    if request.services.mailer.is_on:
        request.services.mailer.post(write_notice(request, user_id, wrong))


async def write_notice(request: WebRequest, user_id: int, wrong: WrongCode) -> Mail:
    user = await request.services.db.write(lambda tx: get_user_by_id(tx, user_id))
    return write_codes_notice(user.email, is_day_over=wrong.ends_day)


@pages.handle("POST /sign-out", needs=None)
async def sign_out(request: WebRequest) -> Answer:
    await end_former_session(request)
    forget_session_cookie(request)
    return see_other(request, SIGN_IN, "You are signed out.")


async def show_sign_in(
    request: WebRequest, way_back: str, error: ShortyError | None = None
) -> Answer:
    services = request.services
    return render_form(
        request,
        "sign_in.html",
        error,
        way_back=way_back,
        email=request.typed.read("email"),
        waiting=await find_waiting_draft(request, way_back),
        is_new=not await services.db.read(can_anyone_sign_in),
        sends_mail=services.mailer.is_on,
    )


def show_code(request: WebRequest, way_back: str, error: ShortyError | None = None) -> Answer:
    return render_form(request, "sign_in_code.html", error, way_back=way_back)
