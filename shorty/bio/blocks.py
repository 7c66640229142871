"""Adds, changes, orders and deletes the blocks of a page, each inside a write."""

from collections.abc import Sequence

from shorty.accounts.model import Actor
from shorty.accounts.roles import require_scope
from shorty.bio import store
from shorty.bio.model import Block, BlockChange, NewBlock
from shorty.bio.rules import MAX_BLOCKS, merge_block_change, read_block
from shorty.bio.service import require_page
from shorty.errors import InvalidFieldsError, NotFoundError
from shorty.links.context import LinkContext
from shorty.links.pictures import find_picture
from shorty.storage.database import Transaction


def add_block(
    tx: Transaction, context: LinkContext, actor: Actor, page_id: int, new: NewBlock, now: int
) -> Block:
    """Raises NotFoundError, and InvalidFieldsError with every fault."""
    require_scope(actor, "write")
    require_page(tx, actor, page_id)
    blocks = _list_blocks(tx, page_id, now)
    block = check_block(tx, context, actor, page_id, new, len(blocks))
    block_id = insert_block(tx, page_id, len(blocks), block, now)
    ids = [each.id for each in blocks]
    ids.insert(len(ids) if block.position is None else block.position, block_id)
    store.move_blocks(tx, page_id, ids)
    return _get_block(tx, page_id, block_id, now)


def change_block(
    tx: Transaction,
    context: LinkContext,
    actor: Actor,
    page_id: int,
    block_id: int,
    change: BlockChange,
    now: int,
) -> Block:
    """Raises NotFoundError, and InvalidFieldsError with every fault."""
    require_scope(actor, "write")
    require_page(tx, actor, page_id)
    before = _get_block(tx, page_id, block_id, now)
    block = read_block(merge_block_change(before, change), context.rules.block_list.is_blocked)
    _check_parts(tx, actor, page_id, block)
    tx.execute(
        store.UPDATE_BLOCK,
        page_id,
        block_id,
        block.link_id,
        block.text,
        block.url,
        block.picture_id,
        int(block.is_hidden),
        block.shown_from,
        block.shown_until,
    )
    return _get_block(tx, page_id, block_id, now)


def order_blocks(
    tx: Transaction, actor: Actor, page_id: int, block_ids: Sequence[int], now: int
) -> list[Block]:
    """All blocks in their new order. Raises NotFoundError and InvalidFieldsError."""
    require_scope(actor, "write")
    require_page(tx, actor, page_id)
    if sorted(block_ids) != sorted(block.id for block in _list_blocks(tx, page_id, now)):
        raise InvalidFieldsError({"block_ids": "must contain each block of the page once"})
    store.move_blocks(tx, page_id, block_ids)
    return _list_blocks(tx, page_id, now)


def delete_block(tx: Transaction, actor: Actor, page_id: int, block_id: int) -> None:
    """Raises NotFoundError."""
    require_scope(actor, "write")
    require_page(tx, actor, page_id)
    if not tx.execute(store.DELETE_BLOCK, page_id, block_id):
        raise NotFoundError("block", block_id)


def find_block(blocks: Sequence[Block], block_id: int) -> Block:
    """Raises NotFoundError."""
    for block in blocks:
        if block.id == block_id:
            return block
    raise NotFoundError("block", block_id)


def check_block(
    tx: Transaction, context: LinkContext, actor: Actor, page_id: int, new: NewBlock, count: int
) -> NewBlock:
    """The block in stored form, on a page with `count` blocks. Raises InvalidFieldsError."""
    block = read_block(new, context.rules.block_list.is_blocked)
    _check_parts(tx, actor, page_id, block)
    if count >= MAX_BLOCKS:
        raise InvalidFieldsError(
            {"kind": (f"cannot be added; the limit of {MAX_BLOCKS} blocks is reached")}
        )
    return block


def insert_block(tx: Transaction, page_id: int, place: int, block: NewBlock, made_at: int) -> int:
    """Inserts a checked block at a free position, counting from 0; returns its id."""
    block_id = tx.insert(
        store.INSERT_BLOCK,
        page_id,
        place,
        block.kind,
        block.link_id,
        block.text,
        block.url,
        block.picture_id,
        int(block.is_hidden),
        block.shown_from,
        block.shown_until,
        made_at,
    )
    if block_id is None:
        raise AssertionError
    return block_id


def _list_blocks(tx: Transaction, page_id: int, now: int) -> list[Block]:
    return [store.read_block(row) for row in tx.find_all(store.LIST_BLOCKS, page_id, now)]


def _get_block(tx: Transaction, page_id: int, block_id: int, now: int) -> Block:
    return find_block(_list_blocks(tx, page_id, now), block_id)


def _check_parts(tx: Transaction, actor: Actor, page_id: int, block: NewBlock) -> None:
    """Raises InvalidFieldsError if a link or picture is not the workspace's."""
    workspace_id = actor.workspace_id
    if block.link_id is not None:
        if block.link_id == page_id:
            raise InvalidFieldsError(
                {"link_id": ("is the page itself, which the first button already opens")}
            )
        if tx.find_one(store.FIND_TARGET, block.link_id, workspace_id) is None:
            fault = f"is not a link of this workspace: {block.link_id}"
            raise InvalidFieldsError({"link_id": fault})
    picture_id = block.picture_id
    if picture_id is not None and find_picture(tx, workspace_id, picture_id, "image") is None:
        fault = f"is not an image of this workspace: {picture_id}"
        raise InvalidFieldsError({"picture_id": fault})
