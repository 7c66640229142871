"""Shared by the sign-in pages: starts sessions, checks passwords and sets new ones.

Decides which rate limit a password attempt counts against: that of its session, that of a browser
which the account knows, or the one that all other clients share.
"""

from collections.abc import Callable
from typing import Final, TypeVar

from shorty.accounts.known_browsers import KNOWN_MS, name_allowance, remember_account
from shorty.accounts.login import (
    Attempt,
    check_password,
    give_back_session_password,
    give_back_sign_in,
    take_address,
    take_session_password,
    take_sign_in,
)
from shorty.accounts.model import ProvedUser
from shorty.accounts.service import find_user
from shorty.accounts.sessions import WHOLE_MS, require_session
from shorty.accounts.tokens import count_own_tokens
from shorty.errors import BusyError, InvalidFieldsError, ShortyError, UnauthenticatedError
from shorty.limits import name_address, name_network
from shorty.passwords import ACCOUNTS, SIGN_INS, find_own_password_fault, hash_password
from shorty.storage.database import Transaction
from shorty.web.cookies import KNOWN, SESSION, seal_browser
from shorty.web.formatting import write_plural
from shorty.web.rendering import render
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer
from shorty.webcore.errors import find_status, list_error_headers

T = TypeVar("T")

SESSION_S: Final = WHOLE_MS // 1000
KNOWN_S: Final = KNOWN_MS // 1000
REVOKES_TOKENS: Final = "revoke_tokens"
"""The checkbox beside a new password, shown to users with API tokens."""


def read_agent(request: WebRequest) -> str:
    return request.find_header(b"user-agent") or ""


def set_session_cookie(request: WebRequest, text: str) -> None:
    request.set_cookie(SESSION, text, SESSION_S)


def forget_session_cookie(request: WebRequest) -> None:
    request.set_cookie(SESSION, "", 0)


async def remember_browser(request: WebRequest, user_id: int, *, passed_code: bool) -> None:
    """Call it after a sign-in: the account knows this browser from then on."""
    browser = await request.services.db.read(
        lambda rows: remember_account(
            rows, request.browser, user_id, request.now, passed_code=passed_code
        )
    )
    request.set_cookie(KNOWN, seal_browser(request.secret, browser), KNOWN_S)


async def count_try(request: WebRequest, email: str) -> Attempt:
    """Counts one attempt to sign in. Raises RateLimitedError."""
    attempt = Attempt(
        address=name_address(request.client_address),
        email=email,
        browser=await find_browser_allowance(request, email),
    )
    await take_sign_in(request.services.limits, attempt, request.now)
    return attempt


async def find_browser_allowance(request: WebRequest, email: str) -> str:
    """Empty where the account does not know this browser."""
    if not request.browser.accounts:
        return ""
    user = await request.services.db.read(lambda rows: find_user(rows, email))
    if user is None or await request.find_known_account(user.id) is None:
        return ""
    return name_allowance(request.browser, user.id)


async def count_address(request: WebRequest, email: str) -> None:
    """Counts a form that names an account without a password. Raises RateLimitedError."""
    if not await find_browser_allowance(request, email):
        await take_address(
            request.services.limits, name_address(request.client_address), request.now
        )


async def try_password(request: WebRequest, attempt: Attempt, password: str) -> ProvedUser:
    """Checks the password. Known browsers do not queue with strangers for the hashing.

    Raises UnauthenticatedError and BusyError, after which the attempt does not count.
    """
    pool = ACCOUNTS if attempt.browser else SIGN_INS
    owner = name_hash_owner(request)
    try:
        return await check_password(
            request.services.db, attempt.email, password, pool=pool, owner=owner
        )
    except BusyError:
        await give_back_sign_in(request.services.limits, attempt, request.now)
        raise


def name_hash_owner(request: WebRequest) -> str:
    """Who waits for a password to be hashed: a signed-in user, else a network."""
    if request.signed_in is not None:
        return f"user {request.actor.user_id}"
    return name_network(request.client_address)


async def prove_password(request: WebRequest, field: str = "password") -> None:
    """Checks the password that a sensitive action asks for again.

    Raises InvalidFieldsError, RateLimitedError and BusyError, after which the try does not count.
    """
    limits, email = request.services.limits, request.actor.user_email
    password, owner = request.typed.read_raw(field), name_hash_owner(request)
    await take_session_password(limits, request.session_id, request.now)
    try:
        await check_password(request.services.db, email, password, pool=ACCOUNTS, owner=owner)
    except UnauthenticatedError as error:
        raise InvalidFieldsError({field: "is not your password"}) from error
    except BusyError:
        await give_back_session_password(limits, request.session_id, request.now)
        raise
    await give_back_session_password(limits, request.session_id, request.now)


async def write_signed_in(request: WebRequest, work: Callable[[Transaction], T]) -> T:
    """Writes to the account, unless its session has ended.

    The session may end while the password is compared. A thief must not undo what the owner
    did meanwhile. Raises UnauthenticatedError.
    """
    user_id, session_id = request.actor.user_id, request.session_id

    def check_and_work(tx: Transaction) -> T:
        require_session(tx, user_id, session_id, request.services.read_clock())
        return work(tx)

    return await request.services.db.write(check_and_work)


async def hash_new_password(request: WebRequest, field: str = "password") -> str:
    """Hashes the new password. Raises InvalidFieldsError and BusyError."""
    password = request.typed.read_raw(field)
    if fault := find_own_password_fault(password):
        raise InvalidFieldsError({field: fault})
    return await hash_password(password, owner=name_hash_owner(request))


async def tell_of_tokens(request: WebRequest, user_id: int) -> str:
    """What the notice adds after a password change."""
    count = await request.services.db.read(
        lambda rows: count_own_tokens(rows, user_id, request.now)
    )
    if count:
        return f" Your {write_plural(count, 'API token')} still work{'s' if count == 1 else ''}."
    if request.typed.is_checked(REVOKES_TOKENS):
        return " Your API tokens are revoked."
    return ""


def render_form(
    request: WebRequest,
    template: str,
    error: ShortyError | None,
    *,
    has_secret: bool = False,
    **values: object,
) -> Answer:
    """Renders a form, with the faults at its fields or the error above it."""
    status = 200 if error is None else find_status(error)
    faults = error.fields if isinstance(error, InvalidFieldsError) else {}
    message = "" if error is None or faults else error.message
    answer = render(
        *(request, template),
        status=status,
        has_secret=has_secret,
        faults=faults,
        message=message,
        **values,
    )
    if error is not None:
        answer.extra_headers = (*answer.extra_headers, *list_error_headers(error))
    return answer
