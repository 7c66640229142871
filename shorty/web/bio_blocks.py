"""`/app/bio-pages/{id}/blocks`: a bio page's blocks and their order."""

from msgspec.structs import replace

from shorty.bio import blocks
from shorty.bio.model import Block, BlockChange, NewBlock
from shorty.bio.service import PAGE
from shorty.errors import InvalidFieldsError, ShortyError
from shorty.links.model import LinkChange
from shorty.links.service import create_link
from shorty.web.bio_forms import BlockForm, read_block_form, read_kind
from shorty.web.bio_pages import (
    PLACE,
    UPLOAD_LIMIT,
    FaultyForm,
    get_page,
    keep_picture,
    show_editor,
)
from shorty.web.destinations import read_destination
from shorty.web.forms import read_faults
from shorty.web.guard import Pages
from shorty.web.rendering import see_other
from shorty.web.requests import WebRequest, find_named_link
from shorty.webcore.answers import Answer

pages = Pages()


@pages.handle("POST /bio-pages/{page_id}/blocks", needs="write", limit=UPLOAD_LIMIT)
async def add_block(request: WebRequest) -> Answer:
    shown = await get_page(request)
    place = f"new-{request.typed.read('kind')}"
    try:
        new = await read_new_block(request, shown.link.host)
        block = await request.services.db.write(
            lambda tx: blocks.add_block(
                tx, request.services.links, request.actor, shown.id, new, request.now
            )
        )
    except ShortyError as error:
        return await show_faults(request, place, error)
    return see_other(request, f"{PLACE}/{shown.id}#block-{block.id}", "It is on the page.")


@pages.handle("POST /bio-pages/{page_id}/blocks/order", needs="write")
async def order_blocks(request: WebRequest) -> Answer:
    """`ids` are all of the page's blocks, from the top."""
    page_id = request.read_id("page_id", PAGE)
    ids = request.typed.read_ids("ids")
    await request.services.db.write(
        lambda tx: blocks.order_blocks(tx, request.actor, page_id, ids, request.now)
    )
    return see_other(request, f"{PLACE}/{page_id}")


@pages.handle("POST /bio-pages/{page_id}/blocks/{block_id}", needs="write", limit=UPLOAD_LIMIT)
async def change_block(request: WebRequest) -> Answer:
    shown = await get_page(request)
    block = blocks.find_block(shown.blocks, request.read_id("block_id", "block"))
    try:
        change = await read_change(request, block, shown.link.host)
        await request.services.db.write(
            lambda tx: blocks.change_block(
                tx, request.services.links, request.actor, shown.id, block.id, change, request.now
            )
        )
    except ShortyError as error:
        return await show_faults(request, str(block.id), error)
    return see_other(request, f"{PLACE}/{shown.id}#block-{block.id}", "Saved.")


@pages.handle("POST /bio-pages/{page_id}/blocks/{block_id}/move", needs="write")
async def move_block(request: WebRequest) -> Answer:
    """Moves a block one place up or down."""
    shown = await get_page(request)
    ids = [block.id for block in shown.blocks]
    block = blocks.find_block(shown.blocks, request.read_id("block_id", "block"))
    here = ids.index(block.id)
    there = here - 1 if request.typed.read("way") == "up" else here + 1
    if 0 <= there < len(ids):
        ids[here], ids[there] = ids[there], ids[here]
        await request.services.db.write(
            lambda tx: blocks.order_blocks(tx, request.actor, shown.id, ids, request.now)
        )
    return see_other(request, f"{PLACE}/{shown.id}#block-{block.id}")


@pages.handle("POST /bio-pages/{page_id}/blocks/{block_id}/hide", needs="write")
async def hide_block(request: WebRequest) -> Answer:
    """Hides a block or shows it again."""
    page_id = request.read_id("page_id", PAGE)
    block_id = request.read_id("block_id", "block")
    change = BlockChange(is_hidden=request.typed.is_checked("is_hidden"))
    await request.services.db.write(
        lambda tx: blocks.change_block(
            tx, request.services.links, request.actor, page_id, block_id, change, request.now
        )
    )
    return see_other(request, f"{PLACE}/{page_id}#block-{block_id}")


@pages.handle("POST /bio-pages/{page_id}/blocks/{block_id}/delete", needs="write")
async def delete_block(request: WebRequest) -> Answer:
    page_id = request.read_id("page_id", PAGE)
    block_id = request.read_id("block_id", "block")
    await request.services.db.write(
        lambda tx: blocks.delete_block(tx, request.actor, page_id, block_id)
    )
    return see_other(request, f"{PLACE}/{page_id}#blocks", "It is off the page.")


async def read_new_block(request: WebRequest, host: str) -> NewBlock:
    form = read_block_form(request.typed, request.zone)
    kind = read_kind(request.typed)
    image = request.typed.files.get("image")
    if kind == "image" and bool(image) == bool(form.url):
        raise InvalidFieldsError({"image": "choose a picture or give an address, one of the two"})
    return NewBlock(
        kind=kind,
        link_id=await find_target(request, form, host) if kind == "link" else None,
        text=form.text,
        url=form.url,
        picture_id=(await keep_picture(request, image, "image")).id if image else None,
        shown_from=form.shown_from,
        shown_until=form.shown_until,
    )


async def read_change(request: WebRequest, block: Block, host: str) -> BlockChange:
    form = read_block_form(request.typed, request.zone)
    change = BlockChange(text=form.text, shown_from=form.shown_from, shown_until=form.shown_until)
    match block.kind:
        case "link":
            # Even if its domain no longer answers, so that the short link cannot be looked up.
            if block.target and form.target == block.target.short_url.partition("://")[2]:
                return change
            return replace(change, link_id=await find_target(request, form, host))
        case "embed":
            return replace(change, url=form.url)
        case "image":
            if image := request.typed.files.get("image"):
                return replace(change, picture_id=(await keep_picture(request, image, "image")).id)
            return replace(change, url=form.url) if form.url else change
        case _:
            return change


async def find_target(request: WebRequest, form: BlockForm, host: str) -> int:
    """The id of the short link: `go.example/sale`, or `sale` on the page's own domain.

    Creates a short link for any other URL. Raises InvalidFieldsError for an empty field.
    """
    typed = form.target
    if not typed:
        raise InvalidFieldsError({"target": "must name a short link, or where the button leads"})
    if named := await find_named_link(request, typed, host):
        return named.id
    url, link_type = read_destination({"url": typed, "link_type": "URL"})
    if link_type == "URL" and "." not in typed:
        raise InvalidFieldsError({"target": f"names no short link of this workspace: {typed[:80]}"})
    context, actor = request.services.links, request.actor
    wanted = LinkChange(url=url, domain=host, link_type=link_type, fetches_title=True)
    try:
        return (await create_link(context, actor, wanted, request.now)).id
    except InvalidFieldsError as error:
        raise InvalidFieldsError({"target": error.fields.get("url", error.message)}) from error


async def show_faults(request: WebRequest, place: str, error: ShortyError) -> Answer:
    field = "target" if request.typed.read("target") else "text"
    faulty = FaultyForm(place=place, faults=read_faults(error, field))
    return await show_editor(request, await get_page(request), faulty)
