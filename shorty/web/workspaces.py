"""`/app/workspaces`: switch, create, rename or leave a workspace."""

from typing import Final

from shorty.accounts.service import (
    create_workspace,
    leave_workspace,
    list_workspaces,
    rename_workspace,
)
from shorty.accounts.sessions import switch_workspace
from shorty.bidi import isolate
from shorty.errors import ConflictError, InvalidFieldsError, ShortyError
from shorty.storage.database import Transaction
from shorty.web.auth_forms import render_form
from shorty.web.cookies import Notice
from shorty.web.guard import SIGN_IN, Pages
from shorty.web.rendering import see_other
from shorty.web.requests import WebRequest
from shorty.webcore.addresses import HOME
from shorty.webcore.answers import Answer

pages = Pages()

PLACE: Final = "/app/workspaces"


@pages.handle("GET /workspaces")
async def read_workspaces(request: WebRequest) -> Answer:
    return await show_workspaces(request)


@pages.handle("POST /workspaces")
async def create(request: WebRequest) -> Answer:
    """Creates a workspace and switches to it."""
    services, user_id, name = request.services, request.actor.user_id, request.typed.read("name")

    def work(tx: Transaction) -> str:
        made = create_workspace(tx, services.config, user_id, name, request.now)
        switch_workspace(tx, user_id, request.session_id, made.id)
        return made.name

    try:
        made = await services.db.write(work)
    except InvalidFieldsError as error:
        return await show_workspaces(request, error, "create")
    return see_other(request, HOME, f"Workspace {isolate(made)} created.")


@pages.handle("POST /workspaces/{workspace_id}/open")
async def switch(request: WebRequest) -> Answer:
    workspace_id = request.read_id("workspace_id", "workspace")
    user_id, session_id = request.actor.user_id, request.session_id
    await request.services.db.write(
        lambda tx: switch_workspace(tx, user_id, session_id, workspace_id)
    )
    return see_other(request, HOME)


@pages.handle("POST /workspaces/rename", needs="admin")
async def rename(request: WebRequest) -> Answer:
    name = request.typed.read("name")
    try:
        await request.services.db.write(lambda tx: rename_workspace(tx, request.actor, name))
    except InvalidFieldsError as error:
        return await show_workspaces(request, error, "rename")
    return see_other(request, PLACE, "Workspace renamed.")


@pages.handle("POST /workspaces/leave")
async def leave(request: WebRequest) -> Answer:
    """Leaves the current workspace; a user without another one is signed out."""
    left = request.signed_in.workspace_name if request.signed_in else ""
    try:
        await request.services.db.write(lambda tx: leave_workspace(tx, request.actor, request.now))
    except ConflictError as error:
        return see_other(request, PLACE, notice=Notice(text=error.message, is_alarm=True))
    others = await list_workspaces(request.services.db, request.actor.user_id)
    return see_other(request, PLACE if others else SIGN_IN, f"You left {isolate(left)}.")


async def show_workspaces(
    request: WebRequest, error: ShortyError | None = None, faulty: str = ""
) -> Answer:
    """`faulty` names the form that the error is about."""
    return render_form(
        request,
        "workspaces.html",
        error,
        faulty=faulty,
        form=request.typed,
        workspaces=await list_workspaces(request.services.db, request.actor.user_id),
    )
