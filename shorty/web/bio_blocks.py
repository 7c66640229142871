"""`/app/bio-pages/{id}/blocks`: a bio page's blocks and their order.

The buttons belong to the editor's one form: what else was typed there is saved first.
"""

from collections.abc import Callable
from typing import TypeVar

from msgspec.structs import replace

from shorty.bidi import isolate
from shorty.bio import blocks
from shorty.bio.model import BioPage, Block, BlockChange, NewBlock
from shorty.bio.service import PAGE
from shorty.errors import InvalidFieldsError, ShortyError
from shorty.storage.database import Transaction
from shorty.web.bio_editor import (
    find_target,
    get_page,
    keep_picture,
    name_block,
    save_typed,
    show_editor,
)
from shorty.web.bio_forms import read_block_form, read_kind
from shorty.web.bio_pages import PLACE, UPLOAD_LIMIT
from shorty.web.forms import read_faults
from shorty.web.guard import Pages
from shorty.web.rendering import see_other
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer

T = TypeVar("T")

pages = Pages()


@pages.handle("POST /bio-pages/{page_id}/blocks", needs="write", limit=UPLOAD_LIMIT)
async def add_block(request: WebRequest) -> Answer:
    shown = await get_page(request)
    part = f"new-{request.typed.read('kind')}"
    faults = dict(await save_typed(request, shown))
    try:
        new = await read_new_block(request, part, shown.link.host)
        block = await write(
            request,
            lambda tx: blocks.add_block(
                tx, request.services.links, request.actor, shown.id, new, request.now
            ),
        )
    except ShortyError as error:
        field = "target" if request.typed.read(f"{part}-target") else "text"
        faults[part] = read_faults(error, field)
        return await show_editor(request, await get_page(request), faults)
    if faults:
        return await show_editor(request, await get_page(request), faults)
    return see_other(request, f"{PLACE}/{shown.id}#block-{block.id}", "Block added.")


@pages.handle("POST /bio-pages/{page_id}/blocks/order", needs="write")
async def order_blocks(request: WebRequest) -> Answer:
    """`ids` are all of the page's blocks, from the top. A script gets 204, as one that is sent to
    sign in must not take that for success.
    """
    page_id = request.read_id("page_id", PAGE)
    ids = request.typed.read_ids("ids")
    await write(
        request, lambda tx: blocks.order_blocks(tx, request.actor, page_id, ids, request.now)
    )
    return Answer(204) if request.is_scripted else see_other(request, f"{PLACE}/{page_id}")


@pages.handle(
    "POST /bio-pages/{page_id}/blocks/{block_id}/move",
    needs="write",
    limit=UPLOAD_LIMIT,
    page="/app/bio-pages/{page_id}",
)
async def move_block(request: WebRequest) -> Answer:
    """Moves a block one place up, or else down."""
    shown, block = await read_block(request)
    if faults := await save_typed(request, shown):
        return await show_editor(request, await get_page(request), faults)
    ids = [block.id for block in shown.blocks]
    here = ids.index(block.id)
    there = here - 1 if request.typed.read("way") == "up" else here + 1
    if 0 <= there < len(ids):
        ids[here], ids[there] = ids[there], ids[here]
        await write(
            request, lambda tx: blocks.order_blocks(tx, request.actor, shown.id, ids, request.now)
        )
    place = ids.index(block.id) + 1
    said = f"“{isolate(name_block(block))}” moved to position {place} of {len(ids)}."
    return see_other(request, f"{PLACE}/{shown.id}#block-{block.id}", said)


@pages.handle(
    "POST /bio-pages/{page_id}/blocks/{block_id}/hide",
    needs="write",
    limit=UPLOAD_LIMIT,
    page="/app/bio-pages/{page_id}",
)
async def hide_block(request: WebRequest) -> Answer:
    """Hides a block or shows it again."""
    is_hidden = request.typed.is_checked("is_hidden")
    shown, block = await read_block(request)
    if faults := await save_typed(request, shown):
        return await show_editor(request, await get_page(request), faults)
    change = BlockChange(is_hidden=is_hidden)
    await write(
        request,
        lambda tx: blocks.change_block(
            tx, request.services.links, request.actor, shown.id, block.id, change, request.now
        ),
    )
    said = f"“{isolate(name_block(block))}” is {'hidden' if is_hidden else 'visible'} now."
    return see_other(request, f"{PLACE}/{shown.id}#block-{block.id}", said)


@pages.handle(
    "POST /bio-pages/{page_id}/blocks/{block_id}/delete",
    needs="write",
    limit=UPLOAD_LIMIT,
    page="/app/bio-pages/{page_id}",
)
async def delete_block(request: WebRequest) -> Answer:
    shown, block = await read_block(request)
    others = replace(shown, blocks=tuple(each for each in shown.blocks if each != block))
    if faults := await save_typed(request, others):
        return await show_editor(request, await get_page(request), faults)
    await write(request, lambda tx: blocks.delete_block(tx, request.actor, shown.id, block.id))
    said = f"“{isolate(name_block(block))}” deleted."
    return see_other(request, f"{PLACE}/{shown.id}#blocks", said)


async def read_block(request: WebRequest) -> tuple[BioPage, Block]:
    """The page and its block that the path names. Raises NotFoundError."""
    shown = await get_page(request)
    return shown, blocks.find_block(shown.blocks, request.read_id("block_id", "block"))


async def write(request: WebRequest, work: Callable[[Transaction], T]) -> T:
    return await request.services.db.write(work)


async def read_new_block(request: WebRequest, part: str, host: str) -> NewBlock:
    form = read_block_form(request.typed, request.zone, f"{part}-")
    kind = read_kind(request.typed)
    image = request.typed.files.get(f"{part}-image")
    if kind == "image" and bool(image) == bool(form.url):
        raise InvalidFieldsError({"image": "choose a file or enter a URL, not both"})
    return NewBlock(
        kind=kind,
        link_id=await find_target(request, form, host) if kind == "link" else None,
        text=form.text,
        url=form.url,
        picture_id=(await keep_picture(request, image, "image")).id if image else None,
        shown_from=form.shown_from,
        shown_until=form.shown_until,
    )
