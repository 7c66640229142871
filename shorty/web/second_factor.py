"""`/app/account/second-factor`: enables, disables, renews recovery codes; each with the password.

A stolen session is not enough to set up a second factor or to read one.
"""

from base64 import b64encode
from typing import Final
from urllib.parse import quote

from shorty.accounts.second_factor import (
    begin_second_factor,
    confirm_second_factor,
    count_recovery_codes,
    give_back_setup_code,
    has_second_factor,
    is_pending_secret,
    remove_second_factor,
    renew_recovery_codes,
    take_setup_code,
)
from shorty.accounts.totp import build_setup_address
from shorty.errors import ConflictError, InvalidFieldsError, RateLimitedError, ShortyError
from shorty.idn import write_host
from shorty.links.model import QrSettings
from shorty.qr.design import decide_design
from shorty.qr.drawing import draw_svg
from shorty.web.account import ACCOUNT, show_account
from shorty.web.auth_forms import prove_password, remember_browser, render_form, write_signed_in
from shorty.web.guard import Pages
from shorty.web.rendering import render, see_other
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer

pages = Pages()

QR_SIZE: Final = 220
SECRET_GROUP: Final = 4


@pages.handle("POST /account/second-factor/begin")
async def begin(request: WebRequest) -> Answer:
    """Only the page that answers this shows the secret."""
    user_id = request.actor.user_id
    try:
        await prove_password(request)
    except (InvalidFieldsError, RateLimitedError) as error:
        return await show_account(request, error, "second-factor")
    secret = await write_signed_in(
        request, lambda tx: begin_second_factor(tx, user_id, request.now)
    )
    return show_setup(request, secret)


@pages.handle("GET /account/second-factor")
async def read_second_factor(request: WebRequest) -> Answer:
    if not await request.services.db.read(
        lambda rows: has_second_factor(rows, request.actor.user_id)
    ):
        return see_other(request, ACCOUNT)
    return await show_second_factor(request)


@pages.handle("POST /account/second-factor")
async def confirm(request: WebRequest) -> Answer:
    services, user_id = request.services, request.actor.user_id
    code = request.typed.read("code")
    try:
        await take_setup_code(services.limits, request.session_id, request.now)
        codes = await write_signed_in(
            request, lambda tx: confirm_second_factor(tx, user_id, code, request.now)
        )
    except (InvalidFieldsError, RateLimitedError) as error:
        return await show_setup_again(request, error)
    await give_back_setup_code(services.limits, request.session_id, request.now)
    await remember_browser(request, user_id, passed_code=True)
    return show_recovery_codes(request, codes)


@pages.handle("POST /account/second-factor/recovery-codes")
async def renew(request: WebRequest) -> Answer:
    user_id = request.actor.user_id
    try:
        await prove_password(request)
    except (InvalidFieldsError, RateLimitedError) as error:
        return await show_second_factor(request, error, "renew")
    codes = await write_signed_in(request, lambda tx: renew_recovery_codes(tx, user_id))
    return show_recovery_codes(request, codes)


@pages.handle("POST /account/second-factor/remove")
async def remove(request: WebRequest) -> Answer:
    user_id = request.actor.user_id
    try:
        await prove_password(request)
    except (InvalidFieldsError, RateLimitedError) as error:
        return await show_second_factor(request, error, "remove")
    await write_signed_in(request, lambda tx: remove_second_factor(tx, user_id))
    return see_other(
        request, ACCOUNT, "Second factor disabled. You now sign in with your password only."
    )


async def show_second_factor(
    request: WebRequest, error: ShortyError | None = None, faulty: str = ""
) -> Answer:
    """`faulty` names the form that the error is about."""
    db, user_id = request.services.db, request.actor.user_id
    if not await db.read(lambda rows: has_second_factor(rows, user_id)):
        raise ConflictError("No second factor is set up; set one up on your account page.")
    return render_form(
        request,
        "second_factor.html",
        error,
        faulty=faulty,
        recovery_codes=await db.read(lambda rows: count_recovery_codes(rows, user_id)),
    )


async def show_setup_again(request: WebRequest, error: ShortyError) -> Answer:
    """The form after a wrong code; the secret is shown only if it was sent along."""
    secret, user_id = request.typed.read("secret"), request.actor.user_id
    if not await request.services.db.read(
        lambda rows: is_pending_secret(rows, user_id, secret, request.now)
    ):
        raise ConflictError("No second factor is being set up; start again on your account page.")
    return show_setup(request, secret, error)


def show_setup(request: WebRequest, secret: str, error: ShortyError | None = None) -> Answer:
    address = build_setup_address(secret, request.actor.user_email, find_issuer(request))
    return render_form(
        request,
        "second_factor_setup.html",
        error,
        has_secret=True,
        secret=split_in_groups(secret),
        address=address,
        picture=draw_picture(address),
    )


def find_issuer(request: WebRequest) -> str:
    """The issuer that the authenticator app shows: the installation's name."""
    default = request.services.domains.default
    return f"shorty {write_host(default.host)}" if default else "shorty"


def draw_picture(address: str) -> str:
    """A QR code as a data URL."""
    svg = draw_svg(decide_design(QrSettings(size=QR_SIZE)), address)
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"


def split_in_groups(secret: str) -> str:
    starts = range(0, len(secret), SECRET_GROUP)
    return " ".join(secret[start : start + SECRET_GROUP] for start in starts)


def show_recovery_codes(request: WebRequest, codes: list[str]) -> Answer:
    """Shows the recovery codes, which are not shown again."""
    email = request.actor.user_email
    text = f"Recovery codes for {email}. Each works once.\n\n" + "\n".join(codes) + "\n"
    file = f"data:text/plain;charset=utf-8,{quote(text)}"
    return render(request, "recovery_codes.html", has_secret=True, codes=codes, file=file)
