"""`/tags`: names and colours that the workspace's links share."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from shorty.api.idempotency import create_once
from shorty.api.link_object import TagObject, show_tag
from shorty.api.listing import ListQuery, cut_page
from shorty.api.objects import Input, derive_changes
from shorty.api.operations import Resource
from shorty.api.requests import ApiRequest
from shorty.errors import AlreadyExistsError
from shorty.links import tags
from shorty.links.model import Tag
from shorty.links.tags import NewTag, TagChange
from shorty.webcore.answers import Answer, answer_json, answer_nothing
from shorty.webcore.fields import convert_given
from shorty.webcore.requests import read_body

resource: Final = Resource("Tags")

Name = Annotated[
    str,
    Meta(description=f"Up to {tags.NAME_LENGTH} characters, no commas; unique regardless of case."),
]
Color = Annotated[str, Meta(description="Such as `#4477aa`; default: derived from the name.")]


class TagInput(Input, frozen=True, kw_only=True):
    name: Name
    color: Color | None = None


TagChanges: Final = derive_changes(TagInput)


class TagAnswer(msgspec.Struct, frozen=True, kw_only=True):
    tag: TagObject


class TagList(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    tags: list[TagObject]
    next_cursor: str | None


class TagQuery(ListQuery, frozen=True, kw_only=True):
    """All tags are returned in one page unless the caller sets a limit."""

    limit: Annotated[
        int, Meta(ge=1, le=tags.MAX_TAGS, description="Maximum number of results.")
    ] = tags.MAX_TAGS


@resource.handle(
    "GET /tags",
    "List tags",
    TagList,
    description=f"By name. A workspace has at most {tags.MAX_TAGS:,} tags; without a `limit` all "
    "are returned.",
    query=TagQuery,
)
async def list_tags(request: ApiRequest) -> Answer:
    query = request.read_filters(TagQuery)
    found = await tags.list_tags(
        request.services.db, request.actor.workspace_id, query.after, query.limit + 1
    )
    page, cursor = cut_page(found, query.limit)
    return answer_json(TagList(tags=[show_tag(tag) for tag in page], next_cursor=cursor))


@resource.handle(
    "POST /tags",
    "Create a tag",
    TagAnswer,
    body=TagInput,
    body_example={"name": "Press", "color": "#4477aa"},
    errors=(AlreadyExistsError,),
)
async def create_tag(request: ApiRequest) -> Answer:
    body = await read_body(request)
    new = NewTag(**convert_given(body.fields, TagInput))
    return await create_once(
        request,
        body,
        "/tags",
        lambda tx: tags.create_tag(tx, request.actor, new, request.now),
        lambda tag: TagAnswer(tag=show_tag(tag)),
    )


@resource.handle("GET /tags/{tag_id}", "Get a tag", TagAnswer)
async def get_tag(request: ApiRequest) -> Answer:
    tag_id = request.read_id("tag_id", "tag")
    tag = await tags.get_tag(request.services.db, request.actor.workspace_id, tag_id)
    return _answer_tag(tag)


@resource.handle(
    "PATCH /tags/{tag_id}",
    "Update a tag",
    TagAnswer,
    body=TagChanges,
    body_example={"name": "Media"},
    errors=(AlreadyExistsError,),
)
async def change_tag(request: ApiRequest) -> Answer:
    tag_id = request.read_id("tag_id", "tag")
    change = TagChange(**await request.read_given(TagChanges))
    tag = await request.write(lambda tx: tags.change_tag(tx, request.actor, tag_id, change))
    return _answer_tag(tag)


@resource.handle("DELETE /tags/{tag_id}", "Delete a tag", description="Links that had it are kept.")
async def delete_tag(request: ApiRequest) -> Answer:
    tag_id = request.read_id("tag_id", "tag")
    await request.write(lambda tx: tags.delete_tag(tx, request.actor, tag_id))
    return answer_nothing()


def _answer_tag(tag: Tag) -> Answer:
    return answer_json(TagAnswer(tag=show_tag(tag)))
