"""`/members`: the workspace's members and their roles."""

from typing import Annotated, Any, ClassVar, Final

import msgspec
from msgspec import Meta

from shorty.accounts import members
from shorty.accounts.model import Member, Role
from shorty.api.listing import ListQuery, cut_page
from shorty.api.objects import Input, show
from shorty.api.operations import Resource
from shorty.api.requests import ApiRequest
from shorty.errors import AlreadyExistsError, ConflictError, QuotaExceededError
from shorty.webcore.answers import Answer, answer_json, answer_nothing
from shorty.webcore.invitations import invite

resource: Final = Resource("Members", writes="admin")

RoleField = Annotated[
    Role,
    Meta(
        description="`viewer` can read, `editor` can also change links, `admin` can also manage "
        "tokens, domains and members, `owner` can also manage other owners."
    ),
]


class MemberInput(Input, frozen=True, kw_only=True):
    email: Annotated[str, Meta(description="Email of the person to invite.")]
    role: RoleField = "editor"


class MemberChanges(Input, frozen=True, kw_only=True):
    role: RoleField


class MemberObject(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    id: str
    email: str
    email_verified: Annotated[
        bool,
        Meta(description="Whether the member has confirmed this email."),
    ]
    name: str
    role: Role
    created_at: str

    example: ClassVar[dict[str, Any]] = {
        "id": "2",
        "email": "bob@example.com",
        "emailVerified": True,
        "name": "Bob",
        "role": "editor",
        "createdAt": "2026-11-22T12:00:00.000Z",
    }


class InvitationObject(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    id: str
    email: str
    role: Role
    url: Annotated[
        str | None,
        Meta(
            description="The invitation link to pass on if the server could not email it; only "
            "this response contains it. null if it was emailed."
        ),
    ]
    expires_at: str

    example: ClassVar[dict[str, Any]] = {
        "id": "5",
        "email": "bob@example.com",
        "role": "editor",
        "url": None,
        "expiresAt": "2026-11-29T12:00:00.000Z",
    }


class InvitationAnswer(msgspec.Struct, frozen=True, kw_only=True):
    invitation: InvitationObject


class MemberAnswer(msgspec.Struct, frozen=True, kw_only=True):
    member: MemberObject


class MemberList(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    members: list[MemberObject]
    next_cursor: str | None


def show_member(member: Member) -> MemberObject:
    is_verified = member.email_verified_at is not None
    return show(MemberObject, member, id=str(member.user_id), email_verified=is_verified)


@resource.handle("GET /members", "List members", MemberList, query=ListQuery)
async def list_members(request: ApiRequest) -> Answer:
    query = request.read_filters(ListQuery)
    found = await members.list_members(
        request.services.db, request.actor.workspace_id, query.after, query.limit + 1
    )
    page, cursor = cut_page(found, query.limit, lambda member: member.user_id)
    return answer_json(
        MemberList(members=[show_member(member) for member in page], next_cursor=cursor)
    )


@resource.handle(
    "POST /members",
    "Invite a member",
    InvitationAnswer,
    is_repeatable=False,
    description="Creates an invitation for this email. Its link works once and expires in seven "
    "days; an earlier invitation for the same email stops working. The person becomes a member "
    "by accepting it, with an existing account or a new one. The response is the same whether or "
    "not the email has an account. The link is emailed if the server sends mail; otherwise it is "
    "in `url` for you to pass on.",
    body=MemberInput,
    body_example={"email": "bob@example.com", "role": "editor"},
    errors=(AlreadyExistsError, ConflictError, QuotaExceededError),
)
async def invite_member(request: ApiRequest) -> Answer:
    wanted = await request.read_fields(MemberInput)
    invited = await invite(request, wanted.email, wanted.role)
    shown = show(InvitationObject, invited.invitation, url=invited.url)
    # The link gives access, so no cache may keep it and the response is not stored here.
    return answer_json(InvitationAnswer(invitation=shown), 201, [(b"cache-control", b"no-store")])


@resource.handle("GET /members/{member_id}", "Get a member", MemberAnswer)
async def get_member(request: ApiRequest) -> Answer:
    user_id = request.read_id("member_id", "member")
    member = await request.services.db.read(
        lambda rows: members.get_member(rows, request.actor.workspace_id, user_id)
    )
    return answer_json(MemberAnswer(member=show_member(member)))


@resource.handle(
    "PATCH /members/{member_id}",
    "Update a member's role",
    MemberAnswer,
    body=MemberChanges,
    body_example={"role": "viewer"},
    answer_example={"member": MemberObject.example | {"role": "viewer"}},
    errors=(ConflictError,),
)
async def change_member(request: ApiRequest) -> Answer:
    user_id = request.read_id("member_id", "member")
    wanted = await request.read_fields(MemberChanges)
    member = await request.write(
        lambda tx: members.change_role(tx, request.actor, user_id, wanted.role)
    )
    return answer_json(MemberAnswer(member=show_member(member)))


@resource.handle(
    "DELETE /members/{member_id}",
    "Remove a member",
    description="Their tokens for this workspace stop working immediately; their links are kept.",
    errors=(ConflictError,),
)
async def remove_member(request: ApiRequest) -> Answer:
    user_id = request.read_id("member_id", "member")
    await request.write(lambda tx: members.remove_member(tx, request.actor, user_id, request.now))
    return answer_nothing()
