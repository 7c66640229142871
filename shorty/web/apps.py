"""`/app/apps`: ways to create links from elsewhere, each made out for this server.

A file for another program gets a token of its own, which is shown once, like any token.
"""

from typing import Final

import msgspec

from shorty.accounts import tokens
from shorty.accounts.model import MadeToken, NewToken
from shorty.errors import InvalidFieldsError
from shorty.web.guard import Pages
from shorty.web.link_list import find_usual_domain
from shorty.web.recipes import RECIPES, Maker, write_bookmarklet
from shorty.web.rendering import render
from shorty.web.requests import WebRequest
from shorty.web.tokens import read_end
from shorty.webcore.addresses import find_shown_base
from shorty.webcore.answers import Answer

pages = Pages()

SCOPE: Final = "write"  # the least that creates links


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """What was made: the recipe's key, its file (may be empty) and the token in it."""

    app: str
    token: MadeToken
    maker: Maker
    content: str


@pages.handle("GET /apps", needs="write")
async def show_apps(request: WebRequest) -> Answer:
    return await show(request)


@pages.handle("POST /apps", needs="admin")
async def make_file(request: WebRequest) -> Answer:
    try:
        return await show(request, made=await make(request))
    except InvalidFieldsError as error:
        return await show(request, error)


async def make(request: WebRequest) -> Made:
    """Creates the token. Raises InvalidFieldsError."""
    typed = request.typed
    app, domain = typed.read("app"), typed.read("domain")
    faults: dict[str, str] = {}
    if app not in RECIPES:
        faults["app"] = "must be one of these"
    if domain not in list_hosts(request):
        faults["domain"] = "must be one of these"
    if faults:
        raise InvalidFieldsError(faults)
    recipe = RECIPES[app]
    new = NewToken(name=recipe.name, scope=SCOPE, expires_at=read_end(request))
    token = await request.services.db.write(
        lambda tx: tokens.create_token(tx, request.actor, new, request.now)
    )
    maker = Maker(base=find_shown_base(request), domain=domain, token=token.text)
    content = recipe.write(maker) if recipe.write else ""
    return Made(app=app, token=token, maker=maker, content=content)


def list_hosts(request: WebRequest) -> list[str]:
    domains = request.services.domains.list_for_workspace(request.actor.workspace_id)
    return [domain.host for domain in domains]


async def show(
    request: WebRequest, error: InvalidFieldsError | None = None, *, made: Made | None = None
) -> Answer:
    return render(
        request,
        "apps.html",
        status=200 if error is None else 422,
        recipes=RECIPES,
        bookmarklet=write_bookmarklet(find_shown_base(request)),
        hosts=list_hosts(request),
        usual_host=await find_usual_domain(request),
        made=made,
        faults={} if error is None else error.fields,
        form=request.typed,
    )
