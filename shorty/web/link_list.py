"""`/app/links`: the list, with search, filters and sorting; scripts fetch only its rows."""

import re
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple
from urllib.parse import urlencode

import msgspec

from shorty.accounts.roles import is_allowed
from shorty.errors import InvalidFieldsError
from shorty.idn import write_host
from shorty.ids import parse_id
from shorty.links.listing import list_links as list_page
from shorty.links.listing_store import COUNTED
from shorty.links.model import JudgedState, Link, LinkFilter, LinkSort, LinkState
from shorty.links.tags import list_tags
from shorty.plans import QuotaName, QuotaUse, read_usage
from shorty.web.badges import list_badges
from shorty.web.guard import Pages
from shorty.web.rendering import render
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer

pages = Pages()

PLACE: Final = "/app/links"
FOUND_CSV: Final = "/app/links/found.csv"
MOST_CODES: Final = 1000
"""QR codes in one archive."""
MOST_SELECTED: Final = COUNTED
"""Links that can be selected as all that were found, which are counted up to as many."""
SEARCH_LENGTH: Final = 200
PER_PAGE: Final = 50
SORTS: Final[dict[LinkSort, str]] = {
    "-createdAt": "Newest first",
    "createdAt": "Oldest first",
    "-clickCount": "Most clicks",
    "clickCount": "Fewest clicks",
}
# Of deleted links the age is that of the deletion.
_SORTS_OF_DELETED: Final[dict[LinkSort, LinkSort]] = {
    "-createdAt": "-deletedAt",
    "createdAt": "deletedAt",
}
STATES: Final[dict[LinkState, str]] = {
    "active": "Active",
    "disabled": "Disabled",
    "expired": "Expired",
    "used-up": "Used up",
    "not-started": "Not started",
    "blocked": "Blocked",
    "password": "Password",
    "bio-page": "Bio page",
    "qr-code": "QR code",
    "starred": "Starred",
    "deleted": "Deleted",
}
# Bookmarks of earlier versions have these.
_FORMER_STATES: Final[dict[str, LinkState]] = {"on": "active", "off": "disabled"}

_LIST: Final = re.compile(r"/app/links(\?[\w%&=.~+-]*)?", re.ASCII)


class Obstacle(NamedTuple):
    """What keeps a deleted link from coming back: in a badge, and in a sentence."""

    badge: str
    text: str


SLUG_TAKEN: Final = Obstacle(
    "Slug taken", "Another link uses its slug now. Rename or delete that one to restore this."
)
SLUG_RESTING: Final = Obstacle(
    "Slug reserved", "Its slug is reserved for another workspace, which used it until recently."
)

NO_ROOM_FOR_CODES: Final = Obstacle("Plan full", "Your plan has no room for more QR codes.")
NO_ROOM_FOR_PAGES: Final = Obstacle("Plan full", "Your plan has no room for more bio pages.")


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """What the query asks for; each part may be empty."""

    search: str = ""
    domain: str = ""
    tag: str = ""
    state: LinkState | Literal[""] = ""
    sort: LinkSort = "-createdAt"
    cursor: str = ""

    @property
    def is_of_deleted(self) -> bool:
        return self.state == "deleted"

    @property
    def is_bin(self) -> bool:
        """Whether it is of all deleted links."""
        return self.is_of_deleted and not (self.search or self.domain or self.tag)

    @property
    def is_filtered(self) -> bool:
        return bool(self.search or self.domain or self.tag or self.state)

    def write_place(self, cursor: str = "", *, place: str = PLACE) -> str:
        """The URL of the list from that cursor on, or of another page about the same links."""
        parts = {
            "q": self.search,
            "domain": self.domain,
            "tag": self.tag,
            "state": self.state,
            "sort": "" if self.sort == "-createdAt" else self.sort,
            "cursor": cursor,
        }
        query = urlencode({name: text for name, text in parts.items() if text})
        return f"{place}?{query}" if query else place

    def build_filter(self, now: int) -> LinkFilter:
        return LinkFilter(
            search=self.search,
            domain=self.domain or None,
            tag_id=int(self.tag) if self.tag else None,
            state=JudgedState(name=self.state, now=now) if self.state else None,
            sort=_SORTS_OF_DELETED.get(self.sort, self.sort) if self.is_of_deleted else self.sort,
            cursor=self.cursor or None,
            limit=PER_PAGE,
        )


@pages.handle("GET /links")
async def list_links(request: WebRequest) -> Answer:
    wanted = read_listing(request.read_query())
    context, actor = request.services.links, request.actor
    try:
        found = await list_page(context, actor, wanted.build_filter(request.now))
    except InvalidFieldsError:  # the cursor is invalid or of another order: start again
        wanted = msgspec.structs.replace(wanted, cursor="")
        found = await list_page(context, actor, wanted.build_filter(request.now))
    domains = request.services.domains.list_for_workspace(actor.workspace_id)
    usage = await read_usage(context.db, actor.workspace_id, actor.plan, request.now)
    return render(
        request,
        "links.html",
        wanted=wanted,
        found=found,
        rows=[(link, list_badges(link, request.now, request.zone)) for link in found.links],
        obstacles={link.id: find_obstacle(link, usage) for link in found.links},
        next_place=wanted.write_place(found.next_cursor) if found.next_cursor else "",
        first_place=wanted.write_place() if wanted.cursor else "",
        back=wanted.write_place(wanted.cursor),
        tags=await list_tags(context.db, actor.workspace_id),
        hosts=[domain.host for domain in domains],
        usual_host=await find_usual_domain(request),
        has_room=usage["links"].has_room,
        # In the bin there is nothing to do for those who may not restore.
        can_select=is_allowed(actor, "write") or not wanted.is_of_deleted,
        csv_place=wanted.write_place(place=FOUND_CSV),
        most_codes=MOST_CODES,
        most_selected=MOST_SELECTED,
        sorts=SORTS,
        states=STATES,
    )


def read_listing(query: dict[str, str]) -> Listing:
    """Ignores invalid parts, so that an old bookmark still shows a list."""
    given = {name: text.strip() for name, text in query.items()}
    tag = given.get("tag", "")
    return Listing(
        search=given.get("q", "")[:SEARCH_LENGTH],
        domain=given.get("domain", "")[:SEARCH_LENGTH],
        tag="" if parse_id(tag) is None else tag,
        state=_read_state(given.get("state", "")),
        sort=_read_sort(given.get("sort", "")),
        cursor=given.get("cursor", ""),
    )


def _read_state(text: str) -> LinkState | Literal[""]:
    for state in STATES:
        if state == text:
            return state
    return _FORMER_STATES.get(text, "")


def _read_sort(text: str) -> LinkSort:
    for sort in SORTS:
        if sort == text:
            return sort
    return "-createdAt"


def read_back(text: str) -> str:
    """The list that a form was on; the whole list if the text is not a list's URL."""
    return text if _LIST.fullmatch(text) else PLACE


def find_obstacle(link: Link, usage: Mapping[QuotaName, QuotaUse]) -> Obstacle | None:
    """None for a link that can be restored, apart from the quota of links, and for a live one."""
    deletion = link.deletion
    if deletion is None:
        return None
    if deletion.is_domain_gone:
        host = write_host(link.host)
        return Obstacle("Domain removed", f"To restore it, add the domain {host} again.")
    if deletion.is_slug_taken:
        return SLUG_TAKEN
    if deletion.is_slug_resting:
        return SLUG_RESTING
    if link.qr_settings is not None and not usage["qr_codes"].has_room:
        return NO_ROOM_FOR_CODES
    if link.is_link_in_bio and not usage["bio_pages"].has_room:
        return NO_ROOM_FOR_PAGES
    return None


async def find_usual_domain(request: WebRequest) -> str:
    """The domain of the workspace's last link, else the first it may use; may be empty."""
    context, actor = request.services.links, request.actor
    hosts = [domain.host for domain in context.domains.list_for_workspace(actor.workspace_id)]
    last = await list_page(context, actor, LinkFilter(limit=1))
    usual = last.links[0].host if last.links else ""
    return usual if usual in hosts else next(iter(hosts), "")
