"""`/app/welcome`: the first-run setup, where the owner creates their account."""

from typing import Final

from shorty.accounts.model import MadeSession
from shorty.accounts.service import can_anyone_sign_in, claim_first_workspace
from shorty.accounts.sessions import start_session
from shorty.accounts.setup_key import forget_setup_keys, is_setup_key
from shorty.errors import AlreadyExistsError, ConflictError, InvalidFieldsError, ShortyError
from shorty.storage.database import Transaction
from shorty.web.auth_forms import (
    hash_new_password,
    read_agent,
    remember_browser,
    set_session_cookie,
)
from shorty.web.forms import read_faults
from shorty.web.guard import SIGN_IN, Pages
from shorty.web.rendering import render, see_other
from shorty.web.requests import WebRequest
from shorty.webcore.addresses import HOME
from shorty.webcore.answers import Answer

pages = Pages()

WELCOME: Final = "/app/welcome"


@pages.handle("GET /welcome", needs=None)
async def ask_account(request: WebRequest) -> Answer:
    key = request.read_query().get("key", "")
    if await request.services.db.read(can_anyone_sign_in):
        return see_other(request, SIGN_IN)
    is_right = await request.services.db.read(lambda rows: is_setup_key(rows, key))
    return show_welcome(request, key if is_right else "")


@pages.handle("POST /welcome", needs=None)
async def make_account(request: WebRequest) -> Answer:
    services, typed = request.services, request.typed
    key = typed.read("key")
    if not await services.db.read(lambda rows: is_setup_key(rows, key)):
        return show_welcome(request)
    try:
        password_hash = await hash_new_password(request)

        def claim(tx: Transaction) -> MadeSession:
            home = claim_first_workspace(
                *(tx, services.config, typed.read("email"), typed.read("name")),
                *(password_hash, request.now),
            )
            forget_setup_keys(tx)
            agent = read_agent(request)
            return start_session(tx, home.user.id, home.workspace.id, agent, request.now)

        made = await services.db.write(claim)
    except (InvalidFieldsError, AlreadyExistsError) as error:
        return show_welcome(request, key, error)
    except ConflictError as error:
        return see_other(request, SIGN_IN, error.message)
    set_session_cookie(request, made.text)
    await remember_browser(request, made.session.user_id, passed_code=False)
    return see_other(request, HOME, "Your account is ready.")


def show_welcome(request: WebRequest, key: str = "", error: ShortyError | None = None) -> Answer:
    """Without a key: it was not the right one."""
    return render(
        request,
        "welcome.html",
        has_secret=True,
        status=403 if not key else 200 if error is None else 422,
        key=key,
        form=request.typed,
        faults={} if error is None else read_faults(error, "email"),
    )
