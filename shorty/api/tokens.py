"""`/tokens`: the workspace's API tokens. Only the response to POST contains a token's text."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from shorty.accounts import tokens
from shorty.accounts.model import NewToken, Scope, Token, TokenChange
from shorty.api.listing import ListQuery, cut_page
from shorty.api.objects import Input, derive_changes, show
from shorty.api.operations import Resource
from shorty.api.requests import ApiRequest
from shorty.webcore.addresses import API
from shorty.webcore.answers import Answer, answer_json, answer_nothing
from shorty.webcore.times import read_time

resource: Final = Resource("Tokens", reads="admin", writes="admin")

Name = Annotated[str, Meta(max_length=tokens.NAME_LENGTH, description="A name to recognise it by.")]
ScopeField = Annotated[
    Scope,
    Meta(
        description="`read` can read, `write` can also change links and what belongs to them, "
        "`admin` can also manage tokens, domains and members."
    ),
]
End = Annotated[datetime, Meta(description="When the token expires. Default: never.")]


class TokenInput(Input, frozen=True, kw_only=True):
    name: Name = ""
    scope: ScopeField = "write"
    expires_at: End | None = None


TokenChanges: Final = derive_changes(TokenInput, scope=None, name=Name | None)


class TokenUser(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    email: str


class TokenObject(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    id: str
    name: str
    hint: str
    scope: Scope
    user: TokenUser
    created_at: str
    expires_at: str | None
    last_used_at: str | None
    token: str | UnsetType = UNSET

    example: ClassVar[dict[str, Any]] = {
        "id": "7",
        "name": "Deploy script",
        "hint": "shorty_Q3fB",
        "scope": "write",
        "user": {"id": "1", "email": "ann@example.com"},
        "createdAt": "2026-11-22T12:00:00.000Z",
        "expiresAt": "2027-11-22T12:00:00.000Z",
        "lastUsedAt": None,
    }


class TokenAnswer(msgspec.Struct, frozen=True, kw_only=True):
    token: TokenObject


class TokenList(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    tokens: list[TokenObject]
    next_cursor: str | None


def show_token(token: Token, text: str | UnsetType = UNSET) -> TokenObject:
    user = TokenUser(id=str(token.user_id), email=token.user_email)
    return show(TokenObject, token, user=user, token=text)


@resource.handle("GET /tokens", "List API tokens", TokenList, query=ListQuery)
async def list_tokens(request: ApiRequest) -> Answer:
    query = request.read_filters(ListQuery)
    found = await tokens.list_tokens(
        request.services.db, request.actor, query.after, query.limit + 1
    )
    page, cursor = cut_page(found, query.limit)
    return answer_json(TokenList(tokens=[show_token(token) for token in page], next_cursor=cursor))


@resource.handle(
    "POST /tokens",
    "Create an API token",
    TokenAnswer,
    is_repeatable=False,
    description="The new token acts as you in this workspace. Its text is only in this response.",
    body=TokenInput,
    body_example={"name": "Deploy script", "scope": "write"},
    answer_example={
        "token": TokenObject.example
        | {"token": "shorty_Q3fBv8mZ0pXW1yT5cKdR7sLhN2uJ4aGeI6oVwYx9zHk"}
    },
)
async def create_token(request: ApiRequest) -> Answer:
    new = NewToken(**read_end(await request.read_given(TokenInput)))
    new = msgspec.structs.replace(new, name=new.name.strip())
    made = await request.write(lambda tx: tokens.create_token(tx, request.actor, new, request.now))
    shown = TokenAnswer(token=show_token(made.token, made.text))
    location = (b"location", f"{API}/tokens/{made.token.id}".encode())
    # The response contains a secret, which no cache may keep.
    return answer_json(shown, 201, [location, (b"cache-control", b"no-store")])


@resource.handle("GET /tokens/{token_id}", "Get an API token", TokenAnswer)
async def get_token(request: ApiRequest) -> Answer:
    token_id = request.read_id("token_id", "token")
    token = await request.services.db.read(
        lambda rows: tokens.get_token(rows, request.actor, token_id)
    )
    return answer_json(TokenAnswer(token=show_token(token)))


@resource.handle(
    "PATCH /tokens/{token_id}",
    "Update an API token's name or expiry",
    TokenAnswer,
    body=TokenChanges,
    body_example={"name": "Old deploy script", "expiresAt": "2027-11-22T12:00:00.000Z"},
)
async def change_token(request: ApiRequest) -> Answer:
    token_id = request.read_id("token_id", "token")
    given = await request.read_given(TokenChanges)
    if "name" in given:
        given["name"] = given["name"] or ""
    change = TokenChange(**read_end(given))
    token = await request.write(
        lambda tx: tokens.change_token(tx, request.actor, token_id, change, request.now)
    )
    return answer_json(TokenAnswer(token=show_token(token)))


@resource.handle(
    "DELETE /tokens/{token_id}",
    "Revoke an API token",
    description="The token stops working immediately.",
)
async def revoke_token(request: ApiRequest) -> Answer:
    token_id = request.read_id("token_id", "token")
    await request.write(lambda tx: tokens.revoke_token(tx, request.actor, token_id, request.now))
    return answer_nothing()


def read_end(given: dict[str, Any]) -> dict[str, Any]:
    """With its expiry, if it has one, in milliseconds."""
    end = given.get("expires_at")
    return given | {"expires_at": read_time(end)} if end else given
