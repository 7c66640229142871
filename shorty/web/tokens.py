"""`/app/tokens`: API tokens. A token's text is shown once, after it was created."""

from typing import Final, get_args

from shorty.accounts import tokens
from shorty.accounts.model import MadeToken, NewToken, Scope, TokenChange
from shorty.durations import DAY_MS
from shorty.errors import InvalidFieldsError
from shorty.web.formatting import read_input
from shorty.web.forms import Form
from shorty.web.guard import Pages
from shorty.web.rendering import render, see_other
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer

pages = Pages()

PLACE: Final = "/app/tokens"
ON_A_PAGE: Final = 50
LONGEST_MS: Final = 100 * 366 * DAY_MS
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
DAYS: Final = ("30", "90", "365")
NEVER: Final = "never"
ON_A_DAY: Final = "date"


@pages.handle("GET /tokens", needs="admin")
async def list_tokens(request: WebRequest) -> Answer:
    return await show_tokens(request)


@pages.handle("POST /tokens", needs="admin")
async def create_token(request: WebRequest) -> Answer:
    try:
        new = read_new_token(request)
        made = await request.services.db.write(
            lambda tx: tokens.create_token(tx, request.actor, new, request.now)
        )
    except InvalidFieldsError as error:
        return await show_tokens(request, error)
    return await show_tokens(request, made=made)


@pages.handle("POST /tokens/{token_id}", needs="admin")
async def rename_token(request: WebRequest) -> Answer:
    token_id = request.read_id("token_id", "token")
    change = TokenChange(name=request.typed.read("name"))
    try:
        await request.services.db.write(
            lambda tx: tokens.change_token(tx, request.actor, token_id, change, request.now)
        )
    except InvalidFieldsError as error:
        return await show_tokens(request, error, faulty_id=token_id)
    return see_other(request, PLACE, "Token renamed.")


@pages.handle("POST /tokens/{token_id}/revoke", needs="admin")
async def revoke_token(request: WebRequest) -> Answer:
    token_id = request.read_id("token_id", "token")
    await request.services.db.write(
        lambda tx: tokens.revoke_token(tx, request.actor, token_id, request.now)
    )
    return see_other(request, PLACE, "Token revoked. It no longer works.")


def read_new_token(request: WebRequest) -> NewToken:
    """Raises InvalidFieldsError."""
    typed = request.typed
    scope = typed.read("scope")
    return NewToken(
        name=typed.read("name"),
        scope=scope if scope in SCOPES else "read",
        expires_at=read_end(request),
    )


def read_end(request: WebRequest) -> int | None:
    """When the token expires, in UTC milliseconds. Raises InvalidFieldsError."""
    choice = request.typed.read("ends", NEVER)
    if choice in DAYS:
        return request.now + int(choice) * DAY_MS
    if choice != ON_A_DAY:
        return None
    try:
        end = read_input(request.typed.read("expires_at"), request.zone)
    except ValueError:
        end = None
    if end is None:
        raise InvalidFieldsError({"expires_at": "must be a date and a time"})
    if end > request.now + LONGEST_MS:
        raise InvalidFieldsError({"expires_at": "must be within the next 100 years"})
    return end


async def show_tokens(
    request: WebRequest,
    error: InvalidFieldsError | None = None,
    *,
    faulty_id: int | None = None,
    made: MadeToken | None = None,
) -> Answer:
    """`faulty_id` is the token that was to be renamed; None for a new one."""
    after = request.read_page_start("after")
    found = await tokens.list_tokens(request.services.db, request.actor, after, ON_A_PAGE + 1)
    shown = found[:ON_A_PAGE]
    default = request.services.domains.default
    return render(
        request,
        "tokens.html",
        has_secret=made is not None,
        status=200 if error is None else 422,
        tokens=shown,
        made=made,
        default=default,
        faults={} if error is None else error.fields,
        faulty_id=faulty_id,
        form=Form() if made else request.typed,
        next=f"{PLACE}?after={shown[-1].id}" if len(found) > ON_A_PAGE else "",
        first=PLACE if after else "",
    )
