"""Lists links page by page: chooses how to find a page quickly, and where the next one starts.

A page costs about the same wherever it is and however many links exist. What may narrow a list
down is a *source*: an index of a search, a tag, a domain, a state, of starred or of inactive links.

1. `_plan` turns the filter into a Listing; a search becomes a Match of trigrams.
2. `_choose_way` asks every source how many links it gives (up to COUNTED).
3. `_find_places` takes one of three ways, whose statements are in `listing_store`: *walk* the order
   and keep what fits, *follow* one source in the order of ids, or *rank* all that a source gives.
4. `_count_found` finds the total; the last link's sort key and id become the cursor.

For example, the newest links with the tag "press" and "sale" in them, among a million: the tag
gives 4,000 and the search 300, so the search is the least. FEW (1,000) or less are ranked: 300
links are fetched, sorted and cut to a page. Were there 6,000 hits and 4,000 tagged links, the tag
would be followed from the newest id on until a page is full; with a tag on half of all links, the
order itself is walked, for every second link fits.
"""

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from typing import Any, Final

import msgspec

from shorty.accounts.model import Actor
from shorty.errors import InvalidFieldsError, StorageUnavailableError
from shorty.links import listing_store, store
from shorty.links.context import LinkContext
from shorty.links.deleted import find_deleted_links
from shorty.links.listing_states import FLAGS, StateFlags, find_rest
from shorty.links.listing_store import COUNTED, Listing, Order, Position, Source
from shorty.links.model import Link, LinkFilter, LinkPage, LinkSort
from shorty.links.search_entries import catch_up
from shorty.storage.dialect import Match
from shorty.storage.text import contains_folded, fold_text

# A workspace this small is looked through link by link, whatever is searched for.
SMALL: Final = 2000
# A search waits so long for links that are not indexed yet; SQLite then looks through all links.
INDEX_PATIENCE_S: Final = 0.5
# So many links are walked past before all that fit are ranked instead; counts cost more to follow.
BUDGETS: Final = {"created_at": 12_000, "deleted_at": 12_000, "total": 8_000}
SAMPLE: Final = 200
# So few are ranked at once, where more are followed one by one.
FEW: Final = 1000

_ORDERS: Final[dict[str, Order]] = {
    "createdAt": "created_at",
    "deletedAt": "deleted_at",
    "clickCount": "total",
}
_CURSOR: Final = msgspec.json.Decoder(tuple[LinkSort, Position])


class _Way(msgspec.Struct, frozen=True, kw_only=True):
    """How to find what fits: the source that gives least, and the one to follow if there is one."""

    listing: Listing
    counts: dict[Source, int]
    least: Source | None
    followed: Source | None

    @property
    def in_least(self) -> int:
        return COUNTED + 1 if self.least is None else self.counts[self.least]


class _Page(msgspec.Struct, frozen=True, kw_only=True):
    links: list[Link]
    end: Position | None  # where the next page starts; None: there is none


async def list_links(context: LinkContext, actor: Actor, wanted: LinkFilter) -> LinkPage:
    """Raises InvalidFieldsError for a cursor that is none or another order's, and for an order that
    the links asked for do not have.
    """
    after = read_cursor(wanted)
    require_order(wanted)
    total = await listing_store.count_all(context.db, actor.workspace_id)
    listing = await _plan(context, actor.workspace_id, wanted, total)
    way = None if listing is None else await _choose_way(context, listing)
    if way is None:
        return LinkPage(links=(), next_cursor=None, total=0, total_is_capped=False)
    if not is_filtered(wanted):
        return _show_page(wanted, await _fill_page(context, way, after, wanted.limit), total)
    page, found = await asyncio.gather(
        _fill_page(context, way, after, wanted.limit), _count_found(context, way)
    )
    return _show_page(wanted, page, found)


async def find_ids(context: LinkContext, actor: Actor, wanted: LinkFilter) -> list[int]:
    """All links that fit, in the list's order, up to COUNTED + 1, from the start of the list.

    Raises as list_links does.
    """
    start = msgspec.structs.replace(wanted, cursor=None)
    require_order(start)
    total = await listing_store.count_all(context.db, actor.workspace_id)
    listing = await _plan(context, actor.workspace_id, start, total)
    way = None if listing is None else await _choose_way(context, listing)
    if way is None:
        return []
    places = await _find_places(context, way, read_cursor(start), COUNTED + 1)
    return [place.id for place in places]


def require_order(wanted: LinkFilter) -> None:
    """Raises InvalidFieldsError for an order that the links asked for do not have."""
    if "deletedAt" in wanted.sort and not is_of_deleted(wanted):
        raise InvalidFieldsError({"sort": "by deletion works only with the state deleted"})


def is_of_deleted(wanted: LinkFilter) -> bool:
    return wanted.state is not None and wanted.state.name == "deleted"


def is_filtered(wanted: LinkFilter) -> bool:
    flags = (wanted.is_active, wanted.is_starred, wanted.state)
    filters = (wanted.domain, wanted.tag_id, wanted.kind, *flags)
    return bool(wanted.search.strip()) or any(each is not None for each in filters)


async def _plan(
    context: LinkContext, workspace_id: int, wanted: LinkFilter, total: int
) -> Listing | None:
    """What to ask for; None where nothing can fit."""
    domain = None if wanted.domain is None else context.find_domain(workspace_id, wanted.domain)
    if wanted.domain is not None and domain is None:
        return None
    flags = _join_flags(wanted)
    if flags is None:
        return None
    listing = Listing(
        workspace_id=workspace_id,
        domain_id=None if domain is None else domain.id,
        tag_id=wanted.tag_id,
        is_active=flags.is_active,
        is_starred=flags.is_starred,
        kind=flags.kind,
        state=find_rest(wanted.state),
        match=None,
        order=_ORDERS[wanted.sort.removeprefix("-")],
        is_descending=wanted.sort.startswith("-"),
    )
    search = wanted.search.strip()
    if not search:
        return listing
    if "\0" in search:
        return None  # no text that is stored holds it
    match = await _find_match(context, listing, search, total)
    return None if match is None else msgspec.structs.replace(listing, match=match)


def _join_flags(wanted: LinkFilter) -> StateFlags | None:
    """What is asked for, by the state too; None where that is a contradiction."""
    asked = StateFlags(is_active=wanted.is_active, is_starred=wanted.is_starred, kind=wanted.kind)
    if wanted.state is None or wanted.state.name not in FLAGS:
        return asked
    joined: dict[str, Any] = {}
    for name, value in msgspec.structs.asdict(FLAGS[wanted.state.name]).items():
        given = getattr(asked, name)
        if value is not None and given is not None and value != given:
            return None
        joined[name] = given if value is None else value
    return StateFlags(**joined)


async def _find_match(
    context: LinkContext, listing: Listing, search: str, total: int
) -> Match | None:
    dialect = context.db.dialect
    is_scanned = total <= SMALL or listing.is_of_deleted  # the index finds live links alone
    if dialect.searches_by_entries or not is_scanned:
        with suppress(StorageUnavailableError):  # what cannot be written can still be searched
            is_whole = await catch_up(context.db, INDEX_PATIENCE_S)
            is_scanned |= not is_whole and not dialect.searches_by_entries
    if is_scanned:
        return Match(text=fold_text(search))
    return await dialect.find_match(
        context.db,
        search,
        workspace_id=listing.workspace_id,
        domain_id=listing.domain_id,
        is_active=listing.is_active,
    )


async def _choose_way(context: LinkContext, listing: Listing) -> _Way | None:
    """None where a filter's index has nothing that fits."""
    listing, counts = await _ask_sources(context, listing)
    if 0 in counts.values():
        return None
    least = min(counts, key=counts.__getitem__, default=None)
    followed = listing.list_followed()
    if not followed or not await _is_followed(context, listing, counts):
        return _Way(listing=listing, counts=counts, least=least, followed=None)
    first = min(followed, key=counts.__getitem__)
    return _Way(listing=listing, counts=counts, least=least, followed=first)


async def _ask_sources(context: LinkContext, listing: Listing) -> tuple[Listing, dict[Source, int]]:
    """How much each source gives; of a search the ids are kept, if they are not too many."""
    counts: dict[Source, int] = {}
    for source in listing.list_sources():
        if source == "search":
            ids = await listing_store.list_source(context.db, listing, source, COUNTED + 1)
            counts[source] = len(ids)
            if len(ids) <= COUNTED:
                listing = msgspec.structs.replace(listing, found_ids=tuple(ids))
        else:
            counts[source] = await listing_store.count_source(context.db, listing, source)
    return listing, counts


async def _is_followed(context: LinkContext, listing: Listing, counts: dict[Source, int]) -> bool:
    if listing.order != "created_at" or min(counts.values()) <= FEW:
        return False
    return not await listing_store.has_imported(context.db, listing.workspace_id)


async def _fill_page(context: LinkContext, way: _Way, after: Position, limit: int) -> _Page:
    places = await _find_places(context, way, after, limit + 1)
    ids = [place.id for place in places[:limit]]
    place, state = (context.db, way.listing.workspace_id, ids), way.listing.state
    if state is not None and state.name == "deleted":
        links = await find_deleted_links(*place, state.now)
    else:
        links = await store.find_links(*place)
    if len(places) <= limit or not links:
        return _Page(links=links, end=None)
    last = places[limit - 1]
    if way.listing.order == "created_at":
        # Following gives no times; the next page may be found another way.
        last = Position(key=links[-1].created_at, id=last.id)
    return _Page(links=links, end=last)


async def _find_places(
    context: LinkContext, way: _Way, after: Position, limit: int
) -> list[Position]:
    listing = way.listing
    if way.least is None or listing.has_index_of_its_own:
        return await listing_store.walk(context.db, listing, after, limit)
    if way.followed is not None:
        return await listing_store.follow(context.db, listing, way.followed, after, limit)
    if way.in_least > COUNTED and listing.is_walked_whole:
        return await listing_store.walk(context.db, listing, after, limit)
    if way.in_least > COUNTED and listing.has_index_of_order:
        budget = BUDGETS[listing.order]
        places = await listing_store.walk(context.db, listing, after, limit, budget)
        if len(places) == limit:
            return places
    return await listing_store.rank(context.db, listing, way.least, after, limit)


async def _count_found(context: LinkContext, way: _Way) -> int:
    """Up to COUNTED + 1 links that fit the filter."""
    listing = way.listing
    for source, count in way.counts.items():
        if listing.is_settled_by(source):
            return count
    if (
        way.least == "search"
        and way.in_least > COUNTED
        and await _is_sample_fitting(context, listing)
    ):
        return way.in_least
    source = None if listing.is_of_columns and not listing.is_of_counters else way.least
    return await listing_store.count_fitting(context.db, listing, source)


async def _is_sample_fitting(context: LinkContext, listing: Listing) -> bool:
    """Whether so many candidates, of which none here is a false one, can be taken at their word."""
    if listing.match is None or not listing.is_of_match:
        return False
    ids = await listing_store.list_source(context.db, listing, "search", SAMPLE)
    found = await store.find_links(context.db, listing.workspace_id, ids)
    return len(found) == len(ids) and all(fits(listing.match, link) for link in found)


def fits(match: Match, link: Link) -> bool:
    texts = (link.slug, link.alias_slugs, link.title, link.url, link.original_url)
    return contains_folded(match.text, *texts)


def _show_page(wanted: LinkFilter, page: _Page, total: int) -> LinkPage:
    is_capped = is_filtered(wanted) and total > COUNTED
    return LinkPage(
        links=tuple(page.links),
        next_cursor=None if page.end is None else write_cursor(wanted.sort, page.end),
        total=COUNTED if is_capped else total,
        total_is_capped=is_capped,
    )


def write_cursor(sort: LinkSort, end: Position) -> str:
    return urlsafe_b64encode(msgspec.json.encode((sort, end))).decode().rstrip("=")


def read_cursor(wanted: LinkFilter) -> Position:
    """Where the page starts. Raises InvalidFieldsError."""
    if not wanted.cursor:
        edge = 2**63 - 1 if wanted.sort.startswith("-") else -1
        return Position(key=edge, id=edge)
    try:
        padded = wanted.cursor.encode() + b"=" * (-len(wanted.cursor) % 4)
        sort, place = _CURSOR.decode(urlsafe_b64decode(padded))
    except (ValueError, msgspec.DecodeError):
        raise InvalidFieldsError({"cursor": "must be the nextCursor of an earlier page"}) from None
    if sort != wanted.sort or not all(0 <= number < 2**63 for number in (place.key, place.id)):
        raise InvalidFieldsError({"cursor": f"belongs to a list sorted by {sort}"})
    return place
