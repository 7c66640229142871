"""`/app/account`: what people change about themselves, and the browsers they are signed in with."""

from typing import Final

from shorty.accounts.email_proof import is_email_verified
from shorty.accounts.mail_links import (
    change_email_by_link,
    find_mail_link,
    request_email_link,
    take_mail,
    take_mail_of,
)
from shorty.accounts.model import Session
from shorty.accounts.rules import check_email
from shorty.accounts.second_factor import (
    count_recovery_codes,
    count_wrong_codes,
    has_second_factor,
)
from shorty.accounts.service import (
    change_name,
    change_password,
    change_single_keys,
    change_time_zone,
)
from shorty.accounts.sessions import end_other_sessions, list_sessions, sign_out_browser
from shorty.accounts.tokens import count_own_tokens
from shorty.clicks.user_agent import read_user_agent
from shorty.errors import (
    AlreadyExistsError,
    ConflictError,
    FetchError,
    InvalidFieldsError,
    RateLimitedError,
    ShortyError,
)
from shorty.mail import Mail
from shorty.web.auth_forms import (
    REVOKES_TOKENS,
    hash_new_password,
    prove_password,
    remember_browser,
    render_form,
    tell_of_tokens,
    write_signed_in,
)
from shorty.web.formatting import list_zones
from shorty.web.guard import Pages
from shorty.web.rendering import see_other
from shorty.web.requests import WebRequest
from shorty.webcore.addresses import find_mailed_base
from shorty.webcore.answers import Answer
from shorty.webcore.mails import write_email_link, write_email_notice, write_taken_notice

pages = Pages()

ACCOUNT: Final = "/app/account"
NEW_EMAIL: Final = "/app/new-email"
FORGOTTEN: Final = "/app/forgotten"


@pages.handle("GET /account")
async def read_account(request: WebRequest) -> Answer:
    return await show_account(request)


@pages.handle("POST /account/name")
async def set_name(request: WebRequest) -> Answer:
    user_id, name = request.actor.user_id, request.typed.read("name")
    try:
        await request.services.db.write(lambda tx: change_name(tx, user_id, name))
    except InvalidFieldsError as error:
        return await show_account(request, error, "name")
    return see_other(request, ACCOUNT, "Changes saved.")


@pages.handle("POST /account/keys")
async def set_single_keys(request: WebRequest) -> Answer:
    user_id, is_on = request.actor.user_id, request.typed.is_checked("single_keys")
    await request.services.db.write(lambda tx: change_single_keys(tx, user_id, is_on=is_on))
    return see_other(request, ACCOUNT, f"Single-key shortcuts are {'on' if is_on else 'off'}.")


@pages.handle("POST /account/time-zone")
async def set_time_zone(request: WebRequest) -> Answer:
    user_id, name = request.actor.user_id, request.typed.read("time_zone")
    try:
        zone = await request.services.db.write(lambda tx: change_time_zone(tx, user_id, name))
    except InvalidFieldsError as error:
        return await show_account(request, error, "time_zone")
    shown = zone or f"your browser's time zone, {request.browser_zone}"
    return see_other(request, ACCOUNT, f"Times are now shown in {shown}.")


@pages.handle("POST /account/password")
async def set_password(request: WebRequest) -> Answer:
    user_id, session_id = request.actor.user_id, request.session_id
    try:
        await prove_password(request, "current")
        password_hash = await hash_new_password(request)
    except (InvalidFieldsError, RateLimitedError) as error:
        return await show_account(request, error, "password")
    revokes = request.typed.is_checked(REVOKES_TOKENS)
    known = await request.find_known_account(user_id)
    await write_signed_in(
        request,
        lambda tx: change_password(
            tx, user_id, session_id, password_hash, request.now, revokes_tokens=revokes
        ),
    )
    await remember_browser(request, user_id, passed_code=known is not None and known.passed_code)
    said = "Password changed. All other browsers are signed out."
    return see_other(request, ACCOUNT, f"{said}{await tell_of_tokens(request, user_id)}")


@pages.handle("POST /account/email")
async def set_email(request: WebRequest) -> Answer:
    """Answers the same, in the same time, whether or not the email has an account."""
    email = request.typed.read("email")
    try:
        await prove_password(request)
        sent_to = await send_email_link(request, email)
    except (InvalidFieldsError, ConflictError, RateLimitedError, FetchError) as error:
        return await show_account(request, error, "email")
    said = f"Confirmation link sent to {sent_to}. Open it to sign in with that email."
    return see_other(request, ACCOUNT, said)


async def send_email_link(request: WebRequest, typed: str) -> str:
    """The email with the confirmation link; if it has an account, only its mailbox learns that.

    Raises FetchError where the mail server does not take it, ConflictError where there is none.
    """
    services = request.services
    if not services.mailer.is_on:
        raise ConflictError(
            "This server can't send email, so it can't verify yours. The person who runs it can "
            "change it with the command `shorty user email`."
        )
    email = check_email(typed)
    # Limited by sender and by recipient, so that nobody can send spam from here.
    await take_mail_of(services.limits, request.actor.user_id, request.now)
    await take_mail(services.limits, email, request.now)
    made = await write_signed_in(
        request, lambda tx: request_email_link(tx, request.actor.user_id, email, request.now)
    )
    base = find_mailed_base(request)
    if made is None:
        mail = write_taken_notice(email, f"{base}{FORGOTTEN}")
    else:
        mail = write_email_link(made, f"{base}{NEW_EMAIL}?key={made.text}")
    await services.mailer.send(mail)
    return email


@pages.handle("GET /new-email")
async def ask_new_email(request: WebRequest) -> Answer:
    return await show_new_email(request, request.read_query().get("key", ""))


@pages.handle("POST /new-email")
async def confirm_new_email(request: WebRequest) -> Answer:
    services, key = request.services, request.typed.read("key")
    try:
        change = await services.db.write(
            lambda tx: change_email_by_link(tx, request.actor.user_id, key, request.now)
        )
    except (ConflictError, AlreadyExistsError) as error:
        return await show_new_email(request, key, error)
    email = change.user.email
    if email == change.old:
        return see_other(request, ACCOUNT, f"Your email {email} is verified.")
    if services.mailer.is_on:
        services.mailer.post(_write_notice(change.old, email))
    return see_other(request, ACCOUNT, f"You now sign in with {email}.")


async def _write_notice(old: str, new: str) -> Mail:
    return write_email_notice(old, new)


async def show_new_email(request: WebRequest, key: str, error: ShortyError | None = None) -> Answer:
    link = await request.services.db.read(
        lambda rows: find_mail_link(rows, key, "email", request.now)
    )
    email = "" if link is None or link.user_id != request.actor.user_id else link.email
    return render_form(request, "new_email.html", error, has_secret=True, key=key, email=email)


@pages.handle("POST /account/sessions/{session_id}/end", page=ACCOUNT)
async def end_one_session(request: WebRequest) -> Answer:
    session_id = request.read_id("session_id", "session")
    user_id, known = request.actor.user_id, await request.find_known_account(request.actor.user_id)
    await request.services.db.write(
        lambda tx: sign_out_browser(tx, user_id, session_id, request.now)
    )
    if known is not None:
        await remember_browser(request, user_id, passed_code=known.passed_code)
    return see_other(request, ACCOUNT, "Browser signed out.")


@pages.handle("POST /account/sessions/end-others", page=ACCOUNT)
async def end_all_others(request: WebRequest) -> Answer:
    user_id, known = request.actor.user_id, await request.find_known_account(request.actor.user_id)
    await request.services.db.write(
        lambda tx: end_other_sessions(tx, user_id, request.session_id, request.now)
    )
    if known is not None:
        await remember_browser(request, user_id, passed_code=known.passed_code)
    return see_other(request, ACCOUNT, "All other browsers are signed out.")


async def show_account(
    request: WebRequest, error: ShortyError | None = None, faulty: str = ""
) -> Answer:
    """`faulty` names the form that the error is about."""
    db, user_id = request.services.db, request.actor.user_id
    sessions = await list_sessions(db, user_id, request.now)
    return render_form(
        request,
        "account.html",
        error,
        faulty=faulty,
        form=request.typed,
        sessions=[(session, describe_browser(session)) for session in sessions],
        session_id=request.session_id,
        has_second_factor=await db.read(lambda rows: has_second_factor(rows, user_id)),
        recovery_codes=await db.read(lambda rows: count_recovery_codes(rows, user_id)),
        wrong_codes=await db.read(lambda rows: count_wrong_codes(rows, user_id, request.now)),
        own_tokens=await db.read(lambda rows: count_own_tokens(rows, user_id, request.now)),
        is_email_verified=await db.read(lambda rows: is_email_verified(rows, user_id)),
        sends_mail=request.services.mailer.is_on,
        time_zone=request.signed_in.time_zone if request.signed_in else None,
        browser_zone=str(request.browser_zone),
        zones=list_zones(),
    )


def describe_browser(session: Session) -> str:
    agent = read_user_agent(session.user_agent)
    parts = (agent.browser or "A browser", f"on {agent.os}" if agent.os else "")
    return " ".join(part for part in parts if part)
