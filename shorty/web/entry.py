"""What the pages share by which people come in: sessions begun, passwords proved and chosen."""

from typing import Final

from shorty.accounts.model import User
from shorty.accounts.sessions import WHOLE_MS
from shorty.accounts.signing_in import check_password, give_back_sign_in, take_sign_in
from shorty.accounts.tokens import count_own_tokens
from shorty.errors import BusyError, InvalidFieldsError, ShortyError, UnauthenticatedError
from shorty.http.answers import Answer
from shorty.http.errors import find_status, list_error_headers
from shorty.limits import name_address, name_network
from shorty.passwords import ACCOUNTS, SIGN_INS, find_own_password_fault, hash_password
from shorty.web.cookies import SESSION
from shorty.web.numbers import write_plural
from shorty.web.rendering import render
from shorty.web.requests import WebRequest

SESSION_S: Final = WHOLE_MS // 1000
REVOKES_TOKENS: Final = "revoke_tokens"
"""The box beside a new password, where its person has tokens."""


def read_agent(request: WebRequest) -> str:
    return request.find_header(b"user-agent") or ""


def set_session_cookie(request: WebRequest, text: str) -> None:
    request.set_cookie(SESSION, text, SESSION_S)


def forget_session_cookie(request: WebRequest) -> None:
    request.set_cookie(SESSION, "", 0)


def count_try(request: WebRequest, email: str) -> None:
    """One try to prove who one is. Raises RateLimitedError."""
    address = name_address(request.client_address)
    take_sign_in(request.services.limits, address, email, request.now)


def forgive_try(request: WebRequest, email: str) -> None:
    address = name_address(request.client_address)
    give_back_sign_in(request.services.limits, address, email, request.now)


async def try_password(request: WebRequest, email: str, password: str) -> User:
    """Counts one try, which `forgive_try` gives back after the right password.

    Raises UnauthenticatedError, RateLimitedError and BusyError.
    """
    count_try(request, email)
    try:
        pool = SIGN_INS if request.signed_in is None else ACCOUNTS
        owner = name_hash_owner(request)
        return await check_password(request.services.db, email, password, pool=pool, owner=owner)
    except BusyError:
        forgive_try(request, email)  # nothing was tried
        raise


def name_hash_owner(request: WebRequest) -> str:
    """For whom a password is hashed: somebody who is signed in, or a network."""
    if request.signed_in is not None:
        return f"user {request.actor.user_id}"
    return name_network(request.client_address)


async def prove_password(request: WebRequest, field: str = "password") -> None:
    """Before what only the person may do.

    Raises InvalidFieldsError, RateLimitedError and BusyError.
    """
    email = request.actor.user_email
    try:
        await try_password(request, email, request.typed.read_raw(field))
    except UnauthenticatedError as error:
        raise InvalidFieldsError({field: "is not your password"}) from error
    forgive_try(request, email)


async def hash_new_password(request: WebRequest, field: str = "password") -> str:
    """Of the password that was chosen. Raises InvalidFieldsError and BusyError."""
    password = request.typed.read_raw(field)
    if fault := find_own_password_fault(password):
        raise InvalidFieldsError({field: fault})
    return await hash_password(password, owner=name_hash_owner(request))


def tell_of_tokens(request: WebRequest, user_id: int) -> str:
    """What to add once the password is new."""
    count = count_own_tokens(request.services.db, user_id, request.now)
    if count:
        return (
            f" {write_plural(count, 'API token')} of yours still work{'s' if count == 1 else ''}."
        )
    if request.typed.is_checked(REVOKES_TOKENS):
        return " Your API tokens are revoked."
    return ""


def show_trouble(
    request: WebRequest, template: str, error: ShortyError | None, **values: object
) -> Answer:
    """A form again, with what stood in the way above it."""
    status = 200 if error is None else find_status(error)
    faults = error.fields if isinstance(error, InvalidFieldsError) else {}
    trouble = "" if error is None or faults else error.message
    answer = render(request, template, status=status, faults=faults, trouble=trouble, **values)
    if error is not None:
        answer.extra_headers = (*answer.extra_headers, *list_error_headers(error))
    return answer
