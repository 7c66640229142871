"""Everything about links that happens inside a transaction: insert, change, delete and restore.

Many links are inserted in one transaction, and those that come at the same time share one. Each
function names what follows the commit, so that no caller has to remember it.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import count, groupby
from typing import Final, TypeAlias

import msgspec

from shorty.accounts.model import Actor
from shorty.domains.store import find_live as find_live_domain
from shorty.errors import (
    ConflictError,
    NotFoundError,
    ShortyError,
    SlugTakenError,
    StorageUnavailableError,
)
from shorty.links import store
from shorty.links.context import LinkContext, read_author
from shorty.links.history import record_action, record_edit
from shorty.links.model import Author, Link, LinkChange, LinkFields, PreparedLink
from shorty.links.prepare import prepare_change, resolve_tags
from shorty.links.slug import fold_key, generate_slug, slug_key
from shorty.plans import QuotaName, give_back_quota, take_available, take_quota
from shorty.storage.database import Transaction

Outcome: TypeAlias = Link | ShortyError
Remember: TypeAlias = Callable[[Transaction, Link], None]
"""Runs in the transaction that made the link, such as to keep the answer for a retry."""

TRIES_PER_LENGTH: Final = 5


async def insert_soon(context: LinkContext, link: PreparedLink) -> Link:
    """In one write with the links that others create at the same moment; returns after the commit.

    Writing each link alone costs more than the link itself: savepoint, quotas, counter, and a
    handover of the interpreter per statement. Raises SlugTakenError and QuotaExceededError.
    """

    async def insert(links: Sequence[PreparedLink], asked_at: float) -> Sequence[Link | Exception]:
        try:
            return await context.db.write(lambda tx: insert_together(tx, context, links), asked_at)
        except StorageUnavailableError as error:
            return [error] * len(links)
        except Exception:  # noqa: BLE001 - it comes again below, for the link that it is about
            return [await _insert_alone(context, link, asked_at) for link in links]

    return await context.inserts.run(link, insert)


def insert_together(
    tx: Transaction, context: LinkContext, links: Sequence[PreparedLink]
) -> list[Outcome]:
    """For each, in order, the link or why there is none."""
    workspaces: dict[int, list[int]] = {}
    for index, link in enumerate(links):
        workspaces.setdefault(link.author.workspace_id, []).append(index)
    outcomes: dict[int, Outcome] = {}
    for indexes in workspaces.values():
        made = insert_links(tx, context, [links[index] for index in indexes])
        outcomes |= zip(indexes, made, strict=True)
    return [outcomes[index] for index in range(len(links))]


def insert_links(
    tx: Transaction, context: LinkContext, links: Sequence[PreparedLink]
) -> list[Outcome]:
    """Links of one workspace: quotas and counters for all at once.

    Where the plan has room for some only, the first good ones get it.
    """
    if not links:
        return []
    author, now = links[0].author, links[0].created_at
    room = left = _take_room(tx, author, len(links), now)
    outcomes: list[Outcome] = []
    for is_alone, found in groupby(links, key=lambda link: link.has_companions):
        run = list(found)
        if is_alone or left < len(run):
            for link in run:
                outcomes.append(_try_to_insert(tx, context, link, has_room=left > 0))
                left -= isinstance(outcomes[-1], Link)
        else:
            # Where the slug of one is taken, nothing of it is to be undone.
            outcomes += _insert_rows(tx, context, run)
            left = room - sum(isinstance(outcome, Link) for outcome in outcomes)
    made = [outcome for outcome in outcomes if isinstance(outcome, Link)]
    store.insert_counters(tx, made)
    _give_back_room(tx, author, left, now)
    _follow_inserts(tx, context, links, outcomes)
    return outcomes


def insert_link(
    tx: Transaction, context: LinkContext, link: PreparedLink, remember: Remember | None = None
) -> Link:
    """A link by itself. Raises SlugTakenError and QuotaExceededError."""
    _take_one(tx, link)
    made = _insert_bare(tx, context, link)
    store.insert_counters(tx, [made])
    _follow_inserts(tx, context, [link], [made])
    if remember is not None:
        remember(tx, made)
    return made


def attempt(tx: Transaction, work: Callable[[], Link]) -> Outcome:
    """What the work made; where it fails as expected, that alone is undone."""
    try:
        return tx.attempt(work)
    except ShortyError as error:
        return error


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
    place = after.domain_id, slug_key(after.slug)
    is_moved = place != (before.domain_id, slug_key(before.slug))
    if is_moved and store.is_slug_taken(
        tx, actor.workspace_id, after.domain_id, after.slug, link_id
    ):
        raise SlugTakenError(after.slug, after.host)
    if tags is not None:
        after = msgspec.structs.replace(
            after, tags=resolve_tags(tx, actor.workspace_id, *tags, now)
        )
    if after == before:
        return before, before
    after = _store_change(tx, actor, before, after, now)
    tx.after_commit(lambda: context.committed(after, before))
    return before, after


def _store_change(tx: Transaction, actor: Actor, before: Link, after: Link, now: int) -> Link:
    updated_at = max(now, before.updated_at + 1)
    page_id = before.bio_page_id
    if after.is_link_in_bio != before.is_link_in_bio:
        page_id = before.id if after.is_link_in_bio else store.find_bio_page(tx, before.id)
    after = msgspec.structs.replace(
        after, bio_page_id=page_id, edit_count=before.edit_count + 1, updated_at=updated_at
    )
    store.update_link(tx, before, after)
    if after.tags != before.tags:
        tx.execute(store.DELETE_LINK_TAGS, before.id)
        store.tag_link(tx, before.id, after.tags)
    take_quota(tx, actor.workspace_id, actor.plan, "edits_per_month", 1, now)
    _move_quota(tx, actor, "qr_codes", before.qr_settings, after.qr_settings, now)
    _move_quota(tx, actor, "bio_pages", before.is_link_in_bio, after.is_link_in_bio, now)
    record_edit(tx, actor.user_id, before, after, updated_at)
    return after


def delete_link(
    tx: Transaction, context: LinkContext, actor: Actor, link_id: int, now: int
) -> int | None:
    """As drop_link, and the link's history says who did it."""
    deleted = drop_link(tx, context, actor.workspace_id, link_id, now)
    if deleted is not None:
        record_action(tx, actor.workspace_id, link_id, actor.user_id, "deleted", now)
    return deleted


def drop_link(
    tx: Transaction, context: LinkContext, workspace_id: int, link_id: int, now: int
) -> int | None:
    """Deletes a link and gives back what it counted for; its id, or None if it does not exist."""
    row = store.delete_link(tx, workspace_id, link_id, now)
    if row is None:
        return None
    give_back_quota(tx, workspace_id, "links", 1)
    if row["has_qr"]:
        give_back_quota(tx, workspace_id, "qr_codes", 1)
    if row["is_link_in_bio"]:
        give_back_quota(tx, workspace_id, "bio_pages", 1)
    domain_id, key = row["domain_id"], row["slug_key"]
    tx.after_commit(lambda: context.lookup.forget(domain_id, key))
    return link_id


def restore_link(
    tx: Transaction, context: LinkContext, actor: Actor, link_id: int, now: int
) -> Link:
    """Takes the quotas back. The monthly quota is not charged again.

    Raises NotFoundError, ConflictError, SlugTakenError and QuotaExceededError.
    """
    link = store.find_deleted(tx, actor.workspace_id, link_id)
    if link is None:
        raise NotFoundError("deleted link", link_id)
    if find_live_domain(tx, link.domain_id) is None:
        raise ConflictError(
            f"The domain {link.host} has been removed: add it again, then restore the link."
        )
    if store.is_slug_taken(tx, actor.workspace_id, link.domain_id, link.slug, link_id):
        raise SlugTakenError(link.slug, link.host)
    take_quota(tx, actor.workspace_id, actor.plan, "links", 1, now)
    _take_companions(tx, read_author(actor), link, now)
    updated_at = max(now, link.updated_at + 1)
    store.restore_link(tx, link, updated_at)
    record_action(tx, actor.workspace_id, link_id, actor.user_id, "restored", now)
    restored = msgspec.structs.replace(link, updated_at=updated_at)
    tx.after_commit(lambda: context.committed(restored))
    return restored


def _follow_inserts(
    tx: Transaction,
    context: LinkContext,
    links: Sequence[PreparedLink],
    outcomes: Sequence[Outcome],
) -> None:
    def follow() -> None:
        for link, outcome in zip(links, outcomes, strict=True):
            if isinstance(outcome, Link):
                context.committed(outcome, fetches_title=link.fetches_title)

    tx.after_commit(follow)


def _try_to_insert(
    tx: Transaction, context: LinkContext, link: PreparedLink, *, has_room: bool
) -> Outcome:
    def insert() -> Link:
        if not has_room:
            _take_one(tx, link)  # says which of the two is used up
        return _insert_bare(tx, context, link)

    return attempt(tx, insert)


def _insert_bare(tx: Transaction, context: LinkContext, link: PreparedLink) -> Link:
    """Without its companions and the quotas of links, which many at once take together."""
    author, now = link.author, link.created_at
    tags = resolve_tags(tx, author.workspace_id, link.tag_ids, link.tag_names, now)
    _take_companions(tx, author, link.fields, now)
    (outcome,) = _insert_rows(tx, context, [link])
    if isinstance(outcome, ShortyError):
        raise outcome
    store.tag_link(tx, outcome.id, tags)
    return msgspec.structs.replace(outcome, tags=tags)


def _insert_rows(
    tx: Transaction, context: LinkContext, links: Sequence[PreparedLink]
) -> list[Outcome]:
    """The links' own rows, as links without tags; or SlugTakenError."""
    outcomes: dict[int, Outcome] = {}
    waiting = list(range(len(links)))
    for tries in count():
        # A domain whose short slugs are nearly used up goes on with longer ones.
        length = context.rules.slug_length + tries // TRIES_PER_LENGTH
        rows = {index: _choose_slug(links[index], length) for index in waiting}
        free = _list_free(tx, links, rows)
        ids = dict(zip(free, store.insert_links(tx, [rows[index] for index in free]), strict=True))
        for index, row in rows.items():
            if (link_id := ids.get(index)) is not None:
                outcomes[index] = _build_link(link_id, row)
            elif links[index].fields.slug:
                outcomes[index] = SlugTakenError(row.fields.slug, row.fields.host)
        waiting = [index for index in waiting if index not in outcomes]
        if not waiting:
            break
    return [outcomes[index] for index in range(len(links))]


def _list_free(
    tx: Transaction, links: Sequence[PreparedLink], rows: Mapping[int, PreparedLink]
) -> list[int]:
    """The rows whose slugs differ in case alone from none of another workspace; where they were
    generated, from none at all. The same slug is noticed when they are inserted.
    """
    places = {index: _fold_place(row.fields) for index, row in rows.items()}
    domains: dict[int, list[str]] = {}
    for domain_id, folded in places.values():
        domains.setdefault(domain_id, []).append(folded)
    workspace_id = links[0].author.workspace_id
    look_alikes = {
        domain_id: store.find_look_alikes(tx, workspace_id, domain_id, folded_keys)
        for domain_id, folded_keys in domains.items()
    }
    free: list[int] = []
    chosen: set[tuple[int, str]] = set()
    for index, (domain_id, folded) in places.items():
        is_own = look_alikes[domain_id].get(folded)
        is_new = is_own is None and (domain_id, folded) not in chosen
        if is_new or (links[index].fields.slug and is_own is not False):
            free.append(index)
        chosen.add((domain_id, folded))
    return free


def _fold_place(fields: LinkFields) -> tuple[int, str]:
    return fields.domain_id, fold_key(slug_key(fields.slug))


def _choose_slug(link: PreparedLink, length: int) -> PreparedLink:
    if link.fields.slug:
        return link
    fields = msgspec.structs.replace(link.fields, slug=generate_slug(length))
    return msgspec.structs.replace(link, fields=fields)


def _build_link(link_id: int, row: PreparedLink) -> Link:
    return Link(
        **msgspec.structs.asdict(row.fields),
        id=link_id,
        workspace_id=row.author.workspace_id,
        created_by=row.author.creator,
        created_at=row.created_at,
        updated_at=row.created_at,
        bio_page_id=link_id if row.fields.is_link_in_bio else None,
    )


def _take_one(tx: Transaction, link: PreparedLink) -> None:
    author, now = link.author, link.created_at
    take_quota(tx, author.workspace_id, author.plan, "links", 1, now)
    take_quota(tx, author.workspace_id, author.plan, "links_per_month", 1, now)


def _take_companions(tx: Transaction, author: Author, fields: LinkFields, now: int) -> None:
    if fields.qr_settings is not None:
        take_quota(tx, author.workspace_id, author.plan, "qr_codes", 1, now)
    if fields.is_link_in_bio:
        take_quota(tx, author.workspace_id, author.plan, "bio_pages", 1, now)


def _move_quota(
    tx: Transaction, actor: Actor, quota: QuotaName, before: object, after: object, now: int
) -> None:
    if after and not before:
        take_quota(tx, actor.workspace_id, actor.plan, quota, 1, now)
    elif before and not after:
        give_back_quota(tx, actor.workspace_id, quota, 1)


def _take_room(tx: Transaction, author: Author, wanted: int, now: int) -> int:
    """How many links the plan has room for, taken from both quotas."""
    room = take_available(tx, author.workspace_id, author.plan, "links", wanted, now)
    granted = take_available(tx, author.workspace_id, author.plan, "links_per_month", room, now)
    if room > granted:
        give_back_quota(tx, author.workspace_id, "links", room - granted)
    return granted


def _give_back_room(tx: Transaction, author: Author, unused: int, now: int) -> None:
    if unused:
        give_back_quota(tx, author.workspace_id, "links", unused)
        give_back_quota(tx, author.workspace_id, "links_per_month", unused, now)


async def _insert_alone(
    context: LinkContext, link: PreparedLink, asked_at: float
) -> Link | Exception:
    try:
        return await context.db.write(lambda tx: insert_link(tx, context, link), asked_at)
    except Exception as error:  # noqa: BLE001 - it is the caller's to handle
        return error
