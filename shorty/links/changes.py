"""Turns a change of a link into a stored one: what it would become is checked as a new one is."""

from typing import Any, Final

import msgspec
from msgspec import UNSET

from shorty.accounts.model import Actor
from shorty.errors import InvalidFieldsError, NotFoundError, SlugTakenError
from shorty.links import store
from shorty.links.book import LinkBook
from shorty.links.drafts import (
    check_tag_names,
    describe_unknown_tags,
    find_tag_faults,
    hash_link_password,
    resolve_tags,
)
from shorty.links.history import record_edit
from shorty.links.logos import find_logo_faults
from shorty.links.model import Link, LinkChange, LinkColumns, LinkDomain, NewLink, Tag
from shorty.links.rules import check_link
from shorty.links.tags import find_tags, fold_name
from shorty.passwords import find_password_fault
from shorty.plans import QuotaName, give_back_quota, require_feature, take_quota
from shorty.storage.database import Transaction

_SAME_IN_BOTH: Final = tuple(
    name
    for name in NewLink.__struct_fields__
    if name not in {"url", "domain", "password", "tag_ids", "tag_names"}
)

_TAGS: Final = frozenset({"tag_ids", "tag_names", "add_tag_ids", "add_tag_names", "remove_tag_ids"})


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """A checked change: the link as it was, as it is wanted, and the columns that make it so."""

    before: Link
    wanted: NewLink
    domain: LinkDomain
    columns: LinkColumns
    changes_tags: bool
    is_empty: bool


async def hash_new_password(actor: Actor, change: LinkChange) -> str | None:
    if not change.password or find_password_fault(change.password):
        return None
    return await hash_link_password(change.password, actor.workspace_id)


async def find_change_faults(
    book: LinkBook, actor: Actor, before: Link, change: LinkChange, now: int
) -> dict[str, str]:
    """Everything that is wrong with a change, by its fields' names."""
    wanted = merge_change(before, change)
    _, _, faults = _check(book, before, wanted, now)
    tag_faults = await find_tag_faults(book, actor.workspace_id, wanted)
    return _name_tag_fault(change, {**tag_faults, **faults})


def edit_link(
    tx: Transaction,
    book: LinkBook,
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
    edit = _draft_edit(tx, book, actor, before, change, password_hash, now)
    return before, _store_edit(tx, actor, edit, now)


def _draft_edit(
    tx: Transaction,
    book: LinkBook,
    actor: Actor,
    before: Link,
    change: LinkChange,
    password_hash: str | None,
    now: int,
) -> Edit:
    wanted = merge_change(before, change)
    domain, columns, faults = _check(book, before, wanted, now)
    faults |= find_logo_faults(tx, before.workspace_id, wanted.qr_settings, before.qr_settings)
    changes_tags = any(getattr(change, name) is not UNSET for name in _TAGS)
    if changes_tags:
        _, unknown = find_tags(tx, before.workspace_id, wanted.tag_ids)
        tag_faults = {"tag_ids": describe_unknown_tags(unknown)} if unknown else {}
        faults = {**tag_faults, **faults}
    if domain is None or columns is None or faults:
        raise InvalidFieldsError(_name_tag_fault(change, faults))
    if columns.webhook_urls and wanted.webhook_urls != before.webhook_urls:
        require_feature(actor.plan, "webhooks")
    if change.password is not UNSET:
        columns = msgspec.structs.replace(columns, password_hash=password_hash)
    return Edit(
        before=before,
        wanted=wanted,
        domain=domain,
        columns=columns,
        changes_tags=changes_tags,
        is_empty=change.password is UNSET and wanted == merge_change(before, LinkChange()),
    )


def _name_tag_fault(change: LinkChange, faults: dict[str, str]) -> dict[str, str]:
    """The fault of the tags under the name of what asked for them."""
    if "tag_ids" not in faults or change.tag_ids is not UNSET or not change.add_tag_ids:
        return faults
    return {"add_tag_ids" if name == "tag_ids" else name: faults[name] for name in faults}


def merge_change(before: Link, change: LinkChange) -> NewLink:
    """The link as it would have been asked for, had it been made like that."""
    given = {
        name: value
        for name in LinkChange.__struct_fields__
        if (value := getattr(change, name)) is not UNSET
    }
    if given.get("password") and "is_password_asked" not in given:
        given["is_password_asked"] = True
    kept: dict[str, Any] = {name: getattr(before, name) for name in _SAME_IN_BOTH}
    kept |= {"url": before.original_url, "domain": before.host}
    given = {name: value for name, value in given.items() if name not in _TAGS}
    return NewLink(**{**kept, **given, **_merge_tags(before, change)})


def _merge_tags(before: Link, change: LinkChange) -> dict[str, Any]:
    """The tags' ids and the names of more; either of the two given says what all the tags are."""
    ids, names = change.tag_ids, change.tag_names
    if ids is UNSET:
        ids = tuple(tag.id for tag in before.tags) if names is UNSET else ()
    removed = set(change.remove_tag_ids or ())
    ids = (*(tag_id for tag_id in ids if tag_id not in removed), *(change.add_tag_ids or ()))
    had = {fold_name(tag.name) for tag in before.tags if tag.id in ids}
    added = (name for name in change.add_tag_names or () if fold_name(name) not in had)
    return {
        "tag_ids": tuple(dict.fromkeys(ids)),
        "tag_names": (*(() if names is UNSET else names), *added),
    }


def _store_edit(tx: Transaction, actor: Actor, edit: Edit, now: int) -> Link:
    if edit.is_empty:
        return edit.before
    columns = edit.columns
    if store.is_slug_taken(tx, columns.domain_id, columns.slug_key, edit.before.id):
        raise SlugTakenError(columns.slug, edit.domain.host)
    updated_at = max(now, edit.before.updated_at + 1)
    store.update_link(tx, edit.before, columns, updated_at)
    take_quota(tx, actor.workspace_id, actor.plan, "edits_per_month", 1, now)
    _move_quota(tx, actor, "qr_codes", edit.before.qr_settings, columns.qr_settings, now)
    _move_quota(tx, actor, "bio_pages", edit.before.is_link_in_bio, columns.is_link_in_bio, now)
    tags = _replace_tags(tx, edit, now) if edit.changes_tags else edit.before.tags
    page_id = edit.before.bio_page_id
    if columns.is_link_in_bio != edit.before.is_link_in_bio:
        page_id = (
            edit.before.id if columns.is_link_in_bio else store.find_bio_page(tx, edit.before.id)
        )
    after = _build_link(edit, tags, page_id, updated_at)
    record_edit(tx, actor.user_id, edit.before, after, updated_at)
    return after


def _check(
    book: LinkBook, before: Link, wanted: NewLink, now: int
) -> tuple[LinkDomain | None, LinkColumns | None, dict[str, str]]:
    domain = before.domain
    if wanted.domain != before.host:
        domain = book.find_domain(before.workspace_id, wanted.domain)
    columns, faults = check_link(wanted, book.describe_surroundings(domain, now), before)
    return domain, columns, faults | check_tag_names(wanted.tag_names)


def _move_quota(
    tx: Transaction, actor: Actor, quota: QuotaName, before: object, after: object, now: int
) -> None:
    if after and not before:
        take_quota(tx, actor.workspace_id, actor.plan, quota, 1, now)
    elif before and not after:
        give_back_quota(tx, actor.workspace_id, quota, 1)


def _replace_tags(tx: Transaction, edit: Edit, now: int) -> tuple[Tag, ...]:
    tags = resolve_tags(tx, edit.before.workspace_id, edit.wanted, now)
    tx.execute(store.DELETE_LINK_TAGS, edit.before.id)
    store.tag_link(tx, edit.before.id, tags)
    return tags


def _build_link(edit: Edit, tags: tuple[Tag, ...], page_id: int | None, updated_at: int) -> Link:
    before = edit.before
    handed_over = {"created_by", "tags"}
    names = (name for name in Link.__struct_fields__ if name not in handed_over)
    kept = {name: getattr(before, name) for name in names}
    values = {
        **kept,
        **msgspec.structs.asdict(edit.columns),
        "host": edit.domain.host,
        "scheme": edit.domain.scheme,
        "bio_page_id": page_id,
        "edit_count": before.edit_count + 1,
        "updated_at": updated_at,
    }
    return store.build_link(values, before.created_by, tags)
