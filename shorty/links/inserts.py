"""Inserts links: many in one transaction, and those that come at the same time share one.

Each function names what follows the commit, so that no caller has to remember it.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import count, groupby
from typing import Final, NamedTuple, TypeAlias

import msgspec

from shorty.errors import (
    ShortyError,
    StorageUnavailableError,
)
from shorty.links import address_store, store
from shorty.links.address_store import LookAlike
from shorty.links.context import LinkContext, LinkWrite, Outcome, attempt
from shorty.links.model import Link, LinkFields, PreparedLink
from shorty.links.quotas import (
    QUOTAS_OF_LINKS,
    ask_companions,
    ask_quotas,
    give_back_room,
    take_room,
)
from shorty.links.slug import fold_key, generate_slug, slug_key
from shorty.links.tags import resolve_tags
from shorty.plans import AskedQuota
from shorty.storage.database import Asked, Transaction

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
            return await context.db.write(
                lambda tx: insert_together(tx, context, links), asked_at=asked_at
            )
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
    asked = ask_quotas(tx, author, QUOTAS_OF_LINKS, len(links), now)
    runs = [
        (is_alone, list(run))
        for is_alone, run in groupby(links, key=lambda link: link.has_companions)
    ]
    first = None if runs[0][0] else _propose(tx, context, dict(enumerate(runs[0][1])))
    room = left = take_room(tx, author, asked, now)
    outcomes: list[Outcome] = []
    for is_alone, run in runs:
        if is_alone or left < len(run):
            for link in run:
                outcomes.append(_try_to_insert(tx, context, link, has_room=left > 0))
                left -= isinstance(outcomes[-1], Link)
        else:
            # Where the slug of one is taken, nothing of it is to be undone.
            outcomes += _insert_rows(tx, context, run, None if outcomes else first)
            left = room - sum(isinstance(outcome, Link) for outcome in outcomes)
    give_back_room(tx, author, left, now)
    _follow_inserts(tx, context, links, outcomes)
    return outcomes


def insert_link(
    tx: Transaction, context: LinkContext, link: PreparedLink, remember: Remember | None = None
) -> Link:
    """A link by itself. Raises SlugTakenError and QuotaExceededError."""
    asked = ask_quotas(tx, link.author, QUOTAS_OF_LINKS, 1, link.created_at)
    made = _insert_bare(tx, context, link, asked)
    _follow_inserts(tx, context, [link], [made])
    if remember is not None:
        remember(tx, made)
    return made


def _follow_inserts(
    tx: Transaction,
    context: LinkContext,
    links: Sequence[PreparedLink],
    outcomes: Sequence[Outcome],
) -> None:
    context.follow(
        tx,
        *(
            LinkWrite(outcome, fetches_title=link.fetches_title)
            for link, outcome in zip(links, outcomes, strict=True)
            if isinstance(outcome, Link)
        ),
    )


def _try_to_insert(
    tx: Transaction, context: LinkContext, link: PreparedLink, *, has_room: bool
) -> Outcome:
    def insert() -> Link:
        # They say which of the two is used up.
        quotas = () if has_room else QUOTAS_OF_LINKS
        asked = ask_quotas(tx, link.author, quotas, 1, link.created_at)
        return _insert_bare(tx, context, link, asked)

    return attempt(tx, insert)


def _insert_bare(
    tx: Transaction, context: LinkContext, link: PreparedLink, asked: Sequence[AskedQuota]
) -> Link:
    """Requires the quotas that were asked, and those of its companions."""
    author, now = link.author, link.created_at
    of_companions = ask_companions(tx, author, link.fields, now)
    proposal = _propose(tx, context, {0: link})
    for each in asked:
        each.require()
    tags = resolve_tags(tx, author.workspace_id, link.tag_ids, link.tag_names, now)
    for each in of_companions:
        each.require()
    (outcome,) = _insert_rows(tx, context, [link], proposal)
    if isinstance(outcome, ShortyError):
        raise outcome
    store.tag_link(tx, outcome.id, tags)
    made = msgspec.structs.replace(outcome, tags=tags, aliases=link.aliases)
    address_store.require_free(tx, author.workspace_id, link.aliases, made.id, now)
    address_store.insert_aliases(tx, made, now)
    return made


def _insert_rows(
    tx: Transaction,
    context: LinkContext,
    links: Sequence[PreparedLink],
    proposal: "_Proposal | None",
) -> list[Outcome]:
    """The links' own rows, as links without tags; or SlugTakenError.

    `proposal` is the first one, if it was asked before.
    """
    outcomes: dict[int, Outcome] = {}
    waiting = dict(enumerate(links))
    for tries in count(1):
        rows, look_alikes, next_id = proposal or _propose(tx, context, waiting)
        free, resting = _list_free(tx, links, rows, look_alikes)
        made = store.insert_links(tx, [rows[index] for index in free], next_id)
        ids = dict(zip(free, made, strict=True))
        for index, row in rows.items():
            if (link_id := ids.get(index)) is not None:
                outcomes[index] = _build_link(link_id, row)
            elif links[index].fields.slug:
                place = row.fields.slug, row.fields.host
                outcomes[index] = address_store.build_slug_error(*place, rests=index in resting)
        waiting = {index: link for index, link in waiting.items() if index not in outcomes}
        if not waiting:
            break
        proposal = _propose(tx, context, waiting, tries)
    return [outcomes[index] for index in range(len(links))]


class _Proposal(NamedTuple):
    """Links with the slugs that they may get, and what was asked about these: by domain, the
    addresses like them, and the next id.
    """

    rows: Mapping[int, PreparedLink]
    look_alikes: Mapping[int, Asked]
    next_id: Asked


def _propose(
    tx: Transaction, context: LinkContext, links: Mapping[int, PreparedLink], tries: int = 0
) -> _Proposal:
    # A domain whose short slugs are nearly used up goes on with longer ones.
    length = context.rules.slug_length + tries // TRIES_PER_LENGTH
    rows = {index: _choose_slug(link, length) for index, link in links.items()}
    domains: dict[int, list[str]] = {}
    for row in rows.values():
        domain_id, folded = _fold_place(row.fields)
        domains.setdefault(domain_id, []).append(folded)
    first = next(iter(links.values()))
    workspace_id, now = first.author.workspace_id, first.created_at
    look_alikes = {
        domain_id: address_store.ask_look_alikes(tx, workspace_id, domain_id, folded_keys, now)
        for domain_id, folded_keys in domains.items()
    }
    return _Proposal(rows, look_alikes, store.ask_next_id(tx))


def _list_free(
    tx: Transaction,
    links: Sequence[PreparedLink],
    rows: Mapping[int, PreparedLink],
    asked: Mapping[int, Asked],
) -> tuple[list[int], set[int]]:
    """The rows whose slugs differ in case alone from none of another workspace, and are no alias;
    where they were generated, from none at all. And those whose slugs rest for another workspace.
    The same slug is noticed when they are inserted.
    """
    look_alikes = {
        domain_id: address_store.read_look_alikes(each) for domain_id, each in asked.items()
    }
    free: list[int] = []
    resting: set[int] = set()
    chosen: set[tuple[int, str]] = set()
    for index, row in rows.items():
        domain_id, folded = _fold_place(row.fields)
        found, is_named = look_alikes[domain_id].get(folded), bool(links[index].fields.slug)
        is_new = found is None and (domain_id, folded) not in chosen
        if is_new or (is_named and _may_join(tx, row.fields, found)):
            free.append(index)
        elif found is not None and found.is_own and found.rests:
            resting.add(index)
        chosen.add((domain_id, folded))
    return free, resting


def _may_join(tx: Transaction, fields: LinkFields, found: LookAlike | None) -> bool:
    """Whether a slug that was asked for may be beside those that differ from it in case alone."""
    if found is None:
        return True
    if not found.is_own or found.rests:
        return False
    return not (found.is_alias and address_store.has_alias(tx, fields.domain_id, fields.slug))


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


async def _insert_alone(
    context: LinkContext, link: PreparedLink, asked_at: float
) -> Link | Exception:
    try:
        return await context.db.write(lambda tx: insert_link(tx, context, link), asked_at=asked_at)
    except Exception as error:  # noqa: BLE001 - it is the caller's to handle
        return error
