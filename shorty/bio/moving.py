"""Exports and imports the looks of pages when a workspace moves.

An imported page is checked like one that a door sends, but part by part, so that a fault only costs
the part that has it.
"""

from collections.abc import AsyncGenerator, Sequence
from typing import Final, NamedTuple

import msgspec
from msgspec import UNSET

from shorty.accounts.model import Actor
from shorty.accounts.roles import require_scope
from shorty.bio import store
from shorty.bio.blocks import check_block, insert_block
from shorty.bio.model import Block, NewBlock, PageChange, PageSettings
from shorty.bio.rules import read_block
from shorty.bio.service import merge_settings, require_page
from shorty.errors import InvalidFieldsError
from shorty.links.context import LinkContext
from shorty.storage.database import Reader, Rows, Transaction

PAGES_AT_ONCE: Final = 500


class DressedPage(msgspec.Struct, frozen=True, kw_only=True):
    """A customised page; `updated_at` is None if it only has blocks."""

    id: int
    settings: PageSettings
    blocks: tuple[Block, ...]
    updated_at: int | None


class MovedBlock(NamedTuple):
    """An imported block; its `position` is its index in the list."""

    new: NewBlock
    made_at: int


class Dress(msgspec.Struct, frozen=True, kw_only=True):
    """The looks of a page. Without a time, they date from the last change of its link."""

    change: PageChange
    blocks: Sequence[MovedBlock]
    updated_at: int | None


class DressFaults(msgspec.Struct, frozen=True, kw_only=True):
    """What was left out: settings by name, blocks by index from 0."""

    settings: dict[str, str]
    blocks: dict[int, str]


async def read_dressed_pages(
    rows: Rows, workspace_id: int, now: int
) -> AsyncGenerator[DressedPage]:
    """By ascending id, without pages of public links, which expire within hours."""
    after = 0
    while found := await rows.find_all(store.LIST_DRESSED_IDS, workspace_id, after, PAGES_AT_ONCE):
        for row in found:
            stored, blocks = await store.find_page(rows, row["id"], now)
            yield DressedPage(
                id=row["id"],
                settings=stored.settings,
                blocks=blocks,
                updated_at=stored.updated_at,
            )
        after = found[-1]["id"]


def is_dressed(rows: Reader, page_id: int) -> bool:
    """Whether the page was customised."""
    return rows.find_one(store.FIND_DRESS, page_id) is not None


def dress_page(
    tx: Transaction, context: LinkContext, actor: Actor, page_id: int, dress: Dress
) -> DressFaults | None:
    """Applies everything at once, so that no page is half customised; None if it already was.

    Raises NotFoundError if the link is not a page of the workspace.
    """
    require_scope(actor, "write")
    link = require_page(tx, actor, page_id)
    if is_dressed(tx, page_id):
        return None
    settings, setting_faults = _read_settings(tx, context, actor, dress.change)
    updated_at = link.updated_at if dress.updated_at is None else dress.updated_at
    store.put_settings(tx, page_id, settings, updated_at)
    place, block_faults = 0, dict[int, str]()
    for number, (new, made_at) in enumerate(dress.blocks):
        try:
            block = check_block(tx, context, actor, page_id, new, place)
        except InvalidFieldsError as error:
            block_faults[number] = error.message
        else:
            insert_block(tx, page_id, place, block, made_at)
            place += 1
    return DressFaults(settings=setting_faults, blocks=block_faults)


def judge_dress(rows: Reader, context: LinkContext, actor: Actor, dress: Dress) -> DressFaults:
    """What would be left out, as far as can be known before the links exist."""
    _, setting_faults = _read_settings(rows, context, actor, dress.change)
    block_faults: dict[int, str] = {}
    for number, (new, _) in enumerate(dress.blocks):
        try:
            read_block(new, context.rules.block_list.is_blocked)
        except InvalidFieldsError as error:
            block_faults[number] = error.message
    return DressFaults(settings=setting_faults, blocks=block_faults)


def _read_settings(
    rows: Reader, context: LinkContext, actor: Actor, change: PageChange
) -> tuple[PageSettings, dict[str, str]]:
    """Faulty settings get their defaults, which are always valid."""
    faults: dict[str, str] = {}
    while True:
        try:
            settings = merge_settings(rows, context, actor.workspace_id, PageSettings(), change)
        except InvalidFieldsError as error:
            faults |= error.fields
            change = msgspec.structs.replace(change, **dict.fromkeys(error.fields, UNSET))
        else:
            return settings, faults
