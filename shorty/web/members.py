"""`/app/members`: the workspace's members, their roles, and invitations."""

from collections.abc import Sequence
from typing import Final, get_args

from shorty.accounts import invitations, members
from shorty.accounts.model import Actor, Invitation, Role
from shorty.accounts.roles import is_allowed
from shorty.bidi import isolate
from shorty.errors import (
    AlreadyExistsError,
    ConflictError,
    InvalidFieldsError,
    NotFoundError,
    QuotaExceededError,
    RateLimitedError,
    ShortyError,
)
from shorty.ids import parse_id
from shorty.web.auth_forms import render_form
from shorty.web.cookies import Notice
from shorty.web.guard import Pages
from shorty.web.rendering import render, see_other
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer
from shorty.webcore.invitations import invite

pages = Pages()

PLACE: Final = "/app/members"
SHOWN_AT_ONCE: Final = 100
ROLES: Final[tuple[Role, ...]] = get_args(Role)
ABILITIES: Final[dict[Role, str]] = {
    "viewer": "can see everything but change nothing",
    "editor": "can also create, change and delete links",
    "admin": "can also manage members, domains and API tokens",
    "owner": "everything, including other owners",
}


@pages.handle("GET /members")
async def list_members(request: WebRequest) -> Answer:
    return await show_members(request)


@pages.handle("POST /members", needs="admin")
async def invite_somebody(request: WebRequest) -> Answer:
    """Emails the link, or shows it for copying if email is off."""
    earlier = await invitations.list_invitations(request.services.db, request.actor, request.now)
    try:
        invited = await invite(request, request.typed.read("email"), read_role(request))
    except AlreadyExistsError:
        return await show_members(request, InvalidFieldsError({"email": "is already a member"}))
    except (InvalidFieldsError, ConflictError, QuotaExceededError, RateLimitedError) as error:
        return await show_members(request, error)
    if invited.url is None:
        return see_other(request, PLACE, write_sent(invited.invitation, earlier))
    return render(
        request,
        "invited.html",
        has_secret=True,
        invitation=invited.invitation,
        address=invited.url,
        was_tried=request.services.mailer.is_on,
        changes=write_changes(invited.invitation, earlier),
    )


@pages.handle("POST /members/{user_id}", needs="admin")
async def change_member(request: WebRequest) -> Answer:
    user_id = request.read_id("user_id", "member")
    role = read_role(request)
    try:
        member = await request.services.db.write(
            lambda tx: members.change_role(tx, request.actor, user_id, role)
        )
    except ConflictError as error:
        return refuse(request, error)
    return see_other(request, PLACE, f"{isolate(member.name)} now has the role {member.role}.")


@pages.handle("POST /members/{user_id}/remove", needs="admin")
async def remove_member(request: WebRequest) -> Answer:
    user_id = request.read_id("user_id", "member")
    try:
        await request.services.db.write(
            lambda tx: members.remove_member(tx, request.actor, user_id, request.now)
        )
    except ConflictError as error:
        return refuse(request, error)
    return see_other(request, PLACE, "Member removed. Their links stay.")


@pages.handle("POST /invitations/{invitation_id}/revoke", needs="admin", page=PLACE)
async def revoke(request: WebRequest) -> Answer:
    invitation_id = request.read_id("invitation_id", "invitation")
    await request.services.db.write(
        lambda tx: invitations.revoke_invitation(tx, request.actor, invitation_id)
    )
    return see_other(request, PLACE, "Invitation withdrawn. Its link no longer works.")


def write_sent(new: Invitation, earlier: Sequence[Invitation]) -> str:
    return f"Invitation sent to {new.email}. {write_changes(new, earlier)}".rstrip()


def write_changes(new: Invitation, earlier: Sequence[Invitation]) -> str:
    """What inviting somebody again has changed; empty for the first invitation."""
    former = next((each for each in earlier if each.email == new.email), None)
    if former is None:
        return ""
    roles = "" if former.role == new.role else f" The role is now {new.role}."
    return f"The earlier link no longer works.{roles}"


def refuse(request: WebRequest, error: ShortyError) -> Answer:
    return see_other(request, PLACE, notice=Notice(text=error.message, is_alarm=True))


def read_role(request: WebRequest) -> Role:
    """Raises InvalidFieldsError."""
    role = request.typed.read("role")
    if role not in ROLES:
        raise InvalidFieldsError({"role": f"must be one of {', '.join(ROLES)}"})
    return role


def list_roles(actor: Actor) -> list[Role]:
    """The roles that the actor may assign."""
    return [role for role in ROLES[::-1] if role != "owner" or actor.role == "owner"]


def read_after(request: WebRequest) -> int:
    text = request.read_query().get("after", "0")
    after = parse_id(text)
    if after is None:
        raise NotFoundError("page", text)
    return after


async def show_members(request: WebRequest, error: ShortyError | None = None) -> Answer:
    db, actor, after = request.services.db, request.actor, read_after(request)
    found = await members.list_members(db, actor.workspace_id, after, SHOWN_AT_ONCE + 1)
    shown = found[:SHOWN_AT_ONCE]
    can_manage = is_allowed(actor, "admin")
    invited = await invitations.list_invitations(db, actor, request.now) if can_manage else []
    return render_form(
        request,
        "members.html",
        error,
        members=shown,
        invitations=invited,
        roles=list_roles(actor),
        abilities=ABILITIES,
        form=request.typed,
        next=f"{PLACE}?after={shown[-1].user_id}" if len(found) > SHOWN_AT_ONCE else "",
        first=PLACE if after else "",
        sends_mail=request.services.mailer.is_on,
    )
