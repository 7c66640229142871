"""Changes, deletes and restores links, each inside a transaction; `inserts` makes them.

Each function names what follows the commit, so that no caller has to remember it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from shorty.accounts.model import Actor
from shorty.domains.store import find_live as find_live_domain
from shorty.errors import ConflictError, NotFoundError
from shorty.links import address_store, store
from shorty.links.context import LinkContext, LinkWrite, read_author
from shorty.links.history import describe_changes, record_action, record_edit
from shorty.links.model import Link, LinkChange
from shorty.links.prepare import had_visits, prepare_change
from shorty.links.quotas import ask_companions, ask_quotas, move_quota
from shorty.links.search_entries import ask_mark
from shorty.links.slug import fold_key
from shorty.links.tags import resolve_tags
from shorty.plans import AskedQuota, give_back_quota
from shorty.storage.changes import LinkChanged
from shorty.storage.database import Asked, Row, Transaction


def change_link(
    tx: Transaction,
    context: LinkContext,
    actor: Actor,
    link_id: int,
    change: LinkChange,
    password_hash: str | None,
    now: int,
) -> tuple[Link, Link]:
    """The link before and after; `password_hash` is that of the change.

    Read, merged and judged inside the write, so that of several changes at once each is made and
    the last one wins. Raises NotFoundError, InvalidFieldsError with every fault, FeatureOffError,
    SlugTakenError and QuotaExceededError.
    """
    before = store.find_link_to_change(tx, actor.workspace_id, link_id)
    if before is None:
        raise NotFoundError("link", link_id)
    after, tags = prepare_change(tx, context, actor, before, change, password_hash, now)
    had = {address.key for address in before.addresses}
    added = [address for address in after.addresses if address.key not in had]
    address_store.require_free(tx, actor.workspace_id, added, link_id, now)
    if tags is not None:
        after = msgspec.structs.replace(
            after, tags=resolve_tags(tx, actor.workspace_id, *tags, now)
        )
    if after == before:
        return before, before
    _rest_freed(tx, context, before, after, now)
    after = _store_change(tx, actor, before, after, now)
    context.follow(tx, LinkWrite(after, before))
    return before, after


def _store_change(tx: Transaction, actor: Actor, before: Link, after: Link, now: int) -> Link:
    updated_at = max(now, before.updated_at + 1)
    page_id = before.bio_page_id
    if after.is_link_in_bio != before.is_link_in_bio:
        page_id = before.id if after.is_link_in_bio else store.find_bio_page(tx, before.id)
    after = msgspec.structs.replace(
        after, bio_page_id=page_id, edit_count=before.edit_count + 1, updated_at=updated_at
    )
    record_edit(tx, actor.user_id, before, after, updated_at)
    if after.aliases != before.aliases:
        address_store.replace_aliases(tx, before, after, updated_at)
    if after.tags != before.tags:
        tx.send(store.DELETE_LINK_TAGS, before.id)
        store.tag_link(tx, before.id, after.tags)
    asked = [
        AskedQuota(tx, actor.workspace_id, actor.plan, "edits_per_month", 1, now),
        *move_quota(tx, actor, "qr_codes", before.qr_settings, after.qr_settings, now),
        *move_quota(tx, actor, "bio_pages", before.is_link_in_bio, after.is_link_in_bio, now),
    ]
    store.update_link(tx, before, after)
    for each in asked:
        each.require()
    return after


def _rest_freed(tx: Transaction, context: LinkContext, before: Link, after: Link, now: int) -> None:
    """Addresses at which the link answers no more rest, if it had visits."""
    kept = {address.key for address in after.addresses}
    freed = [address.key for address in before.addresses if address.key not in kept]
    if freed and had_visits(tx, context, before.id):
        for domain_id, key in freed:
            address_store.rest_slug(tx, before.workspace_id, domain_id, fold_key(key), now)


def delete_links(
    tx: Transaction, context: LinkContext, actor: Actor, link_ids: Sequence[int], now: int
) -> list[int]:
    """As drop_links, and each link's history says who did it."""
    deleted = drop_links(tx, context, actor.workspace_id, link_ids, now)
    for link_id in deleted:
        record_action(tx, actor.workspace_id, link_id, actor.user_id, "deleted", now)
    return deleted


def drop_links(
    tx: Transaction, context: LinkContext, workspace_id: int, link_ids: Sequence[int], now: int
) -> list[int]:
    """Deletes links, frees their addresses and gives back what they counted for; the ids of those
    that existed.
    """
    mark = ask_mark(tx)
    drops = [
        _Drop(
            deleted=store.ask_deleted(tx, workspace_id, link_id, now),
            aliases=address_store.ask_freed_aliases(tx, workspace_id, link_id, now),
            visits=address_store.ask_visits(tx, link_id),
        )
        for link_id in link_ids
    ]
    rows = [_follow_drop(tx, context, mark, drop, now) for drop in drops]
    return [row["id"] for row in rows if row is not None]


class _Drop(NamedTuple):
    """What was asked to delete a link: its row, its aliases, and whether it had visits."""

    deleted: Asked
    aliases: Asked
    visits: Asked


def _follow_drop(
    tx: Transaction, context: LinkContext, mark: Asked, drop: _Drop, now: int
) -> Row | None:
    """The deleted link; None if it did not exist."""
    row = drop.deleted.row()
    if row is None:
        return None
    link_id, workspace_id = row["id"], row["workspace_id"]
    store.retire_link(tx, mark, row)
    give_back_quota(tx, workspace_id, "links", 1)
    if row["has_qr"]:
        give_back_quota(tx, workspace_id, "qr_codes", 1)
    if row["is_link_in_bio"]:
        give_back_quota(tx, workspace_id, "bio_pages", 1)
    freed = [row, *drop.aliases.rows()]
    if drop.visits.row() is not None or context.has_waiting_visits(link_id):
        for each in freed:
            place = each["domain_id"], each["folded_key"]
            address_store.rest_slug(tx, workspace_id, *place, now)
    tx.note_change(*(LinkChanged(each["domain_id"], each["slug_key"]) for each in freed))
    return row


def restore_link(
    tx: Transaction, context: LinkContext, actor: Actor, link_id: int, now: int
) -> Link:
    """Takes the quotas back. The monthly quota is not charged again.

    The link gets back those of its aliases that are still free. Raises NotFoundError,
    ConflictError, SlugTakenError and QuotaExceededError.
    """
    link = store.find_deleted(tx, actor.workspace_id, link_id)
    if link is None:
        raise NotFoundError("deleted link", link_id)
    mark = ask_mark(tx)
    asked = [
        *ask_quotas(tx, read_author(actor), ("links",), 1, now),
        *ask_companions(tx, read_author(actor), link, now),
    ]
    if find_live_domain(tx, link.domain_id) is None:
        raise ConflictError(
            f"The domain {link.host} has been removed: add it again, then restore the link."
        )
    address_store.require_free(tx, actor.workspace_id, [link.address], link_id, now)
    for each in asked:
        each.require()
    updated_at = max(now, link.updated_at + 1)
    restored = _restore_aliases(tx, msgspec.structs.replace(link, updated_at=updated_at), now)
    store.restore_link(tx, mark, restored)
    changes = describe_changes(link, restored)
    record_action(tx, actor.workspace_id, link_id, actor.user_id, "restored", now, changes)
    context.follow(tx, LinkWrite(restored))
    return restored


def _restore_aliases(tx: Transaction, link: Link, now: int) -> Link:
    place = tx, link.workspace_id, link.aliases, link.id, now
    faults = zip(link.aliases, address_store.find_slug_faults(*place), strict=True)
    lost = tuple(alias for alias, fault in faults if fault is not None)
    aliases = tuple(alias for alias in link.aliases if alias not in lost)
    restored = msgspec.structs.replace(link, aliases=aliases, lost_aliases=lost)
    address_store.revive_aliases(tx, restored)
    return restored
