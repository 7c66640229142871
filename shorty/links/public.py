"""Owns links that anyone may make without an account: an hour long, on the operator's domains."""

from collections.abc import Callable
from typing import Final, TypeAlias

import msgspec

from shorty.config import UNLIMITED, Plan
from shorty.durations import DAY_MS
from shorty.errors import InvalidFieldsError
from shorty.links import store
from shorty.links.context import LinkContext
from shorty.links.model import Author, Link, LinkChange
from shorty.links.service import create_link_for
from shorty.links.writes import drop_links
from shorty.storage.database import Transaction

# Databases number their workspaces from 1 on, so this one is nobody's.
PUBLIC_WORKSPACE_ID: Final = 0
# Their single clicks go when the day after, in UTC, is over.
CLICK_DAYS: Final = 1
BATCH: Final = 500
# For a day the address says that the link has expired; then its slug is free again.
KEPT_MS: Final = DAY_MS

ForgetSums: TypeAlias = Callable[[Transaction, int, int, int], None]
"""Takes the counts of a link away, which was clicked between two moments alone."""

_AUTHOR: Final = Author(
    workspace_id=PUBLIC_WORKSPACE_ID, creator=None, plan=Plan(name=UNLIMITED, webhooks=False)
)
_NOT_OFFERED: Final = (
    *("cloaked", "password", "max_clicks", "meta_pixel_id", "google_tag_id", "webhook_urls"),
    *("is_link_in_bio", "qr_settings", "tag_ids", "tag_names", "description", "image"),
)


async def create_public_link(context: LinkContext, change: LinkChange, now: int) -> Link:
    """For a caller without an account; limits by address are the door's.

    Raises InvalidFieldsError (nothing but address, slug, title and UTM is offered) and
    SlugTakenError.
    """
    faults = {name: "needs an account" for name in _NOT_OFFERED if getattr(change, name)}
    if faults:
        raise InvalidFieldsError(faults, change.unread)
    await context.db.write(lambda tx: _make_workspace(tx, now))
    wanted = msgspec.structs.replace(change, is_public=True)
    return await create_link_for(context, _AUTHOR, wanted, now)


async def delete_expired_public_links(
    context: LinkContext, now: int, forget_sums: ForgetSums
) -> int:
    """Deletes one batch of those that expired a day ago; how many they were (0: none is left)."""

    def work(tx: Transaction) -> int:
        rows = tx.find_all(store.FIND_EXPIRED_PUBLIC, now - KEPT_MS, PUBLIC_WORKSPACE_ID, BATCH)
        for row in rows:
            forget_sums(tx, row["id"], row["created_at"], row["expires_at"])
        ids = [row["id"] for row in rows]
        return len(drop_links(tx, context, PUBLIC_WORKSPACE_ID, ids, now))

    return await context.db.write(work, *store.COUNTER_LANES)


def _make_workspace(tx: Transaction, now: int) -> None:
    tx.execute(store.MAKE_WORKSPACE, PUBLIC_WORKSPACE_ID, "Public links", UNLIMITED, now)
