"""`/app/tags`: the names and colours of tags."""

from typing import Final

from shorty.bidi import isolate
from shorty.errors import AlreadyExistsError, InvalidFieldsError
from shorty.links import tags
from shorty.links.tags import NewTag, TagChange
from shorty.web.forms import read_faults
from shorty.web.guard import Pages
from shorty.web.rendering import render, see_other
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer

pages = Pages()

PLACE: Final = "/app/tags"
ON_A_PAGE: Final = 100


@pages.handle("GET /tags")
async def list_tags(request: WebRequest) -> Answer:
    return await show_tags(request)


@pages.handle("POST /tags", needs="write")
async def create_tag(request: WebRequest) -> Answer:
    new = NewTag(name=request.typed.read("name"), color=request.typed.read_optional("color"))
    try:
        tag = await request.services.db.write(
            lambda tx: tags.create_tag(tx, request.actor, new, request.now)
        )
    except (InvalidFieldsError, AlreadyExistsError) as error:
        return await show_tags(request, error)
    return see_other(request, PLACE, f"Tag “{isolate(tag.name)}” created.")


@pages.handle("POST /tags/{tag_id}", needs="write")
async def change_tag(request: WebRequest) -> Answer:
    tag_id = request.read_id("tag_id", "tag")
    change = TagChange(name=request.typed.read("name"), color=request.typed.read_optional("color"))
    try:
        await request.services.db.write(
            lambda tx: tags.change_tag(tx, request.actor, tag_id, change)
        )
    except (InvalidFieldsError, AlreadyExistsError) as error:
        return await show_tags(request, error, tag_id)
    return see_other(request, PLACE, "Changes saved.")


@pages.handle("POST /tags/{tag_id}/delete", needs="write")
async def delete_tag(request: WebRequest) -> Answer:
    tag_id = request.read_id("tag_id", "tag")
    await request.services.db.write(lambda tx: tags.delete_tag(tx, request.actor, tag_id))
    return see_other(request, PLACE, "Tag deleted. Its links stay.")


async def show_tags(
    request: WebRequest,
    error: InvalidFieldsError | AlreadyExistsError | None = None,
    tag_id: int | None = None,
) -> Answer:
    """`error` is about the tag that was changed, or the new one."""
    after = request.read_page_start("after")
    found = await tags.list_tags(
        request.services.db, request.actor.workspace_id, after, ON_A_PAGE + 1
    )
    shown = found[:ON_A_PAGE]
    return render(
        request,
        "tags.html",
        status=200 if error is None else 422,
        tags=shown,
        next=f"{PLACE}?after={shown[-1].id}" if len(found) > ON_A_PAGE else "",
        first=PLACE if after else "",
        faults={} if error is None else read_faults(error, "name"),
        faulty_id=tag_id,
        form=request.typed,
        palette=tags.PALETTE,
    )
