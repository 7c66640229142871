"""`/app/forgotten`: sends a link to reset a password, and the page that it leads to."""

from typing import Final

from shorty.accounts.email_proof import is_unproven_account
from shorty.accounts.mail_links import (
    find_mail_link,
    request_password_link,
    set_password_by_link,
    take_password_mail,
)
from shorty.accounts.service import list_workspaces
from shorty.accounts.tokens import count_own_tokens
from shorty.errors import ConflictError, InvalidFieldsError, RateLimitedError, ShortyError
from shorty.mail import Mail
from shorty.web.auth_forms import (
    REVOKES_TOKENS,
    count_address,
    hash_new_password,
    remember_browser,
    render_form,
    tell_of_tokens,
)
from shorty.web.guard import SIGN_IN, Pages
from shorty.web.rendering import see_other
from shorty.web.requests import WebRequest
from shorty.webcore.addresses import find_mailed_base
from shorty.webcore.answers import Answer
from shorty.webcore.mails import write_password_link

pages = Pages()

NEW_PASSWORD: Final = "/app/new-password"  # noqa: S105 - a path


@pages.handle("GET /forgotten", needs=None)
async def ask_address(request: WebRequest) -> Answer:
    return show_forgotten(request)


@pages.handle("POST /forgotten", needs=None)
async def send_link(request: WebRequest) -> Answer:
    """Answers the same, in the same time, whether the email is known or not."""
    services, email = request.services, request.typed.read("email")
    if not services.mailer.is_on:
        return show_forgotten(request)
    try:
        await count_address(request, email)
        await take_password_mail(services.limits, email, request.now)
    except RateLimitedError as error:
        return show_forgotten(request, error)
    services.mailer.post(_write_link(request, email, find_mailed_base(request)))
    return render_form(request, "forgotten_sent.html", None, email=email)


async def _write_link(request: WebRequest, email: str, base: str) -> Mail | None:
    made = await request.services.db.write(lambda tx: request_password_link(tx, email, request.now))
    if made is None:
        return None
    return write_password_link(made, f"{base}{NEW_PASSWORD}?key={made.text}")


@pages.handle("GET /new-password", needs=None)
async def ask_new_password(request: WebRequest) -> Answer:
    return await show_new_password(request, request.read_query().get("key", ""))


@pages.handle("POST /new-password", needs=None)
async def set_new_password(request: WebRequest) -> Answer:
    services, key = request.services, request.typed.read("key")
    if (
        await services.db.read(lambda rows: find_mail_link(rows, key, "password", request.now))
        is None
    ):
        return await show_new_password(request, "")
    revokes = request.typed.is_checked(REVOKES_TOKENS)
    try:
        password_hash = await hash_new_password(request)
        user = await services.db.write(
            lambda tx: set_password_by_link(
                tx, key, password_hash, request.now, revokes_tokens=revokes
            )
        )
    except (InvalidFieldsError, ConflictError) as error:
        return await show_new_password(request, key, error)
    # Mailbox and password are verified, so that strangers' guesses do not make this user wait.
    await remember_browser(request, user.id, passed_code=False)
    said = "Password changed. Sign in with the new one."
    return see_other(request, SIGN_IN, f"{said}{await tell_of_tokens(request, user.id)}")


def show_forgotten(request: WebRequest, error: ShortyError | None = None) -> Answer:
    return render_form(
        request,
        "forgotten.html",
        error,
        email=request.typed.read("email"),
        sends_mail=request.services.mailer.is_on,
    )


async def show_new_password(
    request: WebRequest, key: str, error: ShortyError | None = None
) -> Answer:
    db = request.services.db
    link = await db.read(lambda rows: find_mail_link(rows, key, "password", request.now))
    is_first_proof = link is not None and await db.read(
        lambda rows: is_unproven_account(rows, link.user_id)
    )
    return render_form(
        request,
        "new_password.html",
        error,
        has_secret=True,
        key=key,
        email="" if link is None else link.email,
        own_tokens=0
        if link is None
        else await db.read(lambda rows: count_own_tokens(rows, link.user_id, request.now)),
        is_first_proof=is_first_proof,
        workspaces=await list_workspaces(db, link.user_id) if link and is_first_proof else [],
        form=request.typed,
    )
