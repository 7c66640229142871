"""`/app/links`: the list, with search, filters and sorting; scripts fetch only its rows."""

import re
from typing import Final
from urllib.parse import urlencode

import msgspec

from shorty.errors import InvalidFieldsError
from shorty.ids import parse_id
from shorty.links.listing import list_links as list_page
from shorty.links.model import Link, LinkFilter, LinkSort
from shorty.links.tags import list_tags
from shorty.web.guard import Pages
from shorty.web.rendering import render
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer

pages = Pages()

PLACE: Final = "/app/links"
SEARCH_LENGTH: Final = 200
PER_PAGE: Final = 50
SORTS: Final[dict[LinkSort, str]] = {
    "-createdAt": "Newest first",
    "createdAt": "Oldest first",
    "-clickCount": "Most clicks",
    "clickCount": "Fewest clicks",
}
STATES: Final = {"": "Any state", "on": "On", "off": "Off", "starred": "Starred"}

_LIST: Final = re.compile(r"/app/links(\?[\w%&=.~+-]*)?", re.ASCII)
_LINK: Final = re.compile(r"/app/links/[0-9]{1,18}")


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """What the query asks for; each part may be empty."""

    search: str = ""
    domain: str = ""
    tag: str = ""
    state: str = ""
    sort: LinkSort = "-createdAt"
    cursor: str = ""

    @property
    def is_filtered(self) -> bool:
        return bool(self.search or self.domain or self.tag or self.state)

    def write_place(self, cursor: str = "") -> str:
        """The URL of the list from that cursor on."""
        parts = {
            "q": self.search,
            "domain": self.domain,
            "tag": self.tag,
            "state": self.state,
            "sort": "" if self.sort == "-createdAt" else self.sort,
            "cursor": cursor,
        }
        query = urlencode({name: text for name, text in parts.items() if text})
        return f"{PLACE}?{query}" if query else PLACE

    def build_filter(self) -> LinkFilter:
        flags = {"on": (True, None), "off": (False, None), "starred": (None, True)}
        is_active, is_starred = flags.get(self.state, (None, None))
        return LinkFilter(
            search=self.search,
            domain=self.domain or None,
            tag_id=int(self.tag) if self.tag else None,
            is_active=is_active,
            is_starred=is_starred,
            sort=self.sort,
            cursor=self.cursor or None,
            limit=PER_PAGE,
        )


class Badge(msgspec.Struct, frozen=True, kw_only=True):
    text: str
    kind: str = ""
    about: str = ""


@pages.handle("GET /links")
async def list_links(request: WebRequest) -> Answer:
    wanted = read_listing(request.read_query())
    context, actor = request.services.links, request.actor
    try:
        found = await list_page(context, actor, wanted.build_filter())
    except InvalidFieldsError:  # the cursor is invalid or of another order: start again
        wanted = msgspec.structs.replace(wanted, cursor="")
        found = await list_page(context, actor, wanted.build_filter())
    domains = request.services.domains.list_for_workspace(actor.workspace_id)
    return render(
        request,
        "links.html",
        wanted=wanted,
        found=found,
        rows=[(link, list_badges(link, request.now)) for link in found.links],
        next_place=wanted.write_place(found.next_cursor) if found.next_cursor else "",
        first_place=wanted.write_place() if wanted.cursor else "",
        back=wanted.write_place(wanted.cursor),
        tags=await list_tags(context.db, actor.workspace_id),
        hosts=[domain.host for domain in domains],
        usual_host=await find_usual_domain(request),
        sorts=SORTS,
        states=STATES,
    )


def read_listing(query: dict[str, str]) -> Listing:
    """Ignores invalid parts, so that an old bookmark still shows a list."""
    given = {name: text.strip() for name, text in query.items()}
    tag, state = given.get("tag", ""), given.get("state", "")
    return Listing(
        search=given.get("q", "")[:SEARCH_LENGTH],
        domain=given.get("domain", "")[:SEARCH_LENGTH],
        tag="" if parse_id(tag) is None else tag,
        state=state if state in STATES else "",
        sort=_read_sort(given.get("sort", "")),
        cursor=given.get("cursor", ""),
    )


def _read_sort(text: str) -> LinkSort:
    for sort in SORTS:
        if sort == text:
            return sort
    return "-createdAt"


def read_back(text: str) -> str:
    """The list that a form was on; the whole list if the text is not a list's URL."""
    return text if _LIST.fullmatch(text) else PLACE


def read_return(text: str) -> str:
    """As read_back, but also accepts one link's page, since the link still exists afterwards."""
    return text if _LINK.fullmatch(text) else read_back(text)


def list_badges(link: Link, now: int) -> list[Badge]:
    """What is special about a link, the most important first."""
    is_used_up = link.max_clicks is not None and link.click_count >= link.max_clicks
    is_early = link.valid_since is not None and link.valid_since > now
    is_over = link.expires_at is not None and link.expires_at <= now
    left = "" if link.max_clicks is None else f"{link.click_count:,} of {link.max_clicks:,} visits"
    badges = (
        (link.is_admin_blocked, Badge(text="Blocked", kind="alarm", about="Blocked by an admin")),
        (not link.is_active, Badge(text="Off", kind="warn", about="Answers 404")),
        (is_early, Badge(text="Not started", kind="warn", about="Answers 404 until it starts")),
        (is_over, Badge(text="Expired", kind="warn")),
        (is_used_up, Badge(text="Used up", kind="warn", about=left)),
        (link.expires_at is not None and not is_over, Badge(text="Expires")),
        (link.max_clicks is not None and not is_used_up, Badge(text="Limited", about=left)),
        (link.password_hash is not None and link.is_password_asked, Badge(text="Password")),
        (link.is_link_in_bio, Badge(text="Bio page")),
        (link.cloaked, Badge(text="Cloaked")),
    )
    return [badge for is_so, badge in badges if is_so]


async def find_usual_domain(request: WebRequest) -> str:
    """The domain of the workspace's last link, else the first it may use; may be empty."""
    context, actor = request.services.links, request.actor
    hosts = [domain.host for domain in context.domains.list_for_workspace(actor.workspace_id)]
    last = await list_page(context, actor, LinkFilter(limit=1))
    usual = last.links[0].host if last.links else ""
    return usual if usual in hosts else next(iter(hosts), "")
