"""`/app/invitation`: the page that an invitation's link leads to."""

from urllib.parse import quote

from shorty.accounts.invitations import (
    accept_as_new_person,
    accept_invitation,
    find_invitation,
    is_known_account,
)
from shorty.accounts.model import MadeSession
from shorty.accounts.sessions import start_session, switch_workspace
from shorty.bidi import isolate
from shorty.errors import (
    ConflictError,
    InvalidFieldsError,
    QuotaExceededError,
    ShortyError,
)
from shorty.storage.database import Transaction
from shorty.web.auth_forms import (
    hash_new_password,
    read_agent,
    remember_browser,
    render_form,
    set_session_cookie,
)
from shorty.web.guard import SIGN_IN, Pages
from shorty.web.rendering import see_other
from shorty.web.requests import WebRequest
from shorty.webcore.addresses import HOME
from shorty.webcore.answers import Answer
from shorty.webcore.invitations import INVITATION
from shorty.webcore.mails import describe_role

pages = Pages()


@pages.handle("GET /invitation", needs=None)
async def ask_whether(request: WebRequest) -> Answer:
    return await show_invitation(request, request.read_query().get("key", ""))


@pages.handle("POST /invitation", needs=None)
async def accept(request: WebRequest) -> Answer:
    key = request.typed.read("key")
    invitation = await request.services.db.read(
        lambda rows: find_invitation(rows, key, request.now)
    )
    if invitation is None:
        return await show_invitation(request, "")
    try:
        if request.signed_in is None:
            await join_as_new_person(request, key, invitation.workspace_id)
        else:
            await join_as_oneself(request, key, request.session_id)
    except (InvalidFieldsError, ConflictError, QuotaExceededError) as error:
        return await show_invitation(request, key, error)
    return see_other(request, HOME, f"You joined {isolate(invitation.workspace_name)}.")


async def join_as_oneself(request: WebRequest, key: str, session_id: int) -> None:
    """Switches to the new workspace."""
    services, user_id = request.services, request.actor.user_id

    def join(tx: Transaction) -> None:
        joined = accept_invitation(tx, services.config.plans, key, user_id, request.now)
        switch_workspace(tx, user_id, session_id, joined.workspace_id)

    await services.db.write(join)


async def join_as_new_person(request: WebRequest, key: str, workspace_id: int) -> None:
    services, name = request.services, request.typed.read("name")
    password_hash = await hash_new_password(request)

    def join(tx: Transaction) -> MadeSession:
        plans = services.config.plans
        user = accept_as_new_person(tx, plans, key, name, password_hash, request.now)
        return start_session(tx, user.id, workspace_id, read_agent(request), request.now)

    made = await services.db.write(join)
    set_session_cookie(request, made.text)
    await remember_browser(request, made.session.user_id, passed_code=False)


async def show_invitation(
    request: WebRequest, key: str, error: ShortyError | None = None
) -> Answer:
    db = request.services.db
    invitation = await db.read(lambda rows: find_invitation(rows, key, request.now))
    answer = render_form(
        request,
        "invitation.html",
        error,
        has_secret=True,
        key=key,
        invitation=invitation,
        role="" if invitation is None else describe_role(invitation.role),
        has_account=invitation is not None
        and await db.read(lambda rows: is_known_account(rows, invitation)),
        sign_in=f"{SIGN_IN}?next={quote(f'{INVITATION}?key={key}', safe='/')}",
        name=request.typed.read("name"),
    )
    if invitation is None:
        answer.status_code = 404
    return answer
