"""Lists links page by page: which way finds a page quickly, and where the next one starts.

A page costs about the same wherever it is and however many links there are: see `list_store` for
the two ways, and LinkPage for what its total means.
"""

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

import msgspec

from shorty.accounts.model import Actor
from shorty.errors import InvalidFieldsError
from shorty.links import list_store, store
from shorty.links.book import LinkBook
from shorty.links.list_store import COUNTED, Listing, Position
from shorty.links.model import Link, LinkFilter, LinkPage, LinkSort
from shorty.storage.search import Match, find_match
from shorty.storage.text import contains_folded, fold_text

# A workspace this small is looked through link by link, whatever is searched for.
SMALL: Final = 2000
# So many links are walked past before all that fit are ranked instead; counts cost more to follow.
BUDGETS: Final = {"created_at": 12_000, "total": 5_000}
SAMPLE: Final = 200

_CURSOR: Final = msgspec.json.Decoder(tuple[LinkSort, Position])


class _Page(msgspec.Struct, frozen=True, kw_only=True):
    links: list[Link]
    end: Position | None  # where the next page starts; None: there is none


async def list_links(book: LinkBook, actor: Actor, wanted: LinkFilter) -> LinkPage:
    """Raises InvalidFieldsError for a cursor that is none, or another order's."""
    after = read_cursor(wanted)
    total = await list_store.count_all(book.db, actor.workspace_id)
    listing = await _plan(book, actor.workspace_id, wanted, total)
    if listing is None:
        return LinkPage(links=(), next_cursor=None, total=0, total_is_capped=False)
    if not is_filtered(wanted):
        page = await _fill_page(book, listing, after, wanted.limit, None)
        return _show_page(wanted, page, total)
    in_source = await list_store.count_source(book.db, listing)
    page, found = await asyncio.gather(
        _fill_page(book, listing, after, wanted.limit, in_source),
        _count_found(book, listing, in_source),
    )
    return _show_page(wanted, page, found)


def is_filtered(wanted: LinkFilter) -> bool:
    filters = (wanted.domain, wanted.tag_id, wanted.is_active)
    return bool(wanted.search.strip()) or any(each is not None for each in filters)


async def _plan(
    book: LinkBook, workspace_id: int, wanted: LinkFilter, total: int
) -> Listing | None:
    """What to ask for; None where nothing can fit."""
    domain = None if wanted.domain is None else book.find_domain(workspace_id, wanted.domain)
    if wanted.domain is not None and domain is None:
        return None
    listing = Listing(
        workspace_id=workspace_id,
        domain_id=None if domain is None else domain.id,
        tag_id=wanted.tag_id,
        is_active=wanted.is_active,
        match=None,
        order="total" if wanted.sort.endswith("clickCount") else "created_at",
        is_descending=wanted.sort.startswith("-"),
    )
    search = wanted.search.strip()
    if not search:
        return listing
    if "\0" in search:
        return None  # no text that is stored holds it
    match = await _find_match(book, listing, search, total)
    return None if match is None else msgspec.structs.replace(listing, match=match)


async def _find_match(book: LinkBook, listing: Listing, search: str, total: int) -> Match | None:
    if total <= SMALL:
        return Match(text=fold_text(search), expression=None, is_exact=False)
    return await find_match(
        book.db,
        search,
        workspace_id=listing.workspace_id,
        domain_id=listing.domain_id,
        is_active=listing.is_active,
    )


async def _fill_page(
    book: LinkBook, listing: Listing, after: Position, limit: int, in_source: int | None
) -> _Page:
    """Candidates that turn out not to fit are replaced by the next."""
    links: list[Link] = []
    ends: dict[int, Position] = {}
    while True:
        missing = limit + 1 - len(links)
        places = await _find_places(book, listing, after, missing, in_source)
        ends |= {place.id: place for place in places}
        ids = [place.id for place in places]
        found = await store.find_links(book.db, listing.workspace_id, ids)
        links += [link for link in found if fits(listing.match, link)]
        if len(links) > limit:
            return _Page(links=links[:limit], end=ends[links[limit - 1].id])
        if len(places) < missing:
            return _Page(links=links, end=None)
        after = places[-1]


async def _find_places(
    book: LinkBook, listing: Listing, after: Position, limit: int, in_source: int | None
) -> list[Position]:
    if in_source is None or listing.has_own_order:
        return await list_store.walk(book.db, listing, after, limit)
    if in_source > COUNTED:
        budget = BUDGETS[listing.order]
        places = await list_store.walk(book.db, listing, after, limit, budget)
        if len(places) == limit:
            return places
    return await list_store.rank(book.db, listing, after, limit)


async def _count_found(book: LinkBook, listing: Listing, in_source: int | None) -> int:
    """Up to COUNTED + 1 links that fit the filter."""
    if in_source == 0 or (in_source is not None and listing.is_settled_by_source):
        return in_source
    if in_source is not None and in_source > COUNTED and await _is_sample_fitting(book, listing):
        return in_source
    return await list_store.count_fitting(book.db, listing)


async def _is_sample_fitting(book: LinkBook, listing: Listing) -> bool:
    """Whether so many candidates, of which none here is a false one, can be taken at their word."""
    if listing.match is None or listing.tag_id is not None:
        return False
    ids = await list_store.list_source(book.db, listing, SAMPLE)
    found = await store.find_links(book.db, listing.workspace_id, ids)
    return len(found) == len(ids) and all(fits(listing.match, link) for link in found)


def fits(match: Match | None, link: Link) -> bool:
    if match is None:
        return True
    return contains_folded(match.text, link.slug, link.title, link.url, link.original_url)


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
        raise InvalidFieldsError({"cursor": f"belongs to a list that is sorted by {sort}"})
    return place
