"""`/members`: who belongs to the workspace, and in which role."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from shorty.accounts import members
from shorty.accounts.model import Member, NewMember, Role
from shorty.api.idempotency import answer_once, in_one_write
from shorty.api.listing import ListQuery, cut_page, read_list_query
from shorty.api.operations import Operation, handle
from shorty.api.requests import ApiRequest
from shorty.errors import AlreadyExistsError, ConflictError, QuotaExceededError
from shorty.http.answers import Answer, answer_created, answer_json, answer_nothing
from shorty.http.fields import convert_fields
from shorty.http.requests import read_body
from shorty.http.times import format_time
from shorty.storage.database import Transaction

TAG: Final = "Members"
EXAMPLE: Final = {
    "id": "2",
    "email": "bob@example.com",
    "name": "Bob",
    "role": "editor",
    "createdAt": "2026-11-22T12:00:00.000Z",
}

RoleField = Annotated[
    Role,
    Meta(
        description="`viewer` reads, `editor` changes links, `admin` also manages tokens, "
        "domains and members, `owner` also other owners."
    ),
]


class MemberInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    email: Annotated[str, Meta(description="Whose account joins; made if there is none.")]
    name: Annotated[
        str, Meta(description="What the workspace calls them; else what stands before the @.")
    ] = ""
    role: RoleField = "editor"


class MemberChanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    role: RoleField


class MemberObject(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    id: str
    email: str
    name: str
    role: Role
    created_at: str


class MemberAnswer(msgspec.Struct, frozen=True, kw_only=True):
    member: MemberObject


class MemberList(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    members: list[MemberObject]
    next_cursor: str | None


def show_member(member: Member) -> MemberObject:
    return MemberObject(
        id=str(member.user_id),
        email=member.email,
        name=member.name,
        role=member.role,
        created_at=format_time(member.created_at),
    )


@handle(
    "GET",
    "/members",
    Operation(
        summary="List the members",
        tag=TAG,
        query=ListQuery,
        answer=MemberList,
        answer_example={"members": [EXAMPLE], "nextCursor": None},
    ),
)
async def list_members(request: ApiRequest) -> Answer:
    query = read_list_query(request)
    found = await members.list_members(
        request.services.db, request.actor.workspace_id, query.after, query.limit + 1
    )
    page, has_more = cut_page(found, query.limit)
    next_cursor = str(page[-1].user_id) if has_more else None
    return answer_json(
        MemberList(members=[show_member(member) for member in page], next_cursor=next_cursor)
    )


@handle(
    "POST",
    "/members",
    Operation(
        summary="Add a member",
        description="Adds the person with that address. Somebody without an account gets one "
        "without a password: the operator sets it with `shorty user add`, or where mail can be "
        "sent they ask for a link. In the dashboard, people are invited instead.",
        tag=TAG,
        scope="admin",
        body=MemberInput,
        body_example={"email": "bob@example.com", "role": "editor"},
        is_repeatable=True,
        status=201,
        answer=MemberAnswer,
        answer_example={"member": EXAMPLE},
        errors=(AlreadyExistsError, QuotaExceededError),
    ),
)
async def add_member(request: ApiRequest) -> Answer:
    body = await read_body(request)
    wanted = convert_fields(body.fields, MemberInput)
    new = NewMember(email=wanted.email, name=wanted.name, role=wanted.role)

    def create(tx: Transaction) -> Member:
        return members.add_member(tx, request.actor, new, request.now)

    def show(member: Member) -> Answer:
        shown = MemberAnswer(member=show_member(member))
        return answer_created(shown, f"/api/v1/members/{member.user_id}")

    return await answer_once(request, body, in_one_write(request, create), show)


@handle(
    "GET",
    "/members/{member_id:str}",
    Operation(
        summary="Read a member",
        tag=TAG,
        answer=MemberAnswer,
        answer_example={"member": EXAMPLE},
    ),
)
async def get_member(request: ApiRequest) -> Answer:
    user_id = request.read_id("member_id", "member")
    member = members.get_member(request.services.db, request.actor.workspace_id, user_id)
    return answer_json(MemberAnswer(member=show_member(member)))


@handle(
    "PATCH",
    "/members/{member_id:str}",
    Operation(
        summary="Change a member's role",
        tag=TAG,
        scope="admin",
        body=MemberChanges,
        body_example={"role": "viewer"},
        answer=MemberAnswer,
        answer_example={"member": EXAMPLE | {"role": "viewer"}},
        errors=(ConflictError,),
    ),
)
async def change_member(request: ApiRequest) -> Answer:
    user_id = request.read_id("member_id", "member")
    wanted = convert_fields((await read_body(request)).fields, MemberChanges)
    member = await request.services.db.write(
        lambda tx: members.change_role(tx, request.actor, user_id, wanted.role)
    )
    return answer_json(MemberAnswer(member=show_member(member)))


@handle(
    "DELETE",
    "/members/{member_id:str}",
    Operation(
        summary="Remove a member",
        description="Their tokens for this workspace stop at once; their links stay.",
        tag=TAG,
        scope="admin",
        status=204,
        errors=(ConflictError,),
    ),
)
async def remove_member(request: ApiRequest) -> Answer:
    user_id = request.read_id("member_id", "member")
    await request.services.db.write(
        lambda tx: members.remove_member(tx, request.actor, user_id, request.now)
    )
    return answer_nothing()


HANDLERS: Final = (list_members, add_member, get_member, change_member, remove_member)
