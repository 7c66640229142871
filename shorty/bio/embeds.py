"""Owns embeds: players of a few known sites, in a frame."""

import re
from typing import Final
from urllib.parse import parse_qs

import can_ada
import msgspec


class Embed(msgspec.Struct, frozen=True, kw_only=True):
    """`src` is the frame's URL on `host`; `height` is in pixels, or None for a 16:9 video."""

    site: str
    src: str
    host: str
    height: int | None = None


class _Site(msgspec.Struct, frozen=True, kw_only=True):
    """`pattern` finds an id in the path; `src` is the player's URL with that id."""

    name: str
    hosts: frozenset[str]
    pattern: re.Pattern[str]
    src: str
    height: int | None = None
    query_id: str = ""  # the parameter with the id, if it is not in the path


def _site(
    name: str, hosts: str, pattern: str, src: str, height: int | None = None, query_id: str = ""
) -> _Site:
    return _Site(
        name=name,
        hosts=frozenset(hosts.split()),
        pattern=re.compile(pattern),
        src=src,
        height=height,
        query_id=query_id,
    )


_VIDEO: Final = r"[\w-]{6,20}"
_SITES: Final = (
    _site(
        "YouTube",
        "youtube.com m.youtube.com music.youtube.com youtube-nocookie.com",
        rf"/(?:embed|shorts|live|v)/({_VIDEO})/?|/watch",
        "https://www.youtube-nocookie.com/embed/{0}",
        query_id="v",
    ),
    _site("YouTube", "youtu.be", rf"/({_VIDEO})/?", "https://www.youtube-nocookie.com/embed/{0}"),
    _site(
        "Vimeo",
        "vimeo.com player.vimeo.com",
        r"/(?:video/|channels/\w+/)?(\d{5,12})(?:/\w*)?",
        "https://player.vimeo.com/video/{0}?dnt=1",
    ),
    _site(
        "Spotify",
        "open.spotify.com",
        r"/(?:intl-\w+/)?(?:embed/)?((?:track|episode)/\w{15,30})/?",
        "https://open.spotify.com/embed/{0}",
        height=152,
    ),
    _site(
        "Spotify",
        "open.spotify.com",
        r"/(?:intl-\w+/)?(?:embed/)?((?:album|playlist|artist|show)/\w{15,30})/?",
        "https://open.spotify.com/embed/{0}",
        height=352,
    ),
    _site(
        "Apple Music",
        "music.apple.com embed.music.apple.com",
        r"/([a-z]{2}/(?:album|playlist|song)/[\w%.-]+(?:/[\w.-]+)?)/?",
        "https://embed.music.apple.com/{0}",
        height=450,
    ),
    _site(
        "Apple Podcasts",
        "podcasts.apple.com embed.podcasts.apple.com",
        r"/([a-z]{2}/podcast/[\w%.-]+/id\d+)/?",
        "https://embed.podcasts.apple.com/{0}",
        height=450,
    ),
    _site(
        "Deezer",
        "deezer.com widget.deezer.com",
        r"/(?:[a-z]{2}/)?(?:widget/\w+/)?((?:track|album|playlist|show|episode)/\d+)/?",
        "https://widget.deezer.com/widget/auto/{0}",
        height=300,
    ),
    _site(
        "Dailymotion",
        "dailymotion.com geo.dailymotion.com",
        r"/(?:embed/)?video/(\w{4,20})/?",
        "https://geo.dailymotion.com/player.html?video={0}",
    ),
)
SITES: Final = tuple(dict.fromkeys(site.name for site in _SITES))


def find_embed(url: str) -> Embed | None:
    """The player for a URL; None if its site is not known."""
    try:
        address = can_ada.parse(url.strip())
    except ValueError:
        return None
    if address.protocol not in {"http:", "https:"}:
        return None
    host = address.hostname.removeprefix("www.")
    for site in _SITES:
        match = site.pattern.fullmatch(address.pathname) if host in site.hosts else None
        found = match and (match[1] or _find_in_query(address.search, site.query_id))
        if found:
            src = site.src.format(found)
            frame = can_ada.parse(src)
            return Embed(site=site.name, src=src, host=frame.host, height=site.height)
    return None


def _find_in_query(search: str, name: str) -> str:
    try:
        value = parse_qs(search.removeprefix("?"), max_num_fields=50).get(name, [""])[0]
    except ValueError:
        return ""
    return value if re.fullmatch(_VIDEO, value) else ""
