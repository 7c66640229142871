"""The dashboard as an installed app: its manifest, and what other apps share with it."""

import re
from collections import Counter
from typing import Final
from urllib.parse import urlencode

import msgspec

from shorty.links.checks import TITLE_LENGTH
from shorty.web.assets import write_asset_address
from shorty.web.cookies import Notice
from shorty.web.guard import Pages
from shorty.web.rendering import see_other
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer, Header

pages = Pages()

NEW_LINK: Final = "/app/links/new"
MANIFEST: Final = b"application/manifest+json"
MANIFEST_HEADERS: Final[tuple[Header, ...]] = (
    (b"cache-control", b"public, max-age=3600"),
    (b"x-content-type-options", b"nosniff"),
)
_URL: Final = re.compile(r"https?://\S+", re.IGNORECASE)
_CLOSING: Final = {")": "(", "]": "[", "}": "{"}
_AFTER: Final = ".,;:!?'\"\N{HORIZONTAL ELLIPSIS}\N{RIGHT SINGLE QUOTATION MARK}”»>"
_AROUND_TITLE: Final = " -\N{EN DASH}\N{EM DASH}|:;,.([{"


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """`url` is empty if nothing that was shared is one."""

    url: str
    title: str


@pages.handle("GET /manifest.webmanifest", needs=None)
async def show_manifest(request: WebRequest) -> Answer:  # noqa: ARG001 each handler takes one
    """Browsers ask for it without cookies. Paths are of whichever host is asked."""
    manifest = {
        "id": "/app",
        "name": "shorty",
        "short_name": "shorty",
        "description": "Short links, QR codes and their analytics.",
        "lang": "en",
        "start_url": "/app",
        "scope": "/app",
        "display": "standalone",
        "background_color": "#f7f6f3",
        "theme_color": "#f7f6f3",
        "icons": [
            _describe_icon("app-icon.svg", "any", "any"),
            _describe_icon("app-icon-192.png", "192x192", "any"),
            _describe_icon("app-icon-512.png", "512x512", "any"),
            _describe_icon("app-icon-full-512.png", "512x512", "maskable"),
        ],
        "shortcuts": [
            {"name": "New link", "url": NEW_LINK},
            {"name": "Links", "url": "/app/links"},
        ],
        "share_target": {
            "action": "/app/share",
            "method": "GET",
            "enctype": "application/x-www-form-urlencoded",
            "params": {"title": "title", "text": "text", "url": "url"},
        },
    }
    body = msgspec.json.encode(manifest)
    return Answer(200, body, media_type=MANIFEST, headers=MANIFEST_HEADERS)


def _describe_icon(name: str, sizes: str, purpose: str) -> dict[str, str]:
    kind = "image/svg+xml" if name.endswith(".svg") else "image/png"
    return {"src": write_asset_address(name), "sizes": sizes, "type": kind, "purpose": purpose}


@pages.handle("GET /share", needs="write")
async def receive_shared(request: WebRequest) -> Answer:
    """Opens the form of a new link, filled in; creates nothing."""
    query = request.read_query()
    shared = read_shared(query.get("title", ""), query.get("text", ""), query.get("url", ""))
    fields = {name: text for name, text in msgspec.structs.asdict(shared).items() if text}
    place = f"{NEW_LINK}?{urlencode(fields)}" if fields else NEW_LINK
    if shared.url:
        return see_other(request, place)
    text = "No URL found in what was shared. Enter the destination."
    return see_other(request, place, notice=Notice(text=text, is_alarm=True))


def read_shared(title: str, text: str, url: str) -> Shared:
    """Android's apps put the URL into the text, often behind a title."""
    for part in (url, text, title):
        if found := _URL.search(part):
            address = trim_url(found[0])
            if part is not text:
                return Shared(url=address, title=_clean("" if part is title else title))
            before, after = text[: found.start()], text[found.start() + len(address) :]
            return Shared(url=address, title=_clean(title) or _clean(before) or _clean(after))
    return Shared(url="", title=_clean(title) or _clean(text))


def trim_url(text: str) -> str:
    """Without the punctuation of the sentence around it; its own brackets stay."""
    left, end = Counter(text), len(text)
    while end:
        last = text[end - 1]
        is_unopened = last in _CLOSING and left[last] > left[_CLOSING[last]]
        if last not in _AFTER and not is_unopened:
            break
        left[last] -= 1
        end -= 1
    return text[:end]


def _clean(title: str) -> str:
    """One line, and no longer than a title may be."""
    return " ".join(title.split()).strip(_AROUND_TITLE)[:TITLE_LENGTH].rstrip()
