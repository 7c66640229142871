"""`/bio-pages/{id}/blocks`: what stands on a page: added, changed, put in order, deleted."""

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
    BlockKind, Meta(description="A block stays of its kind: delete it and make another.")
]
LinkId: TypeAlias = Annotated[
    str | int, Meta(description="Of a `link`: the short link that the button leads to.")
]
Text: TypeAlias = Annotated[
    str,
    Meta(
        description="A button's label (null: its link's title), the words of a `header` or `text`, "
        "what an `image` shows, for those who do not see it, or an `embed`'s title."
    ),
]
Url: TypeAlias = Annotated[
    str,
    Meta(
        description="Of an `image` elsewhere, by https; of an `embed` the page of what is played, "
        f"on one of these: {', '.join(SITES)}."
    ),
]
PictureId: TypeAlias = Annotated[
    str | int, Meta(description="Of an `image` here: its id among the `/bio-pictures`.")
]
Hidden: TypeAlias = Annotated[bool, Meta(description="Whether it is kept from visitors.")]
From: TypeAlias = Annotated[
    str, Meta(description="When it appears, in ISO 8601; without a zone in UTC.")
]
Until: TypeAlias = Annotated[str, Meta(description="When it goes, in ISO 8601.")]

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
        Annotated[int, Meta(ge=0, le=MAX_BLOCKS, description="Its place, from 0; else the end.")]
        | None
    ) = None


BlockChanges: Final = derive_changes(
    BlockInput, kind=None, position=None, link_id=LinkId, is_hidden=Hidden
)


class BlockOrder(Input, frozen=True, kw_only=True):
    block_ids: Annotated[
        list[str | int],
        Meta(max_length=MAX_BLOCKS, description="Every block of the page, as they shall stand."),
    ]


@resource.handle(
    "GET /bio-pages/{page_id}/blocks",
    "List a page's blocks",
    BlockList,
    description="All of them in the order of the page, hidden ones too.",
)
async def list_blocks(request: ApiRequest) -> Answer:
    page_id = request.read_id("page_id", PAGE)
    page = await service.get_page(request.services.links, request.actor, page_id, request.now)
    return answer_blocks(request, page.blocks)


@resource.handle(
    "POST /bio-pages/{page_id}/blocks",
    "Add a block to a page",
    BlockAnswer,
    description=f"A page has at most {MAX_BLOCKS}.",
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
    "Put a page's blocks in order",
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


@resource.handle("GET /bio-pages/{page_id}/blocks/{block_id}", "Read a block", BlockAnswer)
async def get_block(request: ApiRequest) -> Answer:
    page_id, block_id = read_ids(request)
    page = await service.get_page(request.services.links, request.actor, page_id, request.now)
    return answer_block(request, blocks.find_block(page.blocks, block_id))


@resource.handle(
    "PATCH /bio-pages/{page_id}/blocks/{block_id}",
    "Change a block",
    BlockAnswer,
    description="Also to hide it, or to show it for a time only.",
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
    description="The link that a button led to stays.",
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
    return NewBlock(**read_parts(given | {"is_hidden": bool(given.get("is_hidden"))}))


def read_parts(given: dict[str, Any]) -> dict[str, Any]:
    """With its ids and times as numbers. Raises InvalidFieldsError."""
    reader = Reader()
    parts: dict[str, Any] = {
        "link_id": reader.read_id("linkId", given.get("link_id", UNSET)),
        "picture_id": reader.read_id("pictureId", given.get("picture_id", UNSET)),
        "shown_from": reader.read_moment("shownFrom", given.get("shown_from", UNSET)),
        "shown_until": reader.read_moment("shownUntil", given.get("shown_until", UNSET)),
    }
    reader.finish()
    return given | {name: value for name, value in parts.items() if value is not UNSET}
