"""`/bio-pages/{id}/blocks`: add, update, reorder and delete a page's blocks."""

from typing import Annotated, Any, Final, TypeAlias

from msgspec import UNSET, Meta

from shorty.api.bio_objects import TAG, BlockAnswer, BlockList, Reader, show_block
from shorty.api.idempotency import create_once
from shorty.api.objects import Input, derive_changes
from shorty.api.operations import Resource
from shorty.api.requests import ApiRequest
from shorty.bio import blocks, service
from shorty.bio.embeds import SITES
from shorty.bio.model import Block, BlockChange, BlockKind, NewBlock
from shorty.bio.rules import MAX_BLOCKS
from shorty.webcore.answers import Answer, answer_json, answer_nothing
from shorty.webcore.fields import convert_given
from shorty.webcore.requests import read_body

PAGE: Final = "bio page"
BLOCK: Final = "block"

Kind: TypeAlias = Annotated[
    BlockKind, Meta(description="The kind of a block cannot change; delete it and create another.")
]
LinkId: TypeAlias = Annotated[
    str | int, Meta(description="For a `link`: the id of the short link that the button opens.")
]
Text: TypeAlias = Annotated[
    str,
    Meta(
        description="A button's label (null: its link's title), the text of a `header` or `text`, "
        "the alternative text of an `image`, or the title of an `embed`."
    ),
]
Url: TypeAlias = Annotated[
    str,
    Meta(
        description="For an `image` hosted elsewhere, its https URL; for an `embed`, the page of "
        f"the video or audio on one of these sites: {', '.join(SITES)}."
    ),
]
PictureId: TypeAlias = Annotated[
    str | int, Meta(description="For an uploaded `image`: its id in `/bio-pictures`.")
]
Hidden: TypeAlias = Annotated[bool, Meta(description="Whether visitors do not see it.")]
From: TypeAlias = Annotated[
    str, Meta(description="When the block appears, in ISO 8601; UTC unless a zone is given.")
]
Until: TypeAlias = Annotated[str, Meta(description="When the block disappears, in ISO 8601.")]

resource: Final = Resource(TAG)


class BlockInput(Input, frozen=True, kw_only=True):
    kind: Kind
    link_id: LinkId | None = None
    text: Text | None = None
    url: Url | None = None
    picture_id: PictureId | None = None
    is_hidden: Hidden | None = None
    shown_from: From | None = None
    shown_until: Until | None = None
    position: (
        Annotated[
            int, Meta(ge=0, le=MAX_BLOCKS, description="Its position, from 0; default: last.")
        ]
        | None
    ) = None


BlockChanges: Final = derive_changes(BlockInput, kind=None, position=None)


class BlockOrder(Input, frozen=True, kw_only=True):
    block_ids: Annotated[
        list[str | int],
        Meta(
            max_length=MAX_BLOCKS, description="The ids of all the page's blocks, in the new order."
        ),
    ]


@resource.handle(
    "GET /bio-pages/{page_id}/blocks",
    "List a page's blocks",
    BlockList,
    description="All blocks in page order, including hidden ones.",
)
async def list_blocks(request: ApiRequest) -> Answer:
    page_id = request.read_id("page_id", PAGE)
    page = await service.get_page(request.services.links, request.actor, page_id, request.now)
    return answer_blocks(request, page.blocks)


@resource.handle(
    "POST /bio-pages/{page_id}/blocks",
    "Add a block to a page",
    BlockAnswer,
    description=f"A page has at most {MAX_BLOCKS} blocks.",
    body=BlockInput,
    body_example={"kind": "link", "linkId": "1170", "text": "My shop"},
)
async def add_block(request: ApiRequest) -> Answer:
    page_id = request.read_id("page_id", PAGE)
    body = await read_body(request)
    new = read_new_block(convert_given(body.fields, BlockInput))
    context, actor, now = request.services.links, request.actor, request.now
    return await create_once(
        request,
        body,
        f"/bio-pages/{page_id}/blocks",
        lambda tx: blocks.add_block(tx, context, actor, page_id, new, now),
        lambda block: BlockAnswer(block=show_block(block, now)),
    )


@resource.handle(
    "PUT /bio-pages/{page_id}/blocks/order",
    "Reorder a page's blocks",
    BlockList,
    body=BlockOrder,
    body_example={"blockIds": ["33", "31", "32"]},
)
async def order_blocks(request: ApiRequest) -> Answer:
    page_id = request.read_id("page_id", PAGE)
    wanted = await request.read_fields(BlockOrder)
    reader = Reader()
    ids = [reader.read_id("blockIds", block_id) for block_id in wanted.block_ids]
    reader.finish()
    found = [block_id for block_id in ids if isinstance(block_id, int)]
    ordered = await request.write(
        lambda tx: blocks.order_blocks(tx, request.actor, page_id, found, request.now)
    )
    return answer_blocks(request, ordered)


@resource.handle("GET /bio-pages/{page_id}/blocks/{block_id}", "Get a block", BlockAnswer)
async def get_block(request: ApiRequest) -> Answer:
    page_id, block_id = read_ids(request)
    page = await service.get_page(request.services.links, request.actor, page_id, request.now)
    return answer_block(request, blocks.find_block(page.blocks, block_id))


@resource.handle(
    "PATCH /bio-pages/{page_id}/blocks/{block_id}",
    "Update a block",
    BlockAnswer,
    description="This also hides a block or schedules it.",
    body=BlockChanges,
    body_example={"isHidden": False, "shownUntil": "2030-12-31T23:59:59Z"},
)
async def change_block(request: ApiRequest) -> Answer:
    page_id, block_id = read_ids(request)
    change = BlockChange(**read_parts(await request.read_given(BlockChanges)))
    context, actor, now = request.services.links, request.actor, request.now
    block = await request.write(
        lambda tx: blocks.change_block(tx, context, actor, page_id, block_id, change, now)
    )
    return answer_block(request, block)


@resource.handle(
    "DELETE /bio-pages/{page_id}/blocks/{block_id}",
    "Delete a block",
    description="The link of a button is kept.",
)
async def delete_block(request: ApiRequest) -> Answer:
    page_id, block_id = read_ids(request)
    await request.write(lambda tx: blocks.delete_block(tx, request.actor, page_id, block_id))
    return answer_nothing()


def read_ids(request: ApiRequest) -> tuple[int, int]:
    return request.read_id("page_id", PAGE), request.read_id("block_id", BLOCK)


def answer_block(request: ApiRequest, block: Block) -> Answer:
    return answer_json(BlockAnswer(block=show_block(block, request.now)))


def answer_blocks(request: ApiRequest, found: tuple[Block, ...] | list[Block]) -> Answer:
    return answer_json(BlockList(blocks=[show_block(block, request.now) for block in found]))


def read_new_block(given: dict[str, Any]) -> NewBlock:
    """Raises InvalidFieldsError."""
    return NewBlock(**read_parts(given))


def read_parts(given: dict[str, Any]) -> dict[str, Any]:
    """Returns the values with ids and times as numbers. Raises InvalidFieldsError."""
    reader = Reader()
    parts: dict[str, Any] = {
        "link_id": reader.read_id("linkId", given.get("link_id", UNSET)),
        "picture_id": reader.read_id("pictureId", given.get("picture_id", UNSET)),
        "shown_from": reader.read_moment("shownFrom", given.get("shown_from", UNSET)),
        "shown_until": reader.read_moment("shownUntil", given.get("shown_until", UNSET)),
    }
    reader.finish()
    if "is_hidden" in given:
        parts["is_hidden"] = bool(given["is_hidden"])
    return given | {name: value for name, value in parts.items() if value is not UNSET}
