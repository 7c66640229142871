"""`/app/search`: one search over pages, actions and links, of which the command palette is made."""

import asyncio
from typing import Final
from urllib.parse import urlencode

import msgspec

from shorty.accounts.model import Actor, Scope
from shorty.accounts.roles import is_allowed
from shorty.links.listing import list_links
from shorty.links.model import Link, LinkFilter
from shorty.web.formatting import write_short, write_url
from shorty.web.guard import Pages
from shorty.web.help_pages import find_hits
from shorty.web.link_list import SEARCH_LENGTH, find_usual_domain
from shorty.web.manual import HELP, list_chapters
from shorty.web.navigation import find_sections
from shorty.web.rendering import render
from shorty.web.requests import WebRequest, find_named_link
from shorty.webcore.addresses import API
from shorty.webcore.answers import Answer

pages = Pages()

MOST_WORDS: Final = 8
MOST_PLACES: Final = 8
MOST_LINKS: Final = 8
MOST_RECENT: Final = 5
MOST_HELP: Final = 3
SHORTEST_FOR_HELP: Final = 3


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """`words` are other names by which it is found; `action` is done by the page's script."""

    name: str
    path: str
    icon: str
    about: str = ""
    keys: str = ""
    copy: str = ""
    action: str = ""
    words: str = ""
    needs: Scope = "read"


class Group(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    results: tuple[Result, ...]


ACTIONS: Final = (
    Result(
        name="New link",
        path="/app/links/new",
        icon="plus",
        keys="n",
        words="create add shorten",
        needs="write",
    ),
    Result(
        name="New bio page",
        path="/app/bio-pages",
        icon="page",
        words="create add",
        needs="write",
    ),
    Result(
        name="Invite a member",
        path="/app/members",
        icon="people",
        words="add person user team",
        needs="admin",
    ),
    Result(
        name="Add a domain",
        path="/app/domains",
        icon="globe",
        words="new create dns host",
        needs="admin",
    ),
    Result(
        name="Create an API token",
        path="/app/tokens",
        icon="key",
        words="new add secret",
        needs="admin",
    ),
    Result(
        name="Apps and bookmarklet",
        path="/app/apps",
        icon="out",
        words="sharex raycast shortcuts curl ios android install share browser extension",
        needs="write",
    ),
    Result(
        name="Switch workspace", path="/app/workspaces", icon="people", words="change team leave"
    ),
    Result(
        name="Change your password",
        path="/app/account",
        icon="lock",
        words="security email second factor",
    ),
    Result(name="Help", path=HELP, icon="help", words="manual documentation support"),
    Result(name="API reference", path=f"{API}/docs", icon="page", words="documentation openapi"),
    Result(
        name="Keyboard shortcuts",
        path="/app/account#keyboard",
        icon="keyboard",
        keys="?",
        action="keys",
        words="hotkeys",
    ),
    Result(
        name="Sign out", path="/app/account", icon="leave", action="sign-out", words="log leave"
    ),
)
# Other names of the menu's entries, by their paths.
OTHER_NAMES: Final = {
    "/app": "home dashboard analytics statistics clicks",
    "/app/links": "short urls",
    "/app/bio-pages": "link in bio profile",
    "/app/utm": "campaign parameters",
    "/app/domains": "hosts dns",
    "/app/webhooks": "deliveries endpoints signing",
    "/app/tokens": "keys programs",
    "/app/members": "people team users invitations roles",
    "/app/usage": "plan quota limits",
    "/app/import": "upload csv bitly yourls dub",
    "/app/export": "download csv backup",
    "/app/account": "settings profile password keyboard sessions",
}


@pages.handle("GET /search")
async def search(request: WebRequest) -> Answer:
    typed = request.read_query().get("q", "").strip()[:SEARCH_LENGTH]
    groups = await find_results(request, typed) if typed else await list_first(request)
    groups = [group for group in groups if group.results]
    count = sum(len(group.results) for group in groups)
    return render(request, "search.html", typed=typed, groups=groups, count=count)


async def list_first(request: WebRequest) -> list[Group]:
    """What is offered before anything is typed."""
    actor = request.actor
    found = await list_links(request.services.links, actor, LinkFilter(limit=MOST_RECENT))
    actions = [action for action in ACTIONS if is_allowed(actor, action.needs)]
    return [
        Group(name="Newest links", results=tuple(describe_link(link) for link in found.links)),
        Group(name="Pages", results=tuple(list_places(actor))),
        Group(name="Actions", results=tuple(actions)),
    ]


async def find_results(request: WebRequest, typed: str) -> list[Group]:
    actor = request.actor
    words = typed.casefold().split()[:MOST_WORDS]
    places = [*list_places(actor), *(each for each in ACTIONS if is_allowed(actor, each.needs))]
    fitting = [place for place in places if is_fitting(place, words)]
    fitting.sort(key=lambda place: rank(place, words))
    return [
        Group(name="Create", results=offer_link(actor, typed)),
        Group(name="Pages and actions", results=tuple(fitting[:MOST_PLACES])),
        Group(name="Links", results=await find_links(request, typed)),
        Group(name="Help", results=await find_help(typed)),
    ]


def list_places(actor: Actor) -> list[Result]:
    """The entries of the menu that the person sees."""
    return [
        Result(
            name=entry.name,
            path=entry.path,
            icon=entry.icon,
            keys=f"g {entry.key}",
            words=OTHER_NAMES.get(entry.path, ""),
        )
        for section in find_sections(actor, "")
        for entry in section.entries
    ]


def is_fitting(result: Result, words: list[str]) -> bool:
    """Whether each word begins one of the result's."""
    own = f"{result.name} {result.words}".casefold().split()
    return all(any(each.startswith(word) for each in own) for word in words)


def rank(result: Result, words: list[str]) -> int:
    """Less for what is nearer: its name begins so, has all the words, or only its other names."""
    if result.name.casefold().startswith(words[0]):
        return 0
    return 1 if is_fitting(msgspec.structs.replace(result, words=""), words) else 2


def offer_link(actor: Actor, typed: str) -> tuple[Result, ...]:
    """A link to what was pasted, if it looks like a destination."""
    is_destination = "://" in typed or ("." in typed and "/" in typed)
    if not is_destination or " " in typed or not is_allowed(actor, "write"):
        return ()
    path = f"/app/links/new?{urlencode({'url': typed})}"
    return (Result(name="New link to", about=typed, path=path, icon="plus"),)


async def find_links(request: WebRequest, typed: str) -> tuple[Result, ...]:
    """The link whose short URL or slug was typed before those that contain it."""
    named = await find_named_link(request, typed, await find_usual_domain(request))
    wanted = LinkFilter(search=typed, limit=MOST_LINKS)
    found = await list_links(request.services.links, request.actor, wanted)
    links = {link.id: link for link in (named, *found.links) if link is not None}
    results = [describe_link(link) for link in [*links.values()][:MOST_LINKS]]
    if found.next_cursor:
        every = f"/app/links?{urlencode({'q': typed})}"
        results.append(Result(name="Show all links that match", path=every, icon="search"))
    return tuple(results)


async def find_help(typed: str) -> tuple[Result, ...]:
    """Parts of the manual."""
    if len(typed) < SHORTEST_FOR_HELP:
        return ()
    hits = find_hits(await asyncio.to_thread(list_chapters), typed, MOST_HELP)
    return tuple(
        Result(name=hit.title, about=hit.chapter, path=hit.place, icon="help") for hit in hits
    )


def describe_link(link: Link) -> Result:
    return Result(
        name=write_short(link),
        about=link.title or write_url(link.url),
        path=f"/app/links/{link.id}",
        icon="link",
        copy=link.short_url,
    )
